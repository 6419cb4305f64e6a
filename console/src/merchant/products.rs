//! Products: found, made and changed, their promotion cancelled and taken up again, delisted and back.

use crate::api::path;
use crate::back::page_to;
use crate::categories;
use crate::failure::Failure;
use crate::file;
use crate::form::{self, Field, Fields, Form, Mistake, Submitted};
use crate::list::{Page, found, next_page, query_of};
use crate::pictures;
use crate::sheet::{Action, Cell, Filters, FormPart, Part, Sheet, Table};
use crate::show::{fen, moment, plain_yuan, rate, yuan};
use crate::state::Console;
use crate::states;
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
        .route("/merchant/products", get(list))
        .route("/merchant/products.csv", get(csv))
        .route("/merchant/products/new", get(new).post(make))
        .route("/merchant/products/{id}", get(detail).post(change))
        .route("/merchant/products/{id}/{step}", post(take))
}

/// What a ticked box sends.
const YES: &str = "yes";

/// The API's product.
#[derive(Debug, Deserialize)]
struct Product {
    id: String,
    merchant: String,
    title: String,
    url: String,
    price_fen: Option<i64>,
    category: Option<String>,
    image_url: Option<String>,
    pass_query: bool,
    cancelled_from: Option<i64>,
    delisted_from: Option<i64>,
    invalid: bool,
    reason: Option<String>,
    rate_bp: Option<u32>,
}

impl Product {
    fn state(&self, t: &Texts) -> Cell {
        match &self.reason {
            Some(reason) => Cell::Why("bad", t.products.dead.clone(), states::dead(t, reason).to_owned()),
            None if self.invalid => Cell::Tag("bad", t.products.dead.clone()),
            None => Cell::Tag("good", t.shop.promoted.clone()),
        }
    }

    /// What can be done with it now.
    fn actions(&self, t: &Texts, back: &str) -> Vec<Action> {
        let action = |step: &str, words: &str| {
            Action::new(format!("/merchant/products/{}/{step}", self.id), words, &self.title)
                .with("back", back)
        };
        let promotion = if self.cancelled_from.is_some() {
            action("promote", &t.shop.promote)
        } else {
            action("cancel-promotion", &t.shop.cancel_promotion).danger(&t.sure.cancel_promotion)
        };
        let shelf = if self.delisted_from.is_some() {
            action("relist", &t.shop.relist)
        } else {
            action("delist", &t.shop.delist).danger(&t.sure.delist)
        };
        vec![promotion, shelf]
    }
}

/// How many edges know how the product stands.
#[derive(Debug, Deserialize)]
struct Spread {
    reached: usize,
    behind: Vec<Behind>,
}

#[derive(Debug, Deserialize)]
struct Behind {
    edge: u16,
    heartbeat_at: Option<i64>,
}

impl Spread {
    fn words(&self, t: &Texts) -> Cell {
        let all = self.reached + self.behind.len();
        if self.behind.is_empty() {
            return Cell::Tag("good", fill(&t.shop.spread_all, "n", all));
        }
        let each = self.behind.iter().map(|of| {
            let at = of.heartbeat_at.map_or_else(|| t.operator.never.clone(), moment);
            fill(&fill(&t.shop.spread_behind, "edge", of.edge), "at", at)
        });
        let some = fill(&fill(&t.shop.spread_some, "n", self.reached), "all", all);
        Cell::Why("warn", some, each.collect::<Vec<_>>().join(" "))
    }
}

/// What the API is asked for by what stands in the page's address.
fn question<'f>(merchant: &'f Merchant, fields: &'f Fields) -> Vec<(&'f str, &'f str)> {
    let own = [("merchant", merchant.id.as_str()), ("sort", "newest")];
    let typed = ["q", "category", "state"].map(|name| (name, form::value(fields, name).trim()));
    own.into_iter().chain(typed).collect()
}

async fn csv(merchant: Merchant) -> Result<Response, Failure> {
    let who = &merchant.who;
    let fields = query_of(who);
    match file::of_list(who, "/v1/products", &question(&merchant, &fields), "products.csv").await {
        Ok(file) => Ok(file),
        Err(error) => show_list(&merchant, who.refused(&fields, error)?).await,
    }
}

async fn list(merchant: Merchant) -> Result<Response, Failure> {
    show_list(&merchant, Form::default()).await
}

