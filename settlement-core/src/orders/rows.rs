//! The rows of orders: how they are written, and read back as types.

use super::hold::Hold;
use crate::attribution::Decided;
use crate::order_events::state::OrderState;
use crate::params;
use crate::store::{Param, StoreError, Tx, from_json, read, to_json};
use attribution_core::attribute::Attribution;
use attribution_core::commission::{Payee, Terms};
use attribution_core::ids::{LineId, OrderId, PlatformId, ProgrammeId, PromoterId};
use attribution_core::ledger::{Bill, LineState as Books};
use attribution_core::policy::settlement::PayMethod;
use attribution_core::time::Instant;

/// What the order's own row keeps for the jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OrderRow {
    pub dirty: bool,
    pub provisional: bool,
    pub grace_until: Instant,
    pub hold_until: Instant,
    pub caught_up: Option<Instant>,
    pub timer: Option<Instant>,
    /// When it was last judged.
    pub judged: Option<Instant>,
}

/// Amounts as lists and reports show them, in fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Shown {
    pub base: i64,
    pub commission: i64,
    pub promoter: i64,
    /// What of it is an agency's.
    pub agency: i64,
}

/// A line as it stands.
#[derive(Debug, Clone)]
pub(crate) struct LineRow {
    pub line: LineId,
    pub decision: Option<i64>,
    pub promoter: Option<PromoterId>,
    pub programme: Option<ProgrammeId>,
    pub version: Option<u32>,
    pub final_at: Option<Instant>,
    pub state: &'static str,
    /// What holds the decision in force, released or not.
    pub holds: Vec<Hold>,
    /// Its money waits for a person.
    pub held: bool,
    pub amounts: Shown,
    pub matured: Option<Instant>,
    pub settled: Option<Instant>,
    pub books: Option<Books>,
    /// The award's terms, from the decision in force.
    pub terms: Option<Terms>,
    /// The deciding click has not arrived yet.
    pub awaits_click: bool,
}

impl LineRow {
    pub(crate) const fn is_final(&self) -> bool {
        self.final_at.is_some()
    }

    /// Says in the decision in force whether it still can change: that moved on since it was made; what was decided did
    /// not.
    pub(crate) const fn tell_finality(&self, decision: &mut Attribution) {
        decision.provisional = !self.is_final();
        if let Some(final_at) = self.final_at {
            decision.final_at = final_at;
        }
    }

    /// How the commission came to what it is now, from the books; none while nobody has one.
    pub(crate) fn bill(&self) -> Result<Option<Bill>, StoreError> {
        let books = self.books.as_ref().filter(|_| self.state != "none");
        let bill = books.map(Books::bill).transpose();
        bill.map_err(|cause| StoreError::Corrupt { what: "books of a line", cause: cause.into() })
    }
}

/// The order with its lines, as first learnt.
pub(super) fn insert_order(tx: &mut dyn Tx, state: &OrderState) -> Result<(), StoreError> {
    let created = &state.created;
    let never = i64::MAX;
    tx.execute(
        "INSERT INTO orders (platform, order_id, merchant, buyer, created_ms, received_ms, dirty, provisional, \
         grace_until_ms, hold_until_ms) VALUES ($1, $2, $3, $4, $5, $6, 1, 1, $7, $7)",
        params![
            &created.platform,
            &created.order,
            &created.merchant,
            &created.buyer,
            created.at.instant(),
            state.received,
            never
        ],
    )?;
    for (position, line) in (0i64..).zip(&state.lines) {
        tx.execute(
            "INSERT INTO order_lines (platform, order_id, line_id, position, product, merchant, created_ms, state, \
             review, base_fen, commission_fen, promoter_fen) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'tracked', 0, 0, 0, 0)",
            params![
                &created.platform,
                &created.order,
                &line.line,
                position,
                &line.product,
                &created.merchant,
                created.at.instant()
            ],
        )?;
    }
    Ok(())
}

/// What a new event changes in the order's own row: it is to be judged again.
pub(super) fn touch_order(tx: &mut dyn Tx, state: &OrderState) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE orders SET success_ms = $3, payment_method = $4, dirty = 1 WHERE platform = $1 AND order_id = $2",
        params![
            &state.created.platform,
            &state.created.order,
            state.success(),
            state.payment_method.map(PayMethod::name)
        ],
    )?;
    Ok(())
}

pub(super) fn order(tx: &mut dyn Tx, platform: &PlatformId, order: &OrderId) -> Result<OrderRow, StoreError> {
    let row = tx.query_one(
        "SELECT dirty, provisional, grace_until_ms, hold_until_ms, caught_up_ms, timer_ms, judged_ms FROM orders \
         WHERE platform = $1 AND order_id = $2",
        params![platform, order],
    )?;
    Ok(OrderRow {
        dirty: row.flag(0)?,
        provisional: row.flag(1)?,
        grace_until: row.instant(2)?,
        hold_until: row.instant(3)?,
        caught_up: row.opt_instant(4)?,
        timer: row.opt_instant(5)?,
        judged: row.opt_instant(6)?,
    })
}

