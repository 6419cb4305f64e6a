//! Platforms, merchants, categories and bans as lists: `GET /v1/platforms`, `GET /v1/merchants`,
//! `GET /v1/merchants/{id}`, `GET /v1/categories`, `GET /v1/bans`.

use super::bans::Banned;
use super::like;
use super::merchants::{Merchant, MerchantView, find};
use crate::Core;
use crate::api::{Cursor, Only, Operators, Page, PageParams, Params, PathId, Principal, Problem, Role};
use crate::params;
use crate::store::{Row, StoreError};
use attribution_core::ids::MerchantId;
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Which merchants.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Part of the name or of the id.
    q: Option<String>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A platform.
#[derive(Debug, Serialize, ToSchema)]
struct PlatformEntry {
    id: String,
    name: String,
}

/// A category.
#[derive(Debug, Serialize, ToSchema)]
struct CategoryEntry {
    id: String,
    name: String,
    /// The category it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<String>,
    /// It, or a category above it, may not be promoted in any programme now.
    banned: bool,
}

/// A ban (禁推).
#[derive(Debug, Serialize, ToSchema)]
struct BanEntry {
    category: String,
    /// The category's name.
    category_name: String,
    /// Only in this programme; in all if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    programme: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    programme_name: Option<String>,
    /// From here on, UTC milliseconds.
    effective_from: i64,
    /// Up to here, UTC milliseconds; for good if absent. Not after its beginning: it was lifted before it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_to: Option<i64>,
    /// When it was made known, UTC milliseconds.
    announced_at: i64,
    note: String,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .routes(routes!(platforms))
        .routes(routes!(merchants))
        .routes(routes!(merchant))
        .routes(routes!(categories))
        .routes(routes!(bans))
}

/// Platforms by their ids. Operators.
#[utoipa::path(get, path = "/v1/platforms", params(PageParams), responses((status = 200, body = Page<PlatformEntry>)))]
async fn platforms(
    State(core): State<Core>,
    _: Only<Operators>,
    Params(paging): Params<PageParams>,
) -> Result<Json<Page<PlatformEntry>>, Problem> {
    let (page, Cursor(after)) = paging.begin()?;
    let rows = core
        .store()
        .read(move |tx| {
            tx.query(
                "SELECT id, name FROM platforms WHERE id > $1 ORDER BY id LIMIT $2",
                params![&after, page.rows()],
            )
        })
        .await?;
    let entry = |row: &Row| {
        Ok::<_, StoreError>(PlatformEntry { id: row.text(0)?.to_owned(), name: row.text(1)?.to_owned() })
    };
    let items = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, |platform| platform.id.clone())))
}

/// Merchants by their ids. Operators.
#[utoipa::path(get, path = "/v1/merchants", params(Wanted), responses((status = 200, body = Page<MerchantView>)))]
async fn merchants(
    State(core): State<Core>,
    _: Only<Operators>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<MerchantView>>, Problem> {
    let (page, Cursor(after)) = PageParams { limit: wanted.limit, cursor: wanted.cursor }.begin()?;
    let part = wanted.q.as_deref().map(like);
    let rows = core
        .store()
        .read(move |tx| {
            tx.query(
                &format!(
                    "{} WHERE id > $1 AND (CAST($2 AS TEXT) IS NULL OR LOWER(name) LIKE $2 ESCAPE '\\' \
                     OR LOWER(id) LIKE $2 ESCAPE '\\') ORDER BY id LIMIT $3",
                    Merchant::COLUMNS
                ),
                params![&after, part.as_ref(), page.rows()],
            )
        })
        .await?;
    let items = rows.iter().map(|row| Merchant::read(row)?.view()).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, |merchant| merchant.id.clone())))
}

