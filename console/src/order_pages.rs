//! Order lines as merchants, agencies and operators list them, an order's explanation, and findings for a person.

use crate::failure::Failure;
use crate::file;
use crate::form::{self, Field, Fields, Form};
use crate::lang::Lang;
use crate::list::{Page, found, next_page, page_at, query_of};
use crate::problem;
use crate::sheet::{Cell, Filters, Part, Sheet, Table};
use crate::show::{moment, yuan};
use crate::states;
use crate::texts::Texts;
use crate::who::SignedIn;
use attribution_core::time::Instant;
use axum::response::Response;
use jiff::civil::Date;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// A line of an order.
#[derive(Debug, Deserialize)]
struct Entry {
    platform: String,
    order: String,
    product: String,
    title: Option<String>,
    promoter: Option<String>,
    promoter_name: Option<String>,
    state: String,
    base_fen: i64,
    commission_fen: Option<i64>,
    promoter_fen: i64,
    provisional: bool,
    review: bool,
    taken_back: bool,
    created_at: i64,
}

/// A part of an address.
pub(crate) fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

fn state(t: &Texts, of: &Entry) -> Cell {
    let (words, tone) = states::order(t, &of.state);
    let said = [
        (of.taken_back, &t.orders.taken_back),
        (of.review, &t.orders.review),
        (of.provisional, &t.orders.provisional),
    ];
    let more: Vec<&str> =
        said.into_iter().filter_map(|(said, words)| said.then_some(words.as_str())).collect();
    Cell::Why(tone, words.to_owned(), more.join(" · "))
}

/// The beginning of a day in Asia/Shanghai, or of the one after it, as the API takes it; what is no day is left to the API
/// to refuse.
fn midnight(typed: &str, after: bool) -> String {
    let Ok(day) = typed.parse::<Date>() else { return typed.to_owned() };
    let day = if after { day.tomorrow().unwrap_or(day) } else { day };
    Instant::of_shanghai_date(day).millis().to_string()
}

