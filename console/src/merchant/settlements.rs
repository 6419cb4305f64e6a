//! What has matured and is not settled, and settling it by hand.

use crate::api::path;
use crate::back::done;
use crate::failure::Failure;
use crate::form::{self, Form, Mistake, Submitted};
use crate::list::{Page, next_page, query_of};
use crate::order_pages::escaped;
use crate::sheet::{Action, Cell, FormPart, Part, Sheet, Table};
use crate::show::{moment, yuan};
use crate::state::Console;
use crate::texts::fill;
use crate::who::Merchant;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Lines that are settled with one button at most: as many as the API takes at once.
const AT_ONCE: &str = "100";

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/merchant/settlements", get(page)).route("/merchant/settle", post(settle))
}

#[derive(Debug, Deserialize)]
struct Waiting {
    platform: String,
    order: String,
    line: String,
    product: String,
    title: Option<String>,
    promoter: Option<String>,
    promoter_name: Option<String>,
    programme: Option<String>,
    programme_name: Option<String>,
    waits_for: String,
    waits_until: Option<i64>,
    commission_fen: i64,
    matured_at: i64,
}

/// A line to settle, as it stands in a hidden field and as the API wants it.
#[derive(Debug, Serialize, Deserialize)]
struct Chosen {
    platform: String,
    order: String,
    line: String,
}

#[derive(Debug, Deserialize)]
struct Settled {
    settled: u64,
    lines: Vec<Outcome>,
}

#[derive(Debug, Deserialize)]
struct Outcome {
    outcome: String,
}

async fn page(merchant: Merchant) -> Result<Response, Failure> {
    show(&merchant, Form::default()).await
}

async fn show(merchant: &Merchant, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let t = &who.t().shop;
    let fields = query_of(who);
    let to = path(&["merchants", &merchant.id, "settlements"]);
    let query = [("limit", AT_ONCE), ("cursor", form::value(&fields, "cursor"))];
    let answer: Page<Waiting> = who.ask(&to, &query).await?;
    let next = next_page("/merchant/settlements", &fields, answer.next_cursor);
    let columns =
        [&*t.order, &t.product, &t.promoter, &t.programme, &t.matured_at, &t.commission, &t.waits_for, ""];
    let mut table = Table::new("", &columns, &[5], &t.nothing_waits).next(next);
    let mut ready = Vec::new();
    for of in answer.items {
        let waits = match (of.waits_for.as_str(), of.waits_until) {
            ("hand", _) => Cell::Tag("warn", t.waits_hand.clone()),
            ("review", _) => Cell::Tag("bad", t.waits_review.clone()),
            ("click", Some(until)) => {
                Cell::Why("", t.waits_click.clone(), fill(&t.at_latest, "at", moment(until)))
            }
            _ => Cell::Tag("", t.waits_round.clone()),
        };
        let chosen = Chosen { platform: of.platform, order: of.order, line: of.line };
        let name = format!("{} / {}", chosen.order, chosen.line);
        let order = format!("/merchant/orders/{}/{}", escaped(&chosen.platform), escaped(&chosen.order));
        let may = !matches!(of.waits_for.as_str(), "review" | "click");
        let text = serde_json::to_string(&chosen).unwrap_or_default();
        let settle = Action::new("/merchant/settle", &t.settle, &name)
            .with("line", text.clone())
            .danger(&t.settle_words);
        if may {
            ready.push(text);
        }
        table.row(vec![
            Cell::Link(order, name),
            Cell::Text(of.title.unwrap_or(of.product)),
            Cell::named(of.promoter_name, of.promoter),
            Cell::Text(of.programme_name.or(of.programme).unwrap_or_else(|| "—".to_owned())),
            Cell::Text(moment(of.matured_at)),
            Cell::Number(yuan(of.commission_fen)),
            waits,
            Cell::Actions(if may { vec![settle] } else { Vec::new() }),
        ]);
    }
    let mut sheet = Sheet::new(who, &t.settlements).intro(&t.settlements_intro);
    if ready.len() > 1 {
        let part = FormPart::new("", "/merchant/settle", &t.settle_all).intro(&t.settle_words);
        sheet.part(Part::Form(ready.iter().fold(part, |part, line| part.hidden("line", line))));
    }
    sheet.part(Part::Table(table));
    sheet.show(form)
}

async fn settle(merchant: Merchant, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let t = &who.t().shop;
    let lines = sent.all("line").map(serde_json::from_str).collect::<Result<Vec<Chosen>, _>>();
    let lines = lines.map_err(|_| Failure::BadForm)?;
    let to = path(&["merchants", &merchant.id, "settlements"]);
    // What was out of money before may be settled now: each press is another request.
    let body = json!({ "lines": lines });
    let settled: Result<Settled, _> = who.write(Method::POST, &to, "", &body).await;
    let settled = match settled {
        Ok(settled) => settled,
        Err(error) => return show(&merchant, who.refused(&sent.fields, error)?).await,
    };
    let out_of_money = settled.lines.iter().any(|line| line.outcome == "out_of_money");
    if !out_of_money && settled.settled > 0 {
        return Ok(done("/merchant/settlements", "settled"));
    }
    let words = if out_of_money { &t.out_of_money } else { &t.not_due };
    show(&merchant, Form::refused(&sent.fields, vec![Mistake { field: None, words: words.clone() }])).await
}
