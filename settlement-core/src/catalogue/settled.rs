//! What is dated back stops at what has settled.

use crate::api::Problem;
use crate::params;
use crate::store::Tx;
use attribution_core::ids::ProgrammeId;
use attribution_core::time::Instant;

/// What was decided and settled stands: nothing may begin before an order that has settled under the programme.
pub(crate) fn not_before_settled(
    tx: &mut dyn Tx,
    programme: &ProgrammeId,
    field: &str,
    from: Instant,
    now: Instant,
) -> Result<(), Problem> {
    if from >= now.floor() {
        return Ok(());
    }
    let settled = tx.query_opt(
        "SELECT order_id FROM order_lines WHERE programme = $1 AND created_ms >= $2 AND settled_ms IS NOT NULL LIMIT 1",
        params![programme, from],
    )?;
    match settled {
        None => Ok(()),
        Some(row) => Err(Problem::conflict(
            "settled_since",
            format!("{field}: order {} was placed after {from} and has settled already", row.text(0)?),
        )
        .about(field)),
    }
}
