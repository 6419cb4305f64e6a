//! Reconciliations (对账): a platform's statement against our books, and every difference that was found.

use super::programmes;
use crate::api::{ApiError, path};
use crate::back::done;
use crate::failure::Failure;
use crate::form::{self, Field, Form, Mistake, Submitted};
use crate::list::{Listed, Page, listed, next_page, query_of};
use crate::order_pages::escaped;
use crate::sheet::{Cell, FormPart, Part, Sheet, Table};
use crate::show::{day, moment, yuan};
use crate::state::Console;
use crate::states;
use crate::texts::Texts;
use crate::who::Operator;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path};
use axum::response::Response;
use axum::routing::get;
use jiff::civil::Date;
use serde::Deserialize;

pub(super) const RECONCILIATIONS: &str = "/operator/reconciliations";
/// Bytes of one form, escaped.
const BODY_MAX: usize = 8 << 20;

pub(super) fn routes() -> Router<Console> {
    Router::new()
        .route(RECONCILIATIONS, get(list).post(compare))
        .route("/operator/reconciliations/{id}", get(detail))
        .layer(DefaultBodyLimit::max(BODY_MAX))
}

#[derive(Debug, Deserialize)]
pub(super) struct Reconciled {
    pub(super) id: i64,
    pub(super) platform: String,
    programme: String,
    programme_name: Option<String>,
    from: i64,
    to: i64,
    states: String,
    lines: i64,
    agree: i64,
    counts: Counts,
    unsettled: i64,
    made_by: String,
    made_at: i64,
}

