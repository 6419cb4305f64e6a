//! The agency's money: what its share of its talents' commissions came to.

use crate::failure::Failure;
use crate::form::Submitted;
use crate::money::{Money, Payee};
use crate::state::Console;
use crate::who::Agency;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};

const MONEY: &str = "/agency/money";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(MONEY, get(page))
        .route("/agency/money/withdraw", post(withdraw))
        .route("/agency/money/account", post(bind))
}

fn of(agency: &Agency) -> Money<'_> {
    Money { who: &agency.who, payee: Payee::Agency, id: &agency.id, here: MONEY }
}

async fn page(agency: Agency) -> Result<Response, Failure> {
    of(&agency).page().await
}

async fn withdraw(agency: Agency, sent: Submitted) -> Result<Response, Failure> {
    of(&agency).withdraw(&sent).await
}

async fn bind(agency: Agency, sent: Submitted) -> Result<Response, Failure> {
    of(&agency).bind(&sent).await
}
