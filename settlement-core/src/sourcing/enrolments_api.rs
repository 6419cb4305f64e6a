//! `GET /v1/enrolments` and `GET /v1/enrolments/{id}`, and what the other requests about enrolments share.

use super::enrolment::{self, Enrolment};
use super::view::{EnrolmentView, view_all};
use crate::Core;
use crate::api::{OfMerchant, Page, Params, PathId, Principal, Problem};
use crate::attribution::Catalogue;
use crate::store::{StoreError, Tx};
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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

/// A merchant's enrolments, newest first. Operators, and the merchant.
#[utoipa::path(get, path = "/v1/enrolments", params(OfMerchant), responses((status = 200, body = Page<EnrolmentView>)))]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    Params(of): Params<OfMerchant>,
) -> Result<Json<Page<EnrolmentView>>, Problem> {
    let (merchant, page, after) = of.begin(&principal)?;
    let now = core.now();
    core.store()
        .read(move |tx| {
            let all = enrolment::of_merchant(tx, &merchant, after.as_ref(), page.rows())?;
            let mut policies = Catalogue::default();
            let items = view_all(tx, &mut policies, &all, now)?;
            Ok::<_, Problem>(page.cut(items, EnrolmentView::key))
        })
        .await
        .map(Json)
}
