//! Where a shop's orders come in: addresses that shop platforms or the shop's own programs send notifications to, for the
//! merchant and for the operators.

use crate::api::path;
use crate::back::done;
use crate::failure::Failure;
use crate::form::{Field, Form, Submitted};
use crate::handed::hand_over;
use crate::list::{everything, page_at};
use crate::of_shop::{OfShop, for_both};
use crate::order_pages::escaped;
use crate::problem::sentence;
use crate::sheet::{Action, Cell, FormPart, Part, Sheet, Table};
use crate::show::moment;
use crate::state::Console;
use crate::texts::{Texts, fill};
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(crate) fn routes() -> Router<Console> {
    for_both(|base| {
        let base = format!("{base}/sources");
        Router::new()
            .route(&base, get(list))
            .route(&format!("{base}/new/{{kind}}"), get(new).post(make))
            .route(&format!("{base}/{{source}}"), get(page))
            .route(&format!("{base}/{{source}}/rotate"), post(rotate))
            .route(&format!("{base}/{{source}}/remove"), post(remove))
    })
}

/// The page of a source.
fn page_of(shop: &OfShop, source: &str) -> String {
    shop.page(&format!("sources/{}", escaped(source)))
}

/// The source in the address, if it is of this shop.
async fn source(shop: &OfShop) -> Result<Source, Failure> {
    let of: Source = shop.who.ask(&path(&["intake-sources", shop.named("source")]), &[]).await?;
    if of.merchant == shop.merchant { Ok(of) } else { Err(Failure::NotFound) }
}

/// Whose form the notifications have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Youzan,
    Shopify,
    Standard,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Youzan, Self::Shopify, Self::Standard];

    const fn name(self) -> &'static str {
        match self {
            Self::Youzan => "youzan",
            Self::Shopify => "shopify",
            Self::Standard => "standard",
        }
    }

    fn of(name: &str) -> Result<Self, Failure> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or(Failure::NotFound)
    }

    fn words(self, t: &Texts) -> &str {
        match self {
            Self::Youzan => &t.sources.youzan,
            Self::Shopify => &t.sources.shopify,
            Self::Standard => &t.sources.standard,
        }
    }

    fn connect(self, t: &Texts) -> &str {
        match self {
            Self::Youzan => &t.sources.connect_youzan,
            Self::Shopify => &t.sources.connect_shopify,
            Self::Standard => &t.sources.connect_standard,
        }
    }

    /// What one needs before.
    fn needs(self, t: &Texts) -> &str {
        match self {
            Self::Youzan => &t.sources.youzan_needs,
            Self::Shopify => &t.sources.shopify_needs,
            Self::Standard => &t.sources.standard_needs,
        }
    }

    /// What to do with the address.
    fn next(self, t: &Texts) -> &str {
        match self {
            Self::Youzan => &t.sources.youzan_next,
            Self::Shopify => &t.sources.shopify_next,
            Self::Standard => &t.sources.standard_next,
        }
    }

    /// The platform's secret; of our own form we make it.
    fn secret(self, t: &Texts) -> Option<Field> {
        match self {
            Self::Youzan => Some(Field::text("secret", &t.sources.client_secret)),
            Self::Shopify => Some(Field::text("secret", &t.shop.signing_secret)),
            Self::Standard => None,
        }
    }
}

