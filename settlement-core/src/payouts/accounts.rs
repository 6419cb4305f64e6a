//! Where a payee's money goes, and who was bound when.

use crate::params;
use crate::store::{Row, StoreError, Tx};
use attribution_core::time::Instant;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A person's 支付宝.
    Alipay,
    /// A company's 支付宝: agencies need one.
    CompanyAlipay,
    /// A bank card.
    BankCard,
}

impl AccountKind {
    const ALL: [Self; 3] = [Self::Alipay, Self::CompanyAlipay, Self::BankCard];

    /// The fixed name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alipay => "alipay",
            Self::CompanyAlipay => "company_alipay",
            Self::BankCard => "bank_card",
        }
    }

    pub(super) fn read(stored: &str) -> Result<Self, StoreError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == stored)
            .ok_or_else(|| StoreError::Corrupt { what: "kind of a payout account", cause: stored.into() })
    }
}

/// An account outside the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutAccount {
    /// What kind.
    pub kind: AccountKind,
    /// Its number or login.
    pub account: String,
    /// In whose name it is.
    pub holder: String,
    /// Since when the holder's real name is verified.
    pub verified: Option<Instant>,
    /// Bound from here on.
    pub from: Instant,
    /// And up to here.
    pub to: Option<Instant>,
}

const COLUMNS: &str = "kind, account, holder, verified_ms, from_ms, to_ms";

fn account(row: &Row) -> Result<PayoutAccount, StoreError> {
    Ok(PayoutAccount {
        kind: AccountKind::read(row.text(0)?)?,
        account: row.text(1)?.to_owned(),
        holder: row.text(2)?.to_owned(),
        verified: row.opt_instant(3)?,
        from: row.instant(4)?,
        to: row.opt_instant(5)?,
    })
}

/// The account bound at `at`.
///
/// # Errors
/// If the store fails.
pub fn bound(tx: &mut dyn Tx, payee: &str, at: Instant) -> Result<Option<PayoutAccount>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM payout_accounts WHERE payee = $1 AND from_ms <= $2 \
         AND (to_ms IS NULL OR to_ms > $2) ORDER BY from_ms DESC LIMIT 1"
    );
    tx.query_opt(&sql, params![payee, at])?.as_ref().map(account).transpose()
}

/// All accounts that were ever bound, newest first.
///
/// # Errors
/// If the store fails.
pub fn history(tx: &mut dyn Tx, payee: &str) -> Result<Vec<PayoutAccount>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM payout_accounts WHERE payee = $1 ORDER BY from_ms DESC");
    tx.query(&sql, params![payee])?.iter().map(account).collect()
}

/// Binds an account from `new.from` on, instead of the one bound before.
///
/// # Errors
/// If the store fails.
pub fn bind(tx: &mut dyn Tx, payee: &str, new: &PayoutAccount, now: Instant) -> Result<(), StoreError> {
    unbind(tx, payee, new.from)?;
    tx.execute(
        "INSERT INTO payout_accounts (payee, from_ms, to_ms, kind, account, holder, verified_ms, recorded_ms) \
         VALUES ($1, $2, NULL, $3, $4, $5, $6, $7)",
        params![payee, new.from, new.kind.name(), &new.account, &new.holder, new.verified, now],
    )?;
    Ok(())
}

/// No account is bound from `at` on; returns whether one was.
///
/// # Errors
/// If the store fails.
pub fn unbind(tx: &mut dyn Tx, payee: &str, at: Instant) -> Result<bool, StoreError> {
    // Under one lock: two bindings at once must not leave two open periods.
    tx.lock(&format!("payout account {payee}"))?;
    let gone = tx.execute(
        "DELETE FROM payout_accounts WHERE payee = $1 AND to_ms IS NULL AND from_ms >= $2",
        params![payee, at],
    )?;
    let ended = tx.execute(
        "UPDATE payout_accounts SET to_ms = $2 WHERE payee = $1 AND (to_ms IS NULL OR to_ms > $2) AND from_ms < $2",
        params![payee, at],
    )?;
    Ok(gone + ended > 0)
}
