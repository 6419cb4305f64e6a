//! Order events as a platform reports them: what may be in them, and what makes two of them the same.
//!
//! The natural key of an event is (platform, order, type, refund id). Everything else in it, except `updated_at`, is
//! its contents: a second event with the same key and the same contents is a repeat, with other contents it is a
//! contradiction that a person must look at.

use super::intake::Refusal;
use super::review::Reason;
use crate::api::time::{ApiTime, plausible};
use attribution_core::dispute::CreditPart;
use attribution_core::ids::{BuyerId, LineId, MerchantId, OrderId, PlatformId, ProductId};
use attribution_core::policy::settlement::PayMethod;
use attribution_core::time::Instant;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OrderEvent {
    /// The buyer placed the order. Attribution, customer class and rate are decided at its time.
    Created(Created),
    /// The buyer paid: the expected commission is computed (预估).
    Paid(Paid),
    /// The last parcel left.
    Shipped(Step),
    /// The trade succeeded (交易成功): the commission matures.
    Completed(Step),
    /// A refund was asked for. Until it succeeds or is refused, the timer from the last parcel stands still.
    RefundAsked(RefundStep),
    /// A refund that was asked for was refused, or the buyer took the wish back.
    RefundRefused(RefundStep),
    /// A refund succeeded.
    Refunded(Refunded),
    /// The order was closed without success: unpaid timeout, cancelled, wholly refunded.
    Closed(Step),
}

/// An order with its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Created {
    /// The platform that numbers orders and buyers.
    #[schema(value_type = String, example = "1688")]
    pub platform: PlatformId,
    /// The order's number on that platform.
    #[schema(value_type = String, example = "2020050115563301")]
    pub order: OrderId,
    /// When the order was placed.
    pub at: ApiTime,
    /// The shop it was placed at.
    #[schema(value_type = String, example = "shop-1688")]
    pub merchant: MerchantId,
    /// The buyer's account.
    #[schema(value_type = String, example = "buyer-7")]
    pub buyer: BuyerId,
    /// How the buyer pays, if known already: `wechat_own` (微信支付-自有), `wechat_consignment` (微信支付-代销),
    /// `bank_card`, `alipay`, `cash_on_delivery` (货到付款) or `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "wechat_consignment")]
    pub payment_method: Option<PayMethod>,
    /// Click tokens (`yk_click`) that the shop kept and sends back: each adds its click and joins its visitor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub click_tokens: Vec<String>,
    /// The channel and distributor the order itself names, for programmes that attribute by declaration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub declared: Option<Declared>,
    /// The currency of the amounts; `CNY` if absent, and nothing else is accounted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// An exclusive coupon code used with the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coupon: Option<String>,
    /// The lines (子订单), at least one.
    pub lines: Vec<Line>,
    /// When the platform last touched its own row; not part of the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<ApiTime>,
}

/// One line (子订单): attribution, commission and refunds are per line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its number within the order.
    #[schema(value_type = String, example = "1")]
    pub line: LineId,
    /// What was bought.
    #[schema(value_type = String, example = "cup-316")]
    pub product: ProductId,
    /// Which of the product's SKUs, if the platform tells: from these sales a SKU's 30-day low is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "cup-316-red")]
    pub sku: Option<String>,
    /// Goods amount in fen, freight excluded.
    #[schema(minimum = 0, example = 10_000)]
    pub amount_fen: i64,
    /// Pieces.
    #[serde(default = "one")]
    #[schema(minimum = 1, default = 1)]
    pub quantity: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the serialiser asks with a reference")]
fn is_not(flag: &bool) -> bool {
    !*flag
}

fn one() -> u32 {
    1
}

/// Who brought the order, in the order's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// The channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The distributor: a promoter's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distributor: Option<String>,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Paid {
    /// The platform.
    #[schema(value_type = String, example = "1688")]
    pub platform: PlatformId,
    /// The order.
    #[schema(value_type = String, example = "2020050115563301")]
    pub order: OrderId,
    /// When the payment succeeded.
    pub at: ApiTime,
    /// How the buyer paid; replaces what `created` said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "wechat_consignment")]
    pub payment_method: Option<PayMethod>,
    /// The currency of the amounts; `CNY` if absent, and nothing else is accounted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// What was paid for lines whose paid amount differs from `created`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineAmount>,
    /// When the platform last touched its own row; not part of the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<ApiTime>,
}

