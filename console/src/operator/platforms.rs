//! Platforms: made and renamed. What belongs to one is said where it is made.

use super::known;
use crate::api::path;
use crate::failure::Failure;
use crate::form::{Field, Form, Submitted};
use crate::list::{everything, query_of};
use crate::sheet::{Cell, FormPart, Part, Sheet, Table};
use crate::state::Console;
use crate::texts::fill;
use crate::who::Operator;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde_json::json;

const PLATFORMS: &str = "/operator/platforms";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(PLATFORMS, get(page).post(save))
}

#[derive(Debug, Deserialize)]
struct Platform {
    id: String,
    name: String,
}

async fn page(operator: Operator) -> Result<Response, Failure> {
    // The link beside a platform fills the form in with it.
    let chosen = Form::filled(query_of(&operator.who));
    show(&operator, chosen).await
}

async fn show(operator: &Operator, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().platforms);
    let all: Vec<Platform> = everything(who, "/v1/platforms", &[]).await?;
    let mut table = Table::new("", &[&*texts.shop.name, &texts.shop.id, ""], &[], &t.none);
    for of in all {
        let change = known::link(texts, PLATFORMS, &of.id, &[("name", &of.name)]);
        table.row(vec![Cell::Text(of.name), Cell::Code(of.id), change]);
    }
    let mut sheet = Sheet::new(who, &t.title).intro(&t.intro);
    sheet.part(Part::Table(table));
    let title = known::known(&form).map_or_else(|| t.new.clone(), |id| fill(&t.rename, "id", id));
    let part = known::id_field(FormPart::new(&title, PLATFORMS, &texts.shop.save), texts, &form);
    sheet.part(Part::Form(part.field(form.show(Field::text("name", &texts.shop.name)))));
    sheet.show(form)
}

async fn save(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let all: Vec<Platform> = everything(who, "/v1/platforms", &[]).await?;
    let id = match known::id(who.t(), &sent, all.iter().map(|of| of.id.as_str())) {
        Ok(id) => id,
        Err(mistake) => return show(&operator, Form::refused(&sent.fields, vec![mistake])).await,
    };
    let body = json!({ "name": sent.value("name") });
    let saved = who.change(Method::PUT, &path(&["platforms", id]), sent.once(), &body).await;
    who.finish(&sent, saved, (PLATFORMS, "saved"), |form| show(&operator, form)).await
}
