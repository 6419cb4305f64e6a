//! Video tasks (V任务) of a shop, for its merchant and the operators: ordered at a price, and paid once the video is as ordered.

use crate::api::path;
use crate::back::done;
use crate::failure::Failure;
use crate::form::{Field, Form, Mistake, Submitted};
use crate::lang::Lang;
use crate::list::{everything, page_at};
use crate::of_shop::{OfShop, for_both};
use crate::order_pages::escaped;
use crate::programmes::Entry;
use crate::sheet::{Action, Cell, FormPart, Part, Sheet, Table};
use crate::show::{fen, moment, yuan};
use crate::state::Console;
use crate::texts::Texts;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(crate) fn routes() -> Router<Console> {
    for_both(|base| {
        let base = format!("{base}/video-tasks");
        Router::new()
            .route(&base, get(list).post(order))
            .route(&format!("{base}/{{task}}"), get(page))
            .route(&format!("{base}/{{task}}/{{step}}"), post(close))
    })
}

/// A task, as the API says it stands.
#[derive(Debug, Deserialize)]
struct Task {
    id: String,
    programme: String,
    merchant: String,
    product: Option<String>,
    talent: String,
    agency: Option<String>,
    price_fen: i64,
    state: String,
    created_at: i64,
    closed_at: Option<i64>,
    fee_fen: i64,
    net_fen: i64,
    explanation: Told,
}

#[derive(Debug, Deserialize)]
struct Told {
    zh: Vec<String>,
    en: Vec<String>,
}

/// The shop itself.
#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

impl Task {
    fn state(&self, t: &Texts) -> Cell {
        let (tone, words) = match self.state.as_str() {
            "open" => ("warn", &t.video.open),
            "confirmed" => ("good", &t.video.confirmed),
            "cancelled" => ("", &t.video.cancelled),
            other => return Cell::Text(other.to_owned()),
        };
        Cell::Tag(tone, words.clone())
    }
}

fn page_of(shop: &OfShop, task: &str) -> String {
    shop.page(&format!("video-tasks/{}", escaped(task)))
}

/// The task in the address, if it is of this shop.
async fn task(shop: &OfShop) -> Result<Task, Failure> {
    let of: Task = shop.who.ask(&path(&["video-tasks", shop.named("task")]), &[]).await?;
    if of.merchant == shop.merchant { Ok(of) } else { Err(Failure::NotFound) }
}

async fn list(shop: OfShop) -> Result<Response, Failure> {
    show_list(&shop, Form::default()).await
}

async fn show_list(shop: &OfShop, form: Form) -> Result<Response, Failure> {
    let who = &shop.who;
    let (texts, t) = (who.t(), &who.t().video);
    // An operator's address may name nobody.
    let merchant: Named = who.ask(&path(&["merchants", &shop.merchant]), &[]).await?;
    let here = shop.page("video-tasks");
    let answer =
        page_at::<Task>(who, &here, "/v1/video-tasks", &[("merchant", shop.merchant.as_str())]).await?;
    let columns = [&*t.task, &t.talent, &t.price, &texts.shop.made_at, &texts.shop.state];
    let mut table = Table::new("", &columns, &[2], &t.none).next(answer.next);
    for of in answer.items {
        let state = of.state(texts);
        table.row(vec![
            Cell::Link(page_of(shop, &of.id), of.id),
            Cell::Text(of.talent),
            Cell::Number(yuan(of.price_fen)),
            Cell::Text(moment(of.created_at)),
            state,
        ]);
    }
    let mut sheet = Sheet::new(who, &t.title).intro(&t.intro);
    if !shop.is_own() {
        sheet = sheet.back(shop.above(), &merchant.name);
    }
    sheet.part(Part::Table(table));
    let all: Vec<Entry> = everything(who, "/v1/programmes", &[]).await?;
    let own = |of: &Entry| of.video_tasks && of.merchant.as_ref().is_none_or(|owner| *owner == shop.merchant);
    let programmes: Vec<_> = all.into_iter().filter(own).map(Entry::choice).collect();
    if programmes.is_empty() {
        sheet.part(Part::Note("", t.no_programmes.clone()));
        return sheet.show(form);
    }
    sheet.part(Part::Form(
        FormPart::new(&t.new, here, &t.order)
            .field(form.show(Field::text("id", &texts.shop.id).hint(&t.id_hint)))
            .field(form.show(Field::choice("programme", &texts.shop.programme, programmes)))
            .field(form.show(Field::text("talent", &t.talent).hint(&t.talent_hint)))
            .field(form.show(Field::text("price_fen", &t.price).inputmode("decimal")))
            .field(
                form.show(Field::text("product", &texts.shop.product_id).hint(&t.product_hint).optional()),
            ),
    ));
    sheet.show(form)
}

