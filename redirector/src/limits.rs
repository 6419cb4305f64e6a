//! How many misses one address prefix may have: a fixed table, so that an attacker can fill nothing.
//!
//! GCRA: per prefix one instant, the time at which its allowance is whole again. Two prefixes that fall on one place
//! push each other out, the one with more credit first; that errs on the side of answering.

use attribution_core::record::AddressPrefix;
use attribution_core::time::Instant;
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// Places in a worker's table, in pairs.
const PLACES: usize = 8_192;

/// The misses of one worker.
pub(crate) struct MissLimit {
    /// Milliseconds that one miss costs; zero switches the limit off.
    cost_ms: i64,
    burst_ms: i64,
    seed: u64,
    places: Box<[[Place; 2]]>,
}

#[derive(Clone, Copy, Default)]
struct Place {
    key: u64,
    /// The allowance is whole again at this instant.
    whole_at: i64,
}

impl MissLimit {
    /// `share` is how many workers share the limit of a prefix: connections spread over them.
    pub(crate) fn new(per_minute: u32, burst: u32, share: u8, seed: u64) -> Self {
        let cost_ms =
            if per_minute == 0 { 0 } else { (60_000 * i64::from(share) / i64::from(per_minute)).max(1) };
        let burst_ms = cost_ms.saturating_mul(i64::from(burst.max(1)) / i64::from(share.max(1)));
        Self {
            cost_ms,
            burst_ms: burst_ms.max(cost_ms),
            seed,
            places: vec![[Place::default(); 2]; PLACES / 2].into(),
        }
    }

    /// Notes a miss. `Err` with the seconds to wait if this prefix has had too many.
    pub(crate) fn miss(&mut self, prefix: AddressPrefix, now: Instant) -> Result<(), u32> {
        self.misses(1, prefix, now)
    }

    /// Notes so many misses, or none of them. More than may be had at once count as those.
    pub(crate) fn misses(&mut self, count: u32, prefix: AddressPrefix, now: Instant) -> Result<(), u32> {
        if self.cost_ms == 0 {
            return Ok(());
        }
        let cost_ms = self.cost_ms.saturating_mul(i64::from(count)).min(self.burst_ms);
        let key = xxh3_64_with_seed(&prefix.0, self.seed).max(1);
        #[expect(clippy::cast_possible_truncation, reason = "reduced to the table's length")]
        let pair = &mut self.places[(key % (PLACES as u64 / 2)) as usize];
        let at = match pair.iter().position(|place| place.key == key) {
            Some(at) => at,
            None => usize::from(pair[1].whole_at < pair[0].whole_at),
        };
        let place = &mut pair[at];
        if place.key != key {
            *place = Place { key, whole_at: 0 };
        }
        let now = now.millis();
        if place.whole_at - now > self.burst_ms {
            place.whole_at = now; // no number of misses leads there: the clock went back
        }
        let whole_at = place.whole_at.max(now) + cost_ms;
        let over = whole_at - now - self.burst_ms;
        if over > 0 {
            return Err(u32::try_from(over.div_euclid(1_000) + 1).unwrap_or(u32::MAX));
        }
        place.whole_at = whole_at;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attribution_core::time::DAY_MS;

    fn prefix(n: u8) -> AddressPrefix {
        AddressPrefix([4, 10, 0, n, 0, 0, 0, 0])
    }

    #[test]
    fn a_burst_passes_then_the_rate_counts() {
        let mut limit = MissLimit::new(60, 3, 1, 7);
        let now = Instant(1_700_000_000_000);
        for _ in 0..3 {
            assert_eq!(limit.miss(prefix(1), now), Ok(()));
        }
        assert_eq!(limit.miss(prefix(1), now), Err(2));
        assert_eq!(limit.miss(prefix(2), now), Ok(()), "another prefix has its own allowance");
        assert_eq!(limit.miss(prefix(1), now.plus(1_000)), Ok(()));
        assert!(limit.miss(prefix(1), now.plus(1_000)).is_err());
    }

    #[test]
    fn a_clock_that_was_ahead_blocks_nobody() {
        let mut limit = MissLimit::new(60, 3, 1, 7);
        let now = Instant(1_700_000_000_000);
        assert_eq!(limit.miss(prefix(1), now.plus(3_600_000)), Ok(()));
        for _ in 0..3 {
            assert_eq!(limit.miss(prefix(1), now), Ok(()));
        }
        assert_eq!(limit.miss(prefix(1), now), Err(2));
    }

    #[test]
    fn prefixes_that_share_a_place_in_one_process_have_their_own_in_another() {
        let place = |limit: &MissLimit, n: u16| {
            let [high, low] = n.to_be_bytes();
            let prefix = AddressPrefix([6, 0x20, 1, 0xd, 0xb8, high, low, 0]);
            xxh3_64_with_seed(&prefix.0, limit.seed) % (PLACES as u64 / 2)
        };
        let one = MissLimit::new(60, 3, 1, 0x1234_5678_9abc_def0);
        // As many as a provider's customer can have, all on one place of one process.
        let wanted = place(&one, 0);
        let together: Vec<u16> = (0..=u16::MAX).filter(|n| place(&one, *n) == wanted).collect();
        assert!(together.len() >= 8, "{}", together.len());
        for seed in 1..=50 {
            let other = MissLimit::new(60, 3, 1, seed);
            let places: std::collections::BTreeSet<u64> =
                together.iter().map(|n| place(&other, *n)).collect();
            assert!(places.len() * 4 > together.len() * 3, "seed {seed}: {} places", places.len());
        }
    }

    #[test]
    fn whatever_the_clock_does_nobody_waits_longer_than_told() {
        let config = proptest::test_runner::Config::with_cases(64);
        let jumps = proptest::collection::vec((-3 * DAY_MS..3 * DAY_MS, 0..20_u8), 1..60);
        proptest::proptest!(config, |(jumps in jumps)| {
            let mut limit = MissLimit::new(60, 5, 1, 7);
            let mut now = Instant(1_700_000_000_000);
            for (by, misses) in jumps {
                now = now.plus(if by % 3 == 0 { by } else { by % 3_000 });
                for _ in 0..misses {
                    if let Err(seconds) = limit.miss(prefix(1), now) {
                        // Never more than the whole allowance, and after it, by the same clock, there is one more.
                        assert!((1..=6).contains(&seconds), "{seconds}");
                        now = now.plus(i64::from(seconds) * 1_000);
                        assert_eq!(limit.miss(prefix(1), now), Ok(()));
                    }
                }
            }
        });
    }

    #[test]
    fn zero_is_no_limit() {
        let mut limit = MissLimit::new(0, 0, 1, 7);
        assert!((0..10_000).all(|_| limit.miss(prefix(1), Instant(5)).is_ok()));
    }
}
