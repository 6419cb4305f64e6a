//! The review queue: what a person must look at. Nothing in it is lost, nothing in it moves money.

use crate::order_events::Created;
use crate::params;
use crate::store::{StoreError, Tx};
use crate::webhooks::{EventKind, merchant_side, tell};
use attribution_core::ids::{MerchantId, OrderId, PlatformId};
use attribution_core::time::Instant;
use serde_json::json;

/// Why a person must look at something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// An event came again with other contents; the first stands.
    EventChanged,
    /// An order names a product the catalogue does not have; the order is not applied.
    UnknownProduct,
    /// An order names a merchant the catalogue does not have; the order is not applied.
    UnknownMerchant,
    /// An order's product or platform belongs to another merchant; the order is not applied.
    OtherMerchant,
    /// An event that waited for the order came from another merchant; it is not applied.
    OtherSender,
    /// A step or refund is dated long before its order; it is not applied.
    BeforeCreated,
    /// A payment or refund names a line the order does not have.
    UnknownLine,
    /// More was refunded than was paid.
    RefundExceedsPayment,
    /// The deciding click is in no journal: no posting before a person says so.
    Unjournaled,
    /// The token of the deciding click came with orders of many other buyers: no posting before a person says so.
    SharedToken,
    /// The promoter's agency has a share, and what is stored of it is no id: no posting before a person says so.
    UnnamedAgency,
    /// A refund that the programme wants merchant and promoter to settle by hand.
    ManualRefund,
    /// A refund after the settlement, where the programme takes nothing back by itself.
    RefundAfterSettlement,
    /// A payment of another amount became known after the settlement.
    PaidAfterSettlement,
    /// A ban that was made known later covers an order that has settled; nothing is taken back by itself.
    BannedAfterSettlement,
    /// The promoter was disabled with effect from before an order that has settled.
    DisabledAfterSettlement,
    /// The order was completed before it was paid, or without a payment that is known: until there is one, no money moves.
    CompletedBeforePaid,
    /// An amount in another currency than yuan; the event is not applied.
    Currency,
    /// A time at which nothing can have happened, such as one in the future; the event is not applied.
    ImplausibleTime,
}

impl Reason {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::EventChanged,
        Self::UnknownProduct,
        Self::UnknownMerchant,
        Self::OtherMerchant,
        Self::OtherSender,
        Self::BeforeCreated,
        Self::UnknownLine,
        Self::RefundExceedsPayment,
        Self::Unjournaled,
        Self::SharedToken,
        Self::UnnamedAgency,
        Self::ManualRefund,
        Self::RefundAfterSettlement,
        Self::PaidAfterSettlement,
        Self::BannedAfterSettlement,
        Self::DisabledAfterSettlement,
        Self::CompletedBeforePaid,
        Self::Currency,
        Self::ImplausibleTime,
    ];

    /// Those for which a line's money waits until a person lets it go.
    pub const HOLDING: [Self; 3] = [Self::Unjournaled, Self::SharedToken, Self::UnnamedAgency];

    /// Whether the line's money waits until a person lets it go.
    pub fn holds(code: &str) -> bool {
        Self::HOLDING.map(Self::code).contains(&code)
    }

    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::EventChanged => "event_changed",
            Self::UnknownProduct => "unknown_product",
            Self::UnknownMerchant => "unknown_merchant",
            Self::OtherMerchant => "other_merchant",
            Self::OtherSender => "other_sender",
            Self::BeforeCreated => "before_created",
            Self::UnknownLine => "unknown_line",
            Self::RefundExceedsPayment => "refund_exceeds_payment",
            Self::Unjournaled => "unjournaled",
            Self::SharedToken => "shared_token",
            Self::UnnamedAgency => "unnamed_agency",
            Self::ManualRefund => "manual_refund",
            Self::RefundAfterSettlement => "refund_after_settlement",
            Self::PaidAfterSettlement => "paid_after_settlement",
            Self::BannedAfterSettlement => "banned_after_settlement",
            Self::DisabledAfterSettlement => "disabled_after_settlement",
            Self::CompletedBeforePaid => "completed_before_paid",
            Self::Currency => "currency_not_cny",
            Self::ImplausibleTime => "time_implausible",
        }
    }
}

