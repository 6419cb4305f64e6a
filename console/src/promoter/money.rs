//! The promoter's money.

use crate::failure::Failure;
use crate::form::Submitted;
use crate::money::{Money, Payee};
use crate::state::Console;
use crate::who::Promoter;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};

const MONEY: &str = "/promoter/money";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(MONEY, get(page))
        .route("/promoter/money/withdraw", post(withdraw))
        .route("/promoter/money/account", post(bind))
}

fn of(promoter: &Promoter) -> Money<'_> {
    Money { who: &promoter.who, payee: Payee::Promoter, id: &promoter.id, here: MONEY }
}

async fn page(promoter: Promoter) -> Result<Response, Failure> {
    of(&promoter).page().await
}

async fn withdraw(promoter: Promoter, sent: Submitted) -> Result<Response, Failure> {
    of(&promoter).withdraw(&sent).await
}

async fn bind(promoter: Promoter, sent: Submitted) -> Result<Response, Failure> {
    of(&promoter).bind(&sent).await
}