pub(super) fn update_order(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
    row: &OrderRow,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE orders SET dirty = $3, provisional = $4, grace_until_ms = $5, hold_until_ms = $6, \
         caught_up_ms = $7, timer_ms = $8, judged_ms = $9 WHERE platform = $1 AND order_id = $2",
        params![
            platform,
            order,
            row.dirty,
            row.provisional,
            row.grace_until,
            row.hold_until,
            row.caught_up,
            row.timer,
            row.judged
        ],
    )?;
    Ok(())
}

pub(crate) fn line(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
    line: &LineId,
) -> Result<LineRow, StoreError> {
    let row = tx.query_one(
        "SELECT decision, promoter, programme, programme_version, final_ms, state, review, base_fen, \
         commission_fen, promoter_fen, matured_ms, settled_ms, books, agency_fen FROM order_lines \
         WHERE platform = $1 AND order_id = $2 AND line_id = $3",
        params![platform, order, line],
    )?;
    let number = row.opt_int(0)?;
    let in_force = decision(tx, platform, order, line, number)?;
    let attribution = in_force.as_ref().map(|decided| &decided.attribution);
    Ok(LineRow {
        line: line.clone(),
        decision: number,
        promoter: row.opt_text(1)?.map(|id| read("promoter id", id)).transpose()?,
        programme: row.opt_text(2)?.map(|id| read("programme id", id)).transpose()?,
        version: row.opt_num(3)?,
        final_at: row.opt_instant(4)?,
        state: state_name(row.text(5)?),
        holds: attribution.map(Hold::all_of).unwrap_or_default(),
        held: row.flag(6)?,
        amounts: Shown {
            base: row.int(7)?,
            commission: row.int(8)?,
            promoter: row.int(9)?,
            agency: row.int(13)?,
        },
        matured: row.opt_instant(10)?,
        settled: row.opt_instant(11)?,
        books: row.opt_text(12)?.map(|text| from_json("books of a line", text)).transpose()?,
        terms: attribution.and_then(|a| a.award()).map(|award| award.terms.clone()),
        awaits_click: attribution
            .is_some_and(|a| a.flags.contains(&attribution_core::attribute::Flag::AwaitingClick)),
    })
}

/// The fixed names of a line's states.
pub(crate) fn state_name(stored: &str) -> &'static str {
    const NAMES: [&str; 7] =
        ["tracked", "expected", "matured", "settled", "invalid", "manual_required", "none"];
    NAMES.into_iter().find(|name| *name == stored).unwrap_or("none")
}

pub(crate) fn update_line(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
    row: &LineRow,
) -> Result<(), StoreError> {
    let books = row.books.as_ref().map(to_json).transpose()?;
    let agency = row.books.as_ref().and_then(|books| {
        books.amounts.shares.iter().find_map(|share| match &share.payee {
            Payee::Agency(agency) => Some(agency),
            Payee::Promoter(_) | Payee::Platform(_) => None,
        })
    });
    tx.execute(
        "UPDATE order_lines SET decision = $4, promoter = $5, programme = $6, programme_version = $7, final_ms = $8, \
         state = $9, review = $10, base_fen = $11, commission_fen = $12, promoter_fen = $13, \
         matured_ms = $14, settled_ms = $15, books = $16, agency = $17, agency_fen = $18 \
         WHERE platform = $1 AND order_id = $2 AND line_id = $3",
        params![
            platform,
            order,
            &row.line,
            row.decision,
            row.promoter.as_ref(),
            row.programme.as_ref(),
            row.version.map(i64::from),
            row.final_at,
            row.state,
            row.held,
            row.amounts.base,
            row.amounts.commission,
            row.amounts.promoter,
            row.matured,
            row.settled,
            books.as_ref(),
            agency,
            row.amounts.agency,
        ],
    )?;
    Ok(())
}

/// One decision of a line by its number.
pub(crate) fn decision(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
    line: &LineId,
    number: Option<i64>,
) -> Result<Option<Decided>, StoreError> {
    let Some(number) = number else { return Ok(None) };
    let row = tx.query_one(
        "SELECT attribution FROM order_decisions \
         WHERE platform = $1 AND order_id = $2 AND line_id = $3 AND number = $4",
        params![platform, order, line, number],
    )?;
    from_json("decision", row.text(0)?).map(Some)
}

#[expect(clippy::too_many_arguments, reason = "the key, the decision and its circumstances")]
pub(super) fn insert_decision(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
    line: &LineId,
    number: i64,
    decided: &Decided,
    cause: &str,
    now: Instant,
) -> Result<(), StoreError> {
    let attribution = &decided.attribution;
    let promoter = attribution.relation.as_ref().map(|relation| &relation.promoter);
    let awarded = attribution.award().and_then(|award| award.promoter.as_ref());
    let outcome = decided.outcome_code();
    let text = to_json(decided)?;
    tx.execute(
        "INSERT INTO order_decisions (platform, order_id, line_id, number, made_ms, cause, promoter, programme, \
         programme_version, outcome, attribution) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            platform,
            order,
            line,
            number,
            now,
            cause,
            awarded.or(promoter),
            &attribution.programme,
            i64::from(attribution.policy_version),
            &outcome,
            Param::from(&text),
        ],
    )?;
    Ok(())
}
