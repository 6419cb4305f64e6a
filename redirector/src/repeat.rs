//! "This visitor probably tapped this link a short while ago": a hint for settlement, never a decision.
//!
//! Two Bloom filters take turns: one is filled while the other remembers the time before. A false alarm costs a flag
//! on a record and nothing else. Only visitors who came back with a cookie are looked up; a new one cannot repeat.

use attribution_core::code::Code;
use attribution_core::ids::VisitorId;
use attribution_core::time::{HOUR_MS, Instant};
use bloomfilter::Bloom;

/// Taps that one filter remembers with one false alarm in a hundred; then the filters change places early.
const TAPS: usize = 100_000;
const FALSE_ALARMS: f64 = 0.01;
/// A tap is remembered between one and two of these.
const GENERATION_MS: i64 = HOUR_MS / 2;

/// What one worker remembers.
pub(crate) struct Repeats {
    filled: Bloom<[u8; 24]>,
    before: Bloom<[u8; 24]>,
    taps: usize,
    since: Instant,
}

impl Repeats {
    /// The seed is random, so that nobody can look for collisions.
    pub(crate) fn new(seed: &[u8; 32]) -> Option<Self> {
        let filter = || Bloom::new_for_fp_rate_with_seed(TAPS, FALSE_ALARMS, seed).ok();
        Some(Self { filled: filter()?, before: filter()?, taps: 0, since: Instant(0) })
    }

    /// Notes a tap and says whether there probably was one like it.
    pub(crate) fn tap(&mut self, visitor: VisitorId, code: Code, now: Instant) -> bool {
        if self.taps >= TAPS || (now.millis() - self.since.millis()).abs() > GENERATION_MS {
            std::mem::swap(&mut self.filled, &mut self.before);
            self.filled.clear();
            self.taps = 0;
            self.since = now;
        }
        let mut key = [0; 24];
        key[..16].copy_from_slice(&visitor.0);
        key[16..].copy_from_slice(&code.0.to_le_bytes());
        self.taps += 1;
        self.filled.check_and_set(&key) || self.before.check(&key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeat_is_noticed_until_it_is_long_ago() {
        let mut repeats = Repeats::new(&[7; 32]).unwrap();
        let (visitor, code, now) = (VisitorId([1; 16]), Code(5), Instant(1_700_000_000_000));
        assert!(!repeats.tap(visitor, code, now));
        assert!(repeats.tap(visitor, code, now.plus(1)));
        assert!(!repeats.tap(visitor, Code(6), now));
        assert!(!repeats.tap(VisitorId([2; 16]), code, now));
        let later = now.plus(GENERATION_MS + 1);
        assert!(repeats.tap(visitor, Code(6), later), "the filter before still knows");
        let much_later = later.plus(2 * GENERATION_MS + 2);
        assert!(!repeats.tap(visitor, Code(9), much_later));
        assert!(!repeats.tap(visitor, code, much_later.plus(GENERATION_MS + 1)));
    }

    #[test]
    fn many_visitors_give_few_false_alarms() {
        let mut repeats = Repeats::new(&[7; 32]).unwrap();
        let alarms = (0..50_000u64)
            .filter(|n| {
                let mut id = [0; 16];
                id[..8].copy_from_slice(&n.to_le_bytes());
                repeats.tap(VisitorId(id), Code(5), Instant(1_700_000_000_000))
            })
            .count();
        assert!(alarms < 500, "{alarms}");
    }
}
