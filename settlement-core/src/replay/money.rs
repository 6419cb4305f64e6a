//! A line's commission and transfers again: its life from judgement to judgement, through the same books.
//!
//! Each time at which something about the line was recorded is a step: the books are brought up to what was known then,
//! and what that posts is noted instead of written. That a line was settled, and when, is a fact: it depended on the
//! merchant's money and on the lines before it.

use super::decisions::{InForce, OrderCase};
use super::difference::{Difference, Place};
use super::load::{StoredLine, StoredRelease, StoredTransfer};
use super::same_json::is_json_of;
use super::transfers;
use crate::attribution::Catalogue;
use crate::disputes::note;
use crate::ledger::account::owner_of;
use crate::ledger::earned::from_available;
use crate::ledger::transfer::{Subject, written};
use crate::order_events::state::{LineState, OrderState};
use crate::orders::books::{self, Change, Known};
use crate::orders::group_cashback::cashback_now;
use crate::orders::hold::Hold;
use crate::orders::judge_error::JudgeError;
use crate::orders::rows::{LineRow, Shown};
use crate::orders::tiers::{Settling, at_tier};
use crate::orders::{business_time, maturity, show_books};
use crate::params;
use crate::store::{StoreError, Tx, from_json};
use attribution_core::ledger::{
    Account, Entry, LineEvent, LineState as Books, Posting, Transfer, TransferState, apply,
};
use attribution_core::policy::Policy;
use attribution_core::time::Instant;
use serde_json::{Value, json};

/// Compares one line's books and transfers with what comes out again.
pub(super) fn check(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    case: OrderCase<'_>,
    index: usize,
    in_force: &[InForce],
) -> Result<Vec<Difference>, JudgeError> {
    let stored = &case.standing().lines[index];
    let place = Place { platform: case.platform, order: case.order(), line: &stored.line };
    let mut life = Life::new(case, index, in_force);
    life.live(tx, catalogue)?;
    let mut differences = Vec::new();
    standing(place, stored, &life.row, &mut differences)?;
    transfers::compare(place, &stored.transfers, &life.written, &mut differences);
    Ok(differences)
}

/// A line's books as they would stand had it been decided so.
pub(super) fn books_under(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    case: OrderCase<'_>,
    index: usize,
    decided: InForce,
) -> Result<Option<Books>, JudgeError> {
    let in_force = [decided];
    let mut life = Life::new(case, index, &in_force);
    life.live(tx, catalogue)?;
    Ok(life.row.books)
}

struct Life<'a> {
    case: OrderCase<'a>,
    index: usize,
    stored: &'a StoredLine,
    in_force: &'a [InForce],
    row: LineRow,
    written: Vec<StoredTransfer>,
}

impl<'a> Life<'a> {
    fn new(case: OrderCase<'a>, index: usize, in_force: &'a [InForce]) -> Self {
        let stored = &case.standing().lines[index];
        Self {
            case,
            index,
            stored,
            in_force,
            row: LineRow {
                line: stored.line.clone(),
                decision: None,
                promoter: None,
                programme: None,
                version: None,
                final_at: None,
                state: if in_force.is_empty() { "none" } else { "tracked" },
                holds: Vec::new(),
                held: false,
                amounts: Shown::default(),
                matured: None,
                settled: None,
                books: None,
                terms: None,
                awaits_click: false,
            },
            written: Vec::new(),
        }
    }

    /// Goes through the line's life, oldest step first.
    fn live(&mut self, tx: &mut dyn Tx, catalogue: &mut Catalogue) -> Result<(), JudgeError> {
        let events = self.case.buyer.orders[self.case.index].events.iter().map(|event| event.received);
        let posted = self.stored.transfers.iter().map(|transfer| transfer.recorded);
        let made = self.in_force.iter().map(|decision| decision.made);
        let released = self.stored.releases.iter().map(|release| release.at);
        // A timer that has run: when somebody looked is not recorded, and nothing is posted for it.
        let timers = self.stored.matured.into_iter();
        let mut steps: Vec<Instant> = events
            .chain(posted)
            .chain(made)
            .chain(released)
            .chain(timers)
            .chain(self.stored.settled)
            .collect();
        steps.sort_unstable();
        steps.dedup();
        // Before the first decision there are no books.
        let first = self.in_force.first().map_or(Instant(i64::MAX), |decision| decision.made);
        let events = &self.case.buyer.orders[self.case.index].events;
        let mut then: Option<(usize, OrderState)> = None;
        for now in steps.into_iter().filter(|now| *now >= first) {
            // No event goes away: as many are the same ones.
            let known = events.iter().filter(|event| event.received <= now).count();
            if then.as_ref().is_none_or(|(events, _)| *events != known) {
                then = self.case.state(now).map(|state| (known, state));
            }
            let Some((_, state)) = &then else { continue };
            let Some(line) = state.lines.get(self.index) else { continue };
            let before = self.row.decision;
            while let Some(next) = self.next_decision(now) {
                self.decide(next);
                self.look(tx, catalogue, (state, line), now)?;
            }
            // Who looks twice at the same sees the same.
            if self.row.decision == before {
                self.look(tx, catalogue, (state, line), now)?;
            }
            if self.stored.settled == Some(now) {
                self.settle(tx, catalogue, (state, line), now)?;
            }
        }
        Ok(())
    }

