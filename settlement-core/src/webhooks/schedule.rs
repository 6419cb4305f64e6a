//! When a delivery that failed is tried again: soon, then ever later, for about three days.

use attribution_core::time::{HOUR_MS, SECOND_MS};

/// The pauses after each failed attempt.
const PAUSES_MS: [i64; 10] = [
    5 * SECOND_MS,
    60 * SECOND_MS,
    300 * SECOND_MS,
    1_800 * SECOND_MS,
    2 * HOUR_MS,
    5 * HOUR_MS,
    10 * HOUR_MS,
    14 * HOUR_MS,
    20 * HOUR_MS,
    24 * HOUR_MS,
];
/// So much longer a pause may be, so that what failed together does not come back together: a fifth.
const JITTER_PARTS: i64 = 5;

/// The pause after the attempt of this number (from 1), or none if it was the last. `random` is any number.
pub(super) fn pause_after(attempt: i64, random: u32) -> Option<i64> {
    let pause = *PAUSES_MS.get(usize::try_from(attempt.checked_sub(1)?).ok()?)?;
    let longest = pause / JITTER_PARTS;
    Some(pause + longest * i64::from(random) / i64::from(u32::MAX))
}

/// From the first attempt to the last, at least.
pub(super) fn span_ms() -> i64 {
    PAUSES_MS.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use attribution_core::time::DAY_MS;

    #[test]
    fn pauses_grow_for_three_days_and_end() {
        assert!((3 * DAY_MS..4 * DAY_MS).contains(&span_ms()));
        let mut before = 0;
        for attempt in 1..=10 {
            let (least, most) = (pause_after(attempt, 0).unwrap(), pause_after(attempt, u32::MAX).unwrap());
            assert!(least > before && most == least + least / 5, "{attempt}");
            before = least;
        }
        assert_eq!((pause_after(11, 0), pause_after(0, 0), pause_after(i64::MIN, 0)), (None, None, None));
    }
}
