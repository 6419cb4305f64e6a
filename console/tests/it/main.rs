//! The console as browsers meet it: a real core on SQLite, its API, and the pages over it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod accounts;
mod bans;
mod bench;
mod enrolments;
mod guard;
mod manage;
mod money;
mod pages;
mod payout_accounts;
mod promote;
mod reviews;
mod sign_in;
mod webhooks;
