//! `POST` and `GET /v1/enrolments`, and `.../approve|reject|exit|edits`.

use super::enrolment::{self, EnrolledSku, Enrolment, State as Stands, lock_name};
use super::facts::{self, Kind};
use super::skus;
use super::skus_api::merchant_of;
use super::view::{EnrolmentView, view_all};
use crate::Core;
use crate::api::{
    Merchants, Only, Operators, Page, PageParams, Params, PathId, Principal, Problem, Write, WriteScope,
    chain,
};
use crate::attribution::Catalogue;
use crate::attribution::programmes::{of_id, read};
use crate::catalogue::refuse_outsider_of;
use crate::orders::event::{AMOUNT_MAX_FEN, TEXT_MAX};
use crate::payouts::calendar;
use crate::store::{StoreError, Tx};
use attribution_core::ids::{MerchantId, ProductId, ProgrammeId};
use attribution_core::money::Fen;
use attribution_core::policy::eligibility::SourcingRules;
use attribution_core::sourcing::{
    Edit, EditVerdict, MerchantFacts, ProductFacts, SkuOffer, audit_times, edit, merchant, product, sku,
};
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// SKUs of one enrolment at most.
const SKUS_MAX: usize = 500;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .routes(routes!(list, post_enrolment))
        .routes(routes!(get_enrolment))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(exit))
        .routes(routes!(edits))
}

/// An application: some SKUs of one product, each at its private price (私密价格).
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PostEnrolment {
    /// Its id, unique.
    #[schema(example = "enrol-2022-06-01")]
    id: String,
    /// Under which programme.
    #[schema(value_type = String)]
    programme: ProgrammeId,
    /// Which product.
    #[schema(value_type = String)]
    product: ProductId,
    /// Which of its SKUs; a subset will do.
    skus: Vec<Offer>,
}

/// A SKU with its price.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Offer {
    /// The SKU, which must be known with its market price and stock.
    sku: String,
    /// The channel's price for one piece with shipping, fen.
    channel_price_fen: i64,
}

/// The audit's word.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rejection {
    /// Why.
    reason: String,
}

/// An empty body.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NoEnrolmentDetails {}

/// What somebody wants to change.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `main_picture`, `detail`, `market_price`, `delete_enrolled_sku`, `delete_other_sku`, `channel_price`,
    /// `channel_detail`, `join_group_purchase`, `join_other_promotion`, or `{"stock": N}`.
    #[schema(value_type = Object)]
    edit: Edit,
}

/// Whether it may be changed.
#[derive(Debug, Serialize, ToSchema)]
struct Verdict {
    /// `allowed`, or `allowed_with_warning`: the channel's stock falls with the market's.
    #[schema(value_type = String)]
    verdict: EditVerdict,
}

/// The sourcing rules of a programme in force now, with their version.
fn rules(tx: &mut dyn Tx, programme: &ProgrammeId, now: Instant) -> Result<(u32, SourcingRules), Problem> {
    let found = of_id(tx, programme)?.ok_or_else(|| Problem::unknown("programme", programme))?;
    let version = found.in_force(now).ok_or_else(|| Problem::unknown("programme", programme))?;
    let rules = version.policy.eligibility.sourcing.ok_or_else(no_sourcing)?;
    Ok((version.version, rules))
}

fn no_sourcing() -> Problem {
    Problem::conflict("no_sourcing", "the programme takes no enrolments")
}

fn found(tx: &mut dyn Tx, id: &str) -> Result<Enrolment, Problem> {
    enrolment::find(tx, id)?.ok_or_else(|| Problem::unknown("enrolment", id))
}

fn shown(tx: &mut dyn Tx, of: &Enrolment, now: Instant) -> Result<EnrolmentView, Problem> {
    let views = view_all(tx, &mut Catalogue::default(), std::slice::from_ref(of), now)?;
    Ok(views.into_iter().next().ok_or(StoreError::NoRow)?)
}

/// Applies. The gates answer at once, with every reason; what passes goes to the audit. SKUs that may not take part are
/// left out and say why. Operators, and the product's merchant.
#[utoipa::path(
    post, path = "/v1/enrolments", request_body = PostEnrolment,
    responses((status = 201, body = EnrolmentView),
              (status = 409, description = "`enrolment_exists`, `enrolled` (leave the open one first), `no_sourcing`, `not_in_programme` or `calendar_ends`"))
)]
async fn post_enrolment(
    State(core): State<Core>,
    _: Only<Merchants>,
    write: Write<PostEnrolment>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    check(&body)?;
    scope
        .run(&core, move |tx, scope| {
            let owner = merchant_of(tx, &body.product)?;
            scope.principal.require_merchant(&owner)?;
            tx.lock(&lock_name(&body.product))?;
            if enrolment::find(tx, &body.id)?.is_some() {
                let detail = format!("there is an enrolment {} already", body.id);
                return Err(Problem::conflict("enrolment_exists", detail));
            }
            if let Some(open) = enrolment::open_of(tx, &body.product, None)? {
                let detail = format!("enrolment {open} of this product is open: leave it to enrol anew");
                return Err(Problem::conflict("enrolled", detail));
            }
            let new = judged(tx, &body, read("merchant id", &owner)?, scope.now)?;
            enrolment::insert(tx, &new)?;
            Ok((StatusCode::CREATED, shown(tx, &new, scope.now)?))
        })
        .await
}

