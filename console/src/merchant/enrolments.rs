//! Off-site enrolments (站外分销报名): applied for with private prices, audited by the platform, left and taken up again.

use super::programmes;
use crate::api::path;
use crate::enrolment::Enrolled;
use crate::failure::Failure;
use crate::form::{Field, Form, Mistake, Submitted};
use crate::lang::Lang;
use crate::list::page_at;
use crate::order_pages::escaped;
use crate::sheet::{Action, Cell, FormPart, Part, Sheet, Table};
use crate::show::{fen, moment, yuan};
use crate::state::Console;
use crate::texts::{Texts, fill};
use crate::who::Merchant;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/merchant/enrolments", get(list).post(apply))
        .route("/merchant/enrolments/{id}", get(detail))
        .route("/merchant/enrolments/{id}/exit", post(exit))
}

#[derive(Debug, Deserialize)]
struct Enrolment {
    #[serde(flatten)]
    of: Enrolled,
    decided_at: Option<i64>,
    exited_at: Option<i64>,
    reason: Option<String>,
    refusals: Vec<Refusal>,
    skus: Vec<Sku>,
}

#[derive(Debug, Deserialize)]
struct Refusal {
    zh: String,
    en: String,
}

#[derive(Debug, Deserialize)]
struct Sku {
    sku: String,
    channel_price_fen: i64,
    market_price_fen: i64,
    accepted: bool,
    refusals: Vec<Refusal>,
    channel_stock: Option<u64>,
    /// `low_stock`: kept, and too little is left.
    warning: Option<String>,
}

fn words(lang: Lang, refusals: &[Refusal]) -> Vec<String> {
    let one = |refusal: &Refusal| if lang == Lang::Zh { &refusal.zh } else { &refusal.en }.clone();
    refusals.iter().map(one).collect()
}

fn state(t: &Texts, state: &str) -> Cell {
    let t = &t.shop;
    match state {
        "auditing" => Cell::Tag("warn", t.auditing.clone()),
        "approved" => Cell::Tag("good", t.on_sale_off_site.clone()),
        "rejected" | "refused" => Cell::Tag("bad", t.enrolment_refused.clone()),
        "exited" => Cell::Tag("", t.exited.clone()),
        other => Cell::Tag("", other.to_owned()),
    }
}

fn is_open(state: &str) -> bool {
    matches!(state, "auditing" | "approved")
}

async fn list(merchant: Merchant) -> Result<Response, Failure> {
    show_list(&merchant, Form::default()).await
}

async fn show_list(merchant: &Merchant, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let mine = [("merchant", &*merchant.id)];
    let answer = page_at::<Enrolled>(who, "/merchant/enrolments", "/v1/enrolments", &mine).await?;
    let columns = [&*t.enrolment, &t.product, &t.programme, &t.applied_at, &t.state];
    let mut table = Table::new("", &columns, &[], &t.no_enrolments).next(answer.next);
    for of in answer.items {
        let programme = of.programme_words();
        table.row(vec![
            Cell::Link(format!("/merchant/enrolments/{}", escaped(&of.id)), of.id),
            Cell::named(of.title, Some(of.product)),
            Cell::Text(programme),
            Cell::Text(moment(of.submitted_at)),
            state(texts, &of.state),
        ]);
    }
    let mut sheet = Sheet::new(who, &t.enrolments).intro(&t.enrolments_intro);
    sheet.part(Part::Table(table));
    let programmes = programmes::choice_of(merchant, |of| of.enrolments).await?;
    if programmes.is_empty() {
        sheet.part(Part::Note("", t.no_enrolling.clone()));
        return sheet.show(form);
    }
    let from = Form::filled(answer.fields);
    let start = |field: Field| form.show(from.show(field));
    sheet.part(Part::Form(
        FormPart::new(&t.enrol, "/merchant/enrolments", &t.apply)
            .field(start(Field::text("id", &t.enrolment).hint(&t.enrolment_hint)))
            .field(start(Field::choice("programme", &t.programme, programmes)))
            .field(start(Field::text("product", &t.product_id)))
            .field(start(Field::lines("skus", &t.private_prices).hint(&t.private_prices_hint))),
    ));
    sheet.show(form)
}

/// One SKU and its price a line.
fn offers(t: &Texts, typed: &str) -> Result<Vec<Value>, String> {
    let lines = typed.lines().map(str::trim).filter(|line| !line.is_empty());
    let offers: Result<Vec<Value>, String> = lines
        .map(|line| {
            let price = line.rsplit_once(|c: char| c.is_whitespace() || matches!(c, ',' | '\u{ff0c}'));
            let offer = price.and_then(|(sku, price)| {
                let (sku, price) = (sku.trim_end_matches([' ', ',', '\u{ff0c}']), fen(price)?);
                (price > 0).then(|| json!({ "sku": sku, "channel_price_fen": price }))
            });
            offer.ok_or_else(|| fill(&t.shop.bad_offer, "line", line))
        })
        .collect();
    offers.and_then(|offers| if offers.is_empty() { Err(t.shop.no_offers.clone()) } else { Ok(offers) })
}

