//! The promoters' pages (推客, 分销客, 销售员, 达人).

mod days;
mod money;
mod overview;
mod reports;
mod statements;

use crate::state::Console;
use crate::texts::Texts;
use axum::Router;

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .merge(overview::routes())
        .merge(reports::routes())
        .merge(statements::routes())
        .merge(money::routes())
}

/// What stands in the navigation, most wanted first.
pub(crate) fn nav(t: &Texts) -> Vec<(&'static str, &str)> {
    vec![
        ("/promoter/overview", &t.overview.nav),
        ("/promoter/reports", &t.reports.nav),
        ("/promoter/statements", &t.statements.nav),
        ("/promoter/money", &t.money.nav),
    ]
}