    fn next_decision(&self, now: Instant) -> Option<usize> {
        let next = self.row.decision.map_or(0, |number| usize::try_from(number).unwrap_or_default());
        self.in_force.get(next).filter(|decision| decision.made <= now).map(|_| next)
    }

    fn decide(&mut self, next: usize) {
        let InForce { programme, version, promoter, terms, holds, .. } = self.in_force[next].clone();
        let row = &mut self.row;
        row.decision = i64::try_from(next + 1).ok();
        row.programme = Some(programme);
        row.version = Some(version);
        row.promoter = promoter;
        row.terms = terms;
        row.holds = holds;
    }

    /// What a judgement does to the books.
    fn look(
        &mut self,
        tx: &mut dyn Tx,
        catalogue: &mut Catalogue,
        (state, line): (&OrderState, &LineState),
        now: Instant,
    ) -> Result<(), JudgeError> {
        let (Some(programme), Some(version)) = (self.row.programme.clone(), self.row.version) else {
            return Ok(());
        };
        let policy = catalogue.policy(tx, &programme, version)?;
        if self.row.settled.is_none() {
            self.row.matured = maturity(state, &policy.settlement, now).0;
        }
        self.row.held = self.row.holds.iter().any(|hold| !self.released(hold, now));
        let seen = self.seen(tx, catalogue, &policy, (state, line), now)?;
        let known = Known {
            policy: &policy.settlement,
            programme: &programme,
            terms: self.row.terms.as_ref(),
            review: self.row.held,
            order: state,
            line: &seen,
            matured: self.row.matured,
            settled: self.row.settled,
        };
        let change = books::reconcile(self.row.books.as_ref(), known)
            .map_err(|cause| JudgeError::Books { line: line.line.to_string(), cause })?;
        let at = business_time(state, &seen, self.row.settled.is_some());
        self.post(tx, &change.postings, at, now)?;
        show_books(&mut self.row, change);
        Ok(())
    }

    /// Whether a person had let go by then what holds the line.
    fn released(&self, hold: &Hold, now: Instant) -> bool {
        let of =
            |release: &StoredRelease| release.reason == hold.reason.code() && release.found == hold.found;
        self.stored.releases.iter().any(|release| of(release) && release.at <= now)
    }

    /// The line as its books see it.
    fn seen(
        &self,
        tx: &mut dyn Tx,
        catalogue: &mut Catalogue,
        policy: &Policy,
        (state, line): (&OrderState, &LineState),
        now: Instant,
    ) -> Result<LineState, StoreError> {
        let Some(settled) = self.row.settled else { return Ok(line.clone()) };
        let categories = note::categories(tx, catalogue, policy, state, line, now)?;
        Ok(note::as_booked(policy, &categories, line, settled))
    }

    fn settle(
        &mut self,
        tx: &mut dyn Tx,
        catalogue: &mut Catalogue,
        (order, line): (&OrderState, &LineState),
        now: Instant,
    ) -> Result<(), JudgeError> {
        let (Some(programme), Some(version), Some(books)) =
            (&self.row.programme, self.row.version, &self.row.books)
        else {
            return Ok(());
        };
        let policy = catalogue.policy(tx, programme, version)?;
        if books.entry != Entry::Matured {
            // Under these rules there was nothing to settle.
            return Ok(());
        }
        let cashback = cashback_now(tx, &policy, order, line, now)?;
        let of = Settling { platform: self.case.platform, order: self.case.order(), at: now };
        let terms = at_tier(tx, &policy, &self.row, of)?;
        let step = apply(&policy.settlement, books, &LineEvent::Settled { cashback, terms })
            .map_err(|cause| JudgeError::Books { line: line.line.to_string(), cause })?;
        self.post(tx, &step.postings, self.row.matured.unwrap_or(now), now)?;
        self.row.settled = Some(now);
        show_books(&mut self.row, Change { books: step.state, postings: Vec::new(), manual: false });
        Ok(())
    }

