//! The one place of this crate that asks the clock.

use attribution_core::time::Instant;

/// Now, as everything else takes it.
#[expect(clippy::disallowed_methods, reason = "this is the crate's clock; everything else takes `now`")]
pub(crate) fn now() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Instant(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
