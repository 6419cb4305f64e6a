//! The operators' pages: edges and their lag, the audit, clicks that were set aside, findings to answer, merchants and
//! their money, payouts and the accounts that they go to, platforms and their statements, the workday calendar, bans and
//! categories, accounts.

mod account;
mod accounts;
mod audit;
mod bans;
mod calendar;
mod categories;
mod difference;
mod disputes;
mod edges;
mod facts;
mod known;
mod letters;
mod merchants;
mod orders;
mod payout_accounts;
mod payouts;
mod platforms;
mod programmes;
mod promoters;
mod reconciliations;
mod sourcing;

use crate::state::Console;
use axum::Router;

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .merge(edges::routes())
        .merge(audit::routes())
        .merge(orders::routes())
        .merge(bans::routes())
        .merge(merchants::routes())
        .merge(promoters::routes())
        .merge(platforms::routes())
        .merge(categories::routes())
        .merge(sourcing::routes())
        .merge(facts::routes())
        .merge(disputes::routes())
        .merge(payouts::routes())
        .merge(payout_accounts::routes())
        .merge(reconciliations::routes())
        .merge(difference::routes())
        .merge(calendar::routes())
        .merge(letters::routes())
        .merge(accounts::routes())
        .merge(account::routes())
}
