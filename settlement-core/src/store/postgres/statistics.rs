//! Statistics of tables that have grown manyfold.
//!
//! PostgreSQL measures tables by itself, but only once a minute, and plans until then for what they were: after an import
//! into a new installation, a question that is answered in thirty milliseconds takes ten seconds. So a connection that
//! has written many rows looks once whether a table is several times as large as when it was last measured, and has it
//! measured at once.

use super::super::tx::Tx;
use super::super::{Param, StoreError};

/// Rows that a connection writes between two looks: a look costs a millisecond.
pub(super) const ROWS: u64 = 10_000;
/// Plans for a table bear so much growth: as long as this, PostgreSQL's own measuring is soon enough.
const TIMES: i64 = 4;
/// Tables of fewer pages can be read through.
const PAGES: i64 = 16;

/// Measures what has outgrown its statistics, and says which tables that was.
pub(super) fn catch_up(tx: &mut dyn Tx) -> Result<Vec<String>, StoreError> {
    // The size is the file's: counts of rows reach PostgreSQL's own books only seconds later.
    let outgrown = tx.query(
        "SELECT quote_ident(c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = current_schema() AND c.relkind = 'r' AND pg_has_role(c.relowner, 'USAGE') \
         AND pg_relation_size(c.oid) / CAST(current_setting('block_size') AS BIGINT) \
             > GREATEST($1, $2 * CAST(c.relpages AS BIGINT)) ORDER BY c.relname",
        &[Param::Int(PAGES), Param::Int(TIMES)],
    )?;
    let tables = outgrown.iter().map(|row| row.text(0).map(str::to_owned)).collect::<Result<Vec<_>, _>>()?;
    for table in &tables {
        tx.script(&format!("ANALYZE {table}"))?;
    }
    Ok(tables)
}
