//! Random instants. They need not be repeatable: what a kill hits depends on the machine as much as on the number.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// A source of random numbers.
pub(super) struct Chance {
    keys: RandomState,
    drawn: u64,
}

impl Chance {
    pub(super) fn new() -> Self {
        Self { keys: RandomState::new(), drawn: 0 }
    }

    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.keys.hash_one(self.drawn)
    }

    /// True once in so many.
    pub(super) fn one_in(&mut self, many: u64) -> bool {
        self.draw().is_multiple_of(many)
    }

    /// A duration up to `most`, to the microsecond.
    pub(super) fn up_to(&mut self, most: Duration) -> Duration {
        let most = u64::try_from(most.as_micros()).unwrap_or(u64::MAX).max(1);
        Duration::from_micros(self.draw() % most)
    }
}
