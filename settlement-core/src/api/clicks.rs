//! The clicks as they are kept: for whoever compares, one by one, what an edge answered with what the core has.

use super::{Page, PageParams, Params, Principal, Problem};
use crate::Core;
use crate::params;
use crate::store::{Row, StoreError};
use attribution_core::click::ClickId;
use attribution_core::ids::VisitorId;
use attribution_core::record::ClickRecord;
use axum::extract::State;
use axum::response::Json;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// One click as the edge recorded it.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
struct ClickView {
    /// Its id, 32 hex digits.
    click_id: String,
    /// When the edge received the request, in milliseconds since 1970.
    edge_at: i64,
    /// When the core first saw it, in milliseconds since 1970.
    ingested_at: i64,
    /// What the buyer was answered.
    outcome: String,
    /// The link's code.
    code: String,
    /// The visitor, 32 hex digits, if a visitor cookie was read or given.
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor: Option<String>,
    /// The promoter's own label (`?sub=`).
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_id: Option<String>,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list))
}

/// All clicks, by id: the clicks of one start of an edge follow each other in the order of their numbers.
#[utoipa::path(get, path = "/v1/clicks", params(PageParams), responses((status = 200, body = Page<ClickView>)))]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    Params(page): Params<PageParams>,
) -> Result<Json<Page<ClickView>>, Problem> {
    principal.require_operator()?;
    let (page, after) = page.begin()?;
    let after = after.click()?;
    let rows = core
        .store()
        .read(move |tx| {
            tx.query(
                "SELECT click_id, edge_ms, ingested_ms, payload FROM clicks WHERE click_id > $1 \
                 ORDER BY click_id LIMIT $2",
                params![&after, page.rows()],
            )
        })
        .await?;
    let views = rows.iter().map(view).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(views, |click| click.click_id.clone())))
}

fn view(row: &Row) -> Result<ClickView, StoreError> {
    let record = ClickRecord::decode(row.blob(3)?).map_err(StoreError::corrupt("record of a click"))?;
    let label = String::from_utf8_lossy(record.sub_id);
    Ok(ClickView {
        click_id: ClickId(row.id16(0)?).to_hex(),
        edge_at: row.int(1)?,
        ingested_at: row.int(2)?,
        outcome: record.outcome.name().to_owned(),
        code: record.code.to_string(),
        visitor: record.visitor.is_some().then(|| VisitorId::to_hex(record.visitor)),
        sub_id: (!label.is_empty()).then(|| label.into_owned()),
    })
}
