//! The edge's clock: the only place of this crate that asks what time it is.

use attribution_core::time::Instant;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now, by the machine's clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the clock")]
pub fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
