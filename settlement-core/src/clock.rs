//! The one place of this crate that asks what time it is. A core carries its clock; everything below takes `now` as
//! an argument.

use attribution_core::time::Instant;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// What a core takes for the time.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine's.
    #[default]
    System,
    /// A time that somebody sets, in UTC milliseconds: for tests, and for stories told with their own times.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `at` until it is set. Clones share it.
    pub fn manual(at: Instant) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.millis())))
    }

    /// Now, UTC milliseconds.
    pub fn now(&self) -> Instant {
        match self {
            Self::System => system(),
            Self::Manual(millis) => Instant(millis.load(Ordering::SeqCst)),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the file that asks the clock")]
fn system() -> Instant {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Instant(since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_until_it_is_set_and_its_clones_follow() {
        let clock = Clock::manual(Instant(5));
        let clone = clock.clone();
        assert_eq!(clone.now(), Instant(5));
        let Clock::Manual(hands) = &clock else { unreachable!("it was made manual") };
        hands.store(7, Ordering::SeqCst);
        assert_eq!(clone.now(), Instant(7));
        assert!(Clock::System.now() > Instant(1_700_000_000_000));
    }
}
