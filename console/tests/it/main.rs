//! The console as browsers meet it: a real core on SQLite, its API, and the pages over it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod accounts;
mod bans;
mod bench;
mod catalogue;
mod enrolments;
mod guard;
mod logo;
mod manage;
mod money;
mod pages;
mod payout_accounts;
mod pictures;
mod promote;
mod reviews;
mod run_it;
mod sign_in;
mod sources;
mod webhooks;
