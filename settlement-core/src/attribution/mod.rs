//! Whose order is it: gathers facts from the store, asks the rules, and picks one winner over all programmes.
//!
//! [`facts`] reads what the rules look at, [`decide`] asks them. Nothing here writes.

pub(crate) mod catalogue;
mod clicks;
mod dated;
pub(crate) mod decide;
mod facts;
mod held;
pub(crate) mod recorded;
pub(crate) mod relations;
mod relations_api;
mod together;

pub(crate) use catalogue::Catalogue;
pub(crate) use catalogue::Rehearsed;
pub(crate) use decide::{Decided, LineQuestion, decide_order};
pub(crate) use facts::{READ_AHEAD_MS, orders_matter};
pub(crate) use held::{Answer, Who, answers};
pub(crate) use relations_api::routes;