async fn apply(merchant: Merchant, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let skus = match offers(who.t(), sent.value("skus")) {
        Ok(skus) => skus,
        Err(words) => {
            let mistake = Mistake { field: Some("skus".to_owned()), words };
            return show_list(&merchant, Form::refused(&sent.fields, vec![mistake])).await;
        }
    };
    let id = sent.value("id");
    let body = json!({
        "id": id, "programme": sent.value("programme"), "product": sent.value("product"), "skus": skus,
    });
    let applied = who.change(Method::POST, "/v1/enrolments", sent.once(), &body).await;
    let to = format!("/merchant/enrolments/{}", escaped(id));
    let again = |form| show_list(&merchant, own_field(form, &who.t().common.colon, &body["skus"]));
    let refused = applied.as_ref().is_ok_and(|answer| answer["state"] == "refused");
    let done = if refused { "application_refused" } else { "applied" };
    who.finish(&sent, applied, (&to, done), again).await
}

/// The API names a SKU by its place in the list; the form has one field for all of them, and the words name the SKU.
fn own_field(form: Form, colon: &str, offers: &Value) -> Form {
    form.each(|mistake| {
        let Some(at) = mistake.field.as_ref().and_then(|field| field.strip_prefix("skus[")) else { return };
        let at = at.split(']').next().and_then(|at| at.parse::<usize>().ok());
        if let Some(sku) = at.and_then(|at| offers[at]["sku"].as_str()) {
            mistake.words = format!("{sku}{colon}{}", mistake.words);
        }
        mistake.field = Some("skus".to_owned());
    })
}

async fn detail(merchant: Merchant, Path(id): Path<String>) -> Result<Response, Failure> {
    show(&merchant, &id, Form::default()).await
}

async fn show(merchant: &Merchant, id: &str, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t, lang) = (who.t(), &who.t().shop, who.anybody.lang);
    let Enrolment { of, decided_at, exited_at, reason, refusals, skus } =
        who.ask(&path(&["enrolments", id]), &[]).await?;
    let mut sheet = Sheet::new(who, &of.id).back("/merchant/enrolments", &t.enrolments);
    let mut facts = vec![
        (t.state.clone(), state(texts, &of.state)),
        (
            t.product.clone(),
            Cell::Link(
                format!("/merchant/products/{}", of.product),
                of.title.clone().unwrap_or_else(|| of.product.clone()),
            ),
        ),
    ];
    facts.extend(of.facts(texts));
    for (name, at) in [(&t.decided, decided_at), (&t.exited, exited_at)] {
        if let Some(at) = at {
            facts.push((name.clone(), Cell::Text(moment(at))));
        }
    }
    if let Some(reason) = &reason {
        facts.push((t.why.clone(), Cell::Text(reason.clone())));
    }
    sheet.part(Part::Facts(String::new(), facts));
    let refused = words(lang, &refusals);
    if !refused.is_empty() {
        sheet.part(Part::Words(t.gates.clone(), refused));
    }
    let columns = [&*t.sku, &t.private_price, &t.price, &t.stock, &t.state];
    let mut table = Table::new(&t.skus, &columns, &[1, 2, 3], "");
    for sku in &skus {
        let verdict = match (sku.accepted, &sku.warning) {
            (false, _) => Cell::Why("bad", t.left_out.clone(), words(lang, &sku.refusals).join(" ")),
            (true, Some(_)) => Cell::Why("warn", t.accepted.clone(), t.low_stock.clone()),
            (true, None) => Cell::Tag("good", t.accepted.clone()),
        };
        table.row(vec![
            Cell::Code(sku.sku.clone()),
            Cell::Number(yuan(sku.channel_price_fen)),
            Cell::Number(yuan(sku.market_price_fen)),
            Cell::Number(sku.channel_stock.map_or_else(|| "—".to_owned(), |stock| stock.to_string())),
            verdict,
        ]);
    }
    sheet.part(Part::Table(table));
    if is_open(&of.state) {
        let exit = Action::new(format!("/merchant/enrolments/{}/exit", escaped(id)), &t.exit, id)
            .danger(&t.exit_words);
        let facts = vec![(t.do_now.clone(), Cell::Actions(vec![exit]))];
        sheet.part(Part::Facts(String::new(), facts));
    } else {
        let skus: Vec<String> = skus
            .iter()
            .map(|sku| format!("{} {}", sku.sku, crate::show::plain_yuan(sku.channel_price_fen)))
            .collect();
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("programme", &of.programme)
            .append_pair("product", &of.product)
            .append_pair("skus", &skus.join("\n"))
            .finish();
        sheet.part(Part::Links(vec![(format!("/merchant/enrolments?{query}"), t.enrol_again.clone())]));
    }
    sheet.show(form)
}

async fn exit(merchant: Merchant, Path(id): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let left = who.change(Method::POST, &path(&["enrolments", &id, "exit"]), sent.once(), &json!({})).await;
    let to = format!("/merchant/enrolments/{}", escaped(&id));
    who.finish(&sent, left, (&to, "exited"), |form| show(&merchant, &id, form)).await
}
