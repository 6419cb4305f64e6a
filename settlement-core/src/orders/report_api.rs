//! Reports (效果报表): what links brought, by day in Asia/Shanghai, by promoter, product, placement or label, for promoters,
//! merchants and agencies. Clicks are read from daily counts, never one by one.

#![expect(unused_qualifications, reason = "made by the macro that describes parameters")]

use super::report_rows::{By, Figures, Money, Scope, figures};
use crate::Core;
use crate::api::visible;
use crate::api::{ApiTime, CsvFile, Form, Params, PathId, Principal, Problem, Role};
use crate::names::{Noun, names_of};
use crate::params;
use crate::payout_accounts::refuse_unknown_agency;
use crate::store::{StoreError, Tx};
use attribution_core::ids::{AgencyId, MerchantId, PromoterId};
use attribution_core::money::Fen;
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Days shown unless the request says otherwise, and at most.
const DAYS: i64 = 30;
const DAYS_MAX: i64 = 400;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(of_promoter)).routes(routes!(of_merchant)).routes(routes!(of_agency))
}

/// What a promoter asks for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct OwnQuery {
    /// The first day holds this instant (RFC 3339 or UTC milliseconds); 30 days before the last if absent.
    from: Option<String>,
    /// The last day holds this instant; today if absent.
    to: Option<String>,
    /// Of this product only.
    product: Option<String>,
    /// Of this placement only.
    placement: Option<String>,
    /// One entry for each `day` (in `days`), `product`, `placement` or `sub` (in `rows`): a promoter's own label of the tap, `?sub=`.
    #[serde(default)]
    #[param(inline)]
    by: OwnBy,
    /// `json`, or `csv`: one row per entry, amounts in yuan.
    #[serde(default)]
    #[param(inline)]
    format: Form,
}

/// What each entry of a promoter's report is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum OwnBy {
    #[default]
    Day,
    Product,
    Placement,
    Sub,
}

/// Labels shown at most: whoever taps can write any into the address.
const SUBS_MAX: usize = 1_000;

/// What a merchant or an agency asks for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct WideQuery {
    /// The first day holds this instant (RFC 3339 or UTC milliseconds); 30 days before the last if absent.
    from: Option<String>,
    /// The last day holds this instant; today if absent.
    to: Option<String>,
    /// One entry for each `day`, `promoter` or `product`.
    #[serde(default)]
    #[param(inline)]
    by: By,
    /// Of this promoter only.
    promoter: Option<String>,
    /// Of this product only.
    product: Option<String>,
    /// `json`, or `csv`: one row per entry, amounts in yuan.
    #[serde(default)]
    #[param(inline)]
    format: Form,
}

/// A promoter's figures.
#[derive(Debug, Serialize, ToSchema)]
struct Report {
    /// Whose.
    promoter: String,
    /// Oldest first; days without anything are left out.
    days: Vec<Day>,
    /// By product, placement or label, by its key. Of more than 1000 labels those with the most orders and clicks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rows: Vec<WideRow>,
    /// All together, what is not shown included.
    total: Day,
}

/// One civil day in Asia/Shanghai.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
struct Day {
    /// `2026-01-31`; empty for the total.
    date: String,
    #[serde(flatten)]
    figures: Figures,
}

/// A merchant's or an agency's figures.
#[derive(Debug, Serialize, ToSchema)]
struct WideReport {
    /// Whose: the merchant's or agency's id.
    subject: String,
    by: By,
    /// By key; those without anything are left out.
    rows: Vec<WideRow>,
    /// All together.
    total: Figures,
}

/// The figures of one day, promoter or product.
#[derive(Debug, Serialize, ToSchema)]
struct WideRow {
    /// `2026-01-31`, the promoter's id, the product's or the placement's, or the label; empty for what has none.
    key: String,
    /// The promoter's, the product's or the placement's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(flatten)]
    figures: Figures,
}

