//! The core: takes clicks and orders in, decides who earned what, and can prove it.
//!
//! The life of a click and of the money it brings, by folder:
//!
//! - in: `ingest` (batches of clicks from edges, exactly once), `edges` (how each edge stands, what it lost), `intake`
//!   (shops' notifications become order events), [`order_events`] (what is told of an order, and how it stands by that),
//!   [`orders`] (each event once, then the order is judged), `wake` (what makes an order be judged again);
//! - whose: `catalogue` (what is sold, who promotes it, links, the feed that edges follow), `identities` (which visitor
//!   is which buyer), `plans` (what a commission rests on beside the rules), [`attribution`] (facts gathered, rules
//!   asked), [`holders`] (Redis told), `explanations` (why);
//! - how much: [`ledger`] (transfers and balances; [`orders`] settles), [`payouts`] (from settled to paid),
//!   [`payout_accounts`] (where to), `disputes` (what is taken back), `sourcing` and `video_tasks` (what is sold and paid
//!   beside), `statements` (a month of it, and a platform's word against ours);
//! - to whom it is told: [`webhooks`], `notices`, `library` (what promoters may promote, and the index by which they find
//!   it), `outgoing` (the one way out to addresses that others chose);
//! - proof: [`audit`] (nothing is missing), [`replay`] (everything again, from what was known when).
//!
//! They know each other in one direction only; the order is in `docs/ARCHITECTURE.md`. `maintenance` does what time alone
//! brings. Under all of it lies [`store`], one transaction seam with two databases; over it [`api`], the JSON interface, with
//! [`accounts`] for people who sign in; `routes` puts together what each noun answers to. Requests stand in files named
//! `..._api.rs` or `api.rs`, and in `catalogue` in each noun's own file; what is beside them knows no HTTP. Nothing here sees
//! a raw address, and only `clock` asks what time it is.

pub mod accounts;
pub mod api;
mod attribution;
mod audit;
mod catalogue;
mod clock;
mod core;
mod describe;
mod destination;
mod disputes;
mod earlier;
mod edges;
mod explanations;
mod holder_marks;
pub mod holders;
mod identities;
mod ingest;
mod installation;
mod intake;
mod ledger;
mod library;
mod library_marks;
mod maintenance;
mod names;
mod notices;
pub mod order_events;
pub mod orders;
mod outgoing;
pub mod payout_accounts;
pub mod payouts;
mod plans;
mod random;
pub mod replay;
mod routes;
mod shared_secret;
mod signing;
mod sourcing;
mod statements;
pub mod store;
mod task;
mod video_tasks;
mod wake;
pub mod webhooks;

pub use crate::clock::Clock;
pub use crate::core::{Core, CoreConfig, CoreKeys, EdgeBell, OpenError};
pub use crate::ingest::IngestError;
pub use crate::maintenance::Maintained;
pub use crate::outgoing::Picture;
pub use crate::task::Task;
