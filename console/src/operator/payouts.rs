//! Payout runs of a programme: beginning one, how far each is, the file for whoever moves the money, and the outside's word
//! on what arrived.

use super::payout_accounts::payee;
use super::programmes;
use crate::api::ApiError;
use crate::failure::Failure;
use crate::form::{self, Field, Fields, Form, Mistake, Submitted};
use crate::list::{Page, page_at, query_of};
use crate::money::kind_words;
use crate::problem;
use crate::sheet::{Cell, Filters, FormPart, Part, Sheet, Table};
use crate::show::{moment, yuan};
use crate::state::Console;
use crate::texts::fill;
use crate::who::Operator;
use axum::Router;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{Method, header};
use serde::{Deserialize, Serialize};
use serde_json::json;

const PAYOUTS: &str = "/operator/payouts";
const FILE: &str = "/operator/payouts/file";
/// Payments on their way that the page lists; the file has all.
const ON_THEIR_WAY_SHOWN: &str = "100";
const ARRIVALS: &str = "/operator/payouts/arrivals";

pub(super) fn routes() -> Router<Console> {
    Router::new().route(PAYOUTS, get(page).post(begin)).route(FILE, get(file)).route(ARRIVALS, post(arrivals))
}

#[derive(Debug, Deserialize)]
struct Run {
    programme: String,
    day: String,
    attempt: i64,
    payees: i64,
    served: i64,
    failed: i64,
    amount_fen: i64,
    started_at: i64,
    finished_at: Option<i64>,
}

/// A payment that is on its way.
#[derive(Debug, Deserialize)]
struct Sent {
    id: String,
    payee: String,
    payee_name: Option<String>,
    day: String,
    account_kind: Option<String>,
    account: Option<String>,
    paid_fen: i64,
}

async fn page(operator: Operator) -> Result<Response, Failure> {
    let fields = query_of(&operator.who);
    show(&operator, form::value(&fields, "programme"), Form::default()).await
}

async fn show(operator: &Operator, programme: &str, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().payouts);
    let programmes = programmes::choice(operator).await?;
    let mut sheet = Sheet::new(who, &t.title).intro(&t.intro);
    let chosen = programmes.iter().find(|(id, _)| id == programme).or(programmes.first());
    let Some(chosen) = chosen.map(|(id, _)| id.clone()) else {
        sheet.part(Part::Note("", t.no_programmes.clone()));
        return sheet.show(form);
    };
    let first = Field::choice("programme", &texts.shop.programme, programmes).with(chosen.clone());
    sheet.part(Part::Filters(Filters { to: PAYOUTS.to_owned(), first, more: Vec::new(), file: None }));
    let on_their_way: Page<Sent> = who
        .ask("/v1/payouts", &[("programme", &chosen), ("state", "clearing"), ("limit", ON_THEIR_WAY_SHOWN)])
        .await?;
    let some = !on_their_way.items.is_empty();
    sheet.part(Part::Table(on_their_way_table(operator, on_their_way.items)));
    if some {
        let query =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("programme", &chosen).finish();
        sheet.part(Part::Note("", t.on_their_way_words.clone()));
        sheet.part(Part::Links(vec![(format!("{FILE}?{query}"), t.all_of_them.clone())]));
    }
    let runs = page_at::<Run>(who, PAYOUTS, "/v1/payout-runs", &[("programme", chosen.as_str())]).await?;
    sheet.part(Part::Table(table(operator, runs.items).next(runs.next)));
    sheet.part(Part::Form(
        FormPart::new(&t.begin_title, PAYOUTS, &t.begin).intro(&t.begin_words).hidden("programme", &chosen),
    ));
    sheet.part(Part::Form(
        FormPart::new(&t.arrivals, ARRIVALS, &t.take_in)
            .intro(&t.arrivals_words)
            .hidden("programme", &chosen)
            .field(form.show(Field::lines("arrivals", &t.lines).hint(&t.lines_hint).file(".csv,text/csv"))),
    ));
    sheet.show(form)
}

fn on_their_way_table(operator: &Operator, sent: Vec<Sent>) -> Table {
    let texts = operator.who.t();
    let t = &texts.payouts;
    let columns = [&*texts.shop.id, &t.day, &t.payee, &t.account, &texts.shop.amount];
    let mut table = Table::new(&t.on_their_way, &columns, &[4], &t.on_their_way_none);
    for of in sent {
        let kind = of.account_kind.as_deref().map_or("", |kind| kind_words(texts, kind));
        table.row(vec![
            Cell::Code(of.id),
            Cell::Text(of.day),
            payee(texts, &of.payee, of.payee_name),
            Cell::Text(format!("{kind} {}", of.account.unwrap_or_default())),
            Cell::Number(yuan(of.paid_fen)),
        ]);
    }
    table
}

