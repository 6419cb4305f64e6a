//! The library (推广资源库): `GET /v1/products` and `GET /v1/products/{id}`, each product with what it offers whoever asks.

use super::columns::By;
use super::grams;
use super::offer_view::{OfferView, offer, offers};
use super::offers::Viewer;
use super::query::{Order, Query, Shown, find};
use crate::api::visible;
use crate::api::{Cursor, Form, Page, PageParams, Params, PathId, Principal, Problem, Role};
use crate::store::{StoreError, Tx};
use crate::{Core, params};
use attribution_core::ids::{ProductId, PromoterId};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// By what the library is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Sort {
    /// As they came into the catalogue.
    #[default]
    Oldest,
    /// The newest first.
    Newest,
    /// The highest rate first, then the newest.
    Rate,
    /// The highest estimated commission first, then the newest.
    Commission,
}

/// Which products are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Which {
    /// All of them.
    #[default]
    All,
    /// Those that can be promoted.
    Live,
    /// The dead ones (失效).
    Invalid,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Search {
    /// Parts of the product's name, with spaces between them; all must be there.
    q: Option<String>,
    /// Parts of the shop's name.
    shop: Option<String>,
    /// The merchant's id, exactly.
    merchant: Option<String>,
    /// The category's id: products of it and of those below it.
    category: Option<String>,
    /// Which products are shown.
    #[serde(default)]
    #[param(inline)]
    state: Which,
    /// By what they are sorted.
    #[serde(default)]
    #[param(inline)]
    sort: Sort,
    /// The promoter whose rates are shown, for agencies and operators; a promoter's token shows its own.
    promoter: Option<String>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// `json`, or `csv`: prices in yuan; all that there are, up to 50000, whatever `limit` says.
    #[serde(default)]
    #[param(inline)]
    format: Form,
}

/// Characters that a search may have: more than any name that is worth typing.
const SEARCH_MAX: usize = 100;

fn words(field: &str, text: Option<&str>) -> Result<Vec<String>, Problem> {
    let text = text.unwrap_or_default();
    if text.chars().count() > SEARCH_MAX {
        return Err(Problem::invalid(field, format!("has more than {SEARCH_MAX} characters")));
    }
    Ok(grams::words(text))
}

/// A category and all below it.
fn below(tx: &mut dyn Tx, category: &str) -> Result<Vec<i64>, StoreError> {
    let rows = tx.query(
        "WITH RECURSIVE below (num) AS (SELECT num FROM categories WHERE id = $1 \
         UNION SELECT c.num FROM categories c JOIN below b ON c.parent = b.num) SELECT num FROM below",
        params![category],
    )?;
    rows.iter().map(|row| row.int(0)).collect()
}

/// Through whose eyes a product is looked at.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Eyes {
    /// The promoter whose rate is shown, for agencies and operators; a promoter's token shows its own.
    promoter: Option<String>,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(search)).routes(routes!(one))
}

/// Whose rates this token may see: a promoter's own, an agency's promoters', for others whoever they name.
fn viewer(tx: &mut dyn Tx, principal: &Principal, promoter: Option<&str>) -> Result<Viewer, Problem> {
    let checked = |id: &str| PromoterId::new(id).map_err(|why| Problem::invalid("promoter", why));
    match (principal.role, promoter) {
        (Role::Edge, _) => Err(Problem::forbidden("role edge may not do this")),
        (Role::Promoter, asked) => {
            let own = checked(principal.subject.as_deref().unwrap_or_default())?;
            principal.require_promoter(asked.unwrap_or(own.as_str()))?;
            Ok(Viewer::Promoter(own))
        }
        (_, None) => Ok(Viewer::Anybody),
        (_, Some(asked)) => {
            let asked = checked(asked)?;
            visible(tx, principal, &asked)?;
            Ok(Viewer::Promoter(asked))
        }
    }
}

/// A product, with what it offers now. Every role but edges.
#[utoipa::path(
    get, path = "/v1/products/{id}", params(("id" = String, Path), Eyes),
    responses((status = 200, body = OfferView))
)]
async fn one(
    State(core): State<Core>,
    principal: Principal,
    PathId(id): PathId<ProductId>,
    Params(eyes): Params<Eyes>,
) -> Result<Json<OfferView>, Problem> {
    let now = core.now();
    core.store()
        .read(move |tx| {
            let viewer = viewer(tx, &principal, eyes.promoter.as_deref())?;
            offer(tx, viewer, id.as_str(), now)?.ok_or_else(|| Problem::unknown("product", &id))
        })
        .await
        .map(Json)
}

/// Products with what each offers whoever asks: names and shops by any part of one character or more, merchants
/// exactly, categories with those below them. Every role but edges.
#[utoipa::path(
    get, path = "/v1/products", params(Search),
    responses((status = 200, content((Page<OfferView> = "application/json"), (String = "text/csv"))))
)]
async fn search(
    State(core): State<Core>,
    principal: Principal,
    Params(search): Params<Search>,
) -> Result<Response, Problem> {
    let format = search.format;
    let (page, after) = format.begin(&PageParams { limit: search.limit, cursor: search.cursor })?;
    let after = after.numbers()?.map(|[key, target]| (u32::try_from(key).unwrap_or_default(), target));
    let (title, shop) = (words("q", search.q.as_deref())?, words("shop", search.shop.as_deref())?);
    let now = core.now();
    let found = core
        .store()
        .read(move |tx| {
            let viewer = viewer(tx, &principal, search.promoter.as_deref())?;
            let categories = search.category.as_deref().map(|id| below(tx, id)).transpose()?;
            let query = Query {
                title: title.clone(),
                shop: shop.clone(),
                merchant: search.merchant.clone(),
                categories,
                shown: match search.state {
                    Which::All => Shown::All,
                    Which::Live => Shown::Live,
                    Which::Invalid => Shown::Dead,
                },
                order: match search.sort {
                    Sort::Oldest => Order::Oldest,
                    Sort::Newest => Order::Newest,
                    Sort::Rate => Order::Best(By::Rate),
                    Sort::Commission => Order::Best(By::Commission),
                },
                viewer: viewer.clone(),
            };
            let (targets, next) = find(tx, &query, after, page.entries(), now)?;
            let items = offers(tx, viewer, &targets, now)?;
            let next = next.map(|(key, target)| Cursor::of_numbers(&[key.into(), target]));
            Ok::<_, Problem>(Page::among(items, next))
        })
        .await?;
    format.answer(found)
}