#[derive(Debug, Deserialize)]
struct Counts {
    missing_here: i64,
    missing_there: i64,
    amount: i64,
    state: i64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Difference {
    pub(super) number: i64,
    kind: String,
    order: String,
    pub(super) line: String,
    pub(super) ours_fen: Option<i64>,
    pub(super) theirs_fen: Option<i64>,
    pub(super) ours_state: Option<String>,
    pub(super) theirs_state: Option<String>,
    pub(super) settled: bool,
    pub(super) notes: Vec<Note>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Note {
    settled: bool,
    pub(super) note: String,
    pub(super) made_by: String,
    pub(super) made_at: i64,
}

fn standing(t: &Texts, settled: bool) -> Cell {
    let t = &t.reconcile;
    let (tone, words) = if settled { ("good", &t.settled) } else { ("warn", &t.not_settled) };
    Cell::Tag(tone, words.clone())
}

impl Note {
    /// What it said of the difference.
    pub(super) fn standing(&self, t: &Texts) -> Cell {
        standing(t, self.settled)
    }
}

impl Difference {
    /// Whether it is settled.
    pub(super) fn standing(&self, t: &Texts) -> Cell {
        standing(t, self.settled)
    }

    /// What differs.
    pub(super) fn kind_cell(&self, t: &Texts) -> Cell {
        let t = &t.reconcile;
        let words = match self.kind.as_str() {
            "missing_here" => &t.missing_here,
            "missing_there" => &t.missing_there,
            "amount" => &t.amount,
            "state" => &t.state,
            other => return Cell::Tag("warn", other.to_owned()),
        };
        Cell::Tag("warn", words.clone())
    }

    /// The order: where it is in our books, one reads there why.
    pub(super) fn order_cell(&self, platform: &str) -> Cell {
        match self.ours_fen {
            Some(_) => Cell::Link(
                format!("/operator/orders/{}/{}", escaped(platform), escaped(&self.order)),
                self.order.clone(),
            ),
            None => Cell::Code(self.order.clone()),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Made {
    id: i64,
}

impl Counts {
    /// Kind, words and how many.
    fn named<'t>(&self, t: &'t Texts) -> [(&'static str, &'t String, i64); 4] {
        let t = &t.reconcile;
        [
            ("missing_here", &t.missing_here, self.missing_here),
            ("missing_there", &t.missing_there, self.missing_there),
            ("amount", &t.amount, self.amount),
            ("state", &t.state, self.state),
        ]
    }

    const fn all(&self) -> i64 {
        self.missing_here + self.missing_there + self.amount + self.state
    }
}

impl Reconciled {
    /// The first and the last day of the orders.
    fn span(&self) -> String {
        format!("{} – {}", day(self.from), day(self.to - 1))
    }

    fn verdict(&self, t: &Texts) -> Cell {
        let t = &t.reconcile;
        match (self.counts.all(), self.unsettled) {
            (0, _) => Cell::Tag("good", t.all_agree.clone()),
            (n, 0) => Cell::Tag("good", format!("{} {n} · {}", t.differ, t.settled)),
            (n, open) => Cell::Tag("warn", format!("{} {n} · {} {open}", t.differ, t.not_settled)),
        }
    }
}

/// Whose names a statement may have for states.
fn dialects(t: &Texts) -> Vec<(String, String)> {
    let t = &t.reconcile;
    let all = [
        ("taobao", &t.taobao),
        ("jd", &t.jd),
        ("pdd", &t.pdd),
        ("douyin", &t.douyin),
        ("kuaishou", &t.kuaishou),
    ];
    all.into_iter().map(|(name, words)| (name.to_owned(), words.clone())).collect()
}

async fn list(operator: Operator) -> Result<Response, Failure> {
    show_list(&operator, Form::default()).await
}

async fn show_list(operator: &Operator, form: Form) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().reconcile);
    let Listed::<Reconciled> { items, next, .. } =
        listed(who, RECONCILIATIONS, "/v1/reconciliations", &[]).await?;
    let columns = [
        &*t.number,
        &texts.operator.platform,
        &texts.shop.programme,
        &t.span,
        &t.lines,
        &t.differ,
        &t.made_at,
    ];
    let mut table = Table::new("", &columns, &[4], &t.none).next(next);
    for of in items {
        let (span, verdict) = (of.span(), of.verdict(texts));
        table.row(vec![
            Cell::Link(format!("{RECONCILIATIONS}/{}", of.id), of.id.to_string()),
            Cell::Text(of.platform),
            Cell::named(of.programme_name, Some(of.programme)),
            Cell::Text(span),
            Cell::Number(of.lines.to_string()),
            verdict,
            Cell::Text(moment(of.made_at)),
        ]);
    }
    let programmes = programmes::choice(operator).await?;
    let mut sheet = Sheet::new(who, &t.title).intro(&t.intro);
    sheet.part(Part::Table(table));
    sheet.part(Part::Form(
        FormPart::new(&t.new, RECONCILIATIONS, &t.compare)
            .intro(&t.new_words)
            .field(form.show(Field::choice("programme", &texts.shop.programme, programmes)))
            .field(form.show(Field::date("from", &t.from)))
            .field(form.show(Field::date("to", &t.to)))
            .field(form.show(Field::choice("states", &t.states, dialects(texts)).hint(&t.states_hint)))
            .field(form.show(Field::lines("csv", &t.csv).hint(&t.csv_hint).file("text/csv,.csv"))),
    ));
    sheet.show(form)
}

/// Midnight in Asia/Shanghai at which a day begins.
fn begins(day: Date) -> String {
    format!("{day}T00:00:00+08:00")
}

async fn compare(operator: Operator, sent: Submitted) -> Result<Response, Failure> {
    let who = &operator.who;
    let t = &who.t().reconcile;
    let day = |name| sent.value(name).parse::<Date>().ok();
    let (from, to) = (day("from"), day("to"));
    // The last day is compared too: up to where the next one begins.
    let ends = to.and_then(|to| to.tomorrow().ok());
    let (Some(from), Some(ends)) = (from, ends) else {
        let missing =
            [("from", from.is_none()), ("to", ends.is_none())].into_iter().filter(|(_, missing)| *missing);
        let mistake =
            |(name, _): (&str, bool)| Mistake { field: Some(name.to_owned()), words: t.bad_day.clone() };
        return show_list(&operator, Form::refused(&sent.fields, missing.map(mistake).collect())).await;
    };
    if from >= ends {
        let mistake = Mistake { field: Some("to".to_owned()), words: t.bad_range.clone() };
        return show_list(&operator, Form::refused(&sent.fields, vec![mistake])).await;
    }
    let (from, ends) = (begins(from), begins(ends));
    let query = [
        ("programme", sent.value("programme")),
        ("from", &*from),
        ("to", &*ends),
        ("states", sent.value("states")),
    ];
    let csv = sent.exact("csv").to_owned();
    let made: Result<Made, ApiError> =
        who.console().api().send_csv(who.principal(), "/v1/reconciliations", &query, sent.once(), csv).await;
    match made {
        Ok(made) => Ok(done(&format!("{RECONCILIATIONS}/{}", made.id), "compared")),
        Err(error) => {
            // What is wrong with the file stands beside it.
            let form = who.refused(&sent.fields, error)?.each(|mistake| {
                mistake.field.get_or_insert_with(|| "csv".to_owned());
            });
            show_list(&operator, form).await
        }
    }
}

async fn detail(operator: Operator, Path(id): Path<String>) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().reconcile);
    let of: Reconciled = who.ask(&path(&["reconciliations", &id]), &[]).await?;
    let fields = query_of(who);
    let value = |name| form::value(&fields, name);
    let query = [
        ("kind", value("kind")),
        ("settled", value("settled")),
        ("limit", "100"),
        ("cursor", value("cursor")),
    ];
    let found: Page<Difference> = who.ask(&path(&["reconciliations", &id, "differences"]), &query).await?;
    let here = format!("{RECONCILIATIONS}/{}", of.id);
    let mut sheet = Sheet::new(who, &format!("{} {}", t.title, of.id)).back(RECONCILIATIONS, &t.title);
    let states = dialects(texts).into_iter().find(|(name, _)| *name == of.states).map(|(_, words)| words);
    sheet.part(Part::Facts(
        String::new(),
        vec![
            (t.differ.clone(), of.verdict(texts)),
            (texts.operator.platform.clone(), Cell::Text(of.platform.clone())),
            (
                texts.shop.programme.clone(),
                Cell::named(of.programme_name.clone(), Some(of.programme.clone())),
            ),
            (t.span.clone(), Cell::Text(of.span())),
            (t.states.clone(), Cell::Text(states.unwrap_or_else(|| of.states.clone()))),
            (t.lines.clone(), Cell::Number(of.lines.to_string())),
            (t.agree.clone(), Cell::Number(of.agree.to_string())),
            (t.made_at.clone(), Cell::Text(moment(of.made_at))),
            (t.made_by.clone(), Cell::Text(of.made_by.clone())),
        ],
    ));
    let kinds = of.counts.named(texts);
    let some = kinds.iter().filter(|(.., count)| *count > 0);
    let mut links = vec![(here.clone(), texts.common.all.clone())];
    if of.unsettled > 0 && of.unsettled < of.counts.all() {
        links.push((format!("{here}?settled=false"), format!("{} · {}", t.not_settled, of.unsettled)));
    }
    links.extend(
        some.map(|(kind, words, count)| (format!("{here}?kind={kind}"), format!("{words} · {count}"))),
    );
    if links.len() > 1 {
        sheet.part(Part::Links(links));
    }
    let next = next_page(&here, &fields, found.next_cursor);
    let columns =
        [&*texts.orders.order, &texts.orders.line, &t.kind, &t.ours, &t.theirs, &t.state_of, &t.note];
    let mut table = Table::new(&t.differ, &columns, &[], &t.no_differences).next(next);
    for difference in found.items {
        let said = difference.notes.last().map_or("—", |note| note.note.as_str());
        let words = if difference.settled { &t.settled } else { &t.not_settled };
        table.row(vec![
            difference.order_cell(&of.platform),
            Cell::Text(difference.line.clone()),
            difference.kind_cell(texts),
            side(texts, difference.ours_fen, difference.ours_state.as_deref()),
            side(texts, difference.theirs_fen, difference.theirs_state.as_deref()),
            Cell::Link(format!("{here}/{}", difference.number), words.clone()),
            Cell::Text(said.to_owned()),
        ]);
    }
    sheet.part(Part::Table(table));
    sheet.show(Form::default())
}

/// What one side says of a line: commission and state.
pub(super) fn side(t: &Texts, fen: Option<i64>, state: Option<&str>) -> Cell {
    let state = state.map(|state| states::order(t, state).0.to_owned());
    let said: Vec<String> = fen.map(yuan).into_iter().chain(state).collect();
    Cell::Text(if said.is_empty() { "—".to_owned() } else { said.join(" · ") })
}
