//! Reports (效果报表): what links brought, by day in Asia/Shanghai, by promoter or by product, for promoters, merchants and
//! agencies. Clicks are read from daily counts, never one by one.

#![expect(unused_qualifications, reason = "made by the macro that describes parameters")]

use super::report_rows::{By, Figures, Money, Scope, figures};
use crate::Core;
use crate::api::{ApiTime, CsvFile, Form, Params, PathId, Principal, Problem, Role};
use crate::catalogue::promoter_list::visible;
use crate::params;
use crate::store::Tx;
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
    /// `json`, or `csv`: one row per entry, amounts in yuan.
    #[serde(default)]
    #[param(inline)]
    format: Form,
}

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
    /// `2026-01-31`, the promoter's id or the product's.
    key: String,
    #[serde(flatten)]
    figures: Figures,
}

/// Clicks, orders and commission of a promoter, by day. What settled today is shown as expected until midnight where the
/// programme shows a success from the next day on. Operators, the promoter, the promoter's agency.
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
    let OwnQuery { product, placement, format, .. } = query;
    let of = promoter.clone();
    let (rows, total) = core
        .store()
        .read(move |tx| {
            visible(tx, &principal, &of)?;
            let scope = Scope {
                promoter: Some(of.to_string()),
                product: product.clone(),
                placement: placement.clone(),
                ..Scope::default()
            };
            Ok::<_, Problem>(figures(tx, &scope, By::Day, Money::Promoters, days, now)?)
        })
        .await?;
    if format == Form::Csv {
        return Ok(csv(&format!("report-promoter-{promoter}.csv"), "date", &rows));
    }
    let days = rows.into_iter().map(|(date, figures)| Day { date, figures }).collect();
    let total = Day { date: String::new(), figures: total };
    Ok(Json(Report { promoter: promoter.to_string(), days, total }).into_response())
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
/// promoters see as theirs. Operators and the agency.
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
    wide(&core, agency.to_string(), scope, Money::Promoters, query, |_, _| Ok(())).await
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
    let rows = rows.into_iter().map(|(key, figures)| WideRow { key, figures }).collect();
    Ok(Json(WideReport { subject, by, rows, total }).into_response())
}

fn csv(name: &str, key: &str, rows: &[(String, Figures)]) -> Response {
    let mut file = CsvFile::new(&[key, "clicks", "all_clicks", "orders", "expected_yuan", "settled_yuan"]);
    for (key, figures) in rows {
        let (clicks, all) = (figures.clicks.to_string(), figures.all_clicks.to_string());
        let (expected, settled) =
            (Fen(figures.expected_fen).to_string(), Fen(figures.settled_fen).to_string());
        file.row([key.as_str(), &clicks, &all, &figures.orders.to_string(), &expected, &settled]);
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
