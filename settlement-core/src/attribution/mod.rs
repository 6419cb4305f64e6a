//! Whose order is it: gathers facts from the store, asks the rules, and picks one winner over all programmes.
//!
//! [`programmes`] are the rules that can apply, [`facts`] reads what they look at, [`decide`] asks them. Nothing here
//! writes.

mod api;
pub mod catalogue;
mod clicks;
mod dated;
pub mod decide;
mod facts;
mod held;
pub mod programmes;
pub mod relations;

pub(crate) use api::routes;
pub use catalogue::Catalogue;
pub use decide::{Decided, LineQuestion, decide_order};
pub(crate) use facts::orders_matter;
pub use held::{Answer, Who, answers};
