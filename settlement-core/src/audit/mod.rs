//! Proofs that nothing went missing: the balance of clicks and the balance of money.
//!
//! Both only read. [`clicks`] compares what the edges say they recorded with what arrived; [`ledger`] adds the books
//! up again from their entries, and beside what is noted of payouts.

mod api;
pub(crate) mod clicks;
pub(crate) mod ledger;

pub(crate) use api::routes;