/// An amount for one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineAmount {
    /// The line.
    #[schema(value_type = String, example = "1")]
    pub line: LineId,
    /// Fen, freight excluded.
    #[schema(minimum = 0, example = 3_000)]
    pub amount_fen: i64,
}

/// A step that carries nothing but its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The platform.
    #[schema(value_type = String, example = "1688")]
    pub platform: PlatformId,
    /// The order.
    #[schema(value_type = String, example = "2020050115563301")]
    pub order: OrderId,
    /// When it happened.
    pub at: ApiTime,
    /// When the platform last touched its own row; not part of the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<ApiTime>,
}

/// A step on the way to a refund, which moves no money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundStep {
    /// The platform.
    #[schema(value_type = String, example = "1688")]
    pub platform: PlatformId,
    /// The order.
    #[schema(value_type = String, example = "2020050115563301")]
    pub order: OrderId,
    /// The refund's own number, the one that its success will bear.
    #[schema(example = "refund-1")]
    pub refund_id: String,
    /// When it happened.
    pub at: ApiTime,
    /// When the platform last touched its own row; not part of the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<ApiTime>,
}

/// A refund that succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refunded {
    /// The platform.
    #[schema(value_type = String, example = "1688")]
    pub platform: PlatformId,
    /// The order.
    #[schema(value_type = String, example = "2020050115563301")]
    pub order: OrderId,
    /// The refund's own number.
    #[schema(example = "refund-1")]
    pub refund_id: String,
    /// When the refund succeeded.
    pub at: ApiTime,
    /// When it was asked for, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initiated_at: Option<ApiTime>,
    /// Of a shopping credit (购物金): `unused` credit, or credit `spent` on goods that came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "spent")]
    pub credit_part: Option<CreditPart>,
    /// A special order, which batches of refund records leave out.
    #[serde(default, skip_serializing_if = "is_not")]
    pub special: bool,
    /// The currency of the amounts; `CNY` if absent, and nothing else is accounted for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// What was refunded, by line.
    pub lines: Vec<LineAmount>,
    /// When the platform last touched its own row; not part of the contents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<ApiTime>,
}

/// The natural key of an event. While nobody knows whose order it is, each sender has events of its own under it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey {
    /// The platform.
    pub platform: PlatformId,
    /// The order.
    pub order: OrderId,
    /// The event's type.
    pub kind: &'static str,
    /// The refund's number; empty for events that are about no refund.
    pub refund: String,
}

/// What is wrong with an event, before anything is looked up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not an event of a known shape.
    #[error("{0}")]
    Shape(String),
    /// An order without lines, or a refund of nothing.
    #[error("at least one line is needed")]
    NoLines,
    /// Two lines with one number.
    #[error("line {line:?} appears twice")]
    RepeatedLine {
        /// Its number.
        line: String,
        /// Where it stands the second time.
        position: usize,
    },
    /// A negative amount, or one beyond any real order.
    #[error("amount_fen must be between 0 and {AMOUNT_MAX_FEN}, not {amount}")]
    Amount {
        /// The amount.
        amount: i64,
        /// Which line.
        position: usize,
    },
    /// A line of no pieces.
    #[error("quantity must be at least 1")]
    Quantity {
        /// Which line.
        position: usize,
    },
    /// A text with characters that nobody can read or type.
    #[error("{field} must not have control characters")]
    Control {
        /// Which field.
        field: &'static str,
    },
    /// A refund without a number, or with a number that is too long.
    #[error("refund_id must have 1 to {TEXT_MAX} bytes")]
    RefundId,
    /// A text longer than any real one.
    #[error("{field} must have at most {TEXT_MAX} bytes")]
    TooLong {
        /// Which field.
        field: &'static str,
    },
    /// More tokens than a browser of ours ever carries.
    #[error("at most {TOKENS_MAX} click tokens, not {0}")]
    TooManyTokens(usize),
    /// More lines than any real order has.
    #[error("at most {LINES_MAX} lines, not {0}")]
    TooManyLines(usize),
}

