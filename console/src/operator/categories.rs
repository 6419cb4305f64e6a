//! Categories (类目) as a tree: made, renamed and put below others.

use super::known;
use crate::api::path;
use crate::categories::{Category, all, indented, tree};
use crate::failure::Failure;
use crate::form::{Field, Form, Submitted};
use crate::list::query_of;
use crate::sheet::{Cell, FormPart, Part, Sheet, Table};
use crate::state::Console;
use crate::texts::fill;
use crate::who::Operator;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use serde_json::json;

const CATEGORIES: &str = "/operator/categories";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(CATEGORIES, get(page).post(save))
}

async fn page(operator: Operator) -> Result<Response, Failure> {
    // The link beside a category fills the form in with it.
    let chosen = Form::filled(query_of(&operator.who));
    show(&operator, chosen).await
}

async fn show(operator: &Operator, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().categories);
    let mut parents = vec![(String::new(), t.top.clone())];
    let mut table = Table::new("", &[&*texts.shop.name, &texts.shop.id, &texts.shop.state, ""], &[], &t.none);
    for (depth, of) in tree(all(who).await?) {
        let name = indented(depth, &of.name);
        let parent = of.parent.unwrap_or_default();
        parents.push((of.id.clone(), format!("{name} · {}", of.id)));
        let state =
            if of.banned { Cell::Tag("bad", t.banned.clone()) } else { Cell::Tag("", t.allowed.clone()) };
        let change = known::link(texts, CATEGORIES, &of.id, &[("name", &of.name), ("parent", &parent)]);
        table.row(vec![Cell::Text(name), Cell::Code(of.id), state, change]);
    }
    let mut sheet = Sheet::new(who, &t.title).intro(&t.intro);
    sheet.part(Part::Table(table));
    let title = known::known(&form).map_or_else(|| t.new.clone(), |id| fill(&t.change, "id", id));
    let part = known::id_field(FormPart::new(&title, CATEGORIES, &texts.shop.save), texts, &form)
        .field(form.show(Field::text("name", &texts.shop.name)))
        .field(form.show(Field::choice("parent", &t.parent, parents).hint(&t.parent_hint).optional()));
    sheet.part(Part::Form(part));
    sheet.show(form)
}

async fn save(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let there: Vec<Category> = all(who).await?;
    let id = match known::id(who.t(), &sent, there.iter().map(|of| of.id.as_str())) {
        Ok(id) => id,
        Err(mistake) => return show(&operator, Form::refused(&sent.fields, vec![mistake])).await,
    };
    let body = json!({ "name": sent.value("name"), "parent": sent.given("parent") });
    let saved = who.change(Method::PUT, &path(&["categories", id]), sent.once(), &body).await;
    who.finish(&sent, saved, (CATEGORIES, "saved"), |form| show(&operator, form)).await
}
