//! `POST` and `GET /v1/coupons`: coupon codes that belong to one promoter.

use super::facts::coupons;
use super::{commission_rules, find_programme, owner, refuse_back_dating, wake};
use crate::Core;
use crate::api::{
    ApiTime, Cursor, Merchants, Only, Page, PageParams, Params, Principal, Problem, Write, all_of, check_name,
};
use crate::catalogue::{not_before_settled, refuse_without_promoters};
use crate::earlier::{self, Fact};
use crate::params;
use crate::store::{Row, StoreError, Tx};
use attribution_core::ids::{ProgrammeId, PromoterId};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_coupon, list))
}

/// A code that belongs to one promoter. Where the programme's rules say so, an order with it is that promoter's.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PostCoupon {
    /// In which programme.
    #[schema(value_type = String)]
    programme: ProgrammeId,
    /// The code, as it comes with orders.
    code: String,
    /// Whose it is.
    #[schema(value_type = String)]
    promoter: PromoterId,
    /// From here on; now if absent. Only operators name a time that is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<ApiTime>,
    /// Up to here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<ApiTime>,
}

/// Which codes.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct CouponsOf {
    /// The programme.
    #[param(value_type = String)]
    programme: ProgrammeId,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Whose a code is, and when.
#[derive(Debug, Serialize, ToSchema)]
struct CouponEntry {
    /// The code, as it comes with orders.
    code: String,
    /// Whose it is.
    promoter: String,
    /// Their name.
    promoter_name: String,
    /// From here on, UTC milliseconds.
    from: i64,
    /// Up to here, UTC milliseconds; for good if absent, and as long as nobody gets it later.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<i64>,
}

fn entry(row: &Row) -> Result<CouponEntry, StoreError> {
    Ok(CouponEntry {
        code: row.text(0)?.to_owned(),
        promoter: row.text(1)?.to_owned(),
        promoter_name: row.text(2)?.to_owned(),
        from: row.int(3)?,
        to: row.opt_int(4)?,
    })
}

/// Operators, and the merchant that owns the programme.
fn require_owner(tx: &mut dyn Tx, principal: &Principal, programme: &ProgrammeId) -> Result<(), Problem> {
    match owner(tx, programme)? {
        Some(merchant) => principal.require_merchant(&merchant),
        None => principal.require_operator(),
    }
}

/// The codes of a programme, each with everybody whose it was, is or will be. Operators, and the merchant that owns the
/// programme.
#[utoipa::path(get, path = "/v1/coupons", params(CouponsOf), responses((status = 200, body = Page<CouponEntry>)))]
async fn list(
    State(core): State<Core>,
    _: Only<Merchants>,
    principal: Principal,
    Params(of): Params<CouponsOf>,
) -> Result<Json<Page<CouponEntry>>, Problem> {
    let (page, after) = PageParams { limit: of.limit, cursor: of.cursor }.begin()?;
    let (from, [code]) = after.number_and_texts()?.unwrap_or_else(|| (i64::MIN, [String::new()]));
    let rows = core
        .store()
        .read(move |tx| {
            require_owner(tx, &principal, &of.programme)?;
            let rows = tx.query(
                "SELECT c.code, c.promoter, p.name, c.from_ms, c.to_ms FROM coupons c \
                 JOIN promoters p ON p.id = c.promoter WHERE c.programme = $1 AND (c.code, c.from_ms) > ($2, $3) \
                 ORDER BY c.code, c.from_ms LIMIT $4",
                params![&of.programme, &code, from, page.rows()],
            )?;
            Ok::<_, Problem>(rows)
        })
        .await?;
    let items = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, |coupon| Cursor::of_number_and_texts(coupon.from, [&coupon.code]))))
}

/// Gives a code to a promoter, instead of whoever had it before. Operators, and the merchant that owns the programme.
#[utoipa::path(
    post, path = "/v1/coupons", request_body = PostCoupon,
    responses(
        (status = 201, body = PostCoupon),
        (status = 409, description = "An order placed since then has settled, or `no_promoters`: nobody earns by a code there")
    )
)]
async fn post_coupon(
    State(core): State<Core>,
    _: Only<Merchants>,
    write: Write<PostCoupon>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    scope
        .run(&core, move |tx, scope| {
            require_owner(tx, &scope.principal, &body.programme)?;
            let from = body.from.map_or(scope.now, ApiTime::instant);
            let to = body.to.map(ApiTime::instant);
            let known = tx.query_opt("SELECT 1 FROM promoters WHERE id = $1", params![&body.promoter])?;
            let programme = find_programme(tx, &body.programme)?;
            let lasts = to.is_none_or(|to| to > from);
            all_of([
                check_name("code", &body.code),
                known.map(drop).ok_or_else(|| Problem::unknown("promoter", &body.promoter).about("promoter")),
                refuse_without_promoters(commission_rules(&programme, from)?),
                lasts.then_some(()).ok_or_else(|| Problem::invalid("to", "must be later than from")),
                refuse_back_dating(&scope.principal, "from", from, scope.now),
                not_before_settled(tx, &body.programme, "from", from, scope.now),
            ])?;
            let fact = Fact::Coupons { programme: &body.programme, code: &body.code };
            let before = coupons(tx, &body.programme, &body.code)?;
            earlier::keep(tx, fact, &before, scope.now)?;
            tx.execute(
                "INSERT INTO coupons (programme, code, from_ms, to_ms, promoter, recorded_ms) \
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (programme, code, from_ms) DO UPDATE SET \
                 promoter = excluded.promoter, to_ms = excluded.to_ms, recorded_ms = excluded.recorded_ms",
                params![&body.programme, &body.code, from, to, &body.promoter, scope.now],
            )?;
            wake(tx, from, scope.now)?;
            Ok((StatusCode::CREATED, body.clone()))
        })
        .await
}
