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
    /// Why it was refused, if it was.
    pub refusal: Option<String>,
}

const COLUMNS: &str = "kind, account, holder, verified_ms, from_ms, to_ms, refusal";

/// What is held while a payee's account is changed.
pub(super) fn lock_name(payee: &str) -> String {
    format!("payout account {payee}")
}

fn account(row: &Row) -> Result<PayoutAccount, StoreError> {
    Ok(PayoutAccount {
        kind: AccountKind::read(row.text(0)?)?,
        account: row.text(1)?.to_owned(),
        holder: row.text(2)?.to_owned(),
        verified: row.opt_instant(3)?,
        from: row.instant(4)?,
        to: row.opt_instant(5)?,
        refusal: row.opt_text(6)?.map(str::to_owned),
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

/// Payees (or one, if `payee` is not empty) with the accounts that are bound and wait for a check of the holder's name,
/// behind a time and a payee, the longest first.
///
/// # Errors
/// If the store fails.
pub(super) fn to_check(
    tx: &mut dyn Tx,
    payee: &str,
    after: Option<&(i64, [String; 1])>,
    limit: i64,
    now: Instant,
) -> Result<Vec<(String, PayoutAccount)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, payee FROM payout_accounts WHERE to_ms IS NULL AND verified_ms IS NULL \
         AND from_ms <= $4 AND ($5 = '' OR payee = $5) AND (from_ms, payee) > ($1, $2) ORDER BY from_ms, payee LIMIT $3"
    );
    let (from, last) = after.map_or((i64::MIN, ""), |(from, [payee])| (*from, payee.as_str()));
    let rows = tx.query(&sql, params![from, last, limit, now, payee])?;
    rows.iter().map(|row| Ok((row.text(7)?.to_owned(), account(row)?))).collect()
}

/// The holder's real name is verified from `now` on. The payee is locked.
///
/// # Errors
/// If the store fails.
pub(super) fn verify(tx: &mut dyn Tx, payee: &str, from: Instant, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE payout_accounts SET verified_ms = $3 WHERE payee = $1 AND from_ms = $2",
        params![payee, from, now],
    )?;
    Ok(())
}

/// The binding ends, and says why. The payee is locked.
///
/// # Errors
/// If the store fails.
pub(super) fn refuse(
    tx: &mut dyn Tx,
    payee: &str,
    from: Instant,
    why: &str,
    now: Instant,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE payout_accounts SET to_ms = $3, refused_ms = $3, refusal = $4 \
         WHERE payee = $1 AND from_ms = $2",
        params![payee, from, now, why],
    )?;
    Ok(())
}

/// Binds an account from `new.from` on, instead of the one bound before.
///
/// # Errors
/// If the store fails.
pub fn bind(tx: &mut dyn Tx, payee: &str, new: &PayoutAccount, now: Instant) -> Result<(), StoreError> {
    unbind(tx, payee, new.from, now)?;
    tx.execute(
        "INSERT INTO payout_accounts (payee, from_ms, to_ms, kind, account, holder, verified_ms, recorded_ms) \
         VALUES ($1, $2, NULL, $3, $4, $5, $6, $7)",
        params![payee, new.from, new.kind.name(), &new.account, &new.holder, new.verified, now],
    )?;
    Ok(())
}

/// No account is bound from `at` on, also none that was to be bound later; returns whether one was.
///
/// # Errors
/// If the store fails.
pub fn unbind(tx: &mut dyn Tx, payee: &str, at: Instant, now: Instant) -> Result<bool, StoreError> {
    // Under one lock: two bindings at once must not leave two open periods.
    tx.lock(&lock_name(payee))?;
    let gone = tx.execute(
        "DELETE FROM payout_accounts WHERE payee = $1 AND from_ms >= $2 AND (to_ms IS NULL OR from_ms > $3)",
        params![payee, at, now],
    )?;
    let ended = tx.execute(
        "UPDATE payout_accounts SET to_ms = $2 WHERE payee = $1 AND (to_ms IS NULL OR to_ms > $2) AND from_ms < $2",
        params![payee, at],
    )?;
    Ok(gone + ended > 0)
}
