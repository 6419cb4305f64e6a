//! `POST /v1/enrolments`: a merchant applies with some SKUs of a product.

use super::enrolment::{self, EnrolledSku, Enrolment, State as Stands, lock_name, merchant_lock_name};
use super::enrolments_api::shown;
use super::facts::{self, Kind};
use super::skus;
use super::skus_api::merchant_of;
use super::view::EnrolmentView;
use crate::Core;
use crate::api::{Merchants, Only, Problem, Write, all_of, check_name_in_path};
use crate::catalogue::refuse_outsider_of;
use crate::catalogue::rules::of_id;
use crate::order_events::AMOUNT_MAX_FEN;
use crate::payouts::calendar;
use crate::store::{Tx, read};
use attribution_core::ids::{MerchantId, ProductId, ProgrammeId};
use attribution_core::money::Fen;
use attribution_core::policy::eligibility::SourcingRules;
use attribution_core::sourcing::{
    MerchantFacts, ProductFacts, SkuOffer, audit_times, merchant, product, sku,
};
use attribution_core::time::Instant;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// SKUs of one enrolment at most.
const SKUS_MAX: usize = 500;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_enrolment))
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

/// The sourcing rules of a programme in force now, with their version.
fn rules(tx: &mut dyn Tx, programme: &ProgrammeId, now: Instant) -> Result<(u32, SourcingRules), Problem> {
    let unknown = || Problem::unknown("programme", programme).about("programme");
    let found = of_id(tx, programme)?.ok_or_else(unknown)?;
    let version = found.in_force(now).ok_or_else(unknown)?;
    let rules = version.policy.eligibility.sourcing.ok_or_else(no_sourcing)?;
    Ok((version.version, rules))
}

fn no_sourcing() -> Problem {
    Problem::conflict("no_sourcing", "the programme takes no enrolments").about("programme")
}

/// Applies. The gates answer at once, with every reason; what passes goes to the audit. SKUs that may not take part are
/// left out and say why. Operators, and the product's merchant.
#[utoipa::path(
    post, path = "/v1/enrolments", request_body = PostEnrolment,
    responses((status = 201, body = EnrolmentView),
              (status = 409, description = "`enrolment_exists`, `enrolled` (leave the open one first), `no_sourcing`, `not_in_programme`, `merchant_facts_missing` or `product_facts_missing`"))
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
            let owner = merchant_of(tx, &body.product).map_err(|problem| problem.about("product"))?;
            // What is another's answers as if it was not there.
            let own = scope.principal.require_merchant(&owner);
            own.map_err(|_| Problem::unknown("product", &body.product).about("product"))?;
            // What the gates ask about must not change until their word is kept.
            tx.lock(&merchant_lock_name(&owner))?;
            tx.lock(&lock_name(&body.product))?;
            if enrolment::find(tx, &body.id)?.is_some() {
                let detail = format!("there is an enrolment {} already", body.id);
                return Err(Problem::conflict("enrolment_exists", detail).about("id"));
            }
            if let Some(open) = enrolment::open_of(tx, &body.product, None)? {
                let detail = format!("enrolment {open} of this product is open: leave it to enrol anew");
                return Err(Problem::conflict("enrolled", detail).about("product"));
            }
            let new = judged(tx, &body, read("merchant id", &owner)?, scope.now)?;
            enrolment::insert(tx, &new)?;
            Ok((StatusCode::CREATED, shown(tx, &new, scope.now)?))
        })
        .await
}

fn check(body: &PostEnrolment) -> Result<(), Problem> {
    let some = (1..=SKUS_MAX).contains(&body.skus.len());
    all_of([
        check_name_in_path("id", &body.id),
        some.then_some(()).ok_or_else(|| Problem::invalid("skus", format!("1 to {SKUS_MAX}"))),
        all_of(body.skus.iter().enumerate().map(|(index, offer)| {
            if !(1..=AMOUNT_MAX_FEN).contains(&offer.channel_price_fen) {
                let expected = format!("1 to {AMOUNT_MAX_FEN}");
                return Err(Problem::invalid(&format!("skus[{index}].channel_price_fen"), expected));
            }
            if body.skus[..index].iter().any(|other| other.sku == offer.sku) {
                return Err(Problem::invalid(&format!("skus[{index}].sku"), "appears twice"));
            }
            Ok(())
        })),
    ])
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
    let shop: MerchantFacts = facts::find(tx, Kind::Merchant, owner.as_str())?.ok_or_else(|| {
        let detail = "the platform has said nothing about the merchant yet";
        Problem::conflict("merchant_facts_missing", detail)
    })?;
    let goods: ProductFacts = facts::find(tx, Kind::Product, body.product.as_str())?.ok_or_else(|| {
        let detail = "the platform has said nothing about the product yet";
        Problem::conflict("product_facts_missing", detail).about("product")
    })?;
    let mut refusals = merchant(&rules, &shop);
    refusals.extend(product(&rules, &goods));
    let mut offered = Vec::new();
    for (index, offer) in body.skus.iter().enumerate() {
        let known = skus::find(tx, &body.product, &offer.sku)?.ok_or_else(|| {
            let field = format!("skus[{index}].sku");
            Problem::unknown("SKU", &offer.sku).fact("index", index).about(&field)
        })?;
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
    let audit = if passes { Some(audit_times(&rules, now, &calendar::in_force(tx)?)) } else { None };
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
