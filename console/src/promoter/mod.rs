//! The promoters' pages (推客, 分销客, 销售员, 达人).

mod days;
mod hosts;
mod link;
mod link_new;
mod links;
mod logo;
mod money;
mod notices;
mod offers;
mod orders;
mod overview;
mod placements;
mod plans;
mod products;
mod reports;
mod statements;

use crate::state::Console;
use crate::texts::Texts;
use axum::Router;

/// Where the notices are.
pub(crate) const NOTICES: &str = "/promoter/notices";

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .merge(overview::routes())
        .merge(products::routes())
        .merge(links::routes())
        .merge(link_new::routes())
        .merge(link::routes())
        .merge(logo::routes())
        .merge(placements::routes())
        .merge(plans::routes())
        .merge(orders::routes())
        .merge(reports::routes())
        .merge(statements::routes())
        .merge(money::routes())
        .merge(notices::routes())
}

/// What stands in the navigation, most wanted first.
pub(crate) fn nav(t: &Texts) -> Vec<(&'static str, &str)> {
    vec![
        ("/promoter/overview", &t.overview.nav),
        ("/promoter/products", &t.products.nav),
        ("/promoter/selection", &t.products.selection_nav),
        ("/promoter/links", &t.links.nav),
        ("/promoter/placements", &t.placements.nav),
        ("/promoter/plans", &t.plan.title),
        ("/promoter/orders", &t.orders.nav),
        ("/promoter/reports", &t.reports.nav),
        ("/promoter/statements", &t.statements.nav),
        ("/promoter/money", &t.money.nav),
        (NOTICES, &t.notices.nav),
    ]
}
