//! An enrolment as it is kept.

use crate::params;
use crate::store::{List, Param, Row, StoreError, Tx, read};
use attribution_core::ids::{MerchantId, ProductId, ProgrammeId};
use attribution_core::sourcing::{AuditTimes, Refusal, SkuOffer, SkuVerdict};
use attribution_core::time::Instant;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// An enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Enrolment {
    pub id: String,
    pub programme: ProgrammeId,
    /// The version of the rules it was judged by.
    pub version: u32,
    pub merchant: MerchantId,
    pub product: ProductId,
    pub state: State,
    /// Why the gates refused it.
    pub refusals: Vec<Refusal>,
    pub submitted: Instant,
    /// When the audit is through; none if there was none.
    pub audit: Option<AuditTimes>,
    pub decided: Option<Instant>,
    /// Why the audit rejected it.
    pub reason: Option<String>,
    pub exited: Option<Instant>,
    pub skus: Vec<EnrolledSku>,
}

/// One SKU of it, as it was judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EnrolledSku {
    pub sku: String,
    pub offer: SkuOffer,
    pub verdict: SkuVerdict,
}

/// Where an enrolment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    /// By the gates.
    Refused,
    /// A person looks at it.
    Auditing,
    /// It takes part.
    Approved,
    /// By the audit.
    Rejected,
    /// The merchant left.
    Exited,
}

impl State {
    const ALL: [Self; 5] = [Self::Refused, Self::Auditing, Self::Approved, Self::Rejected, Self::Exited];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Auditing => "auditing",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Exited => "exited",
        }
    }
}

const COLUMNS: &str = "id, programme, programme_version, merchant, product, state, refusals, submitted_ms, audit, \
                       decided_ms, reason, exited_ms";

fn json<T: DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(StoreError::corrupt("enrolment"))
}

fn text<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::corrupt("enrolment"))
}

impl Enrolment {
    /// Whether it takes part, or will if the audit says so.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.state, State::Auditing | State::Approved)
    }
}

/// The enrolments of these rows with their SKUs.
fn with_skus(tx: &mut dyn Tx, rows: &[Row]) -> Result<Vec<Enrolment>, StoreError> {
    let mut all = rows.iter().map(enrolment).collect::<Result<Vec<_>, _>>()?;
    for some in all.chunks_mut(List::MOST) {
        let ids: Vec<String> = some.iter().map(|of| of.id.clone()).collect();
        let list: List<'_> = ids.iter().collect();
        let sql = format!(
            "SELECT enrolment, sku, offer, refusals, needs_review FROM enrolment_skus WHERE enrolment IN ({}) \
             ORDER BY enrolment, sku",
            list.marks
        );
        let mut skus: HashMap<String, Vec<EnrolledSku>> = HashMap::new();
        for row in tx.query(&sql, &list.values)? {
            let verdict = SkuVerdict { refusals: json(row.text(3)?)?, needs_review: row.flag(4)? };
            let sku = EnrolledSku { sku: row.text(1)?.to_owned(), offer: json(row.text(2)?)?, verdict };
            skus.entry(row.text(0)?.to_owned()).or_default().push(sku);
        }
        for of in some {
            of.skus = skus.remove(&of.id).unwrap_or_default();
        }
    }
    Ok(all)
}

/// Without its SKUs.
fn enrolment(row: &Row) -> Result<Enrolment, StoreError> {
    let state = row.text(5)?;
    let state = State::ALL
        .into_iter()
        .find(|known| known.name() == state)
        .ok_or_else(|| StoreError::Corrupt { what: "state of an enrolment", cause: state.into() })?;
    Ok(Enrolment {
        id: row.text(0)?.to_owned(),
        programme: read("programme id", row.text(1)?)?,
        version: row.num(2)?,
        merchant: read("merchant id", row.text(3)?)?,
        product: read("product id", row.text(4)?)?,
        state,
        refusals: json(row.text(6)?)?,
        submitted: row.instant(7)?,
        audit: row.opt_text(8)?.map(json).transpose()?,
        decided: row.opt_instant(9)?,
        reason: row.opt_text(10)?.map(str::to_owned),
        exited: row.opt_instant(11)?,
        skus: Vec::new(),
    })
}