/// The only currency that is accounted for, and the one that is meant where none is named.
pub const CURRENCY: &str = "CNY";
/// The largest amount of one line: a thousand million yuan. Sums over an order and a day stay far from overflow.
pub const AMOUNT_MAX_FEN: i64 = 100_000_000_000;
/// Bytes of free text at most.
pub const TEXT_MAX: usize = 128;
/// Lines of one order at most.
pub const LINES_MAX: usize = 500;
/// Click tokens on one order at most: a browser carries claims of at most twenty programmes.
pub const TOKENS_MAX: usize = 20;

impl EventError {
    /// The stable code of the problem.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Shape(_) => "order_event_malformed",
            Self::NoLines => "order_without_lines",
            Self::RepeatedLine { .. } => "line_repeated",
            Self::Amount { .. } => "amount_out_of_range",
            Self::Quantity { .. } => "quantity_out_of_range",
            Self::Control { .. } => "control_character",
            Self::RefundId => "refund_id_invalid",
            Self::TooLong { .. } => "text_too_long",
            Self::TooManyTokens(_) => "too_many_tokens",
            Self::TooManyLines(_) => "too_many_lines",
        }
    }

    /// Where within the event, as a JSON pointer.
    pub fn pointer(&self) -> String {
        match self {
            Self::Shape(_) => String::new(),
            Self::NoLines | Self::TooManyLines(_) => "/lines".into(),
            Self::RepeatedLine { position, .. } => format!("/lines/{position}/line"),
            Self::Amount { position, .. } => format!("/lines/{position}/amount_fen"),
            Self::Quantity { position } => format!("/lines/{position}/quantity"),
            Self::RefundId => "/refund_id".into(),
            Self::TooLong { field } | Self::Control { field } => format!("/{field}"),
            Self::TooManyTokens(_) => "/click_tokens".into(),
        }
    }
}

impl OrderEvent {
    /// Reads one event and checks all that can be checked without looking anything up.
    ///
    /// # Errors
    /// If a field is missing, unknown, of the wrong type or out of range.
    pub fn read(value: &serde_json::Value) -> Result<Self, EventError> {
        let event = Self::deserialize(value).map_err(|e| EventError::Shape(e.to_string()))?;
        event.check()?;
        Ok(event)
    }

    /// Why this can be read and cannot have happened: it is kept for a person to look at, and not applied.
    pub fn impossible(&self, now: Instant) -> Option<Refusal> {
        if let Err(error) = plausible(self.at(), now) {
            let (detail, pointer) = (error.to_string(), "/at".to_owned());
            return Some(Refusal { reason: Reason::ImplausibleTime, detail, pointer });
        }
        let currency = match self {
            Self::Created(e) => e.currency.as_deref(),
            Self::Paid(e) => e.currency.as_deref(),
            Self::Refunded(e) => e.currency.as_deref(),
            Self::Shipped(_)
            | Self::Completed(_)
            | Self::Closed(_)
            | Self::RefundAsked(_)
            | Self::RefundRefused(_) => None,
        };
        let foreign = currency.filter(|currency| *currency != CURRENCY)?;
        let detail = format!("amounts are in {foreign}; only {CURRENCY} is accounted for");
        Some(Refusal { reason: Reason::Currency, detail, pointer: "/currency".to_owned() })
    }

    fn check(&self) -> Result<(), EventError> {
        match self {
            Self::Created(e) => {
                if e.lines.is_empty() {
                    return Err(EventError::NoLines);
                }
                if e.click_tokens.len() > TOKENS_MAX {
                    return Err(EventError::TooManyTokens(e.click_tokens.len()));
                }
                let declared = e.declared.as_ref();
                short("currency", e.currency.as_deref())?;
                short("coupon", e.coupon.as_deref())?;
                short("declared/channel", declared.and_then(|d| d.channel.as_deref()))?;
                short("declared/distributor", declared.and_then(|d| d.distributor.as_deref()))?;
                e.lines.iter().try_for_each(|line| short("lines/sku", line.sku.as_deref()))?;
                if let Some(position) = e.lines.iter().position(|line| line.quantity == 0) {
                    return Err(EventError::Quantity { position });
                }
                check_lines(e.lines.iter().map(|l| (&l.line, l.amount_fen)))
            }
            Self::Paid(e) => {
                short("currency", e.currency.as_deref())?;
                check_lines(e.lines.iter().map(|l| (&l.line, l.amount_fen)))
            }
            Self::Refunded(e) => {
                short("currency", e.currency.as_deref())?;
                refund_number(&e.refund_id)?;
                if e.lines.is_empty() {
                    return Err(EventError::NoLines);
                }
                check_lines(e.lines.iter().map(|l| (&l.line, l.amount_fen)))
            }
            Self::RefundAsked(e) | Self::RefundRefused(e) => refund_number(&e.refund_id),
            Self::Shipped(_) | Self::Completed(_) | Self::Closed(_) => Ok(()),
        }
    }

