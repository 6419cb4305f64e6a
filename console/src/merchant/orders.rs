//! The shop's orders, why each belongs to whom, and what a person has to look at.

use crate::failure::Failure;
use crate::form::Form;
use crate::order_pages;
use crate::state::Console;
use crate::who::Merchant;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;

const ORDERS: &str = "/merchant/orders";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(ORDERS, get(list))
        .route("/merchant/orders.csv", get(csv))
        .route("/merchant/orders/{platform}/{order}", get(one))
        .route("/merchant/reviews", get(reviews))
}

async fn csv(merchant: Merchant) -> Result<Response, Failure> {
    order_pages::csv(&merchant.who, ORDERS, true).await
}

async fn list(merchant: Merchant) -> Result<Response, Failure> {
    let who = &merchant.who;
    order_pages::list(who, ORDERS, true).await?.show(Form::default())
}

async fn one(
    merchant: Merchant,
    Path((platform, order)): Path<(String, String)>,
) -> Result<Response, Failure> {
    order_pages::one(&merchant.who, ORDERS, &platform, &order).await?.show(Form::default())
}

async fn reviews(merchant: Merchant) -> Result<Response, Failure> {
    let who = &merchant.who;
    let sheet = order_pages::reviews(who, "/merchant/reviews", ORDERS, None).await?;
    sheet.intro(&who.t().shop.reviews_intro).show(Form::default())
}