async fn order(shop: OfShop, sent: Submitted) -> Result<Response, Failure> {
    let who = &shop.who;
    let Some(price) = fen(sent.value("price_fen")) else {
        let words = who.t().shop.bad_price.clone();
        let mistake = Mistake { field: Some("price_fen".to_owned()), words };
        return show_list(&shop, Form::refused(&sent.fields, vec![mistake])).await;
    };
    let body = json!({
        "id": sent.value("id"),
        "programme": sent.value("programme"),
        "merchant": shop.merchant,
        "talent": sent.value("talent"),
        "price_fen": price,
        "product": sent.given("product"),
    });
    let ordered = who.change(Method::POST, "/v1/video-tasks", sent.once(), &body).await;
    let to = page_of(&shop, sent.value("id"));
    who.finish(&sent, ordered, (&to, "video_ordered"), |form| show_list(&shop, form)).await
}

async fn page(shop: OfShop) -> Result<Response, Failure> {
    let of = task(&shop).await?;
    show(&shop, of, Form::default())
}

fn show(shop: &OfShop, of: Task, form: Form) -> Result<Response, Failure> {
    let who = &shop.who;
    let (texts, t) = (who.t(), &who.t().video);
    let here = page_of(shop, &of.id);
    let or_dash = |text: Option<String>| Cell::Text(text.unwrap_or_else(|| "—".to_owned()));
    let mut facts = vec![
        (texts.shop.state.clone(), of.state(texts)),
        (t.talent.clone(), Cell::Text(of.talent.clone())),
        (t.agency.clone(), or_dash(of.agency.clone())),
        (texts.shop.programme.clone(), Cell::Text(of.programme.clone())),
        (texts.shop.product.clone(), or_dash(of.product.clone())),
        (t.price.clone(), Cell::Number(yuan(of.price_fen))),
        (t.fee.clone(), Cell::Number(yuan(of.fee_fen))),
        (t.net.clone(), Cell::Number(yuan(of.net_fen))),
        (texts.shop.made_at.clone(), Cell::Text(moment(of.created_at))),
        (t.closed_at.clone(), or_dash(of.closed_at.map(moment))),
    ];
    if of.state == "open" {
        let action = |step: &str, words: &str| Action::new(format!("{here}/{step}"), words, &of.id);
        let actions = vec![
            action("confirm", &t.confirm).danger(&t.confirm_words),
            action("cancel", &t.cancel).danger(&t.cancel_words),
        ];
        facts.push((texts.shop.do_now.clone(), Cell::Actions(actions)));
    }
    let mut sheet = Sheet::new(who, &of.id).back(shop.page("video-tasks"), &t.title);
    sheet.part(Part::Facts(String::new(), facts));
    let words = match who.anybody.lang {
        Lang::Zh => of.explanation.zh,
        Lang::En => of.explanation.en,
    };
    if !words.is_empty() {
        sheet.part(Part::Words(t.how.clone(), words));
    }
    sheet.show(form)
}

/// Confirms a task, which pays it, or cancels it.
async fn close(shop: OfShop, sent: Submitted) -> Result<Response, Failure> {
    let who = &shop.who;
    let what = match shop.named("step") {
        "confirm" => "video_confirmed",
        "cancel" => "video_cancelled",
        _ => return Err(Failure::NotFound),
    };
    let of = task(&shop).await?;
    let to = path(&["video-tasks", &of.id, shop.named("step")]);
    let closed = who.change(Method::POST, &to, sent.once(), &json!({})).await;
    let here = page_of(&shop, &of.id);
    match closed {
        Ok(_) => Ok(done(&here, what)),
        Err(error) => show(&shop, of, who.refused(&sent.fields, error)?),
    }
}
