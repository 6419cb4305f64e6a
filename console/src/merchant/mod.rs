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

use crate::state::Console;
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
