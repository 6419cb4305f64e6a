//! What a targeted plan pays, for those who choose among plans.

use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::time::Instant;
use serde::Serialize;
use utoipa::ToSchema;

/// Rates that are listed of a plan.
const LISTED: u32 = 20;

/// What people call the subject of the rate `r`.
pub(super) const SUBJECT_NAME: &str = "CASE r.subject_kind \
     WHEN 'product' THEN (SELECT t.title FROM targets t WHERE t.kind = 'product' AND t.id = r.subject) \
     WHEN 'shop' THEN (SELECT m.name FROM merchants m WHERE m.id = r.subject) \
     WHEN 'category' THEN (SELECT c.name FROM categories c WHERE c.id = r.subject) END";

/// What a plan pays for something.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanRate {
    /// `product`, `category`, `shop`, or `any` for everything.
    subject_kind: String,
    /// Which; empty for everything.
    subject: String,
    /// What people call it, if the catalogue has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_name: Option<String>,
    /// `new` or `returning` customers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    /// Basis points; null says that this earns nothing.
    bp: Option<i64>,
    /// In force from here on, not before the plan itself, UTC milliseconds.
    from: i64,
    /// Up to here.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<i64>,
}

/// The rates of a plan that are in force at `now` or will be, the last set first; and whether there are more. The plan
/// itself begins at `begins`.
///
/// # Errors
/// If the store fails.
pub(super) fn rates_of(
    tx: &mut dyn Tx,
    programme: &str,
    plan: &str,
    begins: Instant,
    now: Instant,
) -> Result<(Vec<PlanRate>, bool), StoreError> {
    let rows = tx.query(
        &format!(
            "SELECT r.subject_kind, r.subject, {SUBJECT_NAME}, r.class, r.bp, r.from_ms, r.to_ms FROM rates r \
             WHERE r.programme = $1 AND r.plan = $2 AND r.plan <> '' AND (r.to_ms IS NULL OR r.to_ms > $3) \
             ORDER BY r.number DESC LIMIT $4"
        ),
        params![programme, plan, now, i64::from(LISTED) + 1],
    )?;
    let rates = rows.iter().take(LISTED as usize).map(|row| {
        Ok(PlanRate {
            subject_kind: row.text(0)?.to_owned(),
            subject: row.text(1)?.to_owned(),
            subject_name: row.opt_text(2)?.map(str::to_owned),
            class: row.opt_text(3)?.map(str::to_owned),
            bp: row.opt_int(4)?,
            from: row.instant(5)?.max(begins).millis(),
            to: row.opt_int(6)?,
        })
    });
    Ok((rates.collect::<Result<_, StoreError>>()?, rows.len() > LISTED as usize))
}
