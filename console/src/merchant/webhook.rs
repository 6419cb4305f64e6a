//! One webhook endpoint: how it stands, what it was told, and telling it again.

use super::webhooks::{ApiMoment, Endpoint, Opened, WEBHOOKS, endpoint, events, state};
use crate::api::path;
use crate::failure::Failure;
use crate::form::{Form, Submitted};
use crate::handed::hand_over;
use crate::list::page_at;
use crate::problem::sentence;
use crate::sheet::{Action, Cell, Part, Sheet, Table};
use crate::state::Console;
use crate::who::Merchant;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/merchant/webhooks/{id}", get(page))
        .route("/merchant/webhooks/{id}/replay", post(replay))
        .route("/merchant/webhooks/{id}/{step}", post(take))
}

#[derive(Debug, Deserialize)]
struct Delivery {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    state: String,
    created_at: ApiMoment,
    next_at: Option<ApiMoment>,
    attempts: Vec<Attempt>,
}

#[derive(Debug, Deserialize)]
struct Attempt {
    status: Option<u16>,
    error: Option<String>,
    took_ms: i64,
}

async fn page(merchant: Merchant, Path(id): Path<String>) -> Result<Response, Failure> {
    show(&merchant, &id, Form::default()).await
}

async fn show(merchant: &Merchant, id: &str, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let of: Endpoint = who.ask(&path(&["webhooks", id]), &[]).await?;
    let here = endpoint(id);
    let told = page_at::<Delivery>(who, &here, &path(&["webhooks", id, "deliveries"]), &[]).await?;
    let action = |step: &str, words: &str| Action::new(format!("{here}/{step}"), words, &of.url);
    let mut actions = vec![action("test", &t.test), action("rotate", &t.rotate)];
    if of.disabled_at.is_some() {
        actions.insert(0, action("enable", &t.enable));
    }
    actions.push(action("remove", &t.remove).danger(&texts.sure.remove_webhook));
    let mut sheet = Sheet::new(who, &of.url).back(WEBHOOKS, &t.webhooks);
    if let Some(secret) = &who.anybody.handed {
        let words = if of.previous_secret_until.is_some() { &t.rotated_words } else { &t.only_now };
        sheet.part(Part::Secret(t.signing_secret.clone(), secret.clone(), words.clone()));
    }
    sheet.part(Part::Facts(
        String::new(),
        vec![
            (t.state.clone(), state(texts, &of)),
            (t.events.clone(), Cell::Text(events(texts, &of))),
            (t.do_now.clone(), Cell::Actions(actions)),
        ],
    ));
    let columns = [&*t.event, &t.told_at, &t.state, &t.attempts, &t.last_answer, ""];
    let mut table = Table::new(&t.deliveries, &columns, &[3], &t.no_deliveries).next(told.next);
    for of in told.items {
        let state = match (of.state.as_str(), of.next_at) {
            ("delivered", _) => Cell::Tag("good", t.delivered.clone()),
            ("failed", _) => Cell::Tag("bad", t.failed.clone()),
            (_, Some(next)) => Cell::Why("warn", t.waiting.clone(), next.words()),
            (_, None) => Cell::Tag("warn", t.waiting.clone()),
        };
        let last = of.attempts.last().map_or_else(
            || "—".to_owned(),
            |attempt| {
                let status = attempt.status.map(|status| status.to_string()).unwrap_or_default();
                let error = attempt.error.as_deref().map(|error| sentence(texts, error)).unwrap_or_default();
                format!("{status}{error} {} ms", attempt.took_ms).trim().to_owned()
            },
        );
        let again = Action::new(format!("{here}/replay"), &t.replay, &of.kind).with("delivery", of.id);
        let over = of.state != "pending";
        table.row(vec![
            Cell::Code(of.kind),
            Cell::Text(of.created_at.words()),
            state,
            Cell::Number(of.attempts.len().to_string()),
            Cell::Text(last),
            Cell::Actions(if over { vec![again] } else { Vec::new() }),
        ]);
    }
    sheet.part(Part::Table(table));
    sheet.show(form)
}

async fn replay(merchant: Merchant, Path(id): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let to = path(&["webhooks", &id, "deliveries", sent.value("delivery"), "replay"]);
    let again = who.change(Method::POST, &to, sent.once(), &json!({})).await;
    who.finish(&sent, again, (&endpoint(&id), "replayed"), |form| show(&merchant, &id, form)).await
}

async fn take(
    merchant: Merchant,
    Path((id, step)): Path<(String, String)>,
    sent: Submitted,
) -> Result<Response, Failure> {
    let who = &merchant.who;
    let here = endpoint(&id);
    let to = path(&["webhooks", &id, &step]);
    let (taken, back, what) = match step.as_str() {
        "test" | "enable" => {
            let done = if step == "test" { "tested" } else { "enabled" };
            (who.change(Method::POST, &to, sent.once(), &json!({})).await, here.as_str(), done)
        }
        "remove" => {
            let gone = who.change(Method::DELETE, &path(&["webhooks", &id]), sent.once(), &json!({})).await;
            (gone, WEBHOOKS, "removed")
        }
        "rotate" => {
            let opened: Result<Opened, _> = who.write(Method::POST, &to, "", &json!({})).await;
            return match opened {
                Ok(opened) => Ok(hand_over(who.console(), &endpoint(&opened.id), "rotated", &opened.secret)),
                Err(error) => show(&merchant, &id, who.refused(&sent.fields, error)?).await,
            };
        }
        _ => return Err(Failure::NotFound),
    };
    who.finish(&sent, taken, (back, what), |form| show(&merchant, &id, form)).await
}