async fn show_list(merchant: &Merchant, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let fields = query_of(who);
    let mut query = question(merchant, &fields);
    query.extend([("limit", "50"), ("cursor", form::value(&fields, "cursor").trim())]);
    let answer: Page<Product> = found(who.ask("/v1/products", &query).await)?;
    let filled = Form::filled(fields.clone());
    let all = vec![
        (String::new(), texts.common.all.clone()),
        ("live".to_owned(), t.promoted.clone()),
        ("invalid".to_owned(), texts.products.dead.clone()),
    ];
    let mut sheet = Sheet::new(who, &t.products);
    sheet.part(Part::Links(vec![
        ("/merchant/products/new".to_owned(), t.new_product.clone()),
        ("/merchant/import".to_owned(), t.import.clone()),
    ]));
    sheet.part(Part::Filters(Filters {
        to: "/merchant/products".to_owned(),
        first: filled.show(Field::text("q", &texts.products.name).optional()),
        more: vec![
            filled.show(categories::field(who, &t.category, &texts.common.all).await?),
            filled.show(Field::choice("state", &t.state, all).optional()),
        ],
        file: Some(file::address("/merchant/products", &fields)),
    }));
    let next = next_page("/merchant/products", &fields, answer.next_cursor);
    let columns = [&*t.product, &t.id, &texts.products.price, &texts.products.rate, &t.state, ""];
    let mut table = Table::new("", &columns, &[2, 3], &t.no_products).next(next);
    let back = who.anybody.path.clone();
    for of in answer.items {
        let (state, actions) = (of.state(texts), of.actions(texts, &back));
        table.row(vec![
            Cell::Link(format!("/merchant/products/{}", of.id), of.title),
            Cell::Code(of.id),
            Cell::Number(of.price_fen.map_or_else(|| "—".to_owned(), yuan)),
            Cell::Number(of.rate_bp.map_or_else(|| "—".to_owned(), rate)),
            state,
            Cell::Actions(actions),
        ]);
    }
    sheet.part(Part::Table(table));
    sheet.show(form)
}

async fn new(merchant: Merchant) -> Result<Response, Failure> {
    show_new(&merchant, Form::default()).await
}

async fn show_new(merchant: &Merchant, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let t = &who.t().shop;
    let mut sheet = Sheet::new(who, &t.new_product).back("/merchant/products", &t.products);
    let part = FormPart::new("", "/merchant/products/new", &t.make)
        .field(form.show(Field::text("id", &t.id).hint(&t.id_hint)));
    sheet.part(Part::Form(with_fields(merchant, part, &form, None).await?));
    sheet.show(form)
}

async fn with_fields(
    merchant: &Merchant,
    part: FormPart,
    form: &Form,
    of: Option<&Product>,
) -> Result<FormPart, Failure> {
    let t = &merchant.who.t().shop;
    let category = categories::field(&merchant.who, &t.category, &t.any_category).await?;
    let start = |pick: fn(&Product) -> String| of.map(pick).unwrap_or_default();
    let title = Field::text("title", &merchant.who.t().products.name).with(start(|of| of.title.clone()));
    let part = part
        .field(form.show(title))
        .field(form.show(
            Field::text("url", &t.url).hint(&t.url_hint).inputmode("url").with(start(|of| of.url.clone())),
        ))
        .field(
            form.show(
                Field::text("price_fen", &t.price)
                    .inputmode("decimal")
                    .optional()
                    .with(start(|of| of.price_fen.map(plain_yuan).unwrap_or_default())),
            ),
        )
        .field(form.show(category.with(start(|of| of.category.clone().unwrap_or_default()))))
        .field(
            form.show(
                Field::text("image_url", &t.image_url)
                    .hint(&t.image_url_hint)
                    .inputmode("url")
                    .optional()
                    .with(start(|of| of.image_url.clone().unwrap_or_default())),
            ),
        )
        .field(
            form.show(
                Field::checks("pass_query", &t.query, vec![(YES.to_owned(), t.pass_query.clone())])
                    .with(start(|of| if of.pass_query { YES.to_owned() } else { String::new() })),
            ),
        );
    Ok(part)
}

