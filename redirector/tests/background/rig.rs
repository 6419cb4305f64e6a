//! An edge without a server: a journal, writers, and the background, wired as an edge wires them.

use crate::core_server::{CoreServer, State, TOKEN};
use attribution_core::catalogue::{ClaimEnd, ClaimScope, NumberedChange, Rebind};
use attribution_core::click::{ClickId, EdgeId};
use attribution_core::code::Code;
use attribution_core::history::FeedPosition;
use attribution_core::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use attribution_core::outcome::{Outcome, Reason};
use attribution_core::record::{AddressPrefix, CLICK_MAX_LEN, ClickFlags, ClickRecord, Tally};
use attribution_core::time::{DAY_MS, Instant};
use journal::{AppendError, FlushError, Journal, Options, StreamId, Writer};
use redirector::background::{
    Background, BackgroundOptions, ClaimTerms, Contact, Parts, Seams, ShutdownReport, cursor_names, spawn,
};
use redirector::clock;
use redirector::core_link::{CoreToken, HttpCoreLink, HttpCoreLinkOptions};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) const EDGE: EdgeId = EdgeId(7);
pub(crate) const WORKERS: u8 = 2;
/// Small, so that a test soon has many.
pub(crate) const SEGMENT_BYTES: u64 = 64 << 10;
/// Terms of every claim, unless a test says otherwise: plain last click of 15 days.
pub(crate) const LAST_CLICK: ClaimTerms = ClaimTerms {
    scope: ClaimScope::Programme,
    life_ms: 15 * DAY_MS,
    end: ClaimEnd::FromClick,
    protection_ms: 0,
    rebind: Rebind::AnyClick,
    link_end: None,
};

/// What happened to the table while it was loaded anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anew {
    Begun,
    TookOver,
}

/// An edge without a server.
pub(crate) struct Rig {
    pub(crate) journal: Arc<Journal>,
    pub(crate) writers: Vec<Writer>,
    pub(crate) contact: Arc<Contact>,
    pub(crate) applied: Arc<Mutex<Vec<NumberedChange>>>,
    /// How many changes came with each call.
    pub(crate) pages: Arc<Mutex<Vec<usize>>>,
    pub(crate) anew: Arc<Mutex<Vec<Anew>>>,
    pub(crate) saved: Arc<Mutex<Vec<u64>>>,
    pub(crate) tallies: Arc<Mutex<[Tally; WORKERS as usize]>>,
    background: Background,
}

/// Quick steps, so that a test waits for nothing but the thing itself.
pub(crate) fn quick() -> BackgroundOptions {
    BackgroundOptions {
        feed_every: Duration::from_millis(5),
        heartbeat_every: Duration::from_millis(20),
        linger: Duration::from_millis(1),
        snapshot_every: Duration::from_secs(3_600),
        ..BackgroundOptions::default()
    }
}

pub(crate) fn link_to(core: SocketAddr) -> HttpCoreLink {
    let base = format!("http://{core}/").parse().unwrap();
    let options = HttpCoreLinkOptions {
        ship_timeout: Duration::from_millis(400),
        call_timeout: Duration::from_millis(400),
        ..HttpCoreLinkOptions::new(base, CoreToken::new(TOKEN).unwrap())
    };
    HttpCoreLink::new(options).unwrap()
}

impl Rig {
    pub(crate) fn start(dir: &Path, core: SocketAddr, options: BackgroundOptions) -> Self {
        Self::start_with(dir, core, options, LAST_CLICK, SEGMENT_BYTES)
    }

    pub(crate) fn start_with(
        dir: &Path,
        core: SocketAddr,
        options: BackgroundOptions,
        terms: ClaimTerms,
        segment_bytes: u64,
    ) -> Self {
        let mut journal_options = Options::new(dir, EDGE.0, WORKERS);
        journal_options.segment_bytes = segment_bytes;
        journal_options.spare_segments = 4;
        journal_options.cursors = cursor_names(&options);
        let random = getrandom::u64().unwrap();
        let opened = Journal::open(&journal_options, clock::now().millis(), random).unwrap();
        let journal = Arc::new(opened.journal);
        let contact = Arc::new(Contact::new(FeedPosition::START, None));
        let applied: Arc<Mutex<Vec<NumberedChange>>> = Arc::default();
        let pages: Arc<Mutex<Vec<usize>>> = Arc::default();
        let saved: Arc<Mutex<Vec<u64>>> = Arc::default();
        let tallies: Arc<Mutex<[Tally; WORKERS as usize]>> = Arc::default();
        let anew: Arc<Mutex<Vec<Anew>>> = Arc::default();
        let (counted, begun, ended) = (Arc::clone(&pages), Arc::clone(&anew), Arc::clone(&anew));
        let (apply, save, tally) = (Arc::clone(&applied), Arc::clone(&saved), Arc::clone(&tallies));
        let seams = Seams {
            now: clock::now,
            apply: Box::new(move |_, page| {
                counted.lock().unwrap().push(page.len());
                apply.lock().unwrap().extend_from_slice(page);
            }),
            begin_anew: Box::new(move || begun.lock().unwrap().push(Anew::Begun)),
            take_over: Box::new(move || ended.lock().unwrap().push(Anew::TookOver)),
            save: Box::new(move |number| {
                save.lock().unwrap().push(number);
                Ok(())
            }),
            tally: Box::new(move |worker| tally.lock().unwrap()[usize::from(worker.0)]),
            unwritten: Box::new(|| None),
            stepped_back: Box::new(|_| None),
            terms: Box::new(move |_| Some(terms)),
        };
        let parts = Parts {
            edge: EDGE,
            begun: clock::now(),
            link: Arc::new(link_to(core)),
            journal: Arc::clone(&journal),
            contact: Arc::clone(&contact),
            incomplete: opened.notices.iter().filter_map(journal::Notice::incomplete).collect(),
            seams,
            options,
        };
        let background = spawn(parts).unwrap();
        Self { journal, writers: opened.writers, contact, applied, pages, anew, saved, tallies, background }
    }

