//! Bans (禁推) by category: what may not be promoted, and from when to when.

use crate::failure::Failure;
use crate::form::{Field, Form, Submitted};
use crate::list::{Page, everything, page_at};
use crate::sheet::{Action, Cell, FormPart, Part, Sheet, Table};
use crate::show::{day, moment};
use crate::state::Console;
use crate::who::Operator;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::json;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/operator/bans", get(page).post(ban)).route("/operator/bans/lift", post(lift))
}

#[derive(Debug, Deserialize)]
struct Ban {
    category: String,
    category_name: String,
    programme: Option<String>,
    programme_name: Option<String>,
    announced_at: i64,
    effective_from: i64,
    effective_to: Option<i64>,
    note: String,
}

#[derive(Debug, Deserialize)]
struct Programme {
    id: String,
    name: String,
}

#[derive(Debug, Deserialize)]
struct Category {
    id: String,
    name: String,
}

async fn page(operator: Operator) -> Result<Response, Failure> {
    show(&operator, Form::default()).await
}

async fn show(operator: &Operator, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().operator);
    let bans = page_at::<Ban>(who, "/operator/bans", "/v1/bans", &[]).await?;
    let categories: Page<Category> = who.ask("/v1/categories", &[("limit", "500")]).await?;
    let now = who.console().core().now().millis();
    let columns = [
        &*texts.shop.category,
        &t.applies_to,
        &t.effective,
        &t.ends,
        &t.announced,
        &t.note,
        &texts.shop.state,
        "",
    ];
    let mut table = Table::new("", &columns, &[], &t.no_bans).next(bans.next);
    for of in bans.items {
        let is_over = of.effective_to.is_some_and(|to| to <= now);
        let state = if is_over {
            Cell::Tag("", t.over.clone())
        } else if of.effective_from <= now {
            Cell::Tag("bad", t.in_force.clone())
        } else {
            Cell::Tag("warn", t.to_come.clone())
        };
        let lift = Action::new("/operator/bans/lift", &t.lift, &of.category_name)
            .with("category", &*of.category)
            .with("programme", of.programme.as_deref().unwrap_or_default());
        table.row(vec![
            Cell::named(Some(of.category_name), Some(of.category)),
            Cell::Text(of.programme_name.or(of.programme).unwrap_or_else(|| t.all_programmes.clone())),
            Cell::Text(moment(of.effective_from)),
            Cell::Text(of.effective_to.map_or_else(|| "—".to_owned(), moment)),
            Cell::Text(moment(of.announced_at)),
            Cell::Text(if of.note.is_empty() { "—".to_owned() } else { of.note }),
            state,
            Cell::Actions(if is_over { Vec::new() } else { vec![lift] }),
        ]);
    }
    let choice = categories.items.into_iter().map(|of| (of.id.clone(), format!("{} · {}", of.name, of.id)));
    // None is chosen for anybody: a press of the button would ban it.
    let choice: Vec<_> =
        std::iter::once((String::new(), texts.common.choose.clone())).chain(choice).collect();
    let each: Vec<Programme> = everything(who, "/v1/programmes", &[]).await?;
    let each = each.into_iter().map(|of| (of.id.clone(), format!("{} · {}", of.name, of.id)));
    let programmes = std::iter::once((String::new(), t.all_programmes.clone())).chain(each).collect();
    let mut sheet = Sheet::new(who, &t.bans).intro(&t.bans_intro);
    sheet.part(Part::Table(table));
    if choice.len() == 1 {
        sheet.part(Part::Note("", t.no_categories.clone()));
        return sheet.show(form);
    }
    sheet.part(Part::Form(
        FormPart::new(&t.new_ban, "/operator/bans", &t.ban)
            .field(form.show(Field::choice("category", &texts.shop.category, choice)))
            .field(
                form.show(Field::date("effective_from", &t.effective).hint(&t.effective_hint).with(day(now))),
            )
            .field(form.show(Field::date("effective_to", &t.ends).hint(&t.ends_hint).optional()))
            .field(
                form.show(
                    Field::choice("programme", &texts.shop.programme, programmes)
                        .hint(&t.ban_programme_hint)
                        .optional(),
                ),
            )
            .field(form.show(Field::text("note", &t.note).optional()))
            .danger(),
    ));
    sheet.show(form)
}

async fn ban(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let t = who.t();
    let days = (sent.midnight("effective_from", t), sent.midnight_if_given("effective_to", t));
    let (from, to) = match days {
        (Ok(from), Ok(to)) => (from, to),
        (from, to) => {
            let mistakes = from.err().into_iter().chain(to.err()).collect();
            return show(&operator, Form::refused(&sent.fields, mistakes)).await;
        }
    };
    let body = json!({
        "category": sent.value("category"),
        "programme": sent.given("programme"),
        "effective_from": from,
        "effective_to": to,
        "note": sent.given("note"),
    });
    let banned = who.change(Method::POST, "/v1/bans", sent.once(), &body).await;
    who.finish(&sent, banned, ("/operator/bans", "banned"), |form| show(&operator, form)).await
}

async fn lift(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let body = json!({"category": sent.value("category"), "programme": sent.given("programme")});
    let lifted = who.change(Method::POST, "/v1/bans/lift", sent.once(), &body).await;
    who.finish(&sent, lifted, ("/operator/bans", "ban_lifted"), |form| show(&operator, form)).await
}
