//! The agencies' pages (机构): their talents and what each brings, their orders, their
//! statements and their money.

mod money;
mod orders;
mod statements;
mod talents;

use crate::state::Console;
use axum::Router;

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .merge(talents::routes())
        .merge(orders::routes())
        .merge(statements::routes())
        .merge(money::routes())
}
