//! The answers of a turn: made before its write, sent right after it, without waking the tasks that made them.

use crate::answer::{Answer, push_line};
use crate::cells::Cells;
use crate::reply::{Redirect, Reply};
use crate::step::Step;
use crate::wire::Wire;
use attribution_core::outcome::Outcome;
use attribution_core::time::Instant;
use attribution_core::token::SigningKey;
use std::ops::Range;
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

/// A turn that needed more than this gives the rest back.
const KEPT: usize = 1 << 20;

/// The answers that wait for the end of the turn.
#[derive(Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    waiting: Vec<Waiting>,
    /// How a redirect begins in this second: up to where its own lines follow.
    redirect: Vec<u8>,
    date: String,
    second: i64,
}

struct Waiting {
    wire: Rc<Wire>,
    range: Range<usize>,
    /// The outcome of a recorded click.
    click: Option<Outcome>,
    /// Where the pieces of a redirect are, in case its frame is not written.
    redirect: Option<Redirect>,
    code: u16,
    close: bool,
}

/// A click of a strict programme: its answer leaves the outbox and waits for the disk.
pub(crate) struct Strict {
    pub(crate) outcome: Outcome,
    pub(crate) code: u16,
    pub(crate) bytes: Vec<u8>,
}

impl Outbox {
    /// Starts an answer at `now` as the redirect that it most often becomes. Gives the buffer for a redirect's lines, and
    /// where the answer begins in it.
    pub(crate) fn start(&mut self, now: Instant) -> (&mut Vec<u8>, usize) {
        let second = now.millis().div_euclid(1_000);
        if second != self.second || self.redirect.is_empty() {
            self.second = second;
            let since = Duration::from_secs(u64::try_from(second).unwrap_or(0));
            self.date = httpdate::fmt_http_date(UNIX_EPOCH + since);
            self.redirect.clear();
            self.redirect.extend_from_slice(b"HTTP/1.1 302 Found\r\ncache-control: private, no-store\r\n");
            push_line("date", self.date.as_bytes(), &mut self.redirect);
            push_line("content-length", b"0", &mut self.redirect);
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&self.redirect);
        (&mut self.bytes, start)
    }

    /// Ends the answer that begins at `start`; the outbox sends it at the end of the turn.
    pub(crate) fn put(&mut self, wire: &Rc<Wire>, start: usize, step: Step<'_>, close: bool, cells: &Cells) {
        let (click, redirect, code) = match step {
            Step::Counted(outcome, answer) => {
                cells.outcome(outcome);
                (None, None, self.page(start, &answer, close))
            }
            Step::Beside(answer) => {
                cells.pages.add(1);
                (None, None, self.page(start, &answer, close))
            }
            Step::Unjournaled { outcome, reply } => {
                cells.outcome(outcome);
                cells.unjournaled.add(1);
                let (_, code) = self.end(start, reply, close);
                (None, None, code)
            }
            Step::Recorded { outcome, reply, .. } => {
                let (redirect, code) = self.end(start, reply, close);
                (Some(outcome), redirect, code)
            }
        };
        let range = start..self.bytes.len();
        self.waiting.push(Waiting { wire: Rc::clone(wire), range, click, redirect, code, close });
    }

    /// Ends a strict programme's answer and takes it out.
    pub(crate) fn take(&mut self, start: usize, outcome: Outcome, reply: Reply, close: bool) -> Strict {
        let (_, code) = self.end(start, reply, close);
        Strict { outcome, code, bytes: self.bytes.split_off(start) }
    }

    fn end(&mut self, start: usize, reply: Reply, close: bool) -> (Option<Redirect>, u16) {
        match reply {
            Reply::Redirect(redirect) => {
                end_redirect(&mut self.bytes, close);
                (Some(redirect), 302)
            }
            other => (None, self.page(start, &other.into_page(), close)),
        }
    }

    /// Appends a page with the current date.
    pub(crate) fn push_page(&self, answer: &Answer, close: bool, out: &mut Vec<u8>) {
        answer.push_to(self.date.as_bytes(), close, out);
    }

    fn page(&mut self, start: usize, answer: &Answer, close: bool) -> u16 {
        self.bytes.truncate(start);
        answer.push_to(self.date.as_bytes(), close, &mut self.bytes);
        answer.status.as_u16()
    }

    /// Sends everything. `written` says whether the turn's frames are in the kernel.
    pub(crate) fn send(&mut self, written: bool, key: &SigningKey, cells: &Cells, second: u32) {
        for Waiting { wire, range, click, redirect, code, close } in self.waiting.drain(..) {
            cells.code(code);
            let mut answer = &self.bytes[range];
            let anew;
            if let Some(outcome) = click {
                cells.outcome(outcome);
                if written {
                    cells.answered.add(1);
                } else {
                    cells.unwritten.add(1);
                    if let Some(redirect) = redirect {
                        anew = without_claim(&self.redirect, &redirect.unjournaled(key, &self.bytes), close);
                        answer = &anew;
                    }
                }
            }
            wire.send(answer, second);
        }
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
    }
}

/// A redirect that gives no claim, for a click whose frame was not written.
fn without_claim(begin: &[u8], location: &[u8], close: bool) -> Vec<u8> {
    let mut answer = begin.to_vec();
    push_line("location", location, &mut answer);
    end_redirect(&mut answer, close);
    answer
}

fn end_redirect(out: &mut Vec<u8>, close: bool) {
    if close {
        push_line("connection", b"close", out);
    }
    out.extend_from_slice(b"\r\n");
}
