//! The edges: when each was last heard of, and how far behind its clicks are.

use crate::failure::Failure;
use crate::form::Form;
use crate::sheet::{Cell, Part, Sheet, Table};
use crate::show::moment;
use crate::state::Console;
use crate::texts::{Texts, fill};
use crate::who::Operator;
use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;

/// An edge that was silent for longer is pointed out: it reports every few seconds.
const SILENT_MS: i64 = 60_000;
/// Clicks that are this late are pointed out.
const LATE_MS: i64 = 60_000;

pub(super) fn routes() -> Router<Console> {
    Router::new().route("/operator/edges", get(page))
}

#[derive(Debug, Deserialize)]
struct ClickAudit {
    edges: Vec<Edge>,
}

#[derive(Debug, Deserialize)]
struct Edge {
    edge: u16,
    recorded: u64,
    ingested: u64,
    pending: u64,
    gaps: u64,
    heartbeat_at: Option<i64>,
    shipped_through: i64,
}

/// A length of time, roughly: the two largest units say enough.
fn lag(t: &Texts, ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    let rows = [(86_400, &t.operator.days), (3_600, &t.operator.hours), (60, &t.operator.minutes)];
    let found = rows.into_iter().find(|(size, _)| seconds >= *size);
    let (size, text) = found.unwrap_or((1, &t.operator.seconds));
    fill(text, "n", seconds / size)
}

async fn page(operator: Operator) -> Result<Response, Failure> {
    let who = &operator.who;
    let (texts, t) = (who.t(), &who.t().operator);
    let audit: ClickAudit = who.ask("/v1/audit/clicks", &[]).await?;
    let now = who.console().core().now().millis();
    let columns = [&*t.edge, &t.heard, &t.lag, &t.pending, &t.recorded, &t.ingested, &t.gaps];
    let mut table = Table::new("", &columns, &[3, 4, 5, 6], &t.no_edges);
    for of in audit.edges {
        let heard = match of.heartbeat_at {
            None => Cell::Tag("bad", t.never.clone()),
            Some(at) if now - at > SILENT_MS => {
                Cell::Why("bad", fill(&t.silent, "for", lag(texts, now - at)), moment(at))
            }
            Some(at) => Cell::Why("good", t.present.clone(), moment(at)),
        };
        let behind = now - of.shipped_through;
        let late = of.pending > 0 && behind > LATE_MS;
        let lag = if of.pending == 0 { t.none_behind.clone() } else { lag(texts, behind) };
        table.row(vec![
            Cell::Text(of.edge.to_string()),
            heard,
            Cell::Tag(if late { "warn" } else { "good" }, lag),
            Cell::Number(of.pending.to_string()),
            Cell::Number(of.recorded.to_string()),
            Cell::Number(of.ingested.to_string()),
            Cell::Number(of.gaps.to_string()),
        ]);
    }
    let mut sheet = Sheet::new(who, &t.edges).intro(&t.edges_intro);
    sheet.part(Part::Table(table));
    sheet.show(Form::default())
}
