//! Refund records after the settlement (维权退款订单): a merchant's list, as the merchant and the operators see it.

use crate::failure::Failure;
use crate::form::{self, Field, Form};
use crate::list::{Page, next_page, query_of};
use crate::order_pages::escaped;
use crate::sheet::{Cell, Filters, Part, Table};
use crate::show::{moment, yuan};
use crate::texts::Texts;
use crate::who::SignedIn;
use serde::Deserialize;

/// A record, as the API says it stands.
#[derive(Debug, Deserialize)]
pub(crate) struct Dispute {
    pub(crate) platform: String,
    pub(crate) order: String,
    pub(crate) line: String,
    pub(crate) refund: String,
    programme: String,
    programme_name: String,
    pub(crate) merchant_name: String,
    route: String,
    rule: Option<String>,
    pub(crate) state: String,
    pub(crate) due_fen: i64,
    pub(crate) recovered_fen: i64,
    compensated_fen: Option<i64>,
    source_refund_at: i64,
    created_at: Option<i64>,
}

impl Dispute {
    /// Names it in an address below a merchant's records.
    fn place(&self) -> String {
        [&self.platform, &self.order, &self.line, &self.refund].map(|part| escaped(part)).join("/")
    }

    /// How it stands.
    pub(crate) fn state(&self, t: &Texts) -> Cell {
        let t = &t.dispute;
        let (tone, words) = match self.state.as_str() {
            "waiting" => ("", &t.waiting),
            "no_record" => ("", &t.no_record),
            "created" => ("warn", &t.created),
            "recovering" => ("warn", &t.recovering),
            "success" => ("good", &t.success),
            "compensated" => ("good", &t.compensated),
            "rules_broken" => ("bad", &t.rules_broken),
            other => return Cell::Text(other.to_owned()),
        };
        Cell::Tag(tone, words.clone())
    }

    /// Everything about it.
    pub(crate) fn facts(&self, texts: &Texts) -> Vec<(String, Cell)> {
        let t = &texts.dispute;
        let route = match self.route.as_str() {
            "real_time" => t.real_time.clone(),
            "batch" => t.batch.clone(),
            "no_record" => t.unrecorded.clone(),
            other => other.to_owned(),
        };
        let rule = self.rule.as_deref().map(|rule| format!(" · {rule}")).unwrap_or_default();
        let at = |at: Option<i64>| Cell::Text(at.map_or_else(|| "—".to_owned(), moment));
        vec![
            (texts.shop.state.clone(), self.state(texts)),
            (texts.orders.order.clone(), Cell::Code(self.order.clone())),
            (texts.orders.line.clone(), Cell::Text(self.line.clone())),
            (t.refund.clone(), Cell::Code(self.refund.clone())),
            (
                texts.shop.programme.clone(),
                Cell::named(Some(self.programme_name.clone()), Some(self.programme.clone())),
            ),
            (t.route.clone(), Cell::Text(route + &rule)),
            (t.due.clone(), Cell::Number(yuan(self.due_fen))),
            (t.recovered.clone(), Cell::Number(yuan(self.recovered_fen))),
            (t.made_up.clone(), Cell::Number(self.compensated_fen.map_or_else(|| "—".to_owned(), yuan))),
            (t.refunded_at.clone(), at(Some(self.source_refund_at))),
            (t.created_at.clone(), at(self.created_at)),
        ]
    }
}

/// The records of `merchant` at `here`, with a field to find an order's; each leads to `here/PLACE` if `leads`.
pub(crate) async fn parts(
    who: &SignedIn,
    merchant: &str,
    here: &str,
    leads: bool,
) -> Result<Vec<Part>, Failure> {
    let (texts, t) = (who.t(), &who.t().dispute);
    let fields = query_of(who);
    let value = |name| form::value(&fields, name).trim();
    let query =
        [("merchant", merchant), ("order", value("order")), ("limit", "50"), ("cursor", value("cursor"))];
    let answer: Page<Dispute> = who.ask("/v1/disputes", &query).await?;
    let columns = [
        &*texts.orders.order,
        &texts.orders.line,
        &t.refund,
        &t.refunded_at,
        &t.due,
        &t.recovered,
        &texts.shop.state,
    ];
    let next = next_page(here, &fields, answer.next_cursor);
    let mut table = Table::new("", &columns, &[4, 5], &t.none).next(next);
    for of in answer.items {
        let state = of.state(texts);
        table.row(vec![
            if leads {
                Cell::Link(format!("{here}/{}", of.place()), of.order.clone())
            } else {
                Cell::Code(of.order.clone())
            },
            Cell::Text(of.line),
            Cell::Code(of.refund),
            Cell::Text(moment(of.source_refund_at)),
            Cell::Number(yuan(of.due_fen)),
            Cell::Number(yuan(of.recovered_fen)),
            state,
        ]);
    }
    let first = Form::filled(fields).show(Field::text("order", &texts.orders.order).optional());
    Ok(vec![
        Part::Filters(Filters { to: here.to_owned(), first, more: Vec::new(), file: None }),
        Part::Table(table),
        Part::Folded(
            t.what_is.clone(),
            vec![t.real_time_words.clone(), t.batch_words.clone(), t.compensated_words.clone()],
        ),
    ])
}

/// One record of a merchant, by its place.
pub(crate) async fn one(who: &SignedIn, merchant: &str, place: [&str; 4]) -> Result<Dispute, Failure> {
    let [platform, order, line, refund] = place;
    let query = [("merchant", merchant), ("order", order), ("limit", "500")];
    let found: Page<Dispute> = who.ask("/v1/disputes", &query).await?;
    let is = |of: &Dispute| of.platform == platform && of.line == line && of.refund == refund;
    found.items.into_iter().find(is).ok_or(Failure::NotFound)
}
