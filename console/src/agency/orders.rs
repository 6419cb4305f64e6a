//! The orders that an agency's talents brought.

use crate::failure::Failure;
use crate::form::Form;
use crate::order_pages;
use crate::state::Console;
use crate::who::Agency;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

const ORDERS: &str = "/agency/orders";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(ORDERS, get(list)).route("/agency/orders.csv", get(csv))
}

async fn csv(agency: Agency) -> Result<Response, Failure> {
    order_pages::csv(&agency.who, ORDERS, false).await
}

async fn list(agency: Agency) -> Result<Response, Failure> {
    order_pages::list(&agency.who, ORDERS, false).await?.show(Form::default())
}