/// Something to look at.
#[derive(Debug, Clone)]
pub struct Finding<'a> {
    /// The platform.
    pub platform: &'a PlatformId,
    /// The order.
    pub order: &'a OrderId,
    /// Whose order it is; of one that was not taken in, who says so.
    pub merchant: Option<&'a MerchantId>,
    /// The line, or empty for the whole order.
    pub line: &'a str,
    /// Why.
    pub reason: Reason,
    /// Tells two findings of one kind apart, so that a repeat does not pile up.
    pub found: &'a str,
    /// In words, for the person.
    pub detail: &'a str,
    /// The event that was not applied.
    pub contents: Option<&'a str>,
}

impl<'a> Finding<'a> {
    /// About an order that was taken in, or one of its lines.
    pub(crate) const fn of(
        created: &'a Created,
        line: &'a str,
        reason: Reason,
        found: &'a str,
        detail: &'a str,
    ) -> Self {
        let (platform, order, merchant) = (&created.platform, &created.order, Some(&created.merchant));
        Self { platform, order, merchant, line, reason, found, detail, contents: None }
    }
}

/// How a finding is resolved that further events have explained. It opens anew if they explain it no more.
const EXPLAINED: &str = "explained by what came in since";

/// Puts a finding into the queue, unless it is there, open or looked at by a person, already.
///
/// # Errors
/// If the store fails.
pub fn open(tx: &mut dyn Tx, finding: &Finding<'_>, now: Instant) -> Result<(), StoreError> {
    let new = tx.execute(
        "INSERT INTO order_reviews (platform, order_id, reason, line_id, found, detail, contents, opened_ms, merchant) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) \
         ON CONFLICT (platform, order_id, reason, line_id, found) DO UPDATE SET detail = excluded.detail, \
         opened_ms = excluded.opened_ms, resolved_ms = NULL, resolution = NULL WHERE order_reviews.resolution = $10",
        params![
            finding.platform,
            finding.order,
            finding.reason.code(),
            finding.line,
            finding.found,
            finding.detail,
            finding.contents,
            now,
            finding.merchant,
            EXPLAINED
        ],
    )?;
    if new == 1 {
        tell_merchant(tx, finding, now)?;
    }
    Ok(())
}

/// The order's merchant hears of it.
fn tell_merchant(tx: &mut dyn Tx, finding: &Finding<'_>, now: Instant) -> Result<(), StoreError> {
    let Some(merchant) = finding.merchant else { return Ok(()) };
    let data = json!({
        "platform": finding.platform.as_str(),
        "order": finding.order.as_str(),
        "line": finding.line,
        "reason": finding.reason.code(),
        "detail": finding.detail,
    });
    tell(tx, &merchant_side(merchant), EventKind::ReviewOpened, &data, now)
}

/// Closes what kept an order from being applied: it has been taken in now.
///
/// # Errors
/// If the store fails.
pub(super) fn taken_in(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
    now: Instant,
) -> Result<u64, StoreError> {
    let [product, merchant, other] =
        [Reason::UnknownProduct, Reason::UnknownMerchant, Reason::OtherMerchant].map(Reason::code);
    tx.execute(
        "UPDATE order_reviews SET resolved_ms = $3, resolution = 'taken in' WHERE platform = $1 AND order_id = $2 \
         AND reason IN ($4, $5, $6) AND resolved_ms IS NULL",
        params![platform, order, now, product, merchant, other],
    )
}

/// Closes what looked impossible only because an event had not come in yet: `still` says of which lines (empty for the
/// order as a whole) it is so all the same.
///
/// # Errors
/// If the store fails.
pub(super) fn explained(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
    reason: Reason,
    still: &[&str],
    now: Instant,
) -> Result<(), StoreError> {
    let open = tx.query(
        "SELECT line_id, found FROM order_reviews \
         WHERE platform = $1 AND order_id = $2 AND reason = $3 AND resolved_ms IS NULL",
        params![platform, order, reason.code()],
    )?;
    for row in &open {
        let line = row.text(0)?;
        if !still.contains(&line) {
            explain(tx, (platform, order), reason.code(), line, row.text(1)?, now)?;
        }
    }
    Ok(())
}

/// Closes one finding that is there no more.
///
/// # Errors
/// If the store fails.
pub(super) fn explain(
    tx: &mut dyn Tx,
    (platform, order): (&PlatformId, &OrderId),
    reason: &str,
    line: &str,
    found: &str,
    now: Instant,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE order_reviews SET resolved_ms = $6, resolution = $7 WHERE platform = $1 AND order_id = $2 \
         AND reason = $3 AND line_id = $4 AND found = $5 AND resolved_ms IS NULL",
        params![platform, order, reason, line, found, now, EXPLAINED],
    )?;
    Ok(())
}
