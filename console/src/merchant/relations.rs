//! Whose customer is this buyer (关系查询): now or at another time, and whose they were before.

use crate::failure::Failure;
use crate::form::{self, Field, Form, Mistake};
use crate::list::query_of;
use crate::sheet::{Cell, Filters, Part, Sheet, Table};
use crate::show::moment;
use crate::state::Console;
use crate::texts::{Texts, fill};
use crate::who::Merchant;
use attribution_core::fold::{Relation, RelationEnd};
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/merchant/relations", get(page))
}

#[derive(Debug, Deserialize)]
struct Relations {
    at: i64,
    relations: Vec<Entry>,
    promoters: BTreeMap<String, String>,
}

/// Under whom, in one programme.
#[derive(Debug, Deserialize)]
struct Entry {
    programme: String,
    programme_name: Option<String>,
    product: Option<String>,
    title: Option<String>,
    relation: Option<Relation>,
    earlier: Vec<Relation>,
}

fn end_words(t: &Texts, end: &RelationEnd) -> String {
    let t = &t.shop;
    match end {
        RelationEnd::Replaced { .. } => t.end_replaced.clone(),
        RelationEnd::WindowOver => t.end_window.clone(),
        RelationEnd::ClosedByOrder { order } => fill(&t.end_order, "order", order),
    }
}

async fn page(merchant: Merchant) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let fields = query_of(who);
    let value = |name| form::value(&fields, name).trim();
    let buyer = value("buyer");
    // What a browser's field for day and time gives: Shanghai's clock, without seconds.
    let at = match value("at") {
        "" => Some(String::new()),
        typed => typed
            .parse::<jiff::civil::DateTime>()
            .ok()
            .map(|at| format!("{}+08:00", at.strftime("%Y-%m-%dT%H:%M:%S"))),
    };
    let mistakes = match &at {
        Some(_) => Vec::new(),
        None => vec![Mistake { field: Some("at".to_owned()), words: t.bad_time.clone() }],
    };
    let form = Form::refused(&fields, mistakes);
    let mut sheet = Sheet::new(who, &t.relations).intro(&t.relations_intro);
    sheet.part(Part::Filters(Filters {
        to: "/merchant/relations".to_owned(),
        first: form.show(Field::text("buyer", &t.buyer).hint(&t.buyer_hint)),
        more: vec![
            form.show(Field::moment("at", &t.at_time).hint(&t.at_hint).optional()),
            form.show(Field::text("product", &t.product_id).optional()),
        ],
        file: None,
    }));
    if let (Some(at), false) = (&at, buyer.is_empty()) {
        let query = [("buyer", buyer), ("merchant", &merchant.id), ("product", value("product")), ("at", at)];
        match who.ask::<Relations>("/v1/relations", &query).await {
            Ok(answer) => show(&mut sheet, texts, answer),
            Err(error) => {
                let form = who.refused(&fields, error)?;
                return sheet.show(form);
            }
        }
    }
    sheet.show(form)
}

fn show(sheet: &mut Sheet, texts: &Texts, answer: Relations) {
    let t = &texts.shop;
    if answer.relations.iter().all(|of| of.relation.is_none()) {
        sheet.part(Part::Note("", fill(&t.nobodys, "at", moment(answer.at))));
    }
    let name = |of: &Relation| answer.promoters.get(of.promoter.as_str()).cloned();
    for of in answer.relations {
        let programme = of.programme_name.unwrap_or(of.programme);
        let title = match of.title.or(of.product) {
            Some(product) => format!("{programme} · {product}"),
            None => programme,
        };
        if let Some(held) = of.relation {
            let until = |at: Option<attribution_core::time::Instant>, never: &str| {
                Cell::Text(at.map_or_else(|| never.to_owned(), |at| moment(at.millis())))
            };
            sheet.part(Part::Facts(
                fill(&t.held_by, "who", name(&held).unwrap_or_else(|| held.promoter.to_string())),
                vec![
                    (t.promoter.clone(), Cell::named(name(&held), Some(held.promoter.to_string()))),
                    (t.programme.clone(), Cell::Text(title.clone())),
                    (t.bound_at.clone(), Cell::Text(moment(held.bound_at.millis()))),
                    (t.last_click.clone(), Cell::Text(moment(held.last_click_at.millis()))),
                    (t.protected_until.clone(), until(held.protected_until, "—")),
                    (t.ends.clone(), until(held.ends, &texts.links.forever)),
                    (t.placement.clone(), Cell::Code(held.placement.to_string())),
                    (t.click.clone(), Cell::Code(held.click.to_string())),
                ],
            ));
        }
        let columns = [&*t.promoter, &t.bound_at, &t.last_click, &t.ended, &t.how_ended];
        let title = format!("{} · {title}", t.history);
        let mut table = Table::new(&title, &columns, &[], &t.no_history);
        for before in of.earlier {
            let (at, how) = before.ended.as_ref().map_or_else(
                || ("—".to_owned(), "—".to_owned()),
                |(at, how)| (moment(at.millis()), end_words(texts, how)),
            );
            table.row(vec![
                Cell::named(name(&before), Some(before.promoter.to_string())),
                Cell::Text(moment(before.bound_at.millis())),
                Cell::Text(moment(before.last_click_at.millis())),
                Cell::Text(at),
                Cell::Text(how),
            ]);
        }
        sheet.part(Part::Table(table));
    }
}
