//! Replay and rehearsal: every decision made again from the events, as they were known when it was made.
//!
//! The way of an order, by file: [`load`] (everything about a range of buyers, in a few range reads), [`decisions`]
//! (each decision again, compared with the one that is stored by [`same_json`]), [`money`] (the line's books and transfers
//! again), [`transfers`] (compared with those that are stored), [`order`] (one after the other),
//! [`job`] (the ranges, on as many threads as there are), [`kept`] (how far it has come), [`mod@rehearse`] (the same orders under changed rules).
//! Nothing here writes, and nothing here decides: the rules are asked through the same code as in the first place.

mod api;
mod decisions;
mod difference;
mod job;
mod kept;
mod load;
mod money;
mod order;
mod rehearse;
mod same_json;
mod totals;
mod transfers;

pub(crate) use api::routes;
pub use difference::Difference;
pub use job::{Progress, ReplayError, Replayed, Selection, replay, replay_behind};
pub use kept::Kept;
pub use rehearse::{Changed, LineChange, LineFigures, Rehearsal, RehearseError, Shares, rehearse};
