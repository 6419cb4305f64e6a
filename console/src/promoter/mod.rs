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
mod promoted;
mod reports;
mod statements;

use crate::state::Console;
use axum::Router;

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .merge(overview::routes())
        .merge(products::routes())
        .merge(promoted::routes())
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
