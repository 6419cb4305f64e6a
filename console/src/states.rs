//! How things stand, in words, and how that looks: orders, products, findings, applications.

use crate::texts::Texts;

/// States of an order line that can be asked for.
pub(crate) const ORDER_STATES: [&str; 6] =
    ["tracked", "expected", "matured", "settled", "invalid", "manual_required"];

/// An order line's state.
pub(crate) fn order<'t>(t: &'t Texts, state: &'t str) -> (&'t str, &'static str) {
    match state {
        "tracked" => (&t.orders.tracked, ""),
        "expected" => (&t.orders.expected, "warn"),
        "matured" => (&t.orders.matured, "warn"),
        "settled" => (&t.orders.settled, "good"),
        "invalid" => (&t.orders.invalid, "bad"),
        "manual_required" => (&t.orders.manual, "warn"),
        "none" => (&t.orders.none, ""),
        other => (other, ""),
    }
}

/// The choice of an order line's state.
pub(crate) fn order_choice(t: &Texts) -> Vec<(String, String)> {
    let any = (String::new(), t.common.all.clone());
    let each = ORDER_STATES.iter().map(|state| ((*state).to_owned(), order(t, state).0.to_owned()));
    std::iter::once(any).chain(each).collect()
}

/// Why a link or product does not earn.
pub(crate) fn dead<'t>(t: &'t Texts, reason: &'t str) -> &'t str {
    match reason {
        "promotion_cancelled" => &t.products.dead_cancelled,
        "product_delisted" => &t.products.dead_delisted,
        "category_banned" => &t.products.dead_banned,
        "link_expired" | "expired" => &t.products.dead_expired,
        "not_started" => &t.products.dead_not_started,
        "promoter_disabled" => &t.products.dead_disabled,
        _ => &t.products.dead_other,
    }
}

/// Why a person must look at an order.
pub(crate) fn review<'t>(t: &'t Texts, reason: &'t str) -> &'t str {
    let t = &t.review;
    match reason {
        "event_changed" => &t.event_changed,
        "unknown_product" => &t.unknown_product,
        "unknown_merchant" => &t.unknown_merchant,
        "other_merchant" => &t.other_merchant,
        "unknown_line" => &t.unknown_line,
        "refund_exceeds_payment" => &t.refund_exceeds_payment,
        "unjournaled" => &t.unjournaled,
        "shared_token" => &t.shared_token,
        "unnamed_agency" => &t.unnamed_agency,
        "manual_refund" => &t.manual_refund,
        "refund_after_settlement" => &t.refund_after_settlement,
        "paid_after_settlement" => &t.paid_after_settlement,
        "other_sender" => &t.other_sender,
        "before_created" => &t.before_created,
        "banned_after_settlement" => &t.banned_after_settlement,
        "disabled_after_settlement" => &t.disabled_after_settlement,
        "completed_before_paid" => &t.completed_before_paid,
        "currency_not_cny" => &t.currency_not_cny,
        "time_implausible" => &t.time_implausible,
        other => other,
    }
}

/// How an application to a plan stands; one that had been approved before it was rejected is over.
pub(crate) fn application<'t>(t: &'t Texts, state: &'t str, approved: bool) -> (&'t str, &'static str) {
    let t = &t.plan;
    match state {
        "pending" => (&t.pending, "warn"),
        "rejected" if approved => (&t.withdrawn, "bad"),
        "approved" => (&t.approved, "good"),
        "rejected" => (&t.rejected, "bad"),
        other => (other, ""),
    }
}
