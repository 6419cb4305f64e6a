//! The agencies' pages (机构): their talents and what each brings, their orders, their
//! statements and their money.

mod money;
mod orders;
mod statements;
mod talents;

use crate::state::Console;
use crate::texts::Texts;
use axum::Router;

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .merge(talents::routes())
        .merge(orders::routes())
        .merge(statements::routes())
        .merge(money::routes())
}

/// What stands in the navigation, most wanted first.
pub(crate) fn nav(t: &Texts) -> Vec<(&'static str, &str)> {
    vec![
        ("/agency/talents", &t.agency.talents),
        ("/agency/orders", &t.shop.orders),
        ("/agency/statements", &t.statements.title),
        ("/agency/money", &t.money.nav),
    ]
}
