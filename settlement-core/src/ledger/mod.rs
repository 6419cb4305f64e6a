//! The double-entry ledger: append-only transfers whose entries sum to zero.
//!
//! A pending transfer says what will probably be owed; it is later voided by a transfer of its own, at most once. A
//! posted transfer is never changed: a counter-entry takes it back. [`account`] names who can owe and be owed,
//! [`transfer`] writes, [`earned`] keeps in which account a share lies by now, [`mod@balance`] reads, [`top_up`] lets a
//! merchant's money in. What is owed, and when it moves, others say.

pub(crate) mod account;
mod api;
pub(crate) mod balance;
pub(crate) mod earned;
pub(crate) mod top_up;
mod top_ups_api;
pub(crate) mod transfer;

pub(crate) use account::Holder;

use crate::Core;
use utoipa_axum::router::OpenApiRouter;

/// All that the API says about a merchant's money.
pub(crate) fn routes() -> OpenApiRouter<Core> {
    api::routes().merge(top_ups_api::routes())
}
