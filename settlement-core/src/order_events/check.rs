//! What can be wrong with an event before anything is looked up.

use super::OrderEvent;
use super::read::from_outside;
use crate::api::TEXT_MAX;
use attribution_core::ids::LineId;

/// What is wrong with an event, before anything is looked up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Not an event of a known shape.
    #[error("{why}")]
    Shape {
        /// Where within it, as a JSON pointer.
        pointer: String,
        /// What is wrong.
        why: String,
    },
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
/// Lines of one order at most.
pub const LINES_MAX: usize = 500;
/// Click tokens on one order at most: a browser carries claims of at most twenty programmes.
pub const TOKENS_MAX: usize = 20;

impl EventError {
    /// The stable code of the problem.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Shape { .. } => "order_event_malformed",
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
            Self::Shape { pointer, .. } => pointer.clone(),
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
        let event = from_outside(value)?;
        event.check()?;
        Ok(event)
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
            Self::Shipped(e) => short("parcel", e.parcel.as_deref()),
            Self::Completed(_) | Self::Closed(_) => Ok(()),
        }
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
