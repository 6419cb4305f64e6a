//! The one place of this crate that asks what time it is. Everything else takes `now` as an argument.

use attribution_core::time::Instant;

/// Now, UTC milliseconds.
pub(crate) fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "this is the file that asks the clock")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Instant(since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
}
