//! Which refunds of a settled line get a record, and which of them the books leave alone for now.
//!
//! Normally a refund has its record at once and its commission is taken back from the payees. Where a batch rule of the
//! programme covers it, nothing is taken back: the record is made by the batch or never, and what is not recovered
//! by the rule's day the platform makes up for.

use super::Key;
use crate::attribution::Catalogue;
use crate::ledger::account::owner_of;
use crate::order_events::state::{LineRefund, LineState, OrderState};
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::commission::Payee;
use attribution_core::dispute::{BatchRule, CreditPart, RefundCase, Route, route};
use attribution_core::ids::{CategoryId, ProgrammeId, PromoterId};
use attribution_core::ledger::LineState as Books;
use attribution_core::money::{Fen, Overflow};
use attribution_core::policy::Policy;
use attribution_core::policy::settlement::RefundAfter;
use attribution_core::time::Instant;

/// What a refund asks of a line that has settled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settled<'a> {
    /// When the merchant was debited.
    pub at: Instant,
    pub books: &'a Books,
    pub promoter: Option<&'a PromoterId>,
    pub programme: &'a ProgrammeId,
    /// The version of the programme's rules that decided.
    pub version: u32,
}

/// Why the refunds of a line could not be noted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoteError {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// An amount does not fit.
    #[error("an amount is too large")]
    TooLarge(#[from] Overflow),
}

/// Notes the refunds of a settled line, and returns the line as its books are to see it.
pub(crate) fn refunds(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    policy: &Policy,
    state: &OrderState,
    line: &LineState,
    settled: Settled<'_>,
    now: Instant,
) -> Result<LineState, NoteError> {
    let late = |refund: &LineRefund| refund.received > settled.at;
    if policy.settlement.refund_after == RefundAfter::None || !line.refunds.iter().any(late) {
        return Ok(line.clone());
    }
    let categories = categories(tx, catalogue, policy, state, line, now)?;
    // Every refund, and those that the books see: what is taken back at once is measured as the books measure it.
    let (mut all, mut booked) = (Fen::ZERO, Fen::ZERO);
    for refund in &line.refunds {
        let with = |before: Fen| Fen(before.0.saturating_add(refund.amount.0).min(line.amount.0));
        let (way, rule) = route(&policy.refund_batches, &case(refund, &categories, settled.at));
        let at_once = !late(refund) || matches!(way, Route::RealTime { .. });
        if late(refund) {
            let before = if at_once { booked } else { all };
            let due = due(settled.books, line, before, with(before))?;
            let record = Record { refund, way: &way, rule, due };
            insert(tx, state, line, settled, &record, now)?;
        }
        all = with(all);
        if at_once {
            booked = with(booked);
        }
    }
    Ok(as_booked(policy, &categories, line, settled.at))
}

/// What the goods were when they were ordered, if the rules of a batch ask: which record a refund has does not change
/// when the goods move.
pub(crate) fn categories(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    policy: &Policy,
    state: &OrderState,
    line: &LineState,
    now: Instant,
) -> Result<Vec<CategoryId>, StoreError> {
    if policy.refund_batches.is_empty() {
        return Ok(Vec::new());
    }
    let categories = catalogue.categories_of(tx, state, &line.product, now)?;
    Ok(categories.into_iter().map(|(_, id)| id).collect())
}

fn case<'a>(refund: &LineRefund, categories: &'a [CategoryId], settled: Instant) -> RefundCase<'a> {
    RefundCase {
        categories,
        part: refund.part.unwrap_or(CreditPart::Unused),
        settled,
        initiated: refund.initiated.unwrap_or(refund.at),
        succeeded: refund.at,
        known: refund.received,
        special: refund.special,
    }
}

/// A settled line as its books see it: without the refunds whose record a batch makes, or nobody.
pub(crate) fn as_booked(
    policy: &Policy,
    categories: &[CategoryId],
    line: &LineState,
    settled: Instant,
) -> LineState {
    let mut seen = line.clone();
    if policy.settlement.refund_after != RefundAfter::None {
        seen.refunds.retain(|refund| {
            let (way, _) = route(&policy.refund_batches, &case(refund, categories, settled));
            refund.received <= settled || matches!(way, Route::RealTime { .. })
        });
    }
    seen
}

/// The commission on what one refund took off the base.
fn due(books: &Books, line: &LineState, before: Fen, after: Fen) -> Result<Fen, Overflow> {
    let Some(terms) = &books.terms else { return Ok(Fen::ZERO) };
    let gross = |refunded: Fen| -> Result<Fen, Overflow> {
        Ok(terms.amounts(line.amount.sub(refunded)?.sub(books.cashback)?)?.gross)
    };
    gross(before)?.sub(gross(after)?)
}

struct Record<'a> {
    refund: &'a LineRefund,
    way: &'a Route,
    rule: Option<&'a BatchRule>,
    due: Fen,
}

fn insert(
    tx: &mut dyn Tx,
    state: &OrderState,
    line: &LineState,
    settled: Settled<'_>,
    record: &Record<'_>,
    now: Instant,
) -> Result<(), StoreError> {
    let created = &state.created;
    let key = Key {
        platform: created.platform.clone(),
        order: created.order.clone(),
        line: line.line.clone(),
        refund: record.refund.refund.clone(),
    };
    // What was taken back at once is recovered: a debt is the ledger's to carry.
    let (route, status, record_at, created_at, recovered) = match record.way {
        Route::RealTime { created } => ("real_time", "success", Some(*created), Some(*created), record.due),
        Route::Batch { created, .. } => ("batch", "waiting", Some(*created), None, Fen::ZERO),
        Route::NoRecord { .. } => ("no_record", "no_record", None, None, Fen::ZERO),
    };
    let payee = settled.promoter.map(|promoter| owner_of(&Payee::Promoter(promoter.clone())));
    tx.execute(
        "INSERT INTO disputes (platform, order_id, line_id, refund_id, merchant, programme, programme_version, payee, \
         route, rule, state, due_fen, recovered_fen, merchant_broke_rules, source_refund_ms, record_ms, created_ms, \
         compensate_ms, noted_ms) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 0, $14, $15, $16, $17, $18) \
         ON CONFLICT (platform, order_id, line_id, refund_id) DO NOTHING",
        params![
            &key.platform,
            &key.order,
            &key.line,
            &key.refund,
            &created.merchant,
            settled.programme,
            i64::from(settled.version),
            payee.as_deref().unwrap_or_default(),
            route,
            record.rule.map_or("", |rule| rule.name.as_str()),
            status,
            record.due,
            recovered,
            record.refund.at,
            record_at,
            created_at,
            record.rule.and_then(|rule| rule.compensated_at),
            now
        ],
    )?;
    Ok(())
}