/// One enrolment.
pub(super) fn find(tx: &mut dyn Tx, id: &str) -> Result<Option<Enrolment>, StoreError> {
    let rows = tx.query(&format!("SELECT {COLUMNS} FROM enrolments WHERE id = $1"), params![id])?;
    Ok(with_skus(tx, &rows)?.pop())
}

/// Enrolments of a merchant or of all, in one state or in any, newest first, behind the one of this time and id.
pub(super) fn list(
    tx: &mut dyn Tx,
    merchant: Option<&MerchantId>,
    state: Option<State>,
    after: Option<&(i64, [String; 1])>,
    limit: i64,
) -> Result<Vec<Enrolment>, StoreError> {
    let (at, id) = after.map_or((i64::MAX, ""), |(at, [id])| (*at, id.as_str()));
    let mut values: Vec<Param<'_>> = vec![at.into(), id.into(), limit.into()];
    let mut only = String::new();
    if let Some(merchant) = merchant {
        values.push(merchant.into());
        only.push_str(" AND merchant = $4");
    }
    if let Some(state) = state {
        // Written out: those that wait for the audit have an index of their own.
        only.push_str(&format!(" AND state = '{}'", state.name()));
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM enrolments WHERE submitted_ms <= $1 AND (submitted_ms < $1 OR id < $2){only} \
         ORDER BY submitted_ms DESC, id DESC LIMIT $3"
    );
    let rows = tx.query(&sql, &values)?;
    with_skus(tx, &rows)
}

/// The lock under which a product's enrolment, its SKUs and what is said of it change.
pub(super) fn lock_name(product: &ProductId) -> String {
    format!("enrolment {product}")
}

/// The lock under which what is said of a merchant changes. Whoever takes both locks takes this one first.
pub(super) fn merchant_lock_name(merchant: &str) -> String {
    format!("enrolments of {merchant}")
}

/// The id of an open enrolment of a product, or of one of its SKUs.
pub(super) fn open_of(
    tx: &mut dyn Tx,
    product: &ProductId,
    sku: Option<&str>,
) -> Result<Option<String>, StoreError> {
    let row = tx.query_opt(
        "SELECT e.id FROM enrolments e WHERE e.product = $1 AND e.state IN ('auditing', 'approved') \
         AND (CAST($2 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM enrolment_skus s \
         WHERE s.enrolment = e.id AND s.sku = $2 AND s.refusals = '[]')) ORDER BY e.id LIMIT 1",
        params![product, sku],
    )?;
    row.map(|row| Ok(row.text(0)?.to_owned())).transpose()
}

/// Keeps a new one.
pub(super) fn insert(tx: &mut dyn Tx, new: &Enrolment) -> Result<(), StoreError> {
    let audit = new.audit.as_ref().map(text).transpose()?;
    tx.execute(
        "INSERT INTO enrolments (id, programme, programme_version, merchant, product, state, refusals, submitted_ms, \
         audit) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            &new.id,
            &new.programme,
            i64::from(new.version),
            &new.merchant,
            &new.product,
            new.state.name(),
            &text(&new.refusals)?,
            new.submitted,
            audit.as_ref()
        ],
    )?;
    for sku in &new.skus {
        tx.execute(
            "INSERT INTO enrolment_skus (enrolment, sku, offer, refusals, needs_review) VALUES ($1, $2, $3, $4, $5)",
            params![
                &new.id,
                &sku.sku,
                &text(&sku.offer)?,
                &text(&sku.verdict.refusals)?,
                sku.verdict.needs_review
            ],
        )?;
    }
    Ok(())
}

/// The audit's word.
pub(super) fn decide(
    tx: &mut dyn Tx,
    id: &str,
    state: State,
    reason: Option<&str>,
    now: Instant,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE enrolments SET state = $2, reason = $3, decided_ms = $4 WHERE id = $1",
        params![id, state.name(), reason, now],
    )?;
    Ok(())
}

/// The merchant leaves.
pub(super) fn exit(tx: &mut dyn Tx, id: &str, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE enrolments SET state = $2, exited_ms = $3 WHERE id = $1",
        params![id, State::Exited.name(), now],
    )?;
    Ok(())
}
