//! A link with choices: in which placement, to a product or a whole shop, under a name of its own.

use super::links::placement_choices;
use crate::api::ApiError;
use crate::back::done;
use crate::failure::Failure;
use crate::form::{Field, Form, Submitted};
use crate::list::query_of;
use crate::sheet::{FormPart, Part, Sheet};
use crate::state::Console;
use crate::who::Promoter;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde_json::json;

const NEW: &str = "/promoter/links/new";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(NEW, get(page).post(make))
}

#[derive(Debug, Deserialize)]
struct Made {
    code: String,
}

async fn page(promoter: Promoter) -> Result<Response, Failure> {
    let chosen = query_of(&promoter.who);
    show(&promoter, Form::filled(chosen)).await
}

async fn show(promoter: &Promoter, form: Form) -> Result<Response, Failure> {
    let who = &promoter.who;
    let (texts, t) = (who.t(), &who.t().links);
    let placements = placement_choices(promoter).await?;
    let mut sheet = Sheet::new(who, &t.new).back("/promoter/links", &t.all);
    if placements.is_empty() {
        sheet.part(Part::Note("", texts.placements.empty_words.clone()));
        sheet.part(Part::Links(vec![("/promoter/placements".to_owned(), texts.placements.make.clone())]));
        return sheet.show(form);
    }
    sheet.part(Part::Form(
        FormPart::new("", NEW, &t.make)
            .field(form.show(Field::choice("placement", &t.placement, placements)))
            .field(form.show(Field::text("product", &texts.shop.product_id).optional()))
            .field(form.show(Field::text("shop", &t.shop).hint(&t.shop_hint).optional()))
            .field(form.show(Field::text("alias", &t.own_name).hint(&t.own_name_hint).optional())),
    ));
    sheet.show(form)
}

async fn make(promoter: Promoter, sent: Submitted) -> Result<Response, Failure> {
    let who = &promoter.who;
    // Whoever is signed in here is the salesperson: what they share is shared under the badge.
    let body = json!({
        "placement": sent.value("placement"),
        "product": sent.given("product"),
        "shop": sent.given("shop"),
        "alias": sent.given("alias"),
        "badge": true,
    });
    let made: Result<Made, ApiError> = who.write(Method::POST, "/v1/links", sent.once(), &body).await;
    match made {
        Ok(made) => Ok(done(&format!("/promoter/links/{}", made.code), "link")),
        Err(error) => show(&promoter, who.refused(&sent.fields, error)?).await,
    }
}