    /// Notes what would be written.
    fn post(
        &mut self,
        tx: &mut dyn Tx,
        postings: &[Posting],
        at: Instant,
        now: Instant,
    ) -> Result<(), StoreError> {
        let subject =
            Subject { platform: self.case.platform, order: self.case.order(), line: &self.stored.line };
        for posting in postings {
            let (head, entries) = match posting {
                Posting::Write(transfer) => {
                    let moved = from_available_then(tx, subject, transfer, now)?;
                    let w = written(subject, moved.as_ref().unwrap_or(transfer));
                    let fen = w.amount.0;
                    let entries = vec![(w.layer.into(), w.debit, -fen), (w.layer.into(), w.credit, fen)];
                    ((w.id, w.state, w.reason, None, w.counters), entries)
                }
                Posting::Void(key) => {
                    let pending = subject.id(*key);
                    let voided = self.written.iter().find(|written| written.id == pending);
                    let mut entries: Vec<_> = voided.map_or_else(Vec::new, |voided| {
                        voided.entries.iter().map(|(l, key, fen)| (l.clone(), key.clone(), -fen)).collect()
                    });
                    entries.sort_by_key(|(.., fen)| *fen);
                    ((format!("{pending}/void"), "void", "superseded", Some(pending), None), entries)
                }
            };
            let (id, state, reason, resolves, counters) = head;
            let (state, reason) = (state.into(), reason.into());
            self.written.push(StoredTransfer {
                id,
                state,
                reason,
                resolves,
                counters,
                at,
                recorded: now,
                entries,
            });
        }
        Ok(())
    }
}

/// A counter-entry goes to where the money lay then: `available` once its original had been paid out.
fn from_available_then(
    tx: &mut dyn Tx,
    subject: Subject<'_>,
    transfer: &Transfer,
    then: Instant,
) -> Result<Option<Transfer>, StoreError> {
    let Some(original) = transfer.original.filter(|_| transfer.state == TransferState::Posted) else {
        return Ok(None);
    };
    let earned = |account: &Account| match account {
        Account::Earned { payee, .. } => Some(owner_of(payee)),
        _ => None,
    };
    if earned(&transfer.debit).or_else(|| earned(&transfer.credit)).is_none() {
        return Ok(None);
    }
    let paid = tx.query_opt(
        "SELECT 1 FROM payout_entries e JOIN payouts o ON o.programme = e.programme AND o.payee = e.payee \
         JOIN payout_parts p ON p.payout = o.id AND p.version = e.version AND p.month = e.month \
         WHERE e.transfer = $1 AND p.after_number < e.number AND p.to_number >= e.number AND o.at_ms <= $2 LIMIT 1",
        params![&subject.id(original), then],
    )?;
    Ok(paid.map(|_| from_available(transfer)))
}

/// The line's own row.
fn standing(
    place: Place<'_>,
    stored: &StoredLine,
    row: &LineRow,
    differences: &mut Vec<Difference>,
) -> Result<(), StoreError> {
    let same_books = match (&stored.books, &row.books) {
        (Some(stored), Some(books)) => is_json_of(stored, books),
        (stored, books) => stored.is_none() && books.is_none(),
    };
    if same_books && same_columns(stored, row) {
        return Ok(());
    }
    differences.extend(place.differing(None, "", &columns(stored), &again(row)));
    let read = |text: &String| from_json::<Books>("books of a line", text);
    let before = stored.books.as_ref().map(read).transpose()?;
    let telling = |books: Option<&Books>| books.map_or(Value::Null, telling);
    let (before, now) = (telling(before.as_ref()), telling(row.books.as_ref()));
    differences.extend(place.differing(None, "books", &before, &now));
    Ok(())
}

/// What of the books is computed: how many postings it took, and whether the merchant had the money, is not.
fn telling(books: &Books) -> Value {
    let bare = Books {
        revision: 0,
        open: books
            .open
            .iter()
            .map(|key| attribution_core::ledger::TransferKey { revision: 0, ..*key })
            .collect(),
        waiting_for_balance: false,
        ..books.clone()
    };
    serde_json::to_value(bare).unwrap_or_default()
}

fn same_columns(stored: &StoredLine, row: &LineRow) -> bool {
    stored.promoter.as_deref() == row.promoter.as_ref().map(|id| id.as_str())
        && stored.programme.as_deref() == row.programme.as_ref().map(|id| id.as_str())
        && stored.version == row.version.map(i64::from)
        && stored.state == row.state
        && stored.shown
            == [row.amounts.base, row.amounts.commission, row.amounts.promoter, row.amounts.agency]
        && stored.matured == row.matured
}

fn columns(stored: &StoredLine) -> Value {
    json!({
        "promoter": stored.promoter, "programme": stored.programme, "programme_version": stored.version,
        "state": stored.state, "base_fen": stored.shown[0], "commission_fen": stored.shown[1],
        "promoter_fen": stored.shown[2], "agency_fen": stored.shown[3], "matured_ms": stored.matured.map(Instant::millis),
    })
}

fn again(row: &LineRow) -> Value {
    json!({
        "promoter": row.promoter, "programme": row.programme, "programme_version": row.version,
        "state": row.state, "base_fen": row.amounts.base, "commission_fen": row.amounts.commission,
        "promoter_fen": row.amounts.promoter, "agency_fen": row.amounts.agency, "matured_ms": row.matured.map(Instant::millis),
    })
}