/// A merchant. Operators, and the merchant itself.
#[utoipa::path(
    get, path = "/v1/merchants/{id}", params(("id" = String, Path)),
    responses((status = 200, body = MerchantView))
)]
async fn merchant(
    State(core): State<Core>,
    principal: Principal,
    PathId(id): PathId<MerchantId>,
) -> Result<Json<MerchantView>, Problem> {
    principal.require_merchant(id.as_str())?;
    let wanted = id.clone();
    let found = core.store().read(move |tx| find(tx, &wanted)).await?;
    Ok(Json(found.ok_or_else(|| Problem::unknown("merchant", &id))?.view()?))
}

/// An edge has no business with the catalogue's lists.
fn no_edge(principal: &Principal) -> Result<(), Problem> {
    match principal.role {
        Role::Edge => Err(Problem::forbidden("role edge may not do this")),
        _ => Ok(()),
    }
}

/// All categories (类目), by their ids. Everybody with a token but edges.
#[utoipa::path(get, path = "/v1/categories", params(PageParams), responses((status = 200, body = Page<CategoryEntry>)))]
async fn categories(
    State(core): State<Core>,
    principal: Principal,
    Params(paging): Params<PageParams>,
) -> Result<Json<Page<CategoryEntry>>, Problem> {
    no_edge(&principal)?;
    let (page, Cursor(after)) = paging.begin()?;
    let now = core.now();
    let (rows, banned) = core
        .store()
        .read(move |tx| {
            let rows = tx.query(
                "SELECT c.id, c.name, p.id, c.num FROM categories c LEFT JOIN categories p ON p.num = c.parent \
                 WHERE c.id > $1 ORDER BY c.id LIMIT $2",
                params![&after, page.rows()],
            )?;
            Ok::<_, StoreError>((rows, Banned::read(tx, now)?))
        })
        .await?;
    let entry = |row: &Row| {
        Ok::<_, StoreError>(CategoryEntry {
            id: row.text(0)?.to_owned(),
            name: row.text(1)?.to_owned(),
            parent: row.opt_text(2)?.map(str::to_owned),
            banned: banned.everywhere(row.int(3)?),
        })
    };
    let items = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, |category| category.id.clone())))
}

/// All bans, by category. Everybody with a token but edges.
#[utoipa::path(get, path = "/v1/bans", params(PageParams), responses((status = 200, body = Page<BanEntry>)))]
async fn bans(
    State(core): State<Core>,
    principal: Principal,
    Params(paging): Params<PageParams>,
) -> Result<Json<Page<BanEntry>>, Problem> {
    no_edge(&principal)?;
    let (page, after) = paging.begin()?;
    let [category, programme] = after.numbers()?.unwrap_or([0, -1]);
    let rows = core
        .store()
        .read(move |tx| {
            tx.query(
                "SELECT c.id, g.id, b.effective_from, b.announced_at, b.note, b.category, b.programme, c.name, g.name, \
                 b.effective_to \
                 FROM bans b \
                 JOIN categories c ON c.num = b.category LEFT JOIN programmes g ON g.num = b.programme \
                 WHERE (b.category, b.programme) > ($1, $2) ORDER BY b.category, b.programme LIMIT $3",
                params![category, programme, page.rows()],
            )
        })
        .await?;
    let more = rows.len() > page.entries();
    let shown = rows.get(..page.entries()).unwrap_or(&rows);
    let entry = |row: &Row| {
        Ok::<_, StoreError>(BanEntry {
            category: row.text(0)?.to_owned(),
            category_name: row.text(7)?.to_owned(),
            programme: row.opt_text(1)?.map(str::to_owned),
            programme_name: row.opt_text(8)?.map(str::to_owned),
            effective_from: row.instant(2).map(Instant::millis)?,
            effective_to: row.opt_int(9)?,
            announced_at: row.int(3)?,
            note: row.text(4)?.to_owned(),
        })
    };
    let items = shown.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    let last = shown.last().filter(|_| more);
    let key = |row: &Row| Ok::<_, StoreError>(Cursor::of_numbers(&[row.int(5)?, row.int(6)?]));
    Ok(Json(Page::among(items, last.map(key).transpose()?)))
}