/// What the API is asked for a list of orders that is searched by these fields.
pub(crate) struct Question(Vec<(&'static str, String)>);

impl Question {
    pub(crate) fn of(fields: &Fields) -> Self {
        let value = |name| form::value(fields, name).trim();
        let as_typed = ["order", "state", "promoter", "product"].map(|name| (name, value(name).to_owned()));
        let days = [("from", midnight(value("from"), false)), ("to", midnight(value("to"), true))];
        Self(as_typed.into_iter().chain(days).collect())
    }

    fn pairs(&self) -> Vec<(&str, &str)> {
        self.0.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// Whether anything is searched by.
    pub(crate) fn is_asked(&self) -> bool {
        self.0.iter().any(|(_, value)| !value.is_empty())
    }

    /// The page that begins at this cursor.
    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        who: &SignedIn,
        cursor: &str,
    ) -> Result<Page<T>, Failure> {
        let mut query = self.pairs();
        query.extend([("limit", "50"), ("cursor", cursor)]);
        Ok(found(who.ask("/v1/orders", &query).await)?)
    }
}

/// The days between which orders were placed, as fields.
pub(crate) fn days(t: &Texts) -> [Field; 2] {
    [Field::date("from", &t.reports.from).optional(), Field::date("to", &t.reports.to).optional()]
}

/// The orders of the page's search as a file, or what is wrong with asking for it.
pub(crate) async fn as_file(who: &SignedIn) -> Result<Result<Response, Form>, Failure> {
    let fields = query_of(who);
    match file::of_list(who, "/v1/orders", &Question::of(&fields).pairs(), "orders.csv").await {
        Ok(file) => Ok(Ok(file)),
        Err(error) => Ok(Err(who.refused(&fields, error)?)),
    }
}

/// The list at `here` as a file; the list itself says what is wrong.
pub(crate) async fn csv(who: &SignedIn, here: &'static str, leads: bool) -> Result<Response, Failure> {
    match as_file(who).await? {
        Ok(file) => Ok(file),
        Err(form) => list(who, here, leads).await?.show(form),
    }
}

/// The list at `here` of what the person may see; order numbers lead to `here/PLATFORM/ORDER` if `leads`.
pub(crate) async fn list(who: &SignedIn, here: &'static str, leads: bool) -> Result<Sheet, Failure> {
    let t = who.t();
    let fields = query_of(who);
    let answer: Page<Entry> = Question::of(&fields).page(who, form::value(&fields, "cursor").trim()).await?;
    let [from, to] = days(t);
    let filled = Form::filled(fields.clone());
    let mut sheet = Sheet::new(who, &t.shop.orders);
    sheet.part(Part::Filters(Filters {
        to: here.to_owned(),
        first: filled.show(Field::text("order", &t.orders.order).optional()),
        more: vec![
            filled.show(Field::choice("state", &t.orders.state, states::order_choice(t)).optional()),
            filled.show(Field::text("promoter", &t.shop.promoter).optional()),
            filled.show(Field::text("product", &t.shop.product_id).optional()),
            filled.show(from),
            filled.show(to),
        ],
        file: Some(file::address(here, &fields)),
    }));
    let columns = [
        &*t.orders.product,
        &t.orders.order,
        &t.orders.at,
        &t.shop.promoter,
        &t.orders.base,
        &t.shop.commission,
        &t.orders.state,
    ];
    let next = next_page(here, &fields, answer.next_cursor);
    let mut table = Table::new("", &columns, &[4, 5], &t.orders.none_like_this).next(next);
    for of in answer.items {
        let to = format!("{here}/{}/{}", escaped(&of.platform), escaped(&of.order));
        let state = state(t, &of);
        table.row(vec![
            Cell::Text(of.title.unwrap_or(of.product)),
            if leads { Cell::Link(to, of.order) } else { Cell::Code(of.order) },
            Cell::Text(moment(of.created_at)),
            Cell::named(of.promoter_name, of.promoter),
            Cell::Number(yuan(of.base_fen)),
            Cell::Number(yuan(of.commission_fen.unwrap_or(of.promoter_fen))),
            state,
        ]);
    }
    sheet.part(Part::Table(table));
    Ok(sheet)
}

#[derive(Debug, Deserialize)]
struct Explained {
    merchant: String,
    merchant_name: Option<String>,
    buyer: String,
    created_at: i64,
    paid_at: Option<i64>,
    completed_at: Option<i64>,
    closed_at: Option<i64>,
    lines: Vec<ExplainedLine>,
    reviews: Vec<Review>,
}

#[derive(Debug, Deserialize)]
struct ExplainedLine {
    line: String,
    product: String,
    title: Option<String>,
    amount_fen: i64,
    refunded_fen: i64,
    base_fen: i64,
    commission_fen: i64,
    promoter_fen: i64,
    promoter: Option<String>,
    promoter_name: Option<String>,
    programme: Option<String>,
    programme_name: Option<String>,
    programme_version: Option<u32>,
    state: String,
    taken_back: bool,
    decision: Option<Decision>,
    bill: Option<BillTold>,
    superseded: Vec<Superseded>,
}

#[derive(Debug, Deserialize)]
struct Decision {
    explanation: Both,
}

#[derive(Debug, Deserialize)]
struct Both {
    zh: Told,
    en: Told,
}

#[derive(Debug, Deserialize)]
struct Told {
    sentence: String,
    steps: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct BillTold {
    zh: Vec<String>,
    en: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Superseded {
    made_at: i64,
    zh: String,
    en: String,
}

#[derive(Debug, Deserialize)]
struct Review {
    reason: String,
    line: String,
    opened_at: i64,
    resolved_at: Option<i64>,
    resolution: Option<String>,
}

/// Leads to an order's page below `here`, if the order was taken in.
pub(crate) async fn place(who: &SignedIn, here: &str, platform: &str, order: &str) -> Cell {
    let to = crate::api::path(&["orders", order, "attribution"]);
    match who.ask::<IgnoredAny>(&to, &[("platform", platform)]).await {
        Ok(_) => Cell::Link(format!("{here}/{}/{}", escaped(platform), escaped(order)), order.to_owned()),
        Err(_) => Cell::Code(order.to_owned()),
    }
}

/// An order with the explanation of each line.
pub(crate) async fn one(who: &SignedIn, here: &str, platform: &str, order: &str) -> Result<Sheet, Failure> {
    let t = who.t();
    let to = crate::api::path(&["orders", order, "attribution"]);
    let of: Explained = who.ask(&to, &[("platform", platform)]).await?;
    let title = format!("{} {order}", t.orders.order);
    let mut sheet = Sheet::new(who, &title).back(here, &t.shop.orders);
    let at = |at: Option<i64>| Cell::Text(at.map_or_else(|| "—".to_owned(), moment));
    sheet.part(Part::Facts(
        String::new(),
        vec![
            (t.shop.merchant.clone(), Cell::named(of.merchant_name, Some(of.merchant))),
            (t.shop.buyer.clone(), Cell::Code(of.buyer)),
            (t.orders.at.clone(), at(Some(of.created_at))),
            (t.shop.paid_at.clone(), at(of.paid_at)),
            (t.shop.completed_at.clone(), at(of.completed_at)),
            (t.shop.closed_at.clone(), at(of.closed_at)),
        ],
    ));
    for line in of.lines {
        explained(&mut sheet, who, line);
    }
    if !of.reviews.is_empty() {
        let columns = [&*t.shop.why, &t.orders.line, &t.shop.since, &t.shop.decided];
        let mut table = Table::new(&t.shop.reviews, &columns, &[], "");
        for review in of.reviews {
            let decided = match (review.resolved_at, review.resolution) {
                (Some(at), words) => format!("{} {}", moment(at), words.unwrap_or_default()),
                (None, _) => t.review.open.clone(),
            };
            table.row(vec![
                Cell::Text(states::review(t, &review.reason).to_owned()),
                of_line(review.line),
                Cell::Text(moment(review.opened_at)),
                Cell::Text(decided),
            ]);
        }
        sheet.part(Part::Table(table));
    }
    Ok(sheet)
}

/// The line that a finding is about; a dash if it is about the whole order.
pub(crate) fn of_line(line: String) -> Cell {
    Cell::Text(if line.is_empty() { "—".to_owned() } else { line })
}

fn explained(sheet: &mut Sheet, who: &SignedIn, line: ExplainedLine) {
    let t = who.t();
    let zh = who.anybody.lang == Lang::Zh;
    let (words, tone) = states::order(t, &line.state);
    let more = if line.taken_back { t.orders.taken_back.clone() } else { String::new() };
    let rules = match (line.programme_name.or(line.programme), line.programme_version) {
        (Some(programme), Some(version)) => format!("{programme} · {} {version}", t.shop.version),
        _ => "—".to_owned(),
    };
    sheet.part(Part::Facts(
        format!("{} {}", t.orders.line, line.line),
        vec![
            (t.shop.product.clone(), Cell::named(line.title, Some(line.product))),
            (t.orders.state.clone(), Cell::Why(tone, words.to_owned(), more)),
            (t.shop.promoter.clone(), Cell::named(line.promoter_name, line.promoter)),
            (t.shop.paid.clone(), Cell::Number(yuan(line.amount_fen))),
            (t.shop.refunded.clone(), Cell::Number(yuan(line.refunded_fen))),
            (t.orders.base.clone(), Cell::Number(yuan(line.base_fen))),
            (t.shop.commission.clone(), Cell::Number(yuan(line.commission_fen))),
            (t.shop.promoters_part.clone(), Cell::Number(yuan(line.promoter_fen))),
            (t.shop.rules.clone(), Cell::Text(rules)),
        ],
    ));
    if let Some(decision) = line.decision {
        let told = if zh { decision.explanation.zh } else { decision.explanation.en };
        let words = std::iter::once(told.sentence).chain(told.steps).collect();
        sheet.part(Part::Words(t.shop.decision.clone(), words));
    }
    if let Some(bill) = line.bill {
        sheet.part(Part::Words(t.shop.bill.clone(), if zh { bill.zh } else { bill.en }));
    }
    if !line.superseded.is_empty() {
        let words = line
            .superseded
            .into_iter()
            .map(|before| format!("{} {}", moment(before.made_at), if zh { before.zh } else { before.en }));
        sheet.part(Part::Folded(t.shop.superseded.clone(), words.collect()));
    }
}

/// An open finding.
#[derive(Debug, Deserialize)]
pub(crate) struct OpenReview {
    pub(crate) platform: String,
    pub(crate) order: String,
    order_known: bool,
    pub(crate) reason: String,
    pub(crate) line: String,
    pub(crate) found: String,
    pub(crate) detail: String,
    pub(crate) opened_at: i64,
}

/// The review queue; orders lead to `orders/PLATFORM/ORDER`, and each finding to `answer` if it can be answered.
pub(crate) async fn reviews(
    who: &SignedIn,
    here: &'static str,
    orders: &str,
    answer: Option<&str>,
) -> Result<Sheet, Failure> {
    let t = who.t();
    let queue = page_at::<OpenReview>(who, here, "/v1/reviews", &[]).await?;
    let mut columns = vec![&*t.shop.why, &t.orders.order, &t.orders.line, &t.shop.since, &t.shop.detail];
    if answer.is_some() {
        columns.push("");
    }
    let mut table = Table::new("", &columns, &[], &t.shop.no_reviews).next(queue.next);
    for of in queue.items {
        let order = format!("{orders}/{}/{}", escaped(&of.platform), escaped(&of.order));
        let mut row = vec![
            Cell::Text(states::review(t, &of.reason).to_owned()),
            // What was never taken in, or is another shop's, has no page to lead to.
            if of.order_known { Cell::Link(order, of.order.clone()) } else { Cell::Code(of.order.clone()) },
            of_line(of.line.clone()),
            Cell::Text(moment(of.opened_at)),
            Cell::Text(problem::sentence(t, &of.detail)),
        ];
        if let Some(answer) = answer {
            let key = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("platform", &of.platform)
                .append_pair("order", &of.order)
                .append_pair("reason", &of.reason)
                .append_pair("line", &of.line)
                .append_pair("found", &of.found)
                .append_pair("since", &moment(of.opened_at))
                .append_pair("detail", &of.detail)
                .finish();
            row.push(Cell::Link(format!("{answer}?{key}"), t.review.answer.clone()));
        }
        table.row(row);
    }
    let mut sheet = Sheet::new(who, &t.shop.reviews);
    sheet.part(Part::Table(table));
    Ok(sheet)
}
