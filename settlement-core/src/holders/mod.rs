//! Telling Redis who holds each visitor and buyer now, with the core's authority.
//!
//! The answers come from [`crate::attribution::answers`]; here is only how they get to Redis and when. Redis is a view:
//! nothing waits for it, and whatever it loses is told again.
//!
//! - What has changed is known durably: the clicks themselves with a cursor per stream (`streams`), and rows that
//!   identities, orders and the catalogue leave behind in their own transactions (`holder_marks`, read by `outbox`).
//! - A decision's version is taken first in the transaction that decides (`decide`), so that versions are in the order
//!   of what was known, over all cores. Redis keeps the highest: who comes late changes nothing.
//! - One core at a time does the work (`lease`), for economy and not for correctness. The work is done off the list
//!   only after Redis has answered (`worker`).
//! - A Redis that may have lost something (another run of the server, another primary) is told everything, by a walk
//!   over all visitors and buyers (`pass`) beside the news.

mod check;
mod decide;
mod lease;
pub(crate) mod outbox;
mod pass;
mod rebuild;
pub(crate) mod streams;
mod worker;

pub use check::{CheckError, Checked, Difference, check};
pub use rebuild::{RebuildError, RebuildProgress, Rebuilt, rebuild};
pub use worker::spawn;
