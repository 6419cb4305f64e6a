//! The decision on an order line, in its fixed order. Each exit has a reason, and what it returns is its explanation.
//!
//! 1. a banned category, 2. an excluded way to pay, 3. an exclusive coupon, 4. a declared channel, 5. the fold of the
//!    clicks, 6. the owner's own state, 7. the promotion's state, 8. class, plan, rate and minimum.
//!
//! A decision holds until it is final: clicks, logins and history that arrive before then re-decide it by their own
//! times.

mod decision;
mod finality;
mod input;
mod steps;

pub use decision::{AppliedRule, Attribution, Award, Flag, NoCommission, Outcome, Via};
pub use finality::{EdgesCaughtUp, final_at};
pub use input::{ExclusiveCoupon, Facts, OrderLine, PromoterState, SHARED_BY};

use crate::money::Overflow;
use crate::policy::PolicyVersion;

/// Decides on one order line by one version of the rules.
///
/// # Errors
/// If an amount does not fit 64 bits.
pub fn attribute(
    version: &PolicyVersion,
    line: &OrderLine,
    facts: &Facts<'_>,
) -> Result<Attribution, Overflow> {
    steps::decide(version, line, facts)
}

#[cfg(test)]
pub(crate) mod tests;
