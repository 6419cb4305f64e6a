//! Money: what there is in each programme, withdrawals, and the account that they go to.

use crate::api::path;
use crate::failure::Failure;
use crate::form::{Field, Form, Mistake, Submitted};
use crate::frame::{Frame, html};
use crate::list::Page;
use crate::show::{fen, moment, yuan};
use crate::state::Console;
use crate::texts::Texts;
use crate::who::Promoter;
use askama::Template;
use axum::Router;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::VecDeque;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route("/promoter/money", get(page))
        .route("/promoter/money/withdraw", post(withdraw))
        .route("/promoter/money/account", post(bind))
}

/// What one programme holds.
#[derive(Debug, Deserialize)]
struct Purse {
    programme: String,
    expected_fen: i64,
    earned_fen: i64,
    available_fen: i64,
    clearing_fen: i64,
}

#[derive(Debug, Deserialize)]
struct Accounts {
    accounts: Vec<Account>,
}

#[derive(Debug, Deserialize)]
struct Account {
    kind: String,
    account: String,
    holder: String,
    verified: bool,
    to: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct Payout {
    kind: String,
    programme: String,
    state: String,
    gross_fen: i64,
    collected_fen: i64,
    paid_fen: i64,
    reason: Option<String>,
    at: i64,
}

struct PurseRow {
    programme: String,
    expected: String,
    earned: String,
    available: String,
    clearing: String,
    in_debt: bool,
}

struct AccountRow {
    kind: String,
    account: String,
    holder: String,
    verified: bool,
}

struct PayoutRow {
    at: String,
    kind: String,
    programme: String,
    state: String,
    tone: &'static str,
    gross: String,
    collected: String,
    paid: String,
    reason: Option<String>,
}

#[derive(Template)]
#[template(path = "promoter/money.html")]
struct MoneyPage {
    f: Frame,
    form: Form,
    purses: Vec<PurseRow>,
    account: Option<AccountRow>,
    payouts: Vec<PayoutRow>,
    programme: Field,
    amount: Field,
    kind: Field,
    number: Field,
    holder: Field,
    /// Something can be withdrawn.
    can_withdraw: bool,
    /// The form for an account stands open.
    binds: bool,
}

/// Payouts and withdrawals on the page: the last two years of weekly ones.
const PAYOUTS_SHOWN: usize = 100;

/// Kinds of account a promoter may bind, and their words.
fn kinds(t: &Texts) -> Vec<(String, String)> {
    vec![("alipay".to_owned(), t.money.alipay.clone()), ("bank_card".to_owned(), t.money.bank_card.clone())]
}

fn kind_words<'t>(t: &'t Texts, kind: &'t str) -> &'t str {
    match kind {
        "alipay" => &t.money.alipay,
        "bank_card" => &t.money.bank_card,
        "company_alipay" => &t.money.company_alipay,
        other => other,
    }
}

/// A payout's state in words, and how it looks.
fn state_words<'t>(t: &'t Texts, state: &'t str) -> (&'t str, &'static str) {
    match state {
        "available" => (&t.money.state_available, ""),
        "clearing" => (&t.money.state_clearing, "warn"),
        "paid" => (&t.money.state_paid, "good"),
        "returned" => (&t.money.state_returned, "bad"),
        "carried" => (&t.money.state_carried, "warn"),
        "failed" => (&t.money.state_failed, "bad"),
        other => (other, ""),
    }
}

async fn page(promoter: Promoter) -> Result<Response, Failure> {
    show(&promoter, Form::default(), false).await
}

async fn show(promoter: &Promoter, form: Form, binds: bool) -> Result<Response, Failure> {
    let who = &promoter.who;
    let (api, me, t) = (who.console().api(), who.principal(), who.t());
    let purses: Vec<Purse> = api.get(me, &path(&["promoters", &promoter.id, "balance"]), &[]).await?;
    let accounts: Accounts = api.get(me, &path(&["promoters", &promoter.id, "payout-account"]), &[]).await?;
    let payouts = newest_payouts(promoter).await?;
    let account = accounts.accounts.into_iter().find(|account| account.to.is_none());
    let full: Vec<(String, String)> = purses
        .iter()
        .filter(|purse| purse.available_fen > 0)
        .map(|purse| {
            (purse.programme.clone(), format!("{} · {}", purse.programme, yuan(purse.available_fen)))
        })
        .collect();
    let money = &t.money;
    let page = MoneyPage {
        can_withdraw: !full.is_empty(),
        programme: form.show(Field::choice("programme", &money.programme, full)),
        amount: form.show(
            Field::text("amount", &money.amount).hint(&money.amount_hint).inputmode("decimal").optional(),
        ),
        kind: form.show(Field::choice("kind", &money.kind, kinds(t))),
        number: form.show(Field::text("account", &money.number).hint(&money.number_hint)),
        holder: form.show(Field::text("holder", &money.holder).hint(&money.holder_hint).autocomplete("name")),
        binds: binds || account.is_none(),
        account: account.map(|account| AccountRow {
            kind: kind_words(t, &account.kind).to_owned(),
            account: account.account,
            holder: account.holder,
            verified: account.verified,
        }),
        purses: purses.into_iter().map(purse_row).collect(),
        payouts: payouts.into_iter().rev().map(|payout| payout_row(t, payout)).collect(),
        f: who.frame(),
        form,
    };
    html(&page)
}

