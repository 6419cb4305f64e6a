//! Which link is tapped: a few links get most of the taps.
//!
//! Ranks are drawn with probability proportional to `1 / rank^exponent`, by rejection from the integral of that
//! curve, so that drawing costs the same for a thousand and for ten million links and needs no table.

use crate::random::Random;

/// Draws ranks from `0..count`; rank 0 is the most popular.
#[derive(Debug, Clone)]
pub struct Zipf {
    count: f64,
    exponent: f64,
    /// The integral of the curve at the left end of the first rank and at the right end of the last.
    area_first: f64,
    area_last: f64,
    /// Within this distance of a rank's centre a draw is always accepted.
    sure: f64,
}

impl Zipf {
    /// For `count` ranks (at least one is assumed) and a positive exponent; 1.0 is the classic curve.
    pub fn new(count: u64, exponent: f64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "link counts are far below 2^53")]
        let count = count.max(1) as f64;
        let mut zipf = Self { count, exponent, area_first: 0.0, area_last: 0.0, sure: 0.0 };
        zipf.area_first = zipf.area(1.5) - 1.0;
        zipf.area_last = zipf.area(count + 0.5);
        zipf.sure = 2.0 - zipf.inverse_area(zipf.area(2.5) - zipf.height(2.0));
        zipf
    }

    /// The next rank, from 0.
    pub fn draw(&self, random: &mut Random) -> u64 {
        loop {
            let area = self.area_last + random.unit() * (self.area_first - self.area_last);
            let x = self.inverse_area(area);
            let rank = x.round().clamp(1.0, self.count);
            if rank - x <= self.sure || area >= self.area(rank + 0.5) - self.height(rank) {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "clamped to 1..=count, which was an integer"
                )]
                return rank as u64 - 1;
            }
        }
    }

    fn height(&self, x: f64) -> f64 {
        (-self.exponent * x.ln()).exp()
    }

    /// The integral of the curve from 1 to `x`.
    fn area(&self, x: f64) -> f64 {
        let ln = x.ln();
        expm1_ratio((1.0 - self.exponent) * ln) * ln
    }

    fn inverse_area(&self, area: f64) -> f64 {
        let t = (area * (1.0 - self.exponent)).max(-1.0);
        (ln1p_ratio(t) * area).exp()
    }
}

/// `(e^t - 1) / t`, also where `t` is nearly zero (exponent 1).
fn expm1_ratio(t: f64) -> f64 {
    if t.abs() > 1e-8 { t.exp_m1() / t } else { 1.0 + t / 2.0 }
}

/// `ln(1 + t) / t`, also where `t` is nearly zero.
fn ln1p_ratio(t: f64) -> f64 {
    if t.abs() > 1e-8 { t.ln_1p() / t } else { 1.0 - t / 2.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_follow_the_curve() {
        for exponent in [0.8, 1.0, 1.2] {
            let zipf = Zipf::new(1_000, exponent);
            let mut random = Random::new(1);
            let mut seen = vec![0u32; 1_000];
            let draws = 400_000;
            for _ in 0..draws {
                seen[usize::try_from(zipf.draw(&mut random)).unwrap()] += 1;
            }
            let total: f64 = (1..=1_000).map(|rank| f64::from(rank).powf(-exponent)).sum();
            for rank in [1usize, 2, 3, 10, 100] {
                let share = f64::from(u32::try_from(rank).unwrap()).powf(-exponent) / total;
                let expected = share * f64::from(draws);
                let got = f64::from(seen[rank - 1]);
                assert!(
                    (got - expected).abs() < 6.0 * expected.sqrt(),
                    "{exponent} {rank}: {got} {expected}"
                );
            }
        }
    }

    #[test]
    fn one_link_is_always_the_same() {
        let zipf = Zipf::new(1, 1.0);
        let mut random = Random::new(3);
        assert!((0..100).all(|_| zipf.draw(&mut random) == 0));
    }
}
