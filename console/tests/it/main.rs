//! The console as browsers meet it: a real core on SQLite, its API, and the pages over it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod bench;
mod guard;
mod manage;
mod pages;
mod promote;
mod sign_in;
