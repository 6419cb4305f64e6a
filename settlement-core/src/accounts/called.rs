//! What people call whoever did something, for lists of who did what.

use crate::api::account_of;
use crate::params;
use crate::store::{StoreError, Tx};

/// An account by its login; a token by the name that the list of tokens has for it.
///
/// # Errors
/// If the store fails.
pub(crate) fn called(tx: &mut dyn Tx, principal: &str) -> Result<String, StoreError> {
    let login = match account_of(principal) {
        Some(num) => tx.query_opt("SELECT login FROM accounts WHERE num = $1", params![num])?,
        None => None,
    };
    login.map_or_else(|| Ok(principal.to_owned()), |row| Ok(row.text(0)?.to_owned()))
}
