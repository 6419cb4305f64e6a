//! A walk over everybody: all visitors with clicks that may count, then all buyers; it can stop and go on anywhere.

use crate::attribution::Who;
use crate::params;
use crate::store::{StoreError, Tx, read};
use attribution_core::time::Instant;

/// Whose walk it is: they do not disturb each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walker {
    /// The working core's.
    Core,
    /// The command line's.
    Rebuild,
}

impl Walker {
    const fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Rebuild => "rebuild",
        }
    }
}

/// How far a walk has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind this visitor; empty at the beginning.
    Visitors(Vec<u8>),
    /// Behind this buyer.
    Buyers(String, String),
    /// At the end.
    Done,
}

/// A walk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pass {
    pub(super) walker: Walker,
    /// The run of Redis that it tells.
    pub(super) server: String,
    pub(super) place: Place,
    /// Visitors and buyers that it has passed.
    pub(super) done: u64,
    pub(super) began: Instant,
}

impl Pass {
    pub(super) const fn begin(walker: Walker, server: String, now: Instant) -> Self {
        Self { walker, server, place: Place::Visitors(Vec::new()), done: 0, began: now }
    }

    pub(super) fn is_done(&self) -> bool {
        self.place == Place::Done
    }

    /// The next ones, and the walk as it is behind them.
    pub(super) fn next(&self, tx: &mut dyn Tx, most: usize) -> Result<(Vec<Who>, Self), StoreError> {
        let limit = i64::try_from(most).unwrap_or(i64::MAX);
        let mut after = self.clone();
        let who = match &self.place {
            Place::Visitors(visitor) => {
                let found = tx.visitors_after(visitor, most)?;
                let who: Vec<Who> = found.into_iter().map(Who::Visitor).collect();
                after.place = match who.last() {
                    Some(Who::Visitor(last)) => Place::Visitors(last.0.to_vec()),
                    _ => Place::Buyers(String::new(), String::new()),
                };
                who
            }
            Place::Buyers(platform, buyer) => {
                let who = buyers(tx, platform, buyer, limit)?;
                after.place = match who.last() {
                    Some(Who::Buyer(platform, buyer)) => {
                        Place::Buyers(platform.to_string(), buyer.to_string())
                    }
                    _ => Place::Done,
                };
                who
            }
            Place::Done => Vec::new(),
        };
        after.done += who.len() as u64;
        Ok((who, after))
    }
}

fn buyers(tx: &mut dyn Tx, platform: &str, buyer: &str, limit: i64) -> Result<Vec<Who>, StoreError> {
    let rows = tx.query(
        "SELECT DISTINCT platform, buyer FROM identities WHERE (platform, buyer) > ($1, $2) \
         ORDER BY platform, buyer LIMIT $3",
        params![platform, buyer, limit],
    )?;
    rows.iter()
        .map(|row| Ok(Who::Buyer(read("platform id", row.text(0)?)?, read("buyer id", row.text(1)?)?)))
        .collect()
}

/// How many visitors and buyers a walk passes.
pub(super) fn population(tx: &mut dyn Tx) -> Result<u64, StoreError> {
    let visitors = tx.query_one("SELECT COUNT(DISTINCT visitor) FROM earning_clicks", &[])?;
    let buyers = tx
        .query_one("SELECT COUNT(*) FROM (SELECT DISTINCT platform, buyer FROM identities) AS buyers", &[])?;
    Ok(visitors.count(0)? + buyers.count(0)?)
}

/// The walk as it was last saved.
pub(super) fn load(tx: &mut dyn Tx, walker: Walker) -> Result<Option<Pass>, StoreError> {
    let row = tx.query_opt(
        "SELECT server, stage, visitor, platform, buyer, done, began_at FROM holder_passes WHERE name = $1",
        params![walker.name()],
    )?;
    let Some(row) = row else { return Ok(None) };
    let place = match row.text(1)? {
        "visitors" => Place::Visitors(row.blob(2)?.to_vec()),
        "buyers" => Place::Buyers(row.text(3)?.to_owned(), row.text(4)?.to_owned()),
        _ => Place::Done,
    };
    Ok(Some(Pass {
        walker,
        server: row.text(0)?.to_owned(),
        place,
        done: row.count(5)?,
        began: row.instant(6)?,
    }))
}

/// Saves it.
pub(super) fn save(tx: &mut dyn Tx, pass: &Pass) -> Result<(), StoreError> {
    let nobody: (&[u8], &str, &str) = (&[], "", "");
    let (stage, (visitor, platform, buyer)) = match &pass.place {
        Place::Visitors(visitor) => ("visitors", (visitor.as_slice(), "", "")),
        Place::Buyers(platform, buyer) => ("buyers", (nobody.0, platform.as_str(), buyer.as_str())),
        Place::Done => ("done", nobody),
    };
    tx.execute(
        "INSERT INTO holder_passes (name, server, stage, visitor, platform, buyer, done, began_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (name) DO UPDATE SET server = excluded.server, \
         stage = excluded.stage, visitor = excluded.visitor, platform = excluded.platform, \
         buyer = excluded.buyer, done = excluded.done, began_at = excluded.began_at",
        params![
            pass.walker.name(),
            &pass.server,
            stage,
            visitor,
            platform,
            buyer,
            i64::try_from(pass.done).unwrap_or(i64::MAX),
            pass.began
        ],
    )?;
    Ok(())
}
