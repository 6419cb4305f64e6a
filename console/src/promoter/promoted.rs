//! What the promoter promotes (我的推广商品): each product once, with 失效 and why.

use super::offers::{Card, Offer};
use crate::api::path;
use crate::failure::Failure;
use crate::form::{self, Field, Form};
use crate::frame::{Frame, html};
use crate::list::{Listed, listed};
use crate::sheet::Filters;
use crate::show::day;
use crate::state::Console;
use crate::texts::fill;
use crate::who::Promoter;
use askama::Template;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

pub(super) fn routes() -> Router<Console> {
    Router::new().route(HERE, get(list))
}

#[derive(Debug, Deserialize)]
struct Promoted {
    links: i64,
    promoted_at: i64,
    #[serde(flatten)]
    product: Offer,
}

struct Row {
    card: Card,
    links: String,
    at: String,
}

#[derive(Template)]
#[template(path = "promoter/promoted.html")]
struct PromotedPage {
    f: Frame,
    filters: Filters,
    rows: Vec<Row>,
    next: Option<String>,
    filtered: bool,
}

const HERE: &str = "/promoter/promoted";

async fn list(promoter: Promoter) -> Result<Response, Failure> {
    let who = &promoter.who;
    let t = who.t();
    let from = path(&["promoters", &promoter.id, "products"]);
    let Listed { fields, items, next } = listed::<Promoted>(who, HERE, &from, &["dead"]).await?;
    let states = vec![(String::new(), t.common.all.clone()), ("true".to_owned(), t.products.dead.clone())];
    let row = |of: Promoted| Row {
        card: Card::of(who, of.product),
        links: fill(&t.products.links, "n", of.links),
        at: day(of.promoted_at),
    };
    html(&PromotedPage {
        f: who.frame(),
        filtered: !form::value(&fields, "dead").is_empty(),
        filters: Filters {
            to: HERE.to_owned(),
            first: Form::filled(fields).show(Field::choice("dead", &t.links.state, states).optional()),
            more: Vec::new(),
            file: None,
        },
        rows: items.into_iter().map(row).collect(),
        next,
    })
}