fn check(body: &PostEnrolment) -> Result<(), Problem> {
    if body.id.is_empty() || body.id.len() > TEXT_MAX || body.id.chars().any(|c| c.is_control() || c == '/') {
        return Err(Problem::invalid(
            "id",
            format!("1 to {TEXT_MAX} bytes without `/` or control characters"),
        ));
    }
    if body.skus.is_empty() || body.skus.len() > SKUS_MAX {
        return Err(Problem::invalid("skus", format!("1 to {SKUS_MAX}")));
    }
    for (index, offer) in body.skus.iter().enumerate() {
        if offer.channel_price_fen > AMOUNT_MAX_FEN {
            return Err(Problem::invalid(&format!("skus[{index}].channel_price_fen"), "too large"));
        }
        if body.skus[..index].iter().any(|other| other.sku == offer.sku) {
            return Err(Problem::invalid(&format!("skus[{index}].sku"), "appears twice"));
        }
    }
    Ok(())
}

/// The application as the gates and the price rules see it.
fn judged(
    tx: &mut dyn Tx,
    body: &PostEnrolment,
    owner: MerchantId,
    now: Instant,
) -> Result<Enrolment, Problem> {
    let (version, rules) = rules(tx, &body.programme, now)?;
    refuse_outsider_of(tx, &owner, &body.programme)?;
    let missing = |what: &str| {
        Problem::conflict("facts_missing", format!("the platform has said nothing about the {what} yet"))
    };
    let shop: MerchantFacts =
        facts::find(tx, Kind::Merchant, owner.as_str())?.ok_or_else(|| missing("merchant"))?;
    let goods: ProductFacts =
        facts::find(tx, Kind::Product, body.product.as_str())?.ok_or_else(|| missing("product"))?;
    let mut refusals = merchant(&rules, &shop);
    refusals.extend(product(&rules, &goods));
    let mut offered = Vec::new();
    for (index, offer) in body.skus.iter().enumerate() {
        let known = skus::find(tx, &body.product, &offer.sku)?
            .ok_or_else(|| Problem::unknown("SKU", &offer.sku).fact("index", index))?;
        let low30 = known.low30(tx, &body.product, now)?;
        let offer = SkuOffer {
            channel_price: Fen(offer.channel_price_fen),
            market_price: known.price,
            low30,
            stock: known.stock,
        };
        offered.push(EnrolledSku { sku: known.sku, verdict: sku(&rules, &offer), offer });
    }
    let passes = refusals.is_empty() && offered.iter().any(|sku| sku.verdict.refusals.is_empty());
    let audit = match passes {
        true => {
            let calendar = calendar::in_force(tx)?;
            let times = audit_times(&rules, now, &calendar);
            Some(times.map_err(|error| Problem::conflict("calendar_ends", chain(&error)))?)
        }
        false => None,
    };
    Ok(Enrolment {
        id: body.id.clone(),
        programme: body.programme.clone(),
        version,
        merchant: owner,
        product: body.product.clone(),
        state: if passes { Stands::Auditing } else { Stands::Refused },
        refusals,
        submitted: now,
        audit,
        decided: None,
        reason: None,
        exited: None,
        skus: offered,
    })
}

/// The audit is through: the SKUs that passed are sold off the platform from now on. Operators.
#[utoipa::path(
    post, path = "/v1/enrolments/{id}/approve", params(("id" = String, Path)), request_body = NoEnrolmentDetails,
    responses((status = 200, body = EnrolmentView), (status = 409, description = "It is not being audited"))
)]
async fn approve(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(id): PathId<String>,
    write: Write<NoEnrolmentDetails>,
) -> Result<Response, Problem> {
    decide(core, id, write.scope, Stands::Approved, None).await
}

/// The audit refuses it. Operators.
#[utoipa::path(
    post, path = "/v1/enrolments/{id}/reject", params(("id" = String, Path)), request_body = Rejection,
    responses((status = 200, body = EnrolmentView), (status = 409, description = "It is not being audited"))
)]
async fn reject(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(id): PathId<String>,
    write: Write<Rejection>,
) -> Result<Response, Problem> {
    let reason = write.body.reason;
    if reason.trim().is_empty() || reason.len() > 1_000 || reason.chars().any(char::is_control) {
        return Err(Problem::invalid("reason", "1 to 1000 bytes without control characters"));
    }
    decide(core, id, write.scope, Stands::Rejected, Some(reason)).await
}

