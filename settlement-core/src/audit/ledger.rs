//! The balance of money: every transfer sums to zero, the cached balances are the entries, and a payee's accounts hold what is
//! noted of payouts. That the entries are what the lines' decisions ask for is for [`crate::replay`] to show.

use crate::Core;
use crate::store::{StoreError, Tx};
use attribution_core::ids::AgencyId;
use serde::Serialize;
use utoipa::ToSchema;

/// The books, added up again from their entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LedgerAudit {
    /// Fen by which transfers fail to sum to zero. Anything but 0 is a fault.
    pub imbalance_fen: i64,
    /// Transfers in all.
    pub transfers: u64,
    /// Transfers of which some layer does not sum to zero.
    pub unbalanced_transfers: u64,
    /// Accounts whose cached balance differs from the sum of their posted entries, or from what is noted of payouts: what is
    /// settled and not paid out, and what became available and was not withdrawn.
    pub wrong_balances: u64,
    /// Pending transfers that are neither posted nor voided.
    pub open_pending: u64,
    /// Expected in all: the open pending amounts.
    pub expected_fen: i64,
    /// Posted from merchants to payees so far, counter-entries taken off.
    pub settled_fen: i64,
    /// Whether nothing is wrong.
    pub balanced: bool,
    /// Contracts with agencies that cannot be named: what is stored of them, from before ids were checked, is no id.
    /// Orders that such an agency shares in wait for a review. Put the promoter anew with the right id and `agency_from`.
    pub unnamed_agencies: Vec<UnnamedAgency>,
}

/// A contract with an agency that cannot be named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnnamedAgency {
    /// The promoter.
    pub promoter: String,
    /// What is stored of the agency.
    pub agency: String,
    /// Why that is no id.
    pub problem: String,
    /// From when on the contract counts, UTC milliseconds.
    pub from: i64,
    /// Up to when, if it has an end, UTC milliseconds.
    pub to: Option<i64>,
}

impl Core {
    /// Adds the books up and shows the result as metrics.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn audit_ledger(&self) -> Result<LedgerAudit, StoreError> {
        let audit = self.store().read(|tx| audit(tx)).await?;
        #[expect(clippy::cast_precision_loss, reason = "gauges are floats")]
        {
            metrics::gauge!("yinke_ledger_imbalance_fen").set(audit.imbalance_fen as f64);
            metrics::gauge!("yinke_ledger_wrong_balances").set(audit.wrong_balances as f64);
            metrics::gauge!("yinke_ledger_expected_fen").set(audit.expected_fen as f64);
        }
        Ok(audit)
    }
}

/// Adds everything up.
///
/// # Errors
/// If the store fails.
pub(crate) fn audit(tx: &mut dyn Tx) -> Result<LedgerAudit, StoreError> {
    let sums = tx.query_one(
        "SELECT CAST(COALESCE(SUM(ABS(total)), 0) AS BIGINT), COUNT(DISTINCT transfer) FROM (\
         SELECT transfer, layer, SUM(amount_fen) AS total FROM ledger_entries GROUP BY transfer, layer) AS sums \
         WHERE total <> 0",
        &[],
    )?;
    let wrong = tx.query_one(
        "SELECT COUNT(*) FROM (SELECT DISTINCT account, owner, programme FROM (\
         SELECT 'entries' AS against, account, owner, programme, amount_fen AS fen FROM ledger_entries WHERE layer = 'posted' \
         UNION ALL SELECT 'entries', account, owner, programme, -balance_fen FROM ledger_balances \
         UNION ALL SELECT 'payouts', 'earned', payee, programme, amount_fen - paid_fen FROM payout_buckets \
         UNION ALL SELECT 'payouts', 'available', payee, programme, available_fen - withdrawn_fen FROM payout_totals \
         UNION ALL SELECT 'payouts', account, owner, programme, -balance_fen FROM ledger_balances \
         WHERE account IN ('earned', 'available')) AS both_sides \
         GROUP BY against, account, owner, programme HAVING SUM(fen) <> 0) AS wrong",
        &[],
    )?;
    let counts = tx.query_one(
        "SELECT COUNT(*), CAST(COALESCE(SUM(CASE WHEN state = 'pending' THEN 1 ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN resolves IS NOT NULL THEN 1 ELSE 0 END), 0) AS BIGINT) FROM ledger_transfers",
        &[],
    )?;
    let payees = tx.query_one(
        "SELECT CAST(COALESCE(SUM(CASE WHEN layer = 'pending' THEN amount_fen ELSE 0 END), 0) AS BIGINT), \
         CAST(COALESCE(SUM(CASE WHEN layer = 'posted' THEN amount_fen ELSE 0 END), 0) AS BIGINT) \
         FROM ledger_entries e JOIN ledger_transfers t ON t.id = e.transfer \
         WHERE e.account = 'merchant' AND t.order_id IS NOT NULL",
        &[],
    )?;
    let audit = LedgerAudit {
        imbalance_fen: sums.int(0)?,
        unbalanced_transfers: sums.count(1)?,
        wrong_balances: wrong.count(0)?,
        transfers: counts.count(0)?,
        open_pending: counts.count(1)?.saturating_sub(counts.count(2)?),
        expected_fen: -payees.int(0)?,
        settled_fen: -payees.int(1)?,
        balanced: false,
        unnamed_agencies: unnamed_agencies(tx)?,
    };
    let balanced = audit.imbalance_fen == 0 && audit.unbalanced_transfers == 0 && audit.wrong_balances == 0;
    Ok(LedgerAudit { balanced, ..audit })
}

fn unnamed_agencies(tx: &mut dyn Tx) -> Result<Vec<UnnamedAgency>, StoreError> {
    let rows = tx.query(
        "SELECT p.id, c.agency, c.from_ms, c.to_ms FROM agency_contracts c JOIN promoters p ON p.num = c.promoter \
         ORDER BY p.id, c.from_ms",
        &[],
    )?;
    let mut unnamed = Vec::new();
    for row in &rows {
        let agency = row.text(1)?;
        if let Err(why) = AgencyId::new(agency) {
            let (promoter, agency) = (row.text(0)?.to_owned(), agency.to_owned());
            unnamed.push(UnnamedAgency {
                promoter,
                agency,
                problem: why.to_string(),
                from: row.int(2)?,
                to: row.opt_int(3)?,
            });
        }
    }
    Ok(unnamed)
}
