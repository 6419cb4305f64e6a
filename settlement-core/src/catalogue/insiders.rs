//! Who takes part in a programme: the merchant that owns it, or all merchants of the platform that does; and whether
//! promoters do.

use crate::api::Problem;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::ids::{MerchantId, ProgrammeId};
use attribution_core::policy::commission::CommissionPolicy;

/// Refuses a programme that is not there: a list of nothing would say that there is nothing.
///
/// # Errors
/// 404 about `programme`, or if the store fails.
pub(crate) fn refuse_unknown_programme(tx: &mut dyn Tx, programme: &str) -> Result<(), Problem> {
    let found = tx.query_opt("SELECT 1 FROM programmes WHERE id = $1", params![programme])?;
    found.map(drop).ok_or_else(|| Problem::unknown("programme", programme).about("programme"))
}

/// Refuses a merchant in a programme that is another's.
///
/// # Errors
/// If there is no such programme, or the merchant takes no part in it.
pub(crate) fn refuse_outsider_of(
    tx: &mut dyn Tx,
    merchant: &MerchantId,
    programme: &ProgrammeId,
) -> Result<(), Problem> {
    let row = tx
        .query_opt("SELECT merchant, platform FROM programmes WHERE id = $1", params![programme])?
        .ok_or_else(|| Problem::unknown("programme", programme))?;
    let takes_part = takes_part(tx, merchant.as_str(), row.opt_text(0)?, row.opt_text(1)?)?;
    takes_part.then_some(()).ok_or_else(|| outsider(merchant.as_str(), programme.as_str()))
}

/// Refuses a programme in whose commissions no promoter shares: nobody would ever earn anything there.
///
/// # Errors
/// 409 about `programme`.
pub(crate) fn refuse_without_promoters(rules: &CommissionPolicy) -> Result<(), Problem> {
    if rules.pays_promoters() {
        return Ok(());
    }
    Err(Problem::conflict("no_promoters", "promoters have no share in this programme").about("programme"))
}

/// Whether a merchant takes part in a programme of this owner.
pub(super) fn takes_part(
    tx: &mut dyn Tx,
    merchant: &str,
    owner: Option<&str>,
    platform: Option<&str>,
) -> Result<bool, StoreError> {
    if let Some(owner) = owner {
        return Ok(owner == merchant);
    }
    let row = tx.query_one("SELECT platform FROM merchants WHERE id = $1", params![merchant])?;
    Ok(Some(row.text(0)?) == platform)
}

pub(super) fn outsider(merchant: &str, programme: &str) -> Problem {
    Problem::conflict(
        "not_in_programme",
        format!("merchant {merchant} does not take part in programme {programme}"),
    )
    .about("programme")
}
