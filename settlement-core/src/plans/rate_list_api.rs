//! `GET /v1/rates`: the rates that were set beside a programme's own, for whoever sets them.

use super::plan_rates::SUBJECT_NAME;
use crate::Core;
use crate::api::{Cursor, Merchants, Only, Page, PageParams, Params, Principal, Problem, Role};
use crate::catalogue::refuse_unknown_programme;
use crate::params;
use crate::store::{Row, StoreError};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Which rates.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct RatesOf {
    /// The programme.
    programme: String,
    /// Of this targeted plan only.
    plan: Option<String>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A rate that was set.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct RateEntry {
    /// Counts within the programme.
    number: i64,
    /// The targeted plan; the general plan if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<String>,
    /// `product`, `category`, `shop`, or `any` for everything.
    subject_kind: String,
    /// Which; empty for everything.
    subject: String,
    /// What people call it, if the catalogue has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject_name: Option<String>,
    /// `new` or `returning` customers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<String>,
    /// Basis points; null says that this earns nothing.
    bp: Option<i64>,
    /// In force from here on, UTC milliseconds.
    from: i64,
    /// Up to here.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<i64>,
}

fn entry(row: &Row) -> Result<RateEntry, StoreError> {
    Ok(RateEntry {
        number: row.int(0)?,
        plan: Some(row.text(1)?.to_owned()).filter(|plan| !plan.is_empty()),
        subject_kind: row.text(2)?.to_owned(),
        subject: row.text(3)?.to_owned(),
        subject_name: row.opt_text(8)?.map(str::to_owned),
        class: row.opt_text(4)?.map(str::to_owned),
        bp: row.opt_int(5)?,
        from: row.int(6)?,
        to: row.opt_int(7)?,
    })
}

/// The rates set in a programme, newest first. Operators see all; a merchant those of its own shop and products, and those
/// that are for everybody.
#[utoipa::path(get, path = "/v1/rates", params(RatesOf), responses((status = 200, body = Page<RateEntry>), (status = 404, description = "No such programme")))]
async fn list(
    State(core): State<Core>,
    _: Only<Merchants>,
    principal: Principal,
    Params(of): Params<RatesOf>,
) -> Result<Json<Page<RateEntry>>, Problem> {
    let (page, after) = PageParams { limit: of.limit, cursor: of.cursor }.begin()?;
    let [before] = after.numbers()?.unwrap_or([i64::MAX]);
    let merchant = principal.subject.filter(|_| principal.role == Role::Merchant);
    let rows = core
        .store()
        .read(move |tx| {
            refuse_unknown_programme(tx, &of.programme)?;
            let rows = tx.query(
                &format!("SELECT r.number, r.plan, r.subject_kind, r.subject, r.class, r.bp, r.from_ms, r.to_ms, {SUBJECT_NAME} \
                 FROM rates r \
                 WHERE r.programme = $1 AND r.number < $2 AND (CAST($3 AS TEXT) IS NULL OR r.plan = $3) \
                 AND (CAST($4 AS TEXT) IS NULL \
                 OR (r.subject_kind IN ('any', 'category') AND EXISTS (SELECT 1 FROM programmes g WHERE g.id = r.programme \
                     AND (g.merchant = $4 OR g.platform = (SELECT m.platform FROM merchants m WHERE m.id = $4)))) \
                 OR (r.subject_kind = 'shop' AND r.subject = $4) \
                 OR (r.subject_kind = 'product' AND EXISTS (SELECT 1 FROM targets t WHERE t.kind = 'product' \
                     AND t.id = r.subject AND t.merchant = $4))) \
                 ORDER BY r.number DESC LIMIT $5"),
                params![&of.programme, before, of.plan.as_ref(), merchant.as_ref(), page.rows()],
            )?;
            Ok::<_, Problem>(rows)
        })
        .await?;
    let items = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, |rate| Cursor::of_numbers(&[rate.number]))))
}