/// What the API wants to know of a product, or what is wrong with its price.
fn body(merchant: &Merchant, sent: &Submitted) -> Result<Value, Mistake> {
    let price = sent.given("price_fen").map(|typed| {
        let words = &merchant.who.t().shop.bad_price;
        fen(typed).ok_or_else(|| Mistake { field: Some("price_fen".to_owned()), words: words.clone() })
    });
    Ok(json!({
        "merchant": merchant.id,
        "title": sent.value("title"),
        "url": sent.value("url"),
        "price_fen": price.transpose()?,
        "category": sent.given("category"),
        "image_url": sent.given("image_url"),
        "pass_query": sent.value("pass_query") == YES,
    }))
}

async fn make(merchant: Merchant, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let id = sent.value("id");
    let product = path(&["products", id]);
    let body = match (who.wrong_new_id(&product, id).await, body(&merchant, &sent)) {
        (None, Ok(body)) => body,
        (id, body) => {
            let mistakes = id.into_iter().chain(body.err()).collect();
            return show_new(&merchant, Form::refused(&sent.fields, mistakes)).await;
        }
    };
    let made = who.change(Method::PUT, &product, sent.once(), &body).await;
    let to = format!("/merchant/products/{id}");
    who.finish(&sent, made, (&to, "product"), |form| show_new(&merchant, form)).await
}

/// One of the merchant's own products.
async fn own(merchant: &Merchant, id: &str) -> Result<Product, Failure> {
    let of: Product = merchant.who.ask(&path(&["products", id]), &[]).await?;
    if of.merchant == merchant.id { Ok(of) } else { Err(Failure::NotFound) }
}

async fn detail(merchant: Merchant, Path(id): Path<String>) -> Result<Response, Failure> {
    show(&merchant, &id, Form::default()).await
}

async fn show(merchant: &Merchant, id: &str, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let of = own(merchant, id).await?;
    let here = format!("/merchant/products/{id}");
    let spread: Spread = who.ask(&path(&["products", id, "spread"]), &[]).await?;
    let since = |at: Option<i64>| Cell::Text(at.map_or_else(|| "—".to_owned(), moment));
    let mut sheet = Sheet::new(who, &of.title).back("/merchant/products", &t.products);
    sheet.part(Part::Facts(
        String::new(),
        vec![
            (t.state.clone(), of.state(texts)),
            (t.cancelled_from.clone(), since(of.cancelled_from)),
            (t.delisted_from.clone(), since(of.delisted_from)),
            (t.spread.clone(), spread.words(texts)),
            (t.do_now.clone(), Cell::Actions(of.actions(texts, &here))),
        ],
    ));
    sheet.part(Part::Links(vec![
        (format!("/merchant/skus/{id}"), t.skus.clone()),
        (format!("/merchant/enrolments?product={id}"), t.enrolments.clone()),
    ]));
    if let Some(url) = &of.image_url
        && pictures::is_missing(who, url).await
    {
        sheet.part(Part::Note("warn", t.image_unreadable.clone()));
    }
    let part = FormPart::new(&t.change, here, &t.save);
    sheet.part(Part::Form(with_fields(merchant, part, &form, Some(&of)).await?));
    sheet.show(form)
}

async fn change(merchant: Merchant, Path(id): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    own(&merchant, &id).await?;
    let body = match body(&merchant, &sent) {
        Ok(body) => body,
        Err(mistake) => return show(&merchant, &id, Form::refused(&sent.fields, vec![mistake])).await,
    };
    let changed = who.change(Method::PUT, &path(&["products", &id]), sent.once(), &body).await;
    let to = format!("/merchant/products/{id}");
    who.finish(&sent, changed, (&to, "saved"), |form| show(&merchant, &id, form)).await
}

/// Cancels the promotion, takes it up again, delists, relists.
async fn take(
    merchant: Merchant,
    Path((id, step)): Path<(String, String)>,
    sent: Submitted,
) -> Result<Response, Failure> {
    let who = &merchant.who;
    let done = match step.as_str() {
        "cancel-promotion" => "cancelled",
        "promote" => "promoted",
        "delist" => "delisted",
        "relist" => "relisted",
        _ => return Err(Failure::NotFound),
    };
    let taken = who.change(Method::POST, &path(&["products", &id, &step]), sent.once(), &json!({})).await;
    let back = page_to(sent.value("back"), "/merchant/products");
    who.finish(&sent, taken, (&back, done), |form| show_list(&merchant, form)).await
}
