//! The library search (推广资源库): products by name, shop, merchant and category.

use super::products::{ProductView, VIEW_COLUMNS, view};
use crate::api::{Page, PageParams, Params, Principal, Problem};
use crate::{Core, params};
use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
struct Search {
    /// Part of the product's name.
    q: Option<String>,
    /// Part of the shop's name.
    shop: Option<String>,
    /// The merchant's id, exactly.
    merchant: Option<String>,
    /// The category's id, exactly.
    category: Option<String>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(search))
}

/// Part of a name, for LIKE with `\` as its escape.
fn pattern(part: Option<String>) -> Option<String> {
    let part = part?.to_lowercase();
    let escaped = part.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    Some(format!("%{escaped}%"))
}

/// Products, in the order of their ids.
#[utoipa::path(get, path = "/v1/products", params(Search), responses((status = 200, body = Page<ProductView>)))]
async fn search(
    State(core): State<Core>,
    principal: Principal,
    Params(search): Params<Search>,
) -> Result<Json<Page<ProductView>>, Problem> {
    let Search { q, shop, merchant, category, limit, cursor } = search;
    // Any role that works with products may look; an edge has no business here.
    if principal.role == crate::api::Role::Edge {
        return Err(Problem::forbidden("role edge may not do this"));
    }
    let paging = PageParams { limit, cursor };
    let (limit, after) = (paging.limit()?, paging.after()?.0);
    let (title, shop) = (pattern(q), pattern(shop));
    let now = core.now();
    let sql = format!(
        "SELECT {VIEW_COLUMNS} FROM targets t JOIN merchants m ON m.id = t.merchant \
         LEFT JOIN categories c ON c.num = t.category \
         WHERE t.kind = 'product' AND t.id > $1 \
         AND (CAST($2 AS TEXT) IS NULL OR LOWER(t.title) LIKE $2 ESCAPE '\\') \
         AND (CAST($3 AS TEXT) IS NULL OR LOWER(m.name) LIKE $3 ESCAPE '\\') \
         AND (CAST($4 AS TEXT) IS NULL OR t.merchant = $4) \
         AND (CAST($5 AS TEXT) IS NULL OR c.id = $5) ORDER BY t.id LIMIT $6"
    );
    let items = core
        .store()
        .read(move |tx| {
            let rows = tx.query(
                &sql,
                params![
                    &after,
                    title.as_ref(),
                    shop.as_ref(),
                    merchant.as_ref(),
                    category.as_ref(),
                    i64::from(limit) + 1
                ],
            )?;
            rows.iter().map(|row| view(row, now)).collect::<Result<Vec<_>, crate::store::StoreError>>()
        })
        .await?;
    Ok(Json(Page::cut(items, limit, |product| product.id.clone())))
}
