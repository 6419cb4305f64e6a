//! `GET /v1/promoters/{id}/orders/{order}`: the explanation as the promoter who earns it may read it, without the clicks of
//! others and without the buyer.

#![expect(unused_qualifications, reason = "made by the macro that describes parameters")]

use super::api::only_platform;
use super::named::names_in;
use crate::Core;
use crate::api::{Params, PathId, Principal, Problem};
use crate::attribution::Catalogue;
use crate::orders::rows::{self, LineRow};
use crate::orders::shown::not_yet_shown;
use crate::params;
use crate::store::{StoreError, Tx, read};
use attribution_core::attribute::Attribution;
use attribution_core::explanation::{Explanation, Language, explain, explain_bill};
use attribution_core::ids::{LineId, OrderId, PlatformId, PromoterId};
use attribution_core::ledger::{Bill, Entry};
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(own_order))
}

/// Which order.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Which {
    /// The platform that numbered the order; needed only where the promoter has orders of this number on two.
    platform: Option<String>,
}

/// A promoter's lines of an order.
#[derive(Debug, Serialize, ToSchema)]
struct OwnOrder {
    platform: String,
    order: String,
    /// Those that are theirs.
    lines: Vec<OwnLine>,
}

/// A line that is theirs, and why.
#[derive(Debug, Serialize, ToSchema)]
struct OwnLine {
    line: String,
    /// 中文.
    #[schema(value_type = Object)]
    zh: Explanation,
    /// English.
    #[schema(value_type = Object)]
    en: Explanation,
}

/// Explains the lines of an order that a promoter owns, in words. Operators, the promoter, the promoter's agency.
#[utoipa::path(
    get,
    path = "/v1/promoters/{id}/orders/{order}",
    params(("id" = String, Path), ("order" = String, Path), Which),
    responses((status = 200, body = OwnOrder), (status = 404, description = "No such order of this promoter"))
)]
async fn own_order(
    State(core): State<Core>,
    principal: Principal,
    PathId((promoter, order)): PathId<(PromoterId, OrderId)>,
    Params(Which { platform }): Params<Which>,
) -> Result<Json<OwnOrder>, Problem> {
    let now = core.now();
    core.store()
        .read(move |tx| {
            let row = tx
                .query_opt("SELECT agency FROM promoters WHERE id = $1", params![&promoter])?
                .ok_or_else(|| Problem::unknown("promoter", &promoter))?;
            principal.require_promoter_of(promoter.as_str(), row.opt_text(0)?)?;
            // Whether there is such an order of somebody else is not theirs to know.
            let orders = tx.query(
                "SELECT o.platform FROM orders o WHERE o.order_id = $1 AND ($2 = '' OR o.platform = $2) AND EXISTS \
                 (SELECT 1 FROM order_lines l WHERE l.platform = o.platform AND l.order_id = o.order_id \
                 AND l.promoter = $3) ORDER BY o.platform",
                params![&order, platform.as_deref().unwrap_or_default(), &promoter],
            )?;
            let platform = only_platform(&orders, &order)?;
            let lines = own_lines(tx, &platform, &order, &promoter, now)?;
            if lines.is_empty() {
                return Err(Problem::unknown("order", &order));
            }
            Ok(OwnOrder { platform: platform.to_string(), order: order.to_string(), lines })
        })
        .await
        .map(Json)
}

fn own_lines(
    tx: &mut dyn Tx,
    platform: &PlatformId,
    order: &OrderId,
    promoter: &PromoterId,
    now: Instant,
) -> Result<Vec<OwnLine>, Problem> {
    let ids = tx.query(
        "SELECT line_id FROM order_lines WHERE platform = $1 AND order_id = $2 AND promoter = $3 ORDER BY line_id",
        params![platform, order, promoter],
    )?;
    let mut catalogue = Catalogue::default();
    let mut lines = Vec::with_capacity(ids.len());
    for id in &ids {
        let line: LineId = read("line id", id.text(0)?)?;
        let row = rows::line(tx, platform, order, &line)?;
        let Some(decided) = rows::decision(tx, platform, order, &line, row.decision)? else { continue };
        let mut own: Attribution = decided.attribution;
        row.tell_finality(&mut own);
        own.candidates.retain(|candidate| candidate.promoter == *promoter);
        // A coupon may win over the promoter who holds the buyer.
        own.relation = own.relation.filter(|relation| relation.promoter == *promoter);
        let names = names_in(tx, [&own])?;
        let bill = own_bill(tx, &mut catalogue, &row, now)?;
        let told = |language| {
            let mut told = explain(&own, bill.as_ref(), &names, language);
            told.steps.extend(bill.iter().flat_map(|bill| explain_bill(bill, language)));
            told
        };
        lines.push(OwnLine { line: line.to_string(), zh: told(Language::Zh), en: told(Language::En) });
    }
    Ok(lines)
}

/// The line's bill, which says of a success no more than the promoter's lists and reports do.
fn own_bill(
    tx: &mut dyn Tx,
    catalogue: &mut Catalogue,
    row: &LineRow,
    now: Instant,
) -> Result<Option<Bill>, StoreError> {
    let Some(mut bill) = row.bill()? else { return Ok(None) };
    if let (Entry::Settled, Some(programme), Some(version), Some(matured)) =
        (bill.entry, &row.programme, row.version, row.matured)
        && not_yet_shown(tx, catalogue, programme, version, matured, now)?
    {
        bill.entry = Entry::Expected;
    }
    Ok(Some(bill))
}
