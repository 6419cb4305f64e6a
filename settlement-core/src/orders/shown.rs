//! From when on a success is shown to those who earn by it: the books have it at once, lists, reports and explanations
//! as the programme's rules say.

use crate::attribution::Catalogue;
use crate::store::{StoreError, Tx};
use attribution_core::ids::ProgrammeId;
use attribution_core::time::Instant;

/// When today began. What matured before is shown by every programme.
pub(crate) fn midnight(now: Instant) -> Instant {
    Instant::of_shanghai_day(now.shanghai_day())
}

/// Whether a settled line that matured at `matured` is still shown as expected: its trade succeeded today, and these
/// rules show it from the next midnight on.
pub(crate) fn not_yet_shown(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    programme: &ProgrammeId,
    version: u32,
    matured: Instant,
    now: Instant,
) -> Result<bool, StoreError> {
    // Most are older than any rule withholds them.
    if matured < midnight(now) {
        return Ok(false);
    }
    let policy = catalogue.policy(tx, programme, version)?;
    Ok(now < policy.settlement.report_visible.visible_from(matured))
}