/// The last payouts, oldest first: the API begins with the oldest.
async fn newest_payouts(promoter: &Promoter) -> Result<VecDeque<Payout>, Failure> {
    let payee = format!("promoter/{}", promoter.id);
    let mut newest = VecDeque::new();
    let mut cursor = String::new();
    loop {
        let query = [("payee", payee.as_str()), ("limit", "500"), ("cursor", cursor.as_str())];
        let page: Page<Payout> = promoter.who.ask("/v1/payouts", &query).await?;
        newest.extend(page.items);
        newest.drain(..newest.len().saturating_sub(PAYOUTS_SHOWN));
        match page.next_cursor {
            Some(next) => cursor = next,
            None => return Ok(newest),
        }
    }
}

fn purse_row(purse: Purse) -> PurseRow {
    PurseRow {
        expected: yuan(purse.expected_fen),
        earned: yuan(purse.earned_fen),
        available: yuan(purse.available_fen),
        clearing: yuan(purse.clearing_fen),
        in_debt: purse.available_fen < 0,
        programme: purse.programme,
    }
}

fn payout_row(t: &Texts, payout: Payout) -> PayoutRow {
    let (state, tone) = state_words(t, &payout.state);
    PayoutRow {
        at: moment(payout.at),
        kind: if payout.kind == "run" { &t.money.kind_run } else { &t.money.kind_withdrawal }.clone(),
        state: state.to_owned(),
        tone,
        gross: yuan(payout.gross_fen),
        collected: yuan(payout.collected_fen),
        paid: yuan(payout.paid_fen),
        reason: payout.reason.map(|code| t.problem.get(&code).cloned().unwrap_or(code)),
        programme: payout.programme,
    }
}

/// Shows the page again with what is wrong.
async fn refuse(promoter: &Promoter, form: Form, binds: bool) -> Result<Response, Failure> {
    let mut response = show(promoter, form, binds).await?;
    *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    Ok(response)
}

async fn withdraw(promoter: Promoter, sent: Submitted) -> Result<Response, Failure> {
    let who = &promoter.who;
    let amount = match sent.given("amount") {
        None => None,
        Some(typed) => match fen(typed).filter(|amount| *amount > 0) {
            Some(amount) => Some(amount),
            None => {
                let words = who.t().money.bad_amount.clone();
                let mistakes = vec![Mistake { field: Some("amount".to_owned()), words }];
                return refuse(&promoter, Form::refused(&sent.fields, mistakes), false).await;
            }
        },
    };
    let body = json!({ "programme": sent.value("programme"), "amount_fen": amount });
    let to = path(&["promoters", &promoter.id, "withdrawals"]);
    let made: Result<Value, _> =
        who.console().api().write(who.principal(), Method::POST, &to, sent.once(), &body).await;
    match made {
        Ok(_) => Ok(Redirect::to("/promoter/money?done=withdrawn").into_response()),
        Err(error) => {
            let form = Form::of_api(&sent.fields, error, who.t(), who.anybody.lang)?;
            refuse(&promoter, form, false).await
        }
    }
}

async fn bind(promoter: Promoter, sent: Submitted) -> Result<Response, Failure> {
    let who = &promoter.who;
    let body = json!({
        "kind": sent.value("kind"),
        "account": sent.value("account"),
        "holder": sent.value("holder"),
    });
    let to = path(&["promoters", &promoter.id, "payout-account"]);
    let bound: Result<Value, _> =
        who.console().api().write(who.principal(), Method::PUT, &to, sent.once(), &body).await;
    match bound {
        Ok(_) => Ok(Redirect::to("/promoter/money?done=bound").into_response()),
        Err(error) => {
            let form = Form::of_api(&sent.fields, error, who.t(), who.anybody.lang)?;
            refuse(&promoter, form, true).await
        }
    }
}
