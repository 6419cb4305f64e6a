//! What must stay the same as long as a store lives: facts by name, of which the first one written stays.

use crate::params;
use crate::store::{StoreError, Tx};

/// Writes a fact down if the store does not have it; says whether what it has is this.
pub(crate) fn keep_first(tx: &mut dyn Tx, name: &str, value: &str) -> Result<bool, StoreError> {
    let sql = "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    tx.execute(sql, params![name, value])?;
    let row = tx.query_one("SELECT value FROM installation WHERE name = $1", params![name])?;
    Ok(row.text(0)? == value)
}
