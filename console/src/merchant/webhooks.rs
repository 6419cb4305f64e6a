//! Webhook endpoints: where the shop's programs are told of what happens.

use crate::failure::Failure;
use crate::form::{Field, Form, Submitted};
use crate::handed::hand_over;
use crate::list::page_at;
use crate::problem::sentence;
use crate::sheet::{Cell, FormPart, Part, Sheet, Table};
use crate::show::moment;
use crate::state::Console;
use crate::texts::Texts;
use crate::who::Merchant;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(super) const WEBHOOKS: &str = "/merchant/webhooks";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(WEBHOOKS, get(page).post(make))
}

/// The page of an endpoint.
pub(super) fn endpoint(id: &str) -> String {
    format!("{WEBHOOKS}/{id}")
}

/// An endpoint, as the API says it stands. Its times are RFC 3339 or UTC milliseconds.
#[derive(Debug, Deserialize)]
pub(super) struct Endpoint {
    pub(super) id: String,
    pub(super) url: String,
    pub(super) label: String,
    pub(super) events: Vec<String>,
    pub(super) created_at: ApiMoment,
    pub(super) previous_secret_until: Option<ApiMoment>,
    pub(super) failing_since: Option<ApiMoment>,
    pub(super) disabled_at: Option<ApiMoment>,
    pub(super) disabled_reason: Option<String>,
}

/// A time of the API's.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(transparent)]
pub(super) struct ApiMoment(i64);

impl ApiMoment {
    pub(super) fn words(self) -> String {
        moment(self.0)
    }
}

/// An endpoint with a new secret.
#[derive(Debug, Deserialize)]
pub(super) struct Opened {
    pub(super) id: String,
    pub(super) secret: String,
}

/// How an endpoint stands.
pub(super) fn state(texts: &Texts, of: &Endpoint) -> Cell {
    let t = &texts.shop;
    match (&of.disabled_at, &of.failing_since) {
        (Some(at), _) => Cell::Why(
            "bad",
            t.disabled.clone(),
            format!("{} {}", at.words(), sentence(texts, of.disabled_reason.as_deref().unwrap_or_default())),
        ),
        (None, Some(at)) => Cell::Why("warn", t.failing.clone(), at.words()),
        (None, None) => Cell::Tag("good", t.works.clone()),
    }
}

/// What an endpoint is told of.
pub(super) fn events(t: &Texts, of: &Endpoint) -> String {
    if of.events.is_empty() { t.shop.all_events.clone() } else { of.events.join(", ") }
}

async fn page(merchant: Merchant) -> Result<Response, Failure> {
    show(&merchant, Form::default()).await
}

async fn show(merchant: &Merchant, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let answer = page_at::<Endpoint>(who, WEBHOOKS, "/v1/webhooks", &[]).await?;
    let columns = [&*t.address, &t.what_for, &t.events, &t.state, &t.made_at];
    let mut table = Table::new("", &columns, &[], &t.no_webhooks).next(answer.next);
    for of in answer.items {
        let (state, events) = (state(texts, &of), events(texts, &of));
        table.row(vec![
            Cell::Link(endpoint(&of.id), of.url),
            Cell::Text(if of.label.is_empty() { "—".to_owned() } else { of.label }),
            Cell::Text(events),
            state,
            Cell::Text(of.created_at.words()),
        ]);
    }
    let mut sheet = Sheet::new(who, &t.webhooks).intro(&t.webhooks_intro);
    sheet.part(Part::Table(table));
    sheet.part(Part::Form(
        FormPart::new(&t.new_webhook, WEBHOOKS, &t.make)
            .field(form.show(Field::text("url", &t.address).hint(&t.address_hint).inputmode("url")))
            .field(form.show(Field::text("events", &t.events).hint(&t.events_hint).optional()))
            .field(form.show(Field::text("label", &t.what_for).optional())),
    ));
    sheet.show(form)
}

async fn make(merchant: Merchant, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let events: Vec<&str> =
        sent.value("events").split([',', '\u{ff0c}', ' ', '\n']).filter(|name| !name.is_empty()).collect();
    let body = json!({ "url": sent.value("url"), "label": sent.value("label"), "events": events });
    let made: Result<Opened, _> = who.write(Method::POST, "/v1/webhooks", "", &body).await;
    match made {
        Ok(opened) => Ok(hand_over(who.console(), &endpoint(&opened.id), "webhook", &opened.secret)),
        Err(error) => {
            let form = who.refused(&sent.fields, error)?;
            show(&merchant, own_field(form, &who.t().common.colon, &events)).await
        }
    }
}

/// The API names an event type by its place in the list, which the words name instead; and an owner, for which this
/// form does not ask.
fn own_field(form: Form, colon: &str, events: &[&str]) -> Form {
    form.each(|mistake| {
        let Some(field) = mistake.field.take().filter(|field| field != "owner") else { return };
        let Some(at) = field.strip_prefix("events/") else {
            mistake.field = Some(field);
            return;
        };
        if let Some(named) = at.parse::<usize>().ok().and_then(|at| events.get(at)) {
            mistake.words = format!("{named}{colon}{}", mistake.words);
        }
        mistake.field = Some("events".to_owned());
    })
}
