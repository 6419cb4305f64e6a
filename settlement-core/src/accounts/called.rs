//! What people call whoever did something, for lists of who did what.

use crate::params;
use crate::store::{StoreError, Tx};

/// How a principal that has an account is named.
const ACCOUNT: &str = "account ";

/// The stable name of an account's owner, the same in each of their sessions.
pub(crate) fn principal_of_account(num: i64) -> String {
    format!("{ACCOUNT}{num}")
}

/// An account by its login; a token by the name that the list of tokens has for it.
///
/// # Errors
/// If the store fails.
pub(crate) fn called(tx: &mut dyn Tx, principal: &str) -> Result<String, StoreError> {
    let account = principal.strip_prefix(ACCOUNT).and_then(|num| num.parse::<i64>().ok());
    let login = match account {
        Some(num) => tx.query_opt("SELECT login FROM accounts WHERE num = $1", params![num])?,
        None => None,
    };
    login.map_or_else(|| Ok(principal.to_owned()), |row| Ok(row.text(0)?.to_owned()))
}
