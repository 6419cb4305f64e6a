//! Refunds after the settlement, and what became of their commission.

use crate::disputes::parts;
use crate::failure::Failure;
use crate::form::Form;
use crate::sheet::Sheet;
use crate::state::Console;
use crate::who::Merchant;
use axum::Router;
use axum::response::Response;
use axum::routing::get;

const DISPUTES: &str = "/merchant/disputes";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(DISPUTES, get(page))
}

async fn page(merchant: Merchant) -> Result<Response, Failure> {
    let who = &merchant.who;
    let t = &who.t().dispute;
    let mut sheet = Sheet::new(who, &t.title).intro(&t.intro);
    for part in parts(who, &merchant.id, DISPUTES, false).await? {
        sheet.part(part);
    }
    sheet.show(Form::default())
}
