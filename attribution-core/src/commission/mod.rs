//! How much: the class of a customer, the plan and the rate of an order line, the amount, and its split.

pub mod class;
pub mod rate;
pub mod withdrawal;

use crate::ids::{AgencyId, PlatformId, PromoterId};
use crate::money::{BasisPoints, Fen, Overflow};
use crate::policy::commission::{CashbackTier, Party, Rounding, Tier};
use crate::split::cumulative_floor;
use serde::{Deserialize, Serialize};

/// Who is paid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum Payee {
    /// A promoter.
    Promoter(PromoterId),
    /// An agency.
    Agency(AgencyId),
    /// The platform itself.
    Platform(PlatformId),
}

/// One party of a frozen split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartyTerms {
    /// As what it shares.
    pub party: Party,
    /// Who it is.
    pub payee: Payee,
    /// Its weight.
    pub weight: u32,
    /// Its share stays with the promoter until they withdraw, and is collected then.
    pub collected_at_withdrawal: bool,
}

/// Everything needed to compute an amount, frozen when the order was created. The base is not: it is frozen only
/// when the line settles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// The rate.
    pub rate: BasisPoints,
    /// What becomes of a fraction of a fen.
    pub rounding: Rounding,
    /// A commission below this is nothing.
    pub min_fen: Fen,
    /// The split, in the order of the cut.
    pub parties: Vec<PartyTerms>,
    /// The rate of the highest tier, if one is above the rate: the line may settle at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rises_to: Option<BasisPoints>,
    /// The tier that changed the rate, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<TierReached>,
}

/// A tier that changed the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierReached {
    /// It counts from so many settled orders on.
    pub from_orders: u32,
    /// The rate that it stands in for.
    pub instead_of: BasisPoints,
}

/// One party's part of a commission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// As what it shares.
    pub party: Party,
    /// Who it is.
    pub payee: Payee,
    /// How much, never negative.
    pub amount: Fen,
    /// See [`PartyTerms::collected_at_withdrawal`].
    pub collected_at_withdrawal: bool,
}

/// A commission and its parts, which add up to it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Amounts {
    /// What the rate was applied to.
    pub base: Fen,
    /// The whole commission.
    pub gross: Fen,
    /// Its parts, in the order of the cut.
    pub shares: Vec<Share>,
}

impl Terms {
    /// The commission on `base`; a base below zero counts as zero, a commission below the minimum as nothing.
    ///
    /// # Errors
    /// If an amount does not fit.
    pub fn amounts(&self, base: Fen) -> Result<Amounts, Overflow> {
        let base = base.max(Fen::ZERO);
        let gross = self.gross(base, self.rate)?;
        let weights: Vec<u32> = self.parties.iter().map(|p| p.weight).collect();
        let cut = cumulative_floor(&weights, gross)?;
        let shares = self
            .parties
            .iter()
            .zip(cut)
            .map(|(party, amount)| Share {
                party: party.party,
                payee: party.payee.clone(),
                amount,
                collected_at_withdrawal: party.collected_at_withdrawal,
            })
            .collect();
        Ok(Amounts { base, gross, shares })
    }

    /// The most that the commission on `base` can be when the line settles: that of the highest tier, if there are any.
    ///
    /// # Errors
    /// If it does not fit.
    pub fn most(&self, base: Fen) -> Result<Fen, Overflow> {
        self.gross(base.max(Fen::ZERO), self.rises_to.unwrap_or(self.rate))
    }

    fn gross(&self, base: Fen, rate: BasisPoints) -> Result<Fen, Overflow> {
        let full = commission(base, rate, self.rounding)?;
        Ok(if full < self.min_fen { Fen::ZERO } else { full })
    }

    /// The same terms at the rate of the highest tier reached, if there is one. A tier raises a rate and lowers none: what a
    /// targeted plan or a product's own rate promised at the order stays.
    #[must_use]
    pub fn at_tier(&self, tiers: &[Tier], orders: u32) -> Self {
        let reached = tiers.iter().filter(|t| t.from_orders <= orders).max_by_key(|t| t.from_orders);
        let Some(tier) = reached.filter(|tier| tier.bp > self.rate) else { return self.clone() };
        let reached = TierReached { from_orders: tier.from_orders, instead_of: self.rate };
        Self { rate: tier.bp, tier: Some(reached), rises_to: None, ..self.clone() }
    }
}

/// `base` times `rate`, rounded.
///
/// # Errors
/// If the result does not fit.
pub fn commission(base: Fen, rate: BasisPoints, rounding: Rounding) -> Result<Fen, Overflow> {
    let points = i128::from(rate.points());
    match rounding {
        Rounding::Floor => base.scale(points, 10_000),
        Rounding::HalfUp => {
            let doubled = i128::from(base.0) * points * 2 + 10_000;
            i64::try_from(doubled.div_euclid(20_000)).map(Fen).map_err(|_| Overflow)
        }
    }
}

/// The cashback per order once `orders` have bought: that of the highest tier reached, not the sum.
pub fn cashback(tiers: &[CashbackTier], orders: u32) -> Fen {
    tiers
        .iter()
        .filter(|tier| tier.from_orders <= orders)
        .max_by_key(|tier| tier.from_orders)
        .map_or(Fen::ZERO, |tier| tier.amount)
}

/// One line's part of what its order gets back: once, however many of its lines are of the same product. The lines share it
/// by what is `left` of each, at the floors of the running totals, so that the parts add up.
///
/// # Errors
/// If an amount does not fit.
pub fn cashback_of_line(cashback: Fen, left: &[Fen], line: usize) -> Result<Fen, Overflow> {
    let up_to = |lines: usize| left.iter().take(lines).map(|fen| i128::from(fen.0)).sum::<i128>();
    let all = up_to(left.len());
    if all <= 0 {
        return Ok(Fen::ZERO);
    }
    cashback.scale(up_to(line + 1), all)?.sub(cashback.scale(up_to(line), all)?)
}

#[cfg(test)]
mod tests;
