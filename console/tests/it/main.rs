//! The console as browsers meet it: a real core on SQLite, its API, and the pages over it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod accounts;
mod bench;
mod guard;
mod manage;
mod money;
mod pages;
mod promote;
mod sign_in;
