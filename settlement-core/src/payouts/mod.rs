//! From settled to paid out: `earned -> available` on the payout day, `available -> clearing` by a withdrawal or, where
//! the programme pays by itself, in the same run.
//!
//! What lies in `earned`, the ledger keeps by the month that makes it due; [`schedule`] says which day that is, by the
//! [`calendar`] in force, and [`due`] what may go on it; [`run`] goes over a programme's payees and [`pay`] pays one;
//! [`withdraw`] is the payee's own hand; [`ahead`] says what a payee has to wait for; [`send`] is what both do;
//! [`came_back`] finds what has to be sent again. Where money goes, `payout_accounts` says.

mod ahead;
mod arrivals_api;
pub(crate) mod calendar;
mod calendar_api;
mod came_back;
mod due;
mod pay;
mod payouts_api;
pub mod run;
mod runs_api;
mod schedule;
mod send;
mod withdraw;
mod withdraw_api;

pub(crate) use due::next_day;
pub use due::{BeginError, Trigger};
pub use run::PaidOut;
pub use schedule::ScheduleError;
pub use send::MoveError;

use crate::Core;
use utoipa_axum::router::OpenApiRouter;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    calendar_api::routes()
        .merge(runs_api::routes())
        .merge(payouts_api::routes())
        .merge(arrivals_api::routes())
        .merge(withdraw_api::routes())
}