    /// The natural key.
    pub fn key(&self) -> EventKey {
        let (platform, order) = match self {
            Self::Created(e) => (&e.platform, &e.order),
            Self::Paid(e) => (&e.platform, &e.order),
            Self::RefundAsked(e) | Self::RefundRefused(e) => (&e.platform, &e.order),
            Self::Refunded(e) => (&e.platform, &e.order),
            Self::Shipped(e) | Self::Completed(e) | Self::Closed(e) => (&e.platform, &e.order),
        };
        let refund = match self {
            Self::RefundAsked(e) | Self::RefundRefused(e) => e.refund_id.clone(),
            Self::Refunded(e) => e.refund_id.clone(),
            _ => String::new(),
        };
        EventKey { platform: platform.clone(), order: order.clone(), kind: self.kind(), refund }
    }

    /// The type's name.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Created(_) => "created",
            Self::Paid(_) => "paid",
            Self::Shipped(_) => "shipped",
            Self::Completed(_) => "completed",
            Self::RefundAsked(_) => "refund_asked",
            Self::RefundRefused(_) => "refund_refused",
            Self::Refunded(_) => "refunded",
            Self::Closed(_) => "closed",
        }
    }

    /// When it happened.
    pub const fn at(&self) -> Instant {
        match self {
            Self::Created(e) => e.at.instant(),
            Self::Paid(e) => e.at.instant(),
            Self::RefundAsked(e) | Self::RefundRefused(e) => e.at.instant(),
            Self::Refunded(e) => e.at.instant(),
            Self::Shipped(e) | Self::Completed(e) | Self::Closed(e) => e.at.instant(),
        }
    }

    /// The contents in one fixed spelling: equal texts are equal events.
    pub fn contents(&self) -> String {
        let mut event = self.clone();
        // Saying what is meant anyway changes nothing.
        let meant = |currency: &mut Option<String>| {
            if currency.as_deref() == Some(CURRENCY) {
                *currency = None;
            }
        };
        match &mut event {
            Self::Created(e) => {
                e.updated_at = None;
                meant(&mut e.currency);
            }
            Self::Paid(e) => {
                e.updated_at = None;
                meant(&mut e.currency);
            }
            Self::Refunded(e) => {
                e.updated_at = None;
                meant(&mut e.currency);
            }
            Self::RefundAsked(e) | Self::RefundRefused(e) => e.updated_at = None,
            Self::Shipped(e) | Self::Completed(e) | Self::Closed(e) => e.updated_at = None,
        }
        serde_json::to_string(&event).unwrap_or_else(|_| unreachable!("plain data always serialises"))
    }
}

fn short(field: &'static str, text: Option<&str>) -> Result<(), EventError> {
    let Some(text) = text else { return Ok(()) };
    if text.len() > TEXT_MAX {
        return Err(EventError::TooLong { field });
    }
    if text.chars().any(char::is_control) {
        return Err(EventError::Control { field });
    }
    Ok(())
}

fn refund_number(number: &str) -> Result<(), EventError> {
    if number.is_empty() || number.len() > TEXT_MAX {
        return Err(EventError::RefundId);
    }
    short("refund_id", Some(number))
}

