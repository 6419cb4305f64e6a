//! Promoters' contracts with agencies (机构), each with its time.

use crate::earlier::{self, Fact};
use crate::params;
use crate::store::{Row, StoreError, Tx};
use crate::wake;
use attribution_core::ids::AgencyId;
use attribution_core::time::Instant;
use serde::{Deserialize, Serialize};

/// A promoter's contract with an agency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Contract {
    /// From when on it counts.
    pub(crate) from: Instant,
    pub(crate) to: Option<Instant>,
    /// As it is stored. What was stored before agencies' ids were checked may be none.
    pub(crate) agency: String,
}

impl Contract {
    /// Whether it is with this agency and has no end.
    fn is_running_with(&self, agency: &str) -> bool {
        self.to.is_none() && self.agency == agency
    }

    /// Whether what is stored of the agency is no id.
    fn is_unnamed(&self) -> bool {
        AgencyId::new(self.agency.as_str()).is_err()
    }
}

/// A promoter's contracts, as known now.
///
/// # Errors
/// If the store fails.
pub(crate) fn of(tx: &mut dyn Tx, promoter: i64) -> Result<Vec<Contract>, StoreError> {
    let rows = tx.query(
        "SELECT from_ms, to_ms, agency FROM agency_contracts WHERE promoter = $1 ORDER BY from_ms",
        params![promoter],
    )?;
    let contract = |row: &Row| {
        Ok(Contract { from: row.instant(0)?, to: row.opt_instant(1)?, agency: row.text(2)?.to_owned() })
    };
    rows.iter().map(contract).collect()
}

/// Dates the contract with the agency that a promoter has now and had before; what was in force before stays on record.
///
/// # Errors
/// If the store fails.
pub(super) fn set(
    tx: &mut dyn Tx,
    num: i64,
    is_new: bool,
    (was, is): (Option<&str>, Option<&str>),
    from: Option<Instant>,
    now: Instant,
) -> Result<(), StoreError> {
    if was == is && from.is_none() {
        return Ok(());
    }
    let from = from.unwrap_or(if was.is_none() { Instant(0) } else { now });
    let before = of(tx, num)?;
    earlier::keep(tx, Fact::Contracts(num), &before, now)?;
    // A contract that goes on with the same agency is dated anew: what it covered before that is covered no more.
    let dated_anew = before.iter().filter(|contract| is.is_some_and(|is| contract.is_running_with(is)));
    let changed_from = dated_anew.map(|contract| contract.from).fold(from, Instant::min);
    tx.execute(
        "DELETE FROM agency_contracts WHERE promoter = $1 AND (from_ms >= $2 OR (agency = $3 AND to_ms IS NULL))",
        params![num, from, is.unwrap_or_default()],
    )?;
    tx.execute(
        "UPDATE agency_contracts SET to_ms = $2 WHERE promoter = $1 AND (to_ms IS NULL OR to_ms > $2)",
        params![num, from],
    )?;
    if let Some(agency) = is {
        tx.execute(
            "INSERT INTO agency_contracts (promoter, from_ms, to_ms, agency, recorded_ms) \
             VALUES ($1, $2, NULL, $3, $4)",
            params![num, from, agency, now],
        )?;
    }
    // What was held because the agency could not be named is final, and follows too.
    if before.iter().any(Contract::is_unnamed) {
        wake::promoter(tx, num, changed_from)?;
    }
    // The split of open orders follows; one who is new has none.
    if !is_new && changed_from < now {
        wake::since(tx, changed_from)?;
    }
    Ok(())
}
