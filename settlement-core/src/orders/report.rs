//! `GET /v1/promoters/{id}/report`: what a promoter's links brought, day by day in Asia/Shanghai.

#![expect(unused_qualifications, reason = "made by the macro that describes parameters")]

use crate::Core;
use crate::api::{ApiTime, Params, PathId, Principal, Problem};
use crate::attribution::Catalogue;
use crate::attribution::programmes::read;
use crate::params;
use crate::store::{Row, StoreError, Tx};
use attribution_core::ids::PromoterId;
use attribution_core::policy::settlement::ReportVisible;
use attribution_core::time::{DAY_MS, Instant, SHANGHAI_OFFSET_MS};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Days shown unless the request says otherwise, and at most.
const DAYS: i64 = 30;
const DAYS_MAX: i64 = 400;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(report))
}

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
struct ReportQuery {
    /// The first day holds this instant (RFC 3339 or UTC milliseconds); 30 days before the last if absent.
    from: Option<String>,
    /// The last day holds this instant; today if absent.
    to: Option<String>,
}

/// A promoter's days.
#[derive(Debug, Serialize, ToSchema)]
struct Report {
    /// Whose.
    promoter: String,
    /// Oldest first; days without anything are left out.
    days: Vec<Day>,
    /// All days together.
    total: Day,
}

/// One civil day in Asia/Shanghai.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
struct Day {
    /// `2026-01-31`; empty for the total.
    date: String,
    /// Clicks that were attributed when they were made.
    clicks: i64,
    /// Orders placed that day that are the promoter's.
    orders: i64,
    /// The promoter's part of what is expected from the orders placed that day, fen.
    expected_fen: i64,
    /// The promoter's part of what was settled that day, refunds since taken off, fen.
    settled_fen: i64,
}

/// Clicks, orders and commission of a promoter, by day.
#[utoipa::path(
    get,
    path = "/v1/promoters/{id}/report",
    params(("id" = String, Path, description = "The promoter"), ReportQuery),
    responses((status = 200, body = Report), (status = 404, description = "No such promoter"))
)]
async fn report(
    State(core): State<Core>,
    principal: Principal,
    PathId(promoter): PathId<PromoterId>,
    Params(query): Params<ReportQuery>,
) -> Result<Json<Report>, Problem> {
    let now = core.now();
    let last = day_of("to", query.to.as_deref())?.unwrap_or_else(|| now.shanghai_day());
    let first = day_of("from", query.from.as_deref())?.unwrap_or(last - DAYS + 1);
    if first > last || last - first >= DAYS_MAX {
        return Err(Problem::invalid("from", format!("1 to {DAYS_MAX} days up to `to`")));
    }
    core.store()
        .read(move |tx| {
            let row = tx
                .query_opt("SELECT num, agency FROM promoters WHERE id = $1", params![&promoter])?
                .ok_or_else(|| Problem::unknown("promoter", &promoter))?;
            principal.require_promoter_of(promoter.as_str(), row.opt_text(1)?)?;
            let (from, to) = (Instant::of_shanghai_day(first), Instant::of_shanghai_day(last + 1));
            let clicks = tx.query(
                "SELECT day, clicks FROM promoter_days WHERE promoter = $1 AND day >= $2 AND day <= $3",
                params![row.int(0)?, first, last],
            )?;
            let day = |column: &str| format!("({column} + {SHANGHAI_OFFSET_MS}) / {DAY_MS}");
            let placed = day("created_ms");
            let orders = tx.query(
                &format!(
                    "SELECT {placed}, COUNT(DISTINCT order_id), CAST(SUM(CASE WHEN state IN ('expected', 'matured') \
                     THEN promoter_fen ELSE 0 END) AS BIGINT) FROM order_lines \
                     WHERE promoter = $1 AND created_ms >= $2 AND created_ms < $3 AND state <> 'none' GROUP BY {placed}"
                ),
                params![&promoter, from, to],
            )?;
            let settled_day = day("settled_ms");
            let settled = tx.query(
                &format!(
                    "SELECT {settled_day}, CAST(SUM(promoter_fen) AS BIGINT) FROM order_lines \
                     WHERE promoter = $1 AND state = 'settled' AND settled_ms >= $2 AND settled_ms < $3 \
                     GROUP BY {settled_day}"
                ),
                params![&promoter, from, to],
            )?;
            let mut report = by_day(&promoter, &clicks, &orders, &settled)?;
            let hidden = not_yet_shown(tx, &promoter, now)?;
            withhold(&mut report, &hidden, first..=last);
            Ok::<_, Problem>(report)
        })
        .await
        .map(Json)
}

