//! The merchants' pages: their programmes and plans, their products, whose customer somebody is, orders, money, and
//! what programs need.

mod balance;
mod disputes;
mod enrolments;
mod import;
mod orders;
mod overview;
mod plans;
mod products;
mod programmes;
mod rates;
mod relations;
mod settlements;
mod shop;
mod skus;
mod tokens;
mod webhook;
mod webhooks;

pub(crate) use balance::parts as balance_parts;

use crate::sources;
use crate::state::Console;
use crate::texts::Texts;
use crate::video_tasks;
use axum::Router;

pub(crate) fn routes() -> Router<Console> {
    Router::new()
        .merge(overview::routes())
        .merge(rates::routes())
        .merge(plans::routes())
        .merge(products::routes())
        .merge(import::routes())
        .merge(skus::routes())
        .merge(relations::routes())
        .merge(orders::routes())
        .merge(balance::routes())
        .merge(settlements::routes())
        .merge(disputes::routes())
        .merge(shop::routes())
        .merge(enrolments::routes())
        .merge(webhooks::routes())
        .merge(webhook::routes())
        .merge(tokens::routes())
}

/// What stands in the navigation, most wanted first.
pub(crate) fn nav(texts: &Texts) -> Vec<(&'static str, &str)> {
    let t = &texts.shop;
    vec![
        ("/merchant/overview", &t.overview),
        ("/merchant/products", &t.products),
        ("/merchant/orders", &t.orders),
        ("/merchant/relations", &t.relations),
        (crate::programmes::MERCHANTS, &t.programmes),
        ("/merchant/plans", &t.plans),
        ("/merchant/balance", &t.balance),
        ("/merchant/settlements", &t.settlements),
        ("/merchant/disputes", &texts.dispute.title),
        ("/merchant/enrolments", &t.enrolments),
        (video_tasks::MERCHANTS, &texts.video.title),
        (sources::MERCHANTS, &texts.sources.title),
        ("/merchant/webhooks", &t.webhooks),
        ("/merchant/tokens", &t.tokens),
        ("/merchant/shop", &texts.own_shop.title),
    ]
}
