//! Why an event that can be read is not applied, but kept for a person to look at.

use super::review::Reason;
use crate::api::time::plausible;
use crate::order_events::{CURRENCY, Created, OrderEvent};
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::time::{DAY_MS, Instant};

/// Why an event is in the review queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub reason: Reason,
    /// In words.
    pub detail: String,
    /// Where within the event, as a JSON pointer.
    pub pointer: String,
}

/// Why an event can be read and cannot have happened: it is kept for a person to look at, and not applied.
pub(super) fn impossible(event: &OrderEvent, now: Instant) -> Option<Refusal> {
    if let Err(error) = plausible(event.at(), now) {
        let (detail, pointer) = (error.to_string(), "/at".to_owned());
        return Some(Refusal { reason: Reason::ImplausibleTime, detail, pointer });
    }
    let currency = match event {
        OrderEvent::Created(e) => e.currency.as_deref(),
        OrderEvent::Paid(e) => e.currency.as_deref(),
        OrderEvent::Refunded(e) => e.currency.as_deref(),
        OrderEvent::Shipped(_)
        | OrderEvent::Completed(_)
        | OrderEvent::Closed(_)
        | OrderEvent::RefundAsked(_)
        | OrderEvent::RefundRefused(_) => None,
    };
    let foreign = currency.filter(|currency| *currency != CURRENCY)?;
    let detail = format!("amounts are in {foreign}; only {CURRENCY} is accounted for");
    Some(Refusal { reason: Reason::Currency, detail, pointer: "/currency".to_owned() })
}

/// A step may be dated this much before its order: shop and payment have clocks, and time zones, of their own. What is
/// older is a mistake, and would be settled ahead of everybody else's money if it were believed.
const BEFORE_MS: i64 = DAY_MS;

/// Why a step of this kind at `at` cannot belong to an order placed at `placed`.
pub(super) fn before_created(kind: &str, at: Instant, placed: Instant) -> Option<Refusal> {
    if kind == "created" || at.plus(BEFORE_MS) >= placed {
        return None;
    }
    let detail = format!("this `{kind}` event is dated more than a day before the order was placed");
    Some(Refusal { reason: Reason::BeforeCreated, detail, pointer: "/at".into() })
}

/// Why an order cannot be applied, where the catalogue does not have what it names.
pub(super) fn not_in_catalogue(tx: &mut dyn Tx, created: &Created) -> Result<Option<Refusal>, StoreError> {
    let refusal = |reason, detail: String, pointer: String| Ok(Some(Refusal { reason, detail, pointer }));
    let merchant = &created.merchant;
    let row = tx.query_opt("SELECT platform FROM merchants WHERE id = $1", params![merchant])?;
    let Some(row) = row else {
        let detail = format!("the catalogue has no merchant {merchant}");
        return refusal(Reason::UnknownMerchant, detail, "/merchant".into());
    };
    if row.text(0)? != created.platform.as_str() {
        let detail =
            format!("merchant {merchant} belongs to platform {}, not {}", row.text(0)?, created.platform);
        return refusal(Reason::OtherMerchant, detail, "/platform".into());
    }
    for (position, line) in created.lines.iter().enumerate() {
        let pointer = format!("/lines/{position}/product");
        let row = tx.query_opt(
            "SELECT merchant FROM targets WHERE kind = 'product' AND id = $1",
            params![&line.product],
        )?;
        let Some(row) = row else {
            let detail = format!("the catalogue has no product {}", line.product);
            return refusal(Reason::UnknownProduct, detail, pointer);
        };
        if row.text(0)? != merchant.as_str() {
            let detail =
                format!("product {} belongs to merchant {}, not {merchant}", line.product, row.text(0)?);
            return refusal(Reason::OtherMerchant, detail, pointer);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW: Instant = Instant(1_600_000_000_000);

    fn refused(at: &Value, currency: &Value) -> Option<(&'static str, String)> {
        let event = json!({"type": "created", "platform": "1688", "order": "o-1", "at": at, "merchant": "shop",
                           "buyer": "buyer-7", "currency": currency,
                           "lines": [{"line": "1", "product": "cup", "amount_fen": 100}]});
        let why = impossible(&OrderEvent::read(&event).unwrap(), NOW)?;
        Some((why.reason.code(), why.pointer))
    }

    #[test]
    fn impossible_times_and_foreign_money_are_named() {
        for wrong in [
            json!(i64::MIN),
            json!(i64::MAX),
            json!(0),
            json!("0001-01-01T00:00:00Z"),
            json!("1999-12-31T23:59:59.999Z"),
            json!("2300-01-01T00:00:00Z"),
            // Seconds instead of milliseconds.
            json!(1_588_319_793),
            json!(1_600_000_300_001_i64),
        ] {
            let why = refused(&wrong, &Value::Null);
            assert_eq!(why, Some(("time_implausible", "/at".to_owned())), "{wrong}");
        }
        for right in [946_684_800_000_i64, 1_600_000_300_000] {
            assert_eq!(refused(&json!(right), &Value::Null), None, "{right}");
        }
        for (currency, foreign) in [("CNY", false), ("USD", true), ("cny", true)] {
            let why = refused(&json!(NOW.millis()), &json!(currency));
            let expected = foreign.then(|| ("currency_not_cny", "/currency".to_owned()));
            assert_eq!(why, expected, "{currency}");
        }
    }
}
