//! `GET /v1/enrolments` and `GET /v1/enrolments/{id}`, and what the other requests about enrolments share.

use super::enrolment::{self, Enrolment, State as Stands};
use super::view::{EnrolmentView, view_all};
use crate::Core;
use crate::api::{Page, PageParams, Params, PathId, Principal, Problem};
use crate::attribution::Catalogue;
use crate::store::{StoreError, Tx};
use attribution_core::ids::MerchantId;
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Which enrolments.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Whose. Operators may leave it out, for those of all merchants.
    #[param(value_type = Option<String>)]
    merchant: Option<MerchantId>,
    /// In this state only.
    #[param(inline)]
    state: Option<Stands>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get_enrolment))
}

pub(super) fn found(tx: &mut dyn Tx, id: &str) -> Result<Enrolment, Problem> {
    enrolment::find(tx, id)?.ok_or_else(|| Problem::unknown("enrolment", id))
}

pub(super) fn shown(tx: &mut dyn Tx, of: &Enrolment, now: Instant) -> Result<EnrolmentView, Problem> {
    let views = view_all(tx, &mut Catalogue::default(), std::slice::from_ref(of), now)?;
    Ok(views.into_iter().next().ok_or(StoreError::NoRow)?)
}

/// An enrolment with its audit's progress. Operators, and the merchant.
#[utoipa::path(
    get, path = "/v1/enrolments/{id}", params(("id" = String, Path)),
    responses((status = 200, body = EnrolmentView))
)]
async fn get_enrolment(
    State(core): State<Core>,
    principal: Principal,
    PathId(id): PathId<String>,
) -> Result<Json<EnrolmentView>, Problem> {
    let now = core.now();
    core.store()
        .read(move |tx| {
            let of = found(tx, &id)?;
            principal.require_merchant(of.merchant.as_str())?;
            shown(tx, &of, now)
        })
        .await
        .map(Json)
}

/// Enrolments, newest first: a merchant's, or all. Operators, and the merchant its own.
#[utoipa::path(get, path = "/v1/enrolments", params(Wanted), responses((status = 200, body = Page<EnrolmentView>)))]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<EnrolmentView>>, Problem> {
    match &wanted.merchant {
        Some(merchant) => principal.require_merchant(merchant.as_str())?,
        None => principal.require_operator()?,
    }
    let (page, after) = PageParams { limit: wanted.limit, cursor: wanted.cursor }.begin()?;
    let after = after.number_and_texts()?;
    let now = core.now();
    core.store()
        .read(move |tx| {
            let all =
                enrolment::list(tx, wanted.merchant.as_ref(), wanted.state, after.as_ref(), page.rows())?;
            let mut policies = Catalogue::default();
            let items = view_all(tx, &mut policies, &all, now)?;
            Ok::<_, Problem>(page.cut(items, EnrolmentView::key))
        })
        .await
        .map(Json)
}
