//! Whose data a promoter's are: who may look at them.

use super::{Principal, Problem};
use crate::params;
use crate::store::Tx;
use attribution_core::ids::PromoterId;

/// A promoter's number, if this principal may look at their data.
///
/// # Errors
/// If there is none, or it is somebody else's.
pub(crate) fn visible(tx: &mut dyn Tx, principal: &Principal, promoter: &PromoterId) -> Result<i64, Problem> {
    let row = tx.query_opt("SELECT num, agency FROM promoters WHERE id = $1", params![promoter])?;
    let agency = row.as_ref().map(|row| row.opt_text(1)).transpose()?.flatten();
    // Before saying whether they exist: only who may see them learns that.
    principal.require_promoter_of(promoter.as_str(), agency)?;
    Ok(row.ok_or_else(|| Problem::unknown("promoter", promoter))?.int(0)?)
}
