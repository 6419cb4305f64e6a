//! One event of a batch: read, taken in, and answered for by itself.

use super::intake::{Taken, take};
use crate::api::TEXT_MAX;
use crate::order_events::OrderEvent;
use crate::store::{StoreError, Tx};
use attribution_core::ids::{OrderId, PlatformId};
use attribution_core::time::Instant;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// What became of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Taken in and applied.
    Accepted,
    /// Taken in; it waits for the order's `created`.
    Waiting,
    /// It was taken in before, with the same contents. Nothing changed.
    Duplicate,
    /// Kept in the review queue, not applied: see `code`. Nothing is lost.
    Review,
    /// It can never be an event, or not from this sender: see `code`. Nothing was kept.
    Rejected,
}

/// The answer to one event.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct EventResult {
    /// Its position in the request.
    pub(crate) index: usize,
    /// What became of it.
    pub(crate) status: Status,
    /// Its order, where it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order: Option<String>,
    /// Its type, where it could be read.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    /// Why it was not applied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// Where in the request, as a JSON pointer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pointer: Option<String>,
    /// Click tokens that are not ours, as JSON pointers. The order stands without them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(crate) ignored_tokens: Vec<String>,
}

/// One event of a batch, taken in.
pub(crate) struct One {
    /// Its answer.
    pub(crate) result: EventResult,
    /// The order to judge again.
    pub(crate) touched: Option<(PlatformId, OrderId)>,
}

/// Takes the event at `index` of a batch in, and says what became of it.
///
/// # Errors
/// If the store fails.
pub(crate) fn take_one(
    tx: &mut dyn Tx,
    keys: &attribution_core::token::ClickKeys,
    index: usize,
    value: &Value,
    sender: Option<&str>,
    now: Instant,
) -> Result<One, StoreError> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(cut);
    let mut result = EventResult {
        index,
        status: Status::Accepted,
        order: text("order"),
        kind: text("type"),
        code: None,
        detail: None,
        pointer: None,
        ignored_tokens: Vec::new(),
    };
    let mut refuse = |status, code: &str, detail: String, pointer: &str| {
        result.status = status;
        result.code = Some(code.to_owned());
        result.detail = Some(detail);
        result.pointer = Some(format!("/events/{index}{pointer}"));
        Ok(One { result: result.clone(), touched: None })
    };
    let event = match OrderEvent::read(value) {
        Ok(event) => event,
        Err(error) => return refuse(Status::Rejected, error.code(), error.to_string(), &error.pointer()),
    };
    let key = event.key();
    let (status, bad_tokens, touched) = match take(tx, keys, &event, sender, now)? {
        Taken::Applied { bad_tokens } => (Status::Accepted, bad_tokens, Some((key.platform, key.order))),
        Taken::Waiting => (Status::Waiting, Vec::new(), None),
        Taken::Repeat => (Status::Duplicate, Vec::new(), None),
        Taken::Review(why) => return refuse(Status::Review, why.reason.code(), why.detail, &why.pointer),
        Taken::NotTheirs => {
            let detail = "this order is another merchant's, or of another platform".to_owned();
            return refuse(Status::Rejected, "other_merchants_order", detail, "");
        }
    };
    result.status = status;
    result.ignored_tokens =
        bad_tokens.into_iter().map(|at| format!("/events/{index}/click_tokens/{at}")).collect();
    Ok(One { result, touched })
}

/// Text that is echoed back is cut to what a real id could be.
fn cut(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}
