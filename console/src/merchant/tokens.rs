//! Access tokens for the shop's own programs: made, listed and taken away. A secret is shown once.

use crate::failure::Failure;
use crate::form::{Field, Form, Submitted};
use crate::handed::hand_over;
use crate::list::page_at;
use crate::sheet::{Action, Cell, FormPart, Part, Sheet, Table};
use crate::show::moment;
use crate::state::Console;
use crate::who::Merchant;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::{get, post};
use http::Method;
use serde::Deserialize;
use serde_json::json;

const TOKENS: &str = "/merchant/tokens";
/// Chosen for a token that only reads.
const YES: &str = "yes";

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(TOKENS, get(page).post(make))
        .route(&format!("{TOKENS}/{{name}}/revoke"), post(revoke))
}

#[derive(Debug, Deserialize)]
struct Token {
    name: String,
    label: String,
    reads_only: bool,
    created_at: i64,
}

#[derive(Debug, Deserialize)]
struct Issued {
    token: String,
}

async fn page(merchant: Merchant) -> Result<Response, Failure> {
    show(&merchant, Form::default()).await
}

async fn show(merchant: &Merchant, form: Form) -> Result<Response, Failure> {
    let who = &merchant.who;
    let (texts, t) = (who.t(), &who.t().shop);
    let answer = page_at::<Token>(who, TOKENS, "/v1/tokens", &[]).await?;
    let columns = [&*t.what_for, &t.name, &t.role, &t.made_at, ""];
    let mut table = Table::new("", &columns, &[], &t.no_tokens).next(answer.next);
    for of in answer.items {
        let about = if of.label.is_empty() { &of.name } else { &of.label };
        let revoke =
            Action::new(format!("{TOKENS}/{}/revoke", of.name), &t.revoke, about).danger(&texts.sure.revoke);
        table.row(vec![
            Cell::Text(if of.label.is_empty() { "—".to_owned() } else { of.label.clone() }),
            Cell::Code(of.name.clone()),
            Cell::Text(if of.reads_only {
                t.reads_only.clone()
            } else {
                texts.account.role_merchant.clone()
            }),
            Cell::Text(moment(of.created_at)),
            Cell::Actions(vec![revoke]),
        ]);
    }
    let mut sheet = Sheet::new(who, &t.tokens).intro(&t.tokens_intro);
    if let Some(secret) = &who.anybody.handed {
        sheet.part(Part::Secret(t.token.clone(), secret.clone(), t.only_now.clone()));
    }
    sheet.part(Part::Table(table));
    let rights =
        vec![(String::new(), texts.account.role_merchant.clone()), (YES.to_owned(), t.reads_only.clone())];
    sheet.part(Part::Form(
        FormPart::new(&t.new_token, TOKENS, &t.make)
            .field(form.show(Field::text("label", &t.what_for).hint(&t.token_hint).optional()))
            .field(form.show(Field::choice("reads_only", &t.role, rights))),
    ));
    sheet.show(form)
}

async fn make(merchant: Merchant, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let reads_only = sent.value("reads_only") == YES;
    let body = json!({
        "role": "merchant", "subject": merchant.id, "label": sent.value("label"), "reads_only": reads_only,
    });
    let made: Result<Issued, _> = who.write(Method::POST, "/v1/tokens", "", &body).await;
    match made {
        Ok(issued) => Ok(hand_over(who.console(), TOKENS, "token", &issued.token)),
        Err(error) => show(&merchant, who.refused(&sent.fields, error)?).await,
    }
}

async fn revoke(merchant: Merchant, Path(name): Path<String>, sent: Submitted) -> Result<Response, Failure> {
    let who = &merchant.who;
    let to = crate::api::path(&["tokens", &name, "revoke"]);
    let revoked = who.change(Method::POST, &to, sent.once(), &json!({})).await;
    who.finish(&sent, revoked, (TOKENS, "revoked"), |form| show(&merchant, form)).await
}