/// A source, as the API has it.
#[derive(Debug, Deserialize)]
struct Source {
    id: String,
    merchant: String,
    kind: Kind,
    label: String,
    path: String,
    settings: Settings,
    created_at: i64,
    previous_secret_until: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Settings {
    client_id: Option<String>,
    product_from: String,
    product_prefix: String,
    accept_body_sign: bool,
}

/// The shop itself.
#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Opened {
    id: String,
    secret: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Delivery {
    /// The sender's own number of it.
    delivery: String,
    received_at: i64,
    topic: String,
    outcome: String,
    detail: Option<String>,
    /// As it came, where nothing was taken in.
    body: Option<String>,
}

/// What came of a notification.
fn outcome(texts: &Texts, name: String, detail: Option<String>) -> Cell {
    let t = &texts.sources;
    let (tone, words) = match name.as_str() {
        "accepted" => ("good", &t.accepted),
        "duplicate" => ("", &t.duplicate),
        "ignored" => ("", &t.ignored),
        "review" => ("warn", &t.review),
        "rejected" => ("bad", &t.rejected),
        "unmappable" => ("bad", &t.unmappable),
        _ => return Cell::Text(name),
    };
    match detail {
        Some(why) => Cell::Why(tone, words.clone(), sentence(texts, &why)),
        None => Cell::Tag(tone, words.clone()),
    }
}

/// The body of what was not taken in, under the order's number as far as it is told.
fn body(texts: &Texts, of: Option<String>) -> Cell {
    let Some(body) = of else { return Cell::Text("—".to_owned()) };
    let told: Value = serde_json::from_str(&body).unwrap_or_default();
    // Standard events, one and several; Shopify's refunds and orders, and Youzan's pushes.
    let places = ["/order", "/events/0/order", "/order_id", "/id"];
    let order = places.into_iter().find_map(|place| match told.pointer(place)? {
        Value::String(order) => Some(order.clone()),
        Value::Number(order) => Some(order.to_string()),
        _ => None,
    });
    Cell::Source(order.unwrap_or_else(|| texts.common.show.clone()), body)
}

fn by_code(settings: &Settings) -> bool {
    settings.product_from == "code"
}

async fn list(shop: OfShop) -> Result<Response, Failure> {
    let who = &shop.who;
    let (texts, t) = (who.t(), &who.t().sources);
    // An operator's address may name nobody.
    let merchant: Named = who.ask(&path(&["merchants", &shop.merchant]), &[]).await?;
    let all: Vec<Source> = everything(who, "/v1/intake-sources", &[("merchant", &shop.merchant)]).await?;
    let columns = [&*texts.shop.name, &t.kind, &texts.shop.made_at];
    let mut table = Table::new("", &columns, &[], &t.none);
    for of in all {
        let name = if of.label.is_empty() { of.kind.words(texts).to_owned() } else { of.label };
        table.row(vec![
            Cell::Link(page_of(&shop, &of.id), name),
            Cell::Text(of.kind.words(texts).to_owned()),
            Cell::Text(moment(of.created_at)),
        ]);
    }
    let mut sheet = Sheet::new(who, &t.title).intro(&t.intro);
    if !shop.is_own() {
        sheet = sheet.back(shop.above(), &merchant.name);
    }
    sheet.part(Part::Table(table));
    let connect =
        |kind: Kind| (shop.page(&format!("sources/new/{}", kind.name())), kind.connect(texts).to_owned());
    sheet.part(Part::Links(Kind::ALL.map(connect).into()));
    sheet.show(Form::default())
}

async fn new(shop: OfShop) -> Result<Response, Failure> {
    show_new(&shop, Kind::of(shop.named("kind"))?, Form::default())
}

fn show_new(shop: &OfShop, kind: Kind, form: Form) -> Result<Response, Failure> {
    let (texts, t) = (shop.who.t(), &shop.who.t().sources);
    let to = shop.page(&format!("sources/new/{}", kind.name()));
    let mut part = FormPart::new("", to, &t.connect)
        .intro(kind.needs(texts))
        .field(form.show(Field::text("label", &texts.shop.name).hint(&t.label_hint).optional()));
    if kind == Kind::Youzan {
        part = part.field(form.show(Field::text("client_id", &t.client_id)));
    }
    if let Some(secret) = kind.secret(texts) {
        let from = [("number", &t.by_number), ("code", &t.by_code)];
        let from = from.map(|(name, words)| (name.to_owned(), words.clone())).into();
        part = part
            .field(form.show(secret))
            .field(form.show(Field::choice("product_from", &t.product_from, from).hint(&t.product_from_hint)))
            .field(form.show(Field::text("product_prefix", &t.prefix).hint(&t.prefix_hint).optional()));
    }
    if kind == Kind::Youzan {
        let options = vec![("yes".to_owned(), t.body_sign.clone())];
        part = part.field(
            form.show(Field::checks("accept_body_sign", &t.signature, options).hint(&t.body_sign_hint)),
        );
    }
    let mut sheet = Sheet::new(&shop.who, kind.connect(texts)).back(shop.page("sources"), &t.title);
    sheet.part(Part::Form(part));
    sheet.show(form)
}

async fn make(shop: OfShop, sent: Submitted) -> Result<Response, Failure> {
    let who = &shop.who;
    let kind = Kind::of(shop.named("kind"))?;
    let mut settings = Map::new();
    for name in ["client_id", "product_from", "product_prefix"] {
        if let Some(value) = sent.given(name) {
            settings.insert(name.to_owned(), json!(value));
        }
    }
    if sent.value("accept_body_sign") == "yes" {
        settings.insert("accept_body_sign".to_owned(), json!(true));
    }
    let mut body = json!({
        "merchant": shop.merchant, "kind": kind.name(), "label": sent.value("label"), "settings": settings,
    });
    add_secret(&mut body, kind, &sent);
    let made: Result<Opened, _> = who.write(Method::POST, "/v1/intake-sources", "", &body).await;
    match made {
        Ok(Opened { id, secret: None }) => Ok(done(&page_of(&shop, &id), "connected")),
        Ok(Opened { id, secret: Some(secret) }) => {
            Ok(hand_over(who.console(), &page_of(&shop, &id), "connected", &secret))
        }
        Err(error) => show_new(&shop, kind, refused(&shop, &sent, error)?),
    }
}

/// What is wrong, beside our fields: the API has some of them within others.
fn refused(shop: &OfShop, sent: &Submitted, error: crate::api::ApiError) -> Result<Form, Failure> {
    let own_name = |field: &str| field.trim_start_matches("settings.").to_owned();
    Ok(shop.who.refused(&sent.fields, error)?.renamed(own_name))
}

/// What the platform signs with, where it is the platform's.
fn add_secret(body: &mut Value, kind: Kind, sent: &Submitted) {
    if let (Some(fields), true) = (body.as_object_mut(), kind != Kind::Standard) {
        fields.insert("secret".to_owned(), json!(sent.value("secret")));
    }
}

async fn page(shop: OfShop) -> Result<Response, Failure> {
    let of = source(&shop).await?;
    show(&shop, of, Form::default()).await
}

async fn show(shop: &OfShop, of: Source, form: Form) -> Result<Response, Failure> {
    let who = &shop.who;
    let (texts, t) = (who.t(), &who.t().sources);
    let here = page_of(shop, &of.id);
    let title = if of.label.is_empty() { of.kind.words(texts) } else { &of.label };
    let mut sheet = Sheet::new(who, title).back(shop.page("sources"), &t.title);
    if let Some(secret) = &who.anybody.handed {
        let rotated = of.previous_secret_until.is_some();
        let words = if rotated { &t.rotated_words } else { &texts.shop.only_now };
        sheet.part(Part::Secret(texts.shop.signing_secret.clone(), secret.clone(), words.clone()));
    }
    let address = format!("{}{}", shop.origin, of.path);
    sheet.part(Part::Address(t.address.clone(), address, of.kind.next(texts).to_owned()));
    let mut facts = vec![(t.kind.clone(), Cell::Text(of.kind.words(texts).to_owned()))];
    if let Some(id) = of.settings.client_id.clone() {
        facts.push((t.client_id.clone(), Cell::Code(id)));
    }
    if of.kind != Kind::Standard {
        let from = if by_code(&of.settings) { &t.by_code } else { &t.by_number };
        facts.push((t.product_from.clone(), Cell::Text(from.clone())));
    }
    if !of.settings.product_prefix.is_empty() {
        facts.push((t.prefix.clone(), Cell::Code(of.settings.product_prefix.clone())));
    }
    if of.settings.accept_body_sign {
        facts.push((t.signature.clone(), Cell::Text(t.body_sign.clone())));
    }
    facts.push((texts.shop.made_at.clone(), Cell::Text(moment(of.created_at))));
    if let Some(until) = of.previous_secret_until {
        facts.push((t.former.clone(), Cell::Tag("warn", fill(&t.former_until, "at", moment(until)))));
    }
    let action = |step: &str, words: &str| Action::new(format!("{here}/{step}"), words, title);
    let own = of.kind == Kind::Standard;
    let mut actions = if own { vec![action("rotate", &texts.shop.rotate)] } else { Vec::new() };
    actions.push(action("remove", &t.disconnect).danger(&texts.sure.remove_source));
    facts.push((texts.shop.do_now.clone(), Cell::Actions(actions)));
    sheet.part(Part::Facts(String::new(), facts));
    let came = page_at::<Delivery>(who, &here, &path(&["intake-sources", &of.id, "deliveries"]), &[]).await?;
    let columns = [&*t.topic, &t.received, &t.outcome, &t.body];
    let mut table = Table::new(&t.came, &columns, &[], &t.nothing_came).next(came.next);
    for of in came.items {
        table.row(vec![
            Cell::Named(of.topic, of.delivery),
            Cell::Text(moment(of.received_at)),
            outcome(texts, of.outcome, of.detail),
            body(texts, of.body),
        ]);
    }
    sheet.part(Part::Table(table));
    if let Some(secret) = of.kind.secret(texts) {
        sheet.part(Part::Form(
            FormPart::new(&texts.shop.rotate, format!("{here}/rotate"), &texts.shop.save)
                .intro(&t.rotate_words)
                .field(form.show(secret))
                .fold(form.is_refused()),
        ));
    }
    sheet.show(form)
}

async fn rotate(shop: OfShop, sent: Submitted) -> Result<Response, Failure> {
    let who = &shop.who;
    let of = source(&shop).await?;
    let mut body = json!({});
    add_secret(&mut body, of.kind, &sent);
    let to = path(&["intake-sources", &of.id, "rotate"]);
    let opened: Result<Opened, _> = who.write(Method::POST, &to, "", &body).await;
    match opened {
        Ok(Opened { id, secret: None }) => Ok(done(&page_of(&shop, &id), "rotated")),
        Ok(Opened { id, secret: Some(secret) }) => {
            Ok(hand_over(who.console(), &page_of(&shop, &id), "rotated", &secret))
        }
        Err(error) => show(&shop, of, refused(&shop, &sent, error)?).await,
    }
}

async fn remove(shop: OfShop, sent: Submitted) -> Result<Response, Failure> {
    let who = &shop.who;
    let of = source(&shop).await?;
    let gone = who.change(Method::DELETE, &path(&["intake-sources", &of.id]), sent.once(), &json!({})).await;
    who.finish(&sent, gone, (&shop.page("sources"), "disconnected"), |form| show(&shop, of, form)).await
}
