//! Cutting a commission into whole fen: at the floors of the running totals, so that the parts always add up.

use crate::money::{Fen, Overflow};

/// The shares of `gross`, in the order of the weights. Without any weight everything is zero.
///
/// # Errors
/// If a product does not fit.
pub fn cumulative_floor(weights: &[u32], gross: Fen) -> Result<Vec<Fen>, Overflow> {
    let total: i128 = weights.iter().map(|w| i128::from(*w)).sum();
    if total == 0 {
        return Ok(vec![Fen::ZERO; weights.len()]);
    }
    let mut running = 0i128;
    let mut cut = Fen::ZERO;
    weights
        .iter()
        .map(|weight| {
            running += i128::from(*weight);
            let next = gross.scale(running, total)?;
            let share = next.sub(cut)?;
            cut = next;
            Ok(share)
        })
        .collect()
}

/// The first gross amount at which somebody's share is smaller than for one fen less, if there is any. Shares repeat
/// with the sum of the weights, so one round of it shows all.
pub fn first_non_monotone(weights: &[u32]) -> Option<i64> {
    let total: i64 = weights.iter().map(|w| i64::from(*w)).sum();
    let mut before = cumulative_floor(weights, Fen::ZERO).ok()?;
    for gross in 1..=total {
        let shares = cumulative_floor(weights, Fen(gross)).ok()?;
        if shares.iter().zip(&before).any(|(now, before)| now < before) {
            return Some(gross);
        }
        before = shares;
    }
    None
}

/// What is kept at withdrawals for the parties whose shares are collected then: `collected` of every `dashboard` fen,
/// on the lifetime total `withdrawn`, so that a full withdrawal pays exactly the rest.
///
/// # Errors
/// If a product does not fit.
pub fn withdrawal_fee(withdrawn: Fen, collected: Fen, dashboard: Fen) -> Result<Fen, Overflow> {
    if dashboard.0 <= 0 {
        return Ok(Fen::ZERO);
    }
    withdrawn.scale(i128::from(collected.0), i128::from(dashboard.0))
}
