//! What changes have left behind for Redis ([`holder_marks`](crate::holder_marks)): read, and taken away once it is told.

use super::streams;
use crate::attribution::Who;
use crate::params;
use crate::store::{Param, Store, StoreError, Tx};
use attribution_core::ids::{BuyerId, PlatformId, VisitorId};
use attribution_core::time::{DAY_MS, Instant};

/// Nobody has told Redis anything for so long: nobody keeps what is left behind any more.
pub(super) const FORGET_AFTER_MS: i64 = 7 * DAY_MS;

/// What a row asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Look at these again.
    Look(Who),
    /// Look at everybody who clicked from then on.
    Since(Instant),
    /// Look at everybody.
    All,
}

/// A row as it was read.
#[derive(Debug, Clone)]
pub(super) struct Left {
    kind: String,
    platform: String,
    who: String,
    mark: i64,
    pub(super) marked_at: Instant,
    pub(super) wanted: Wanted,
}

/// The oldest rows.
pub(super) fn oldest(tx: &mut dyn Tx, most: i64) -> Result<Vec<Left>, StoreError> {
    let rows = tx.query(
        "SELECT kind, platform, who, from_ms, mark, marked_at FROM holder_outbox ORDER BY marked_at LIMIT $1",
        params![most],
    )?;
    let mut left = Vec::with_capacity(rows.len());
    for row in &rows {
        let (kind, platform, who) = (row.text(0)?, row.text(1)?, row.text(2)?);
        let corrupt = |what| StoreError::Corrupt { what, cause: "not an id".into() };
        let wanted = match kind {
            "visitor" => {
                let visitor = VisitorId::from_hex(who).ok_or_else(|| corrupt("visitor id"))?;
                Wanted::Look(Who::Visitor(visitor))
            }
            "buyer" => Wanted::Look(Who::Buyer(
                PlatformId::new(platform).map_err(|_| corrupt("platform id"))?,
                BuyerId::new(who).map_err(|_| corrupt("buyer id"))?,
            )),
            "since" => Wanted::Since(row.instant(3)?),
            _ => Wanted::All,
        };
        left.push(Left {
            kind: kind.to_owned(),
            platform: platform.to_owned(),
            who: who.to_owned(),
            mark: row.int(4)?,
            marked_at: row.instant(5)?,
            wanted,
        });
    }
    Ok(left)
}

/// Rows are counted so far and no further: after a long absence of Redis there may be millions.
const COUNTED: i64 = 100_000;

/// How many rows there are, or `COUNTED` if there are more.
pub(super) fn count(tx: &mut dyn Tx) -> Result<u64, StoreError> {
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM holder_outbox LIMIT $1) AS counted";
    tx.query_one(sql, params![COUNTED])?.count(0)
}

/// Takes a row away, unless it was marked again since it was read.
pub(super) fn done(tx: &mut dyn Tx, left: &Left) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM holder_outbox WHERE kind = $1 AND platform = $2 AND who = $3 AND mark = $4",
        params![&left.kind, &left.platform, &left.who, left.mark],
    )?;
    Ok(())
}

/// Whether any core has wanted to tell Redis lately: otherwise the outbox may have holes.
pub(super) fn is_kept(tx: &mut dyn Tx, now: Instant) -> Result<bool, StoreError> {
    let wanted = tx.query_one("SELECT wanted_at FROM holder_view", &[])?.instant(0)?;
    Ok(wanted.plus(FORGET_AFTER_MS) > now)
}

/// From here on the outbox is kept. If it was not, everything up to now is for a pass to tell: the clicks' cursors
/// go to the end.
pub(super) fn keep(tx: &mut dyn Tx, now: Instant) -> Result<bool, StoreError> {
    tx.lock("holder view")?;
    let kept = is_kept(tx, now)?;
    if !kept {
        streams::to_the_end(tx)?;
    }
    tx.execute("UPDATE holder_view SET wanted_at = $1", params![now])?;
    Ok(kept)
}

/// Empties the outbox if nobody keeps it.
///
/// # Errors
/// If the store fails.
pub(crate) async fn forget_unwanted(store: &Store, now: Instant) -> Result<(), StoreError> {
    // Looking is a read, so that a quiet core writes nothing.
    if store.read(move |tx| is_unwanted(tx, now)).await? {
        store.write(move |tx| forget(tx, now)).await?;
    }
    Ok(())
}

/// Whether there is something in the outbox that nobody wants.
fn is_unwanted(tx: &mut dyn Tx, now: Instant) -> Result<bool, StoreError> {
    Ok(tx.query_opt("SELECT 1 FROM holder_outbox LIMIT 1", &[])?.is_some() && !is_kept(tx, now)?)
}

fn forget(tx: &mut dyn Tx, now: Instant) -> Result<u64, StoreError> {
    tx.lock("holder view")?;
    if is_kept(tx, now)? {
        return Ok(0);
    }
    tx.execute("DELETE FROM holder_outbox", &[] as &[Param<'_>])
}
