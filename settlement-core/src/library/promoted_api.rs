//! What a promoter promotes (我的推广商品): each product with a link of theirs once, as it stands now, with 失效 and why.

use super::offer_view::{OfferView, page_of};
use super::offers::Viewer;
use crate::Core;
use crate::api::{Page, PageParams, Params, PathId, Principal, Problem, visible};
use crate::catalogue::Banned;
use crate::store::{Query, Row, StoreError, Tx};
use attribution_core::ids::PromoterId;
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Only those that are dead (失效).
    #[serde(default)]
    dead: bool,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A product that a promoter has links to.
#[derive(Debug, Serialize, ToSchema)]
struct PromotedProduct {
    /// How many links they have to it.
    links: i64,
    /// When they made the last one, UTC milliseconds.
    promoted_at: i64,
    #[serde(flatten)]
    product: OfferView,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The products that a promoter has links to, each once, those with the newest links first: what it offers this promoter
/// now, and whether it is dead (失效) and why. With `dead` a page may hold fewer than were asked for while there are more: go
/// on until there is no `next_cursor`. Operators, the promoter, the promoter's agency.
#[utoipa::path(
    get, path = "/v1/promoters/{id}/products", params(("id" = String, Path), Wanted),
    responses((status = 200, body = Page<PromotedProduct>))
)]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    PathId(promoter): PathId<PromoterId>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<PromotedProduct>>, Problem> {
    let (page, after) = PageParams { limit: wanted.limit, cursor: wanted.cursor }.begin()?;
    let after = after.numbers()?.unwrap_or([i64::MAX, i64::MAX]);
    let now = core.now();
    core.store()
        .read(move |tx| {
            let num = visible(tx, &principal, &promoter)?;
            let rows = linked(tx, num, after, wanted.dead, page.rows(), now)?;
            let entry = |row: &Row, product| {
                Ok(PromotedProduct { links: row.int(3)?, promoted_at: row.int(1)?, product })
            };
            let mut found = page_of(tx, Viewer::Promoter(promoter.clone()), page, &rows, now, entry)?;
            if wanted.dead {
                found.items.retain(|promoted| promoted.product.invalid);
            }
            Ok::<_, Problem>(found)
        })
        .await
        .map(Json)
}

/// The products with links, behind this place in the list: number, when the newest link was made, number, and how many links
/// there are. With `dead` those that may be dead. All links of the promoter are looked at: a hundred thousand take a sixth
/// of a second, and an index that leads from promoters to products would be paid for by every new link.
fn linked(
    tx: &mut dyn Tx,
    promoter: i64,
    [at, target]: [i64; 2],
    dead: bool,
    rows: i64,
    now: Instant,
) -> Result<Vec<Row>, StoreError> {
    let mut query = Query::new(
        "SELECT p.target, p.at, p.target, p.links FROM (SELECT l.target AS target, MAX(l.created_at) AS at, \
         COUNT(*) AS links FROM links l",
    );
    query.add(
        " WHERE l.promoter = ? AND l.qr_of IS NULL GROUP BY l.target) p JOIN targets t ON t.num = p.target \
         WHERE t.kind = 'product' AND (p.at, p.target) < (?, ?)",
        [promoter.into(), at.into(), target.into()],
    );
    if dead {
        let now = query.mark_of(now);
        let banned = Banned::at(&now);
        query.add(
            &format!(
                " AND (t.cancelled_from <= {now} OR t.delisted_from <= {now} \
                 OR t.category IN (SELECT b.category FROM ({banned}) b))"
            ),
            [],
        );
    }
    query.add(" ORDER BY p.at DESC, p.target DESC LIMIT ?", [rows.into()]);
    query.rows(tx)
}
