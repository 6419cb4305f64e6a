//! Promoters' own buyer accounts, by which self-purchases are known.

use crate::api::Problem;
use crate::earlier::{self, Fact};
use crate::store::{Row, StoreError, Tx, read};
use crate::wake;
use crate::{holder_marks, params};
use attribution_core::ids::{BuyerId, PlatformId, PromoterId};
use attribution_core::time::Instant;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A buyer account on a platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    /// The platform.
    #[schema(value_type = String)]
    platform: PlatformId,
    /// The buyer's id there.
    #[schema(value_type = String)]
    buyer: BuyerId,
}

/// The promoter's own buyer accounts.
pub(super) fn accounts_of(tx: &mut dyn Tx, num: i64) -> Result<BTreeSet<Account>, StoreError> {
    let rows = tx.query("SELECT platform, buyer FROM promoter_accounts WHERE promoter = $1", params![num])?;
    let account = |row: &Row| {
        let (platform, buyer) = (read("platform id", row.text(0)?)?, read("buyer id", row.text(1)?)?);
        Ok(Account { platform, buyer })
    };
    rows.iter().map(account).collect()
}

/// Gives a promoter these accounts instead of those given before.
pub(super) fn set_accounts(
    tx: &mut dyn Tx,
    num: i64,
    accounts: &[Account],
    now: Instant,
) -> Result<(), Problem> {
    let own = accounts_of(tx, num)?;
    let wanted: BTreeSet<Account> = accounts.iter().cloned().collect();
    if own != wanted {
        wake::catalogue_changed(tx)?;
    }
    for Account { platform, buyer } in own.symmetric_difference(&wanted) {
        holder_marks::buyer(tx, platform, buyer, now)?;
        let before = own_numbers(tx, platform, buyer.as_str())?;
        earlier::keep(tx, Fact::Accounts { platform, buyer: buyer.as_str() }, &before, now)?;
        // Whether they bought from themselves is asked anew as long as an order is open.
        wake::buyer(tx, platform, buyer, Instant(0))?;
    }
    tx.execute("DELETE FROM promoter_accounts WHERE promoter = $1", params![num])?;
    for account in accounts {
        tx.query_opt("SELECT 1 FROM platforms WHERE id = $1", params![&account.platform])?
            .ok_or_else(|| Problem::unknown("platform", &account.platform))?;
        tx.execute(
            "INSERT INTO promoter_accounts (platform, buyer, promoter) VALUES ($1, $2, $3) \
             ON CONFLICT (platform, buyer, promoter) DO NOTHING",
            params![&account.platform, &account.buyer, num],
        )?;
    }
    Ok(())
}

/// Promoters that are the buyer in person, by number, as known now.
///
/// # Errors
/// If the store fails.
pub(crate) fn own_numbers(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    buyer: &str,
) -> Result<Vec<i64>, StoreError> {
    let rows = tx.query(
        "SELECT promoter FROM promoter_accounts WHERE platform = $1 AND buyer = $2 ORDER BY promoter",
        params![platform, buyer],
    )?;
    rows.iter().map(|row| row.int(0)).collect()
}

/// Promoters that are the buyer in person.
pub(crate) fn own_promoters(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    buyer: &BuyerId,
) -> Result<BTreeSet<PromoterId>, StoreError> {
    let rows = tx.query(
        "SELECT o.id FROM promoter_accounts a JOIN promoters o ON o.num = a.promoter \
         WHERE a.platform = $1 AND a.buyer = $2",
        params![platform, buyer],
    )?;
    rows.iter().map(|row| read("promoter id", row.text(0)?)).collect()
}
