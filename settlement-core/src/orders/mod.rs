//! Orders: taking their events in, judging them, and looking again when something new is known.
//!
//! The life of an event, by file: [`intake`] (stored exactly once, in the log of its order), [`refusal`] (or why not),
//! [`judge`] (who owns the order and what is owed), [`decision`] (what of that is kept), [`hold`] (what holds its money),
//! [`bookkeeping`] and [`books`] (the difference to the ledger), [`settle`] (what is due moves, with its [`group_cashback`]
//! and in its [`tiers`]), [`review`] (what a person must look at), [`sweep`] (looking again), [`late`] (what late clicks
//! change), [`reopen`] (what a ban reaches back to), [`shown`] (from when on a success is shown), [`tell`] (what webhooks
//! say), [`deals`] (what SKUs were sold for).

mod api;
pub(crate) mod batch;
mod bookkeeping;
pub(crate) mod books;
pub(crate) mod deals;
mod decision;
mod due;
pub mod file;
mod files_api;
pub(crate) mod group_cashback;
pub(crate) mod hold;
pub mod intake;
pub(crate) mod judge;
pub(crate) mod judge_error;
mod late;
mod list_api;
mod refusal;
mod reopen;
mod report_api;
mod report_rows;
pub mod review;
mod review_api;
pub(crate) mod rows;
mod settle;
mod settlements_api;
pub(crate) mod shown;
pub mod sweep;
mod tell;
pub(crate) mod tiers;
mod waiting;

use crate::Core;
pub(crate) use bookkeeping::{business_time, maturity, show_books};
pub(crate) use decision::promoter;
pub(crate) use late::clicks_turned_up;
use utoipa_axum::router::OpenApiRouter;

/// All that the API says about orders.
pub(crate) fn routes() -> OpenApiRouter<Core> {
    api::routes()
        .merge(report_api::routes())
        .merge(review_api::routes())
        .merge(list_api::routes())
        .merge(settlements_api::routes())
        .merge(files_api::routes())
}