async fn decide(
    core: Core,
    id: String,
    scope: WriteScope,
    to: Stands,
    reason: Option<String>,
) -> Result<Response, Problem> {
    scope.principal.require_operator()?;
    scope
        .run(&core, move |tx, scope| {
            let of = locked(tx, &id)?;
            if of.state == Stands::Auditing {
                enrolment::decide(tx, &id, to, reason.as_deref(), scope.now)?;
            } else if of.state != to {
                let detail = format!("the enrolment is {}", of.state.name());
                return Err(Problem::conflict("not_auditing", detail));
            }
            let of = found(tx, &id)?;
            Ok((StatusCode::OK, shown(tx, &of, scope.now)?))
        })
        .await
}

/// The enrolment, held to the end of the transaction under its product's lock.
fn locked(tx: &mut dyn Tx, id: &str) -> Result<Enrolment, Problem> {
    let of = found(tx, id)?;
    tx.lock(&lock_name(&of.product))?;
    found(tx, id)
}

/// The merchant leaves; the product may be enrolled anew. Operators, and the merchant.
#[utoipa::path(
    post, path = "/v1/enrolments/{id}/exit", params(("id" = String, Path)), request_body = NoEnrolmentDetails,
    responses((status = 200, body = EnrolmentView), (status = 409, description = "It is not open"))
)]
async fn exit(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<String>,
    write: Write<NoEnrolmentDetails>,
) -> Result<Response, Problem> {
    let scope = write.scope;
    scope
        .run(&core, move |tx, scope| {
            let of = locked(tx, &id)?;
            scope.principal.require_merchant(of.merchant.as_str())?;
            match of.state {
                Stands::Auditing | Stands::Approved => enrolment::exit(tx, &id, scope.now)?,
                Stands::Exited => {}
                Stands::Refused | Stands::Rejected => {
                    let detail = format!("the enrolment is {}", of.state.name());
                    return Err(Problem::conflict("not_open", detail));
                }
            }
            let of = found(tx, &id)?;
            Ok((StatusCode::OK, shown(tx, &of, scope.now)?))
        })
        .await
}

/// Asks whether an edit is allowed while the enrolment is open: before the product is changed elsewhere. Operators, and
/// the merchant.
#[utoipa::path(
    post, path = "/v1/enrolments/{id}/edits", params(("id" = String, Path)), request_body = Wanted,
    responses((status = 200, body = Verdict),
              (status = 409, description = "`edit_refused`, `needs_new_enrolment` or `not_open`"))
)]
async fn edits(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<String>,
    write: Write<Wanted>,
) -> Result<Response, Problem> {
    let Write { body: Wanted { edit: wanted }, scope } = write;
    scope
        .run(&core, move |tx, scope| {
            let of = found(tx, &id)?;
            scope.principal.require_merchant(of.merchant.as_str())?;
            if !matches!(of.state, Stands::Auditing | Stands::Approved) {
                let detail = format!("the enrolment is {}", of.state.name());
                return Err(Problem::conflict("not_open", detail));
            }
            let policy = Catalogue::default().policy(tx, &of.programme, of.version)?;
            let verdict = edit(&policy.eligibility.sourcing.unwrap_or_default(), wanted);
            match verdict {
                EditVerdict::Allowed | EditVerdict::AllowedWithWarning => {
                    Ok((StatusCode::OK, Verdict { verdict }))
                }
                EditVerdict::Refused => {
                    Err(Problem::conflict("edit_refused", "not while the product is enrolled"))
                }
                EditVerdict::NeedsNewEnrolment => {
                    Err(Problem::conflict("needs_new_enrolment", "leave the enrolment and enrol anew"))
                }
            }
        })
        .await
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

/// Whose.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct OfMerchant {
    /// The merchant.
    merchant: String,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A merchant's enrolments, newest first. Operators, and the merchant.
#[utoipa::path(get, path = "/v1/enrolments", params(OfMerchant), responses((status = 200, body = Page<EnrolmentView>)))]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    Params(of): Params<OfMerchant>,
) -> Result<Json<Page<EnrolmentView>>, Problem> {
    principal.require_merchant(&of.merchant)?;
    let merchant: MerchantId = of.merchant.parse().map_err(|error| Problem::invalid("merchant", error))?;
    let paging = PageParams { limit: of.limit, cursor: of.cursor };
    let (limit, after) = (paging.limit()?, paging.after()?.number_and_name()?);
    let now = core.now();
    core.store()
        .read(move |tx| {
            let all = enrolment::of_merchant(tx, &merchant, after.as_ref(), i64::from(limit) + 1)?;
            let mut policies = Catalogue::default();
            let items = view_all(tx, &mut policies, &all, now)?;
            Ok::<_, Problem>(Page::cut(items, limit, EnrolmentView::key))
        })
        .await
        .map(Json)
}