/// The rows with what people call what they are about.
fn named(tx: &mut dyn Tx, by: By, rows: Vec<(String, Figures)>) -> Result<Vec<WideRow>, StoreError> {
    let noun = match by {
        By::Promoter => Some(Noun::Promoter),
        By::Product => Some(Noun::Product),
        By::Placement => Some(Noun::Placement),
        By::Day | By::Sub => None,
    };
    let ids: Vec<&str> = rows.iter().map(|(key, _)| key.as_str()).collect();
    let mut names = noun.map(|noun| names_of(tx, noun, &ids)).transpose()?.unwrap_or_default();
    let row = |(key, figures): (String, Figures)| WideRow { name: names.remove(&key), key, figures };
    Ok(rows.into_iter().map(row).collect())
}

/// Clicks, orders and commission of a promoter, by day, product, placement or label. What settled today is shown as expected
/// until midnight where the programme shows a success from the next day on. Operators, the promoter, the promoter's agency.
#[utoipa::path(
    get,
    path = "/v1/promoters/{id}/report",
    params(("id" = String, Path, description = "The promoter"), OwnQuery),
    responses((status = 200, content((Report = "application/json"), (String = "text/csv"))), (status = 404, description = "No such promoter"))
)]
async fn of_promoter(
    State(core): State<Core>,
    principal: Principal,
    PathId(promoter): PathId<PromoterId>,
    Params(query): Params<OwnQuery>,
) -> Result<Response, Problem> {
    let now = core.now();
    let days = days(query.from.as_deref(), query.to.as_deref(), now)?;
    let OwnQuery { product, placement, format, by, .. } = query;
    let by = match by {
        OwnBy::Day => By::Day,
        OwnBy::Product => By::Product,
        OwnBy::Placement => By::Placement,
        OwnBy::Sub => By::Sub,
    };
    let of = promoter.clone();
    let (mut rows, total) = core
        .store()
        .read(move |tx| {
            visible(tx, &principal, &of)?;
            let scope = Scope {
                promoter: Some(of.to_string()),
                product: product.clone(),
                placement: placement.clone(),
                ..Scope::default()
            };
            Ok::<_, Problem>(figures(tx, &scope, by, Money::Promoters, days, now)?)
        })
        .await?;
    if by == By::Sub && rows.len() > SUBS_MAX {
        rows.sort_by_key(|(_, figures)| std::cmp::Reverse((figures.orders, figures.clicks)));
        rows.truncate(SUBS_MAX);
    }
    if format == Form::Csv {
        return Ok(csv(&format!("report-promoter-{promoter}.csv"), by.name(), &rows));
    }
    let total = Day { date: String::new(), figures: total };
    let mut report = Report { promoter: promoter.to_string(), days: Vec::new(), rows: Vec::new(), total };
    match by {
        By::Day => report.days = rows.into_iter().map(|(date, figures)| Day { date, figures }).collect(),
        By::Promoter | By::Product | By::Placement | By::Sub => {
            report.rows = core.store().read(move |tx| named(tx, by, rows.clone())).await?;
        }
    }
    Ok(Json(report).into_response())
}

/// Clicks, orders and commission of a merchant, by day, promoter or product: commissions are whole, as the merchant pays
/// them. Operators and the merchant.
#[utoipa::path(
    get, path = "/v1/merchants/{id}/report", params(("id" = String, Path), WideQuery),
    responses((status = 200, content((WideReport = "application/json"), (String = "text/csv"))))
)]
async fn of_merchant(
    State(core): State<Core>,
    principal: Principal,
    PathId(merchant): PathId<MerchantId>,
    Params(query): Params<WideQuery>,
) -> Result<Response, Problem> {
    principal.require_merchant(merchant.as_str())?;
    let scope = Scope { merchant: Some(merchant.to_string()), ..Scope::default() };
    wide(&core, merchant.to_string(), scope, Money::Merchants, query, |tx, merchant| {
        tx.query_opt("SELECT 1 FROM merchants WHERE id = $1", params![merchant])?
            .ok_or_else(|| Problem::unknown("merchant", merchant))?;
        Ok(())
    })
    .await
}

