//! Programmes with every version of their rules: those that can own an order are the merchant's and its platform's.

use crate::params;
use crate::store::{Row, StoreError, Tx, from_json, read};
use attribution_core::ids::{MerchantId, PlatformId, ProgrammeId, ProgrammeNum};
use attribution_core::policy::settlement::ReportVisible;
use attribution_core::policy::{Policy, PolicyVersion};
use attribution_core::time::{Instant, Period};

/// A programme with its history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Programme {
    /// Its number.
    pub num: ProgrammeNum,
    /// Its id.
    pub id: ProgrammeId,
    /// The shop whose it is; `None` if it is a platform's.
    pub merchant: Option<MerchantId>,
    /// The platform whose it is; `None` if it is a shop's.
    pub platform: Option<PlatformId>,
    /// All versions, oldest first.
    pub versions: Vec<PolicyVersion>,
    /// When each of them was made known.
    pub recorded: Vec<Instant>,
}

impl Programme {
    /// The rules in force at `at`; `None` before the first version.
    pub(crate) fn in_force(&self, at: Instant) -> Option<&PolicyVersion> {
        PolicyVersion::in_force(&self.versions, at)
    }

    /// The rules in force at `at`; before the first version, the first.
    pub(crate) fn in_force_or_first(&self, at: Instant) -> Option<&PolicyVersion> {
        self.in_force(at).or(self.versions.first())
    }

    /// The rules in force at `at`, as far as was known at `known`.
    pub(crate) fn in_force_as_of(&self, at: Instant, known: Instant) -> Option<&PolicyVersion> {
        PolicyVersion::in_force(self.known_at(known), at)
    }

    /// The versions that were known at `known`, oldest first.
    pub(crate) fn known_at(&self, known: Instant) -> impl Iterator<Item = &PolicyVersion> {
        let versions = self.versions.iter().zip(&self.recorded);
        versions.filter(move |(_, recorded)| **recorded <= known).map(|(version, _)| version)
    }
}

/// All programmes of a merchant and of its platform, in the order of their numbers.
///
/// # Errors
/// If the store fails or a stored policy cannot be read.
pub(crate) fn of_merchant(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    merchant: &MerchantId,
) -> Result<Vec<Programme>, StoreError> {
    let rows = tx.query(
        &format!("{COLUMNS} WHERE p.merchant = $1 OR p.platform = $2 ORDER BY p.num, v.version"),
        params![merchant, platform],
    )?;
    group(&rows)
}

/// One programme by its id.
///
/// # Errors
/// If the store fails or a stored policy cannot be read.
pub(crate) fn of_id(tx: &mut dyn Tx, id: &ProgrammeId) -> Result<Option<Programme>, StoreError> {
    let rows = tx.query(&format!("{COLUMNS} WHERE p.id = $1 ORDER BY v.version"), params![id])?;
    Ok(group(&rows)?.pop())
}

/// One programme.
///
/// # Errors
/// If the store fails or a stored policy cannot be read.
pub(crate) fn of_number(tx: &mut dyn Tx, num: ProgrammeNum) -> Result<Option<Programme>, StoreError> {
    let rows = tx.query(&format!("{COLUMNS} WHERE p.num = $1 ORDER BY v.version"), params![num])?;
    Ok(group(&rows)?.pop())
}

/// One programme, of which there is a row that names it.
///
/// # Errors
/// If the store fails, a stored policy cannot be read, or there is no such programme after all.
pub(super) fn named(tx: &mut dyn Tx, num: i64) -> Result<Programme, StoreError> {
    let num = u32::try_from(num).map_err(StoreError::corrupt("programme number"))?;
    of_number(tx, ProgrammeNum(num))?.ok_or(StoreError::NoRow)
}

/// One version of a programme's rules.
pub(crate) fn policy(tx: &mut dyn Tx, programme: &ProgrammeId, version: u32) -> Result<Policy, StoreError> {
    let row = tx.query_one(
        "SELECT v.policy FROM programme_versions v JOIN programmes p ON p.num = v.programme \
         WHERE p.id = $1 AND v.version = $2",
        params![programme, i64::from(version)],
    )?;
    from_json("policy", row.text(0)?)
}

/// Whether the programme's reports and lists show what succeeded today from midnight on, by the rules in force now.
pub(crate) fn reports_next_day(
    tx: &mut dyn Tx,
    programme: &ProgrammeId,
    now: Instant,
) -> Result<bool, StoreError> {
    let found = of_id(tx, programme)?;
    let rules = found.as_ref().and_then(|programme| programme.in_force(now));
    Ok(rules.is_some_and(|of| of.policy.settlement.report_visible == ReportVisible::NextDay))
}

const COLUMNS: &str = "SELECT p.num, p.id, v.version, v.effective_from, v.policy, p.merchant, v.created_at, p.platform \
     FROM programmes p JOIN programme_versions v ON v.programme = p.num";

fn group(rows: &[Row]) -> Result<Vec<Programme>, StoreError> {
    let mut programmes: Vec<Programme> = Vec::new();
    for row in rows {
        let num = ProgrammeNum(row.num(0)?);
        let id: ProgrammeId = read("programme id", row.text(1)?)?;
        let policy: Policy = from_json("policy", row.text(4)?)?;
        let version = PolicyVersion {
            programme: id.clone(),
            version: row.num(2)?,
            effective: Period::since(row.instant(3)?),
            policy,
        };
        if programmes.last().is_none_or(|last| last.num != num) {
            let merchant = row.opt_text(5)?.map(|id| read("merchant id", id)).transpose()?;
            let platform = row.opt_text(7)?.map(|id| read("platform id", id)).transpose()?;
            let (versions, recorded) = (Vec::new(), Vec::new());
            programmes.push(Programme { num, id, merchant, platform, versions, recorded });
        }
        if let Some(last) = programmes.last_mut() {
            last.versions.push(version);
            last.recorded.push(row.instant(6)?);
        }
    }
    Ok(programmes)
}