fn check_lines<'a>(lines: impl ExactSizeIterator<Item = (&'a LineId, i64)>) -> Result<(), EventError> {
    if lines.len() > LINES_MAX {
        return Err(EventError::TooManyLines(lines.len()));
    }
    let mut seen = std::collections::BTreeSet::new();
    for (position, (line, amount)) in lines.enumerate() {
        if !(0..=AMOUNT_MAX_FEN).contains(&amount) {
            return Err(EventError::Amount { amount, position });
        }
        if !seen.insert(line) {
            return Err(EventError::RepeatedLine { line: line.to_string(), position });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: &serde_json::Value) -> Result<OrderEvent, (&'static str, String)> {
        OrderEvent::read(value).map_err(|e| (e.code(), e.pointer()))
    }

    fn created(lines: &serde_json::Value) -> serde_json::Value {
        json!({"type": "created", "platform": "1688", "order": "o-1", "at": "2020-05-01T15:56:33+08:00",
               "merchant": "shop", "buyer": "buyer-7", "lines": lines})
    }

    #[test]
    fn an_event_is_the_same_whatever_the_spelling_of_its_time_and_its_updated_at() {
        let lines = json!([{"line": "1", "product": "cup", "amount_fen": 100, "quantity": 1}]);
        let mut other = created(&json!([{"amount_fen": 100, "line": "1", "product": "cup"}]));
        other["at"] = json!("2020-05-01T07:56:33Z");
        other["updated_at"] = json!("2020-05-03T00:00:00Z");
        let (a, b) = (read(&created(&lines)).unwrap(), read(&other).unwrap());
        assert_eq!(a.contents(), b.contents());
        assert_eq!(a.key(), b.key());
    }

    #[test]
    fn impossible_times_and_foreign_money_are_named() {
        let at = |at: serde_json::Value| {
            let mut event = created(&json!([{"line": "1", "product": "cup", "amount_fen": 100}]));
            event["at"] = at;
            let event = read(&event)?;
            match event.impossible(Instant(1_600_000_000_000)) {
                Some(why) => Err((why.reason.code(), why.pointer)),
                None => Ok(event.at().millis()),
            }
        };
        let refused = Err(("time_implausible", "/at".to_owned()));
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
            assert_eq!(at(wrong.clone()), refused, "{wrong}");
        }
        for right in [946_684_800_000_i64, 1_600_000_300_000] {
            assert_eq!(at(json!(right)), Ok(right));
        }
        for (currency, refused) in [("CNY", false), ("USD", true), ("cny", true)] {
            let mut event = created(&json!([{"line": "1", "product": "cup", "amount_fen": 100}]));
            event["at"] = json!(1_500_000_000_000_i64);
            event["currency"] = json!(currency);
            let why = read(&event).unwrap().impossible(Instant(1_600_000_000_000));
            assert_eq!(why.map(|why| why.reason), refused.then_some(Reason::Currency), "{currency}");
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let line = |amount: i64| json!({"line": "1", "product": "cup", "amount_fen": amount});
        let mut nothing = line(1);
        nothing["quantity"] = json!(0);
        let unreadable = |pointer: &str, value: serde_json::Value| {
            let mut event = created(&json!([line(1)]));
            event[pointer] = value;
            event
        };
        let refund = |id: &str| {
            json!({"type": "refunded", "platform": "1688", "order": "o", "refund_id": id,
                   "at": 1_500_000_000_000_i64, "lines": [{"line": "1", "amount_fen": 1}]})
        };
        let asked = |id: &str| {
            json!({"type": "refund_asked", "platform": "1688", "order": "o", "refund_id": id,
                   "at": 1_500_000_000_000_i64})
        };
        let rows = [
            (created(&json!([nothing])), "quantity_out_of_range", "/lines/0/quantity"),
            (unreadable("coupon", json!("a\u{0}\n")), "control_character", "/coupon"),
            (unreadable("declared", json!({"channel": "\u{7f}"})), "control_character", "/declared/channel"),
            (
                unreadable("declared", json!({"distributor": "a\r"})),
                "control_character",
                "/declared/distributor",
            ),
            (refund("a\u{0}\n"), "control_character", "/refund_id"),
            (created(&json!([])), "order_without_lines", "/lines"),
            (created(&json!([line(-1)])), "amount_out_of_range", "/lines/0/amount_fen"),
            (created(&json!([line(1), line(1)])), "line_repeated", "/lines/1/line"),
            (json!({"type": "lost", "platform": "1688"}), "order_event_malformed", ""),
            (refund(""), "refund_id_invalid", "/refund_id"),
            (asked(""), "refund_id_invalid", "/refund_id"),
            (asked("a\n"), "control_character", "/refund_id"),
        ];
        for (value, code, pointer) in rows {
            assert_eq!(read(&value), Err((code, pointer.to_owned())));
        }
    }
}