/// Clicks, orders and commission of an agency's promoters, by day, promoter or product: commissions are what the
/// promoters see as theirs, and beside them the agency's own share. Operators and the agency.
#[utoipa::path(
    get, path = "/v1/agencies/{id}/report", params(("id" = String, Path), WideQuery),
    responses((status = 200, content((WideReport = "application/json"), (String = "text/csv"))))
)]
async fn of_agency(
    State(core): State<Core>,
    principal: Principal,
    PathId(agency): PathId<AgencyId>,
    Params(query): Params<WideQuery>,
) -> Result<Response, Problem> {
    if principal.role != Role::Agency || principal.subject.as_deref() != Some(agency.as_str()) {
        principal.require_operator()?;
    }
    let scope = Scope { agency: Some(agency.to_string()), ..Scope::default() };
    wide(&core, agency.to_string(), scope, Money::Promoters, query, refuse_unknown_agency).await
}

async fn wide(
    core: &Core,
    subject: String,
    scope: Scope,
    money: Money,
    query: WideQuery,
    known: fn(&mut dyn Tx, &str) -> Result<(), Problem>,
) -> Result<Response, Problem> {
    let now = core.now();
    let days = days(query.from.as_deref(), query.to.as_deref(), now)?;
    let WideQuery { by, promoter, product, format, .. } = query;
    let scope = Scope { promoter, product, ..scope };
    let of = subject.clone();
    let (rows, total) = core
        .store()
        .read(move |tx| {
            known(tx, &of)?;
            Ok::<_, Problem>(figures(tx, &scope, by, money, days, now)?)
        })
        .await?;
    if format == Form::Csv {
        return Ok(csv(&format!("report-{subject}.csv"), by.name(), &rows));
    }
    let rows = core.store().read(move |tx| named(tx, by, rows.clone())).await?;
    Ok(Json(WideReport { subject, by, rows, total }).into_response())
}

fn csv(name: &str, key: &str, rows: &[(String, Figures)]) -> Response {
    let agency = rows.iter().any(|(_, figures)| figures.agency_settled_fen.is_some());
    let mut columns = vec![key, "clicks", "all_clicks", "orders", "expected_yuan", "settled_yuan"];
    if agency {
        columns.extend(["agency_expected_yuan", "agency_settled_yuan"]);
    }
    let mut file = CsvFile::new(&columns);
    for (key, figures) in rows {
        let counts = [figures.clicks, figures.all_clicks, figures.orders].map(|count| count.to_string());
        let sums = [Some(figures.expected_fen), Some(figures.settled_fen)];
        let own = [figures.agency_expected_fen, figures.agency_settled_fen];
        let amounts = sums.into_iter().chain(own).flatten().map(|fen| Fen(fen).to_string());
        let cells: Vec<String> = std::iter::once(key.clone()).chain(counts).chain(amounts).collect();
        file.row(cells.iter().map(String::as_str));
    }
    file.response(name)
}

/// The first and the last day asked for.
fn days(from: Option<&str>, to: Option<&str>, now: Instant) -> Result<(i64, i64), Problem> {
    let last = day_of("to", to)?.unwrap_or_else(|| now.shanghai_day());
    let first = day_of("from", from)?.unwrap_or(last - DAYS + 1);
    if first > last || last - first >= DAYS_MAX {
        return Err(Problem::invalid("from", format!("1 to {DAYS_MAX} days up to `to`")));
    }
    Ok((first, last))
}

fn day_of(name: &str, text: Option<&str>) -> Result<Option<i64>, Problem> {
    let Some(text) = text else { return Ok(None) };
    let at: ApiTime =
        text.parse().map_err(|_| Problem::invalid(name, "neither RFC 3339 nor UTC milliseconds"))?;
    Ok(Some(at.instant().shanghai_day()))
}
