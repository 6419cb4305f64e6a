//! Orders (订单明细): each line with where its commission stands, and why it is theirs, in words.

use crate::api::path;
use crate::failure::Failure;
use crate::file;
use crate::form::{self, Field, Form};
use crate::frame::{Frame, html, refusing};
use crate::lang::Lang;
use crate::list::{Page, next_page, query_of};
use crate::order_pages::{self, Question, days};
use crate::sheet::Filters;
use crate::show::{moment, yuan};
use crate::state::Console;
use crate::states;
use crate::texts::Texts;
use crate::who::Promoter;
use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/promoter/orders", get(list))
        .route("/promoter/orders.csv", get(csv))
        .route("/promoter/orders/{platform}/{order}", get(detail))
}

/// A line of an order, as the API lists it.
#[derive(Debug, Deserialize)]
struct Entry {
    platform: String,
    order: String,
    line: String,
    product: String,
    title: Option<String>,
    state: String,
    base_fen: i64,
    promoter_fen: i64,
    provisional: bool,
    review: bool,
    taken_back: bool,
    created_at: i64,
}

#[derive(Debug, Deserialize)]
struct Explained {
    lines: Vec<ExplainedLine>,
}

#[derive(Debug, Deserialize)]
struct ExplainedLine {
    line: String,
    zh: Words,
    en: Words,
}

#[derive(Debug, Deserialize)]
struct Words {
    sentence: String,
    steps: Vec<String>,
}

struct Row {
    platform: String,
    order: String,
    line: String,
    title: String,
    at: String,
    base: String,
    earn: String,
    state: String,
    tone: &'static str,
    provisional: bool,
    review: bool,
    /// A refund after the settlement took commission back.
    taken_back: bool,
}

#[derive(Template)]
#[template(path = "promoter/orders.html")]
struct OrdersPage {
    f: Frame,
    form: Form,
    filters: Filters,
    rows: Vec<Row>,
    next: Option<String>,
    filtered: bool,
}

#[derive(Template)]
#[template(path = "promoter/order.html")]
struct OrderPage {
    f: Frame,
    order: String,
    lines: Vec<(Row, Option<Words>)>,
}

fn row(t: &Texts, entry: Entry) -> Row {
    let (state, tone) = states::order(t, &entry.state);
    Row {
        at: moment(entry.created_at),
        base: yuan(entry.base_fen),
        earn: yuan(entry.promoter_fen),
        state: state.to_owned(),
        tone,
        provisional: entry.provisional,
        review: entry.review,
        taken_back: entry.taken_back,
        title: entry.title.unwrap_or(entry.product),
        platform: entry.platform,
        order: entry.order,
        line: entry.line,
    }
}

async fn list(promoter: Promoter) -> Result<Response, Failure> {
    show(&promoter, Form::default()).await
}

/// The list, or what is wrong with asking for it as a file.
async fn show(promoter: &Promoter, refused: Form) -> Result<Response, Failure> {
    let who = &promoter.who;
    let t = who.t();
    let fields = query_of(who);
    let question = Question::of(&fields);
    let answer: Page<Entry> = question.page(who, form::value(&fields, "cursor").trim()).await?;
    let form = Form::filled(fields.clone());
    let states = Field::choice("state", &t.orders.state, states::order_choice(t)).optional();
    let page = OrdersPage {
        f: who.frame(),
        form: refused,
        filters: Filters {
            to: "/promoter/orders".to_owned(),
            first: form.show(Field::text("order", &t.orders.order).optional()),
            more: std::iter::once(states).chain(days(t)).map(|field| form.show(field)).collect(),
            file: Some(file::address("/promoter/orders", &fields)),
        },
        rows: answer.items.into_iter().map(|entry| row(t, entry)).collect(),
        next: next_page("/promoter/orders", &fields, answer.next_cursor),
        filtered: question.is_asked(),
    };
    refusing(&page, &page.form)
}

async fn csv(promoter: Promoter) -> Result<Response, Failure> {
    match order_pages::as_file(&promoter.who).await? {
        Ok(file) => Ok(file),
        Err(form) => show(&promoter, form).await,
    }
}

async fn detail(
    promoter: Promoter,
    Path((platform, order)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let who = &promoter.who;
    let (api, me) = (who.console().api(), who.principal());
    let to = path(&["promoters", &promoter.id, "orders", &order]);
    let mut explained: Explained = api.get(me, &to, &[("platform", &platform)]).await?;
    let query = [("promoter", promoter.id.as_str()), ("order", order.as_str()), ("limit", "500")];
    let listed: Page<Entry> = api.get(me, "/v1/orders", &query).await?;
    let mut words = |line: &str| {
        let at = explained.lines.iter().position(|explained| explained.line == line)?;
        let line = explained.lines.swap_remove(at);
        Some(if who.anybody.lang == Lang::Zh { line.zh } else { line.en })
    };
    let own = listed.items.into_iter().filter(|entry| entry.platform == platform);
    let lines = own
        .map(|entry| {
            let words = words(&entry.line);
            (row(who.t(), entry), words)
        })
        .collect();
    html(&OrderPage { f: who.frame(), order, lines })
}