    pub(crate) fn stream(&self, worker: usize) -> StreamId {
        self.writers[worker].stream()
    }

    /// Writes clicks numbered from the stream's next sequence on.
    pub(crate) fn write(&mut self, worker: usize, count: u64) {
        write(&mut self.writers[worker], count);
    }

    pub(crate) fn write_tally(&mut self, worker: usize, tally: Tally) {
        append(&mut self.writers[worker], &tally.encode());
        flush(&mut self.writers[worker]);
    }

    /// Writes one record.
    pub(crate) fn write_record(&mut self, worker: usize, at: Instant, record: &ClickRecord<'_>) -> ClickId {
        let writer = &mut self.writers[worker];
        let mut bytes = [0; CLICK_MAX_LEN];
        let len = record.encode(&mut bytes);
        let sequence = writer.append(at.millis(), &bytes[..len]).unwrap();
        flush(writer);
        let StreamId { edge, epoch, worker } = writer.stream();
        let stream = attribution_core::click::Stream {
            edge: EdgeId(edge),
            epoch: attribution_core::click::Epoch(epoch),
            worker: attribution_core::click::WorkerId(worker),
        };
        ClickId::new(stream, sequence)
    }

    /// Ends in order.
    pub(crate) async fn shutdown(self, deadline: Duration) -> ShutdownReport {
        let Self { journal, writers, background, .. } = self;
        drop(writers);
        let report = background.shutdown(deadline).await;
        journal.close().unwrap();
        report
    }

    /// Ends the background at once, then the journal.
    pub(crate) fn stop(self) {
        let Self { journal, writers, background, .. } = self;
        drop(background);
        drop(writers);
        journal.close().unwrap();
    }
}

pub(crate) fn write(writer: &mut Writer, count: u64) {
    for _ in 0..count {
        append(writer, &payload(writer.stream(), writer.next_sequence()));
        if writer.pending_bytes() > 8 << 10 {
            flush(writer);
        }
    }
    flush(writer);
}

/// The payload of a click, different for every one.
pub(crate) fn payload(stream: StreamId, sequence: u64) -> Vec<u8> {
    let mut visitor = [0; 16];
    visitor[..8].copy_from_slice(&stream.epoch.to_le_bytes());
    visitor[8] = stream.worker;
    visitor[9..].copy_from_slice(&sequence.to_le_bytes()[..7]);
    let mut bytes = [0; CLICK_MAX_LEN];
    let len = click(VisitorId(visitor), PromoterNum(4)).encode(&mut bytes);
    bytes[..len].to_vec()
}

/// An attributed click that writes a claim.
pub(crate) fn click(visitor: VisitorId, promoter: PromoterNum) -> ClickRecord<'static> {
    ClickRecord {
        outcome: Outcome::Attributed,
        reason: Reason::None,
        flags: ClickFlags::default(),
        code: Code(5),
        visitor,
        placement: PlacementNum(promoter.0 + 100),
        target: TargetNum(2),
        programme: ProgrammeNum(3),
        promoter,
        address_prefix: AddressPrefix::default(),
        address_hash: 0,
        agent_hash: 0,
        generation: 0,
        prior_claim: ClickId::default(),
        sub_id: b"",
    }
}

fn append(writer: &mut Writer, payload: &[u8]) {
    loop {
        match writer.append(clock::now().millis(), payload) {
            Ok(_) => return,
            // Small segments: the thread that prepares them is behind for a moment.
            Err(AppendError::NoSpace | AppendError::Backlog) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

fn flush(writer: &mut Writer) {
    loop {
        match writer.flush() {
            Ok(_) => return,
            Err(FlushError::NoSpace) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Waits until the core's cursor of a stream stands at `sequence`.
pub(crate) async fn shipped(core: &CoreServer, stream: StreamId, sequence: u64) {
    let at = |state: &State| state.cursors.get(&(stream.epoch, stream.worker)).copied().unwrap_or(0);
    core.until(&format!("{stream} shipped up to {sequence}"), |state| (at(state) >= sequence).then_some(()))
        .await;
}

/// Every frame from the first to `count` is in the core, once, with its bytes, except `missing`.
pub(crate) fn check_frames(core: &CoreServer, stream: StreamId, count: u64, missing: std::ops::Range<u64>) {
    core.check();
    core.with(|state| {
        let frames = state.frames.get(&(stream.epoch, stream.worker)).cloned().unwrap_or_default();
        for sequence in 0..count {
            let expected = (!missing.contains(&sequence)).then(|| payload(stream, sequence));
            assert_eq!(frames.get(&sequence), expected.as_ref(), "{stream} {sequence}");
        }
        assert!(
            frames.keys().all(|sequence| *sequence < count),
            "{stream} has frames that were never written"
        );
    });
}