/// A line that settled today, where the programme shows it from tomorrow on.
struct Hidden {
    placed_day: i64,
    settled_day: i64,
    fen: i64,
}

/// Lines whose trade succeeded today, in programmes that show a success from the next midnight on.
fn not_yet_shown(tx: &mut dyn Tx, promoter: &PromoterId, now: Instant) -> Result<Vec<Hidden>, StoreError> {
    let midnight = Instant::of_shanghai_day(now.shanghai_day());
    let rows = tx.query(
        "SELECT programme, programme_version, created_ms, settled_ms, promoter_fen FROM order_lines \
         WHERE promoter = $1 AND state = 'settled' AND matured_ms >= $2",
        params![promoter, midnight],
    )?;
    let mut rules = Catalogue::default();
    let mut hidden = Vec::new();
    for row in &rows {
        let (Some(programme), Some(version)) = (row.opt_text(0)?, row.opt_num(1)?) else { continue };
        let policy = rules.policy(tx, &read("programme id", programme)?, version)?;
        if policy.settlement.report_visible == ReportVisible::NextDay {
            hidden.push(Hidden {
                placed_day: row.instant(2)?.shanghai_day(),
                settled_day: row.instant(3)?.shanghai_day(),
                fen: row.int(4)?,
            });
        }
    }
    Ok(hidden)
}

/// Until tomorrow they are still shown as expected.
fn withhold(report: &mut Report, hidden: &[Hidden], asked: std::ops::RangeInclusive<i64>) {
    for line in hidden {
        if asked.contains(&line.settled_day) {
            if let Some(day) = report.days.iter_mut().find(|day| day.date == date(line.settled_day)) {
                day.settled_fen -= line.fen;
            }
            report.total.settled_fen -= line.fen;
        }
        if asked.contains(&line.placed_day) {
            if let Some(day) = report.days.iter_mut().find(|day| day.date == date(line.placed_day)) {
                day.expected_fen += line.fen;
            }
            report.total.expected_fen += line.fen;
        }
    }
}

/// The first ten characters of an instant are its civil date there.
fn date(day: i64) -> String {
    Instant::of_shanghai_day(day).to_string().chars().take(10).collect()
}

fn day_of(name: &str, text: Option<&str>) -> Result<Option<i64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let at: ApiTime =
        text.parse().map_err(|_| Problem::invalid(name, "neither RFC 3339 nor UTC milliseconds"))?;
    Ok(Some(at.instant().shanghai_day()))
}

fn by_day(
    promoter: &PromoterId,
    clicks: &[Row],
    orders: &[Row],
    settled: &[Row],
) -> Result<Report, StoreError> {
    let mut days: BTreeMap<i64, Day> = BTreeMap::new();
    for row in clicks {
        days.entry(row.int(0)?).or_default().clicks = row.int(1)?;
    }
    for row in orders {
        let day = days.entry(row.int(0)?).or_default();
        day.orders = row.int(1)?;
        day.expected_fen = row.int(2)?;
    }
    for row in settled {
        days.entry(row.int(0)?).or_default().settled_fen = row.int(1)?;
    }
    let mut total = Day::default();
    for (number, day) in &mut days {
        day.date = date(*number);
        total.clicks += day.clicks;
        total.orders += day.orders;
        total.expected_fen += day.expected_fen;
        total.settled_fen += day.settled_fen;
    }
    Ok(Report { promoter: promoter.to_string(), days: days.into_values().collect(), total })
}
