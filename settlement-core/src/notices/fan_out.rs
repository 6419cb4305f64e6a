//! The job that tells many: events of products to everybody with a link or the product in their library, then [`bans`],
//! then links whose time is over ([`expiry`]). Each step is a transaction with its own place to go on from.

use super::bans::{self, Telling};
use super::expiry;
use super::write::{Kind, News, tell};
use crate::Core;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::time::Instant;

/// Promoters told in one transaction.
const AT_ONCE: usize = 500;
/// Promoters looked up at once for a ban.
const CONCERNED_AT_ONCE: usize = 10 * AT_ONCE;

/// What there is to tell of next.
enum Due {
    /// An event of a product.
    Event,
    Ban(Telling),
    /// A link whose time is over.
    Expiry,
}

impl Core {
    /// One round of telling promoters what is due to be told; whether there was anything.
    pub(crate) async fn send_some_notices(&self, now: Instant) -> Result<bool, StoreError> {
        // Looking is a read, so that a quiet core writes nothing.
        let Some(due) = self.store().read(move |tx| next(tx, now)).await? else { return Ok(false) };
        match due {
            Due::Event => self.store().write(move |tx| locked(tx, |tx| events(tx, now))).await?,
            Due::Ban(telling) => self.tell_of_ban(telling, now).await?,
            Due::Expiry => {
                self.store().write(move |tx| locked(tx, |tx| expiry::step(tx, now, AT_ONCE))).await?;
            }
        }
        Ok(true)
    }

    async fn tell_of_ban(&self, telling: Telling, now: Instant) -> Result<(), StoreError> {
        let Telling { mut place, promoters } = telling;
        let all_are_there = promoters.len() < CONCERNED_AT_ONCE;
        let mut steps: Vec<Vec<i64>> = promoters.chunks(AT_ONCE).map(<[i64]>::to_vec).collect();
        if all_are_there {
            // Nobody is left: the telling ends.
            steps.push(Vec::new());
        }
        for step in steps {
            let told =
                self.store().write(move |tx| locked(tx, |tx| bans::step(tx, place, &step, now))).await?;
            let Some(next) = told else { break };
            place = next;
        }
        Ok(())
    }
}

/// One writer of notices at a time.
fn locked<T>(
    tx: &mut dyn Tx,
    work: impl FnOnce(&mut dyn Tx) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    tx.lock("notices")?;
    work(tx)
}

fn next(tx: &mut dyn Tx, now: Instant) -> Result<Option<Due>, StoreError> {
    let event = tx.query_opt("SELECT 1 FROM notice_events WHERE due_ms <= $1 LIMIT 1", params![now])?;
    if event.is_some() {
        return Ok(Some(Due::Event));
    }
    if let Some(telling) = bans::next(tx, CONCERNED_AT_ONCE)? {
        return Ok(Some(Due::Ban(telling)));
    }
    Ok(expiry::is_due(tx, now)?.then_some(Due::Expiry))
}

/// Tells the next promoters of the oldest event that is due.
fn events(tx: &mut dyn Tx, now: Instant) -> Result<(), StoreError> {
    let sql = "SELECT e.number, e.kind, e.target, e.after_promoter, t.id, t.title, t.cancelled_from, t.delisted_from \
               FROM notice_events e JOIN targets t ON t.num = e.target WHERE e.due_ms <= $1 ORDER BY e.due_ms, e.number \
               LIMIT 1";
    let Some(row) = tx.query_opt(sql, params![now])? else { return Ok(()) };
    let (number, target, mut after) = (row.int(0)?, row.int(2)?, row.int(3)?);
    let begun = |from: Option<Instant>| from.is_some_and(|from| from <= now);
    let (cancelled, delisted) = (begun(row.opt_instant(6)?), begun(row.opt_instant(7)?));
    // What was announced and taken back before its day is no news.
    let kind = match row.text(1)? {
        "promotion_cancelled" => cancelled.then_some(Kind::PromotionCancelled),
        "product_delisted" => delisted.then_some(Kind::ProductDelisted),
        _ => (!cancelled && !delisted).then_some(Kind::ProductBack),
    };
    for _ in 0..AT_ONCE {
        let next = match kind {
            Some(_) => next_promoter(tx, target, after)?,
            None => None,
        };
        let (Some(promoter), Some(kind)) = (next, kind) else {
            tx.execute("DELETE FROM notice_events WHERE number = $1", params![number])?;
            return Ok(());
        };
        tell(tx, promoter, News::new(kind, row.text(4)?, row.text(5)?), now)?;
        after = promoter;
    }
    tx.execute("UPDATE notice_events SET after_promoter = $2 WHERE number = $1", params![number, after])?;
    Ok(())
}

/// The next promoter with a link to the target or with it in the library: one step in an index, however many links
/// each has.
fn next_promoter(tx: &mut dyn Tx, target: i64, after: i64) -> Result<Option<i64>, StoreError> {
    let linked = "SELECT MIN(promoter) FROM links WHERE target = $1 AND promoter > $2 AND qr_of IS NULL";
    let chosen = "SELECT MIN(promoter) FROM selections WHERE target = $1 AND promoter > $2";
    let linked = tx.query_one(linked, params![target, after])?.opt_int(0)?;
    let chosen = tx.query_one(chosen, params![target, after])?.opt_int(0)?;
    Ok(linked.into_iter().chain(chosen).min())
}
