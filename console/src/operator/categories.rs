//! Categories (类目) as a tree: made, renamed and put below others.

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
use std::collections::HashMap;

const CATEGORIES: &str = "/operator/categories";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(CATEGORIES, get(page).post(save))
}

#[derive(Debug, Clone, Deserialize)]
struct Category {
    id: String,
    name: String,
    parent: Option<String>,
    banned: bool,
}

/// Each category behind the one that it belongs to, with how deep it is.
fn tree(all: Vec<Category>) -> Vec<(usize, Category)> {
    let mut below: HashMap<Option<String>, Vec<Category>> = HashMap::new();
    for of in all {
        below.entry(of.parent.clone()).or_default().push(of);
    }
    let mut ordered = Vec::new();
    let mut open: Vec<(usize, Category)> = Vec::new();
    let mut next = (0, None);
    loop {
        let (depth, parent) = next;
        open.extend(below.remove(&parent).into_iter().flatten().rev().map(|of| (depth, of)));
        let Some((depth, of)) = open.pop() else { return ordered };
        next = (depth + 1, Some(of.id.clone()));
        ordered.push((depth, of));
    }
}

async fn page(operator: Operator) -> Result<Response, Failure> {
    // The link beside a category fills the form in with it.
    let chosen = Form::filled(query_of(&operator.who));
    show(&operator, chosen).await
}

async fn show(operator: &Operator, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().categories);
    let all = tree(everything(who, "/v1/categories", &[]).await?);
    let mut parents = vec![(String::new(), t.top.clone())];
    let mut table = Table::new("", &[&*texts.shop.name, &texts.shop.id, &texts.shop.state, ""], &[], &t.none);
    for (depth, of) in all {
        // Spaces of a character's width stay where others would be drawn together.
        let name = format!("{}{}", "\u{3000}".repeat(depth), of.name);
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
    let all: Vec<Category> = everything(who, "/v1/categories", &[]).await?;
    let id = match known::id(who.t(), &sent, all.iter().map(|of| of.id.as_str())) {
        Ok(id) => id,
        Err(mistake) => return show(&operator, Form::refused(&sent.fields, vec![mistake])).await,
    };
    let body = json!({ "name": sent.value("name"), "parent": sent.given("parent") });
    let saved = who.change(Method::PUT, &path(&["categories", id]), sent.once(), &body).await;
    who.finish(&sent, saved, (CATEGORIES, "saved"), |form| show(&operator, form)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_stands_behind_the_one_it_belongs_to() {
        let of = |id: &str, parent: Option<&str>| Category {
            id: id.to_owned(),
            name: id.to_owned(),
            parent: parent.map(str::to_owned),
            banned: false,
        };
        let all = vec![
            of("a", Some("tea")),
            of("b", None),
            of("c", Some("a")),
            of("d", Some("tea")),
            of("tea", None),
        ];
        let ordered: Vec<_> = tree(all).into_iter().map(|(depth, of)| (depth, of.id)).collect();
        let expected = [(0, "b"), (0, "tea"), (1, "a"), (2, "c"), (1, "d")];
        assert_eq!(ordered, expected.map(|(depth, id)| (depth, id.to_owned())));
    }
}
