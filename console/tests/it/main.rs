//! The console as browsers meet it: a real core on SQLite, its API, and the pages over it.

mod bench;
mod guard;
mod pages;
mod promote;
mod sign_in;