fn table(operator: &Operator, runs: Vec<Run>) -> Table {
    let texts = operator.who.t();
    let t = &texts.payouts;
    let columns = [&*t.day, &t.attempt, &texts.shop.state, &t.served, &t.failed, &texts.shop.amount, &t.file];
    let mut table = Table::new(&t.runs, &columns, &[1, 3, 4, 5], &t.none);
    for of in runs {
        let state = match of.finished_at {
            Some(at) => Cell::Why("good", t.finished.clone(), moment(at)),
            None => Cell::Why("warn", t.going_on.clone(), moment(of.started_at)),
        };
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("programme", &of.programme)
            .append_pair("day", &of.day)
            .finish();
        table.row(vec![
            Cell::Text(of.day),
            Cell::Number(of.attempt.to_string()),
            state,
            Cell::Number(format!("{} / {}", of.served, of.payees)),
            Cell::Number(of.failed.to_string()),
            Cell::Number(yuan(of.amount_fen)),
            Cell::Link(format!("{FILE}?{query}"), texts.common.download_csv.clone()),
        ]);
    }
    table
}

/// Back to the runs of a programme.
fn here(programme: &str) -> String {
    let query =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("programme", programme).finish();
    format!("{PAYOUTS}?{query}")
}

async fn begin(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let programme = sent.value("programme");
    let body = json!({ "programme": programme });
    let begun = who.change(Method::POST, "/v1/payout-runs", sent.once(), &body).await;
    who.finish(&sent, begun, (&here(programme), "begun"), |form| show(&operator, programme, form)).await
}

async fn file(operator: Operator) -> Result<Response, Failure> {
    let who = &operator.who;
    let fields = query_of(who);
    let (programme, day) = (form::value(&fields, "programme"), form::value(&fields, "day"));
    // It stands in the file's name.
    if programme.is_empty() || !(day.is_empty() || day.parse::<jiff::civil::Date>().is_ok()) {
        return Err(Failure::NotFound);
    }
    let query = [("programme", programme), ("day", day)];
    let query = if day.is_empty() { &query[..1] } else { &query[..] };
    let bytes = who.console().api().get_bytes(who.principal(), "/v1/payout-files", query).await?;
    let which = if day.is_empty() { "on-their-way" } else { day };
    let name = format!("attachment; filename=\"payouts-{which}.csv\"");
    let headers =
        [(header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()), (header::CONTENT_DISPOSITION, name)];
    Ok((headers, bytes).into_response())
}

/// The outside's word on one payout, as the API takes it.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Arrival {
    id: String,
    paid: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Reads `id,paid` and `id,returned,why`; the line that makes no sense otherwise. Empty lines are passed over.
fn read(typed: &str) -> Result<Vec<Arrival>, &str> {
    let lines = typed.lines().map(str::trim).filter(|line| !line.is_empty());
    lines
        .map(|line| {
            let mut parts = line.splitn(3, [',', '\u{ff0c}', '\t']).map(str::trim);
            let id = parts.next().filter(|id| !id.is_empty()).ok_or(line)?;
            let paid = match parts.next() {
                Some("paid" | "已到账") => true,
                Some("returned" | "被退回" | "退回") => false,
                _ => return Err(line),
            };
            let reason = parts.next().filter(|why| !why.is_empty() && !paid).map(str::to_owned);
            Ok(Arrival { id: id.to_owned(), paid, reason })
        })
        .collect()
}

async fn arrivals(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let t = &who.t().payouts;
    let programme = sent.value("programme");
    let refuse = async |fields: &Fields, words: String| {
        let mistake = Mistake { field: Some("arrivals".to_owned()), words };
        show(&operator, programme, Form::refused(fields, vec![mistake])).await
    };
    let payouts = match read(sent.value("arrivals")) {
        Ok(payouts) if payouts.is_empty() => return refuse(&sent.fields, t.no_lines.clone()).await,
        Ok(payouts) => payouts,
        Err(line) => return refuse(&sent.fields, fill(&t.bad_line, "line", line)).await,
    };
    let body = json!({ "payouts": payouts });
    let taken = who.change(Method::POST, "/v1/payouts/arrivals", sent.once(), &body).await;
    if let Err(ApiError::Refused(problem)) = &taken
        && problem.code == "invalid_arrivals"
    {
        let ids: Vec<&str> = payouts.iter().map(|of| of.id.as_str()).collect();
        let mistakes = problem::of_typed(who.t(), who.anybody.lang, problem, "arrivals", &ids);
        return show(&operator, programme, Form::refused(&sent.fields, mistakes)).await;
    }
    let own_name = |field: &str| field.replace("payouts", "arrivals");
    let again = |form: Form| show(&operator, programme, form.renamed(own_name));
    who.finish(&sent, taken, (&here(programme), "arrived"), again).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_on_payouts_are_read_line_by_line() {
        let one = |id: &str, paid, reason: Option<&str>| Arrival {
            id: id.to_owned(),
            paid,
            reason: reason.map(str::to_owned),
        };
        let rows = [
            ("", Ok(vec![])),
            (
                "p1,paid\n\n p2 ， 退回，账号, 已注销 ",
                Ok(vec![one("p1", true, None), one("p2", false, Some("账号, 已注销"))]),
            ),
            ("p1\treturned", Ok(vec![one("p1", false, None)])),
            ("p1,paid\np2,clearing", Err("p2,clearing")),
            ("p1", Err("p1")),
            (",paid", Err(",paid")),
        ];
        for (typed, expected) in rows {
            assert_eq!(read(typed), expected, "{typed:?}");
        }
    }
}
