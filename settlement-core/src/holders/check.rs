//! Comparing Redis with the core, record by record.
//!
//! Both change while they are compared, so whatever differs is looked at again before it is reported. A record that an
//! edge has told of a click the core does not have yet is ahead, not wrong. Records of visitors of whom the core has no
//! click are not looked for.

use super::pass;
use super::pass::{Pass, Place, Walker};
use crate::Clock;
use crate::attribution::{Answer, Who, answers};
use crate::store::{Store, StoreError};
use attribution_core::holder::{HolderRecord, Holding};
use attribution_core::time::Instant;
use redis_view::{RedisOptions, Server, ServerError};
use std::time::Duration;

/// Visitors and buyers compared at once.
const TOGETHER: usize = 500;
/// How often what differs is looked at again, and the pause before.
const LOOKS: u32 = 4;
const PAUSE: Duration = Duration::from_secs(1);
/// So many are looked at again; beyond it Redis was plainly not told.
const SUSPECTS: usize = 10_000;

/// Why the comparison could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The core's store failed.
    #[error("the core's store failed")]
    Store(#[from] StoreError),
    /// Redis failed or refused.
    #[error("redis could not be read ({})", .0.reason())]
    Redis(#[from] ServerError),
}

/// A record that is not what the core says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The record's key.
    pub key: String,
    /// `missing`, `undecided` (only an edge's word), `differs`, `unreadable`.
    pub kind: &'static str,
    /// Who holds according to Redis, now.
    pub redis: Option<Holding>,
    /// Who holds according to the core, now.
    pub core: Option<Holding>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Visitors and buyers looked at.
    pub looked_at: u64,
    /// Records that the core would have.
    pub records: u64,
    /// Records of clicks that the core does not have yet.
    pub ahead: u64,
    /// What is not as the core says, after all looks.
    pub differences: Vec<Difference>,
    /// More differed than were looked at again.
    pub cut_short: bool,
}

/// Compares all records. `progress` hears how many visitors and buyers of how many have been looked at.
///
/// # Errors
/// If the store or Redis fails.
pub async fn check(
    store: &Store,
    clock: &Clock,
    redis: &RedisOptions,
    mut progress: impl FnMut(u64, u64) + Send,
) -> Result<Checked, CheckError> {
    let mut server = Server::connect(redis).await?;
    let total = store.read(|tx| pass::population(tx)).await?;
    let mut checked = Checked::default();
    let mut suspects: Vec<Who> = Vec::new();
    let mut walk = Pass::begin(Walker::Rebuild, String::new(), clock.now());
    while walk.place != Place::Done {
        let from = walk.clone();
        let (who, after) = store.read(move |tx| from.next(tx, TOGETHER)).await?;
        let looked = look(store, clock, &mut server, who).await?;
        checked.records += looked.records;
        checked.ahead += looked.ahead;
        suspects.extend(looked.differing.into_iter().map(|(who, _)| who));
        // Several records of one are next to each other.
        suspects.dedup();
        checked.cut_short |= suspects.len() > SUSPECTS;
        suspects.truncate(SUSPECTS);
        walk = after;
        checked.looked_at = walk.done;
        progress(walk.done, total.max(walk.done));
    }
    for again in 1..=LOOKS {
        if suspects.is_empty() {
            break;
        }
        if again > 1 {
            tokio::time::sleep(PAUSE).await;
        }
        let mut still = Vec::new();
        suspects.dedup();
        for who in suspects.chunks(TOGETHER) {
            still.extend(look(store, clock, &mut server, who.to_vec()).await?.differing);
        }
        suspects = still.iter().map(|(who, _)| who.clone()).collect();
        checked.differences = still.into_iter().map(|(_, difference)| difference).collect();
    }
    if suspects.is_empty() {
        checked.differences.clear();
    }
    Ok(checked)
}

#[derive(Default)]
struct Looked {
    records: u64,
    ahead: u64,
    differing: Vec<(Who, Difference)>,
}

async fn look(
    store: &Store,
    clock: &Clock,
    server: &mut Server,
    who: Vec<Who>,
) -> Result<Looked, CheckError> {
    let now = clock.now();
    let expected: Vec<(Who, Answer)> = store
        .read(move |tx| {
            let answers = answers(tx, &who, now)?.into_iter().zip(&who);
            let each =
                answers.flat_map(|(answers, who)| answers.into_iter().map(|answer| (who.clone(), answer)));
            Ok::<_, StoreError>(each.collect())
        })
        .await?;
    let keys: Vec<_> = expected.iter().map(|(_, answer)| (answer.bucket, answer.key.clone())).collect();
    let found = server.records(&keys).await?;
    let mut looked = Looked { records: keys.len() as u64, ..Looked::default() };
    for ((who, answer), bytes) in expected.into_iter().zip(found) {
        match compare(&answer, bytes.as_deref(), now) {
            Compared::Same => {}
            Compared::Ahead => looked.ahead += 1,
            Compared::Differs(difference) => looked.differing.push((who, difference)),
        }
    }
    Ok(looked)
}

enum Compared {
    Same,
    Ahead,
    Differs(Difference),
}

fn compare(answer: &Answer, bytes: Option<&[u8]>, now: Instant) -> Compared {
    let core = answer.holder.filter(|holder| now < holder.expires);
    let differs = |kind, redis| Compared::Differs(Difference { key: answer.key.clone(), kind, redis, core });
    let Some(bytes) = bytes else {
        return if core.is_none() { Compared::Same } else { differs("missing", None) };
    };
    let Ok(record) = HolderRecord::decode(bytes) else { return differs("unreadable", None) };
    let redis = record.at(now).copied();
    if record.provisional {
        let newest = record.holder.map(|holder| (holder.clicked, holder.click));
        return if newest > Some(answer.covers) { Compared::Ahead } else { differs("undecided", redis) };
    }
    if record.shows(core.as_ref(), now) { Compared::Same } else { differs("differs", redis) }
}
