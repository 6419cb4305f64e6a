//! `GET /v1/reviews` (what a person must look at) and `POST /v1/reviews/resolve` (they have).

use super::intake::lock_name;
use super::sweep::judge_all;
use crate::Core;
use crate::api::{Cursor, Only, Operators, Page, PageParams, Params, Principal, Problem, Role, Write};
use crate::order_events::EventKey;
use crate::params;
use crate::store::{Param, Row, StoreError, Tx};
use attribution_core::ids::{OrderId, PlatformId};
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(resolve))
}

/// An open finding.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct OpenReview {
    /// The platform.
    platform: String,
    /// The order.
    order: String,
    /// There is such an order, and whoever asks may see it: a finding can be about one that was never taken in.
    order_known: bool,
    /// Why: `event_changed`, `unknown_product`, `unknown_merchant`, `other_merchant`, `unknown_line`,
    /// `refund_exceeds_payment`, `unjournaled`, `shared_token`, `unnamed_agency`, `manual_refund`,
    /// `refund_after_settlement`, `paid_after_settlement`, `other_sender`, `before_created`, `banned_after_settlement`,
    /// `disabled_after_settlement`, `completed_before_paid`, `currency_not_cny` or `time_implausible`.
    reason: String,
    /// The line, or empty for the whole order.
    line: String,
    /// Tells findings of one kind apart: for `unjournaled` and `shared_token` the click, for `unnamed_agency` the promoter.
    found: String,
    /// In words.
    detail: String,
    /// The event that was not applied, as it came.
    #[schema(value_type = Option<Object>)]
    event: Option<serde_json::Value>,
    /// Since when, UTC milliseconds.
    #[schema(value_type = i64)]
    opened_at: Instant,
}

/// Open findings, oldest first: all for operators; for a merchant those of its own orders, also of orders that were not
/// taken in.
#[utoipa::path(get, path = "/v1/reviews", params(PageParams), responses((status = 200, body = Page<OpenReview>)))]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    Params(page): Params<PageParams>,
) -> Result<Json<Page<OpenReview>>, Problem> {
    if principal.role != Role::Merchant {
        principal.require_operator()?;
    }
    let (page, after) = page.begin()?;
    let after = after.number_and_texts()?.unwrap_or((i64::MIN, Default::default()));
    let own = principal.subject.clone();
    let rows = core.store().read(move |tx| rows(tx, own.as_deref(), &after, page.rows())).await?;
    let own = principal.subject.as_deref();
    let items = rows.iter().map(|row| entry(row, own)).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, key)))
}

/// Open findings behind a position.
fn rows(
    tx: &mut dyn Tx,
    merchant: Option<&str>,
    (at, rest): &Position,
    limit: i64,
) -> Result<Vec<Row>, StoreError> {
    let mut values: Vec<Param<'_>> = vec![(*at).into()];
    values.extend(rest.iter().map(Param::from));
    values.push(limit.into());
    let own = match merchant {
        Some(merchant) => {
            values.push(merchant.into());
            "AND r.merchant = $8"
        }
        None => "",
    };
    let sql = format!(
        "SELECT r.platform, r.order_id, r.reason, r.line_id, r.found, r.detail, r.contents, r.opened_ms, o.merchant \
         FROM order_reviews r LEFT JOIN orders o ON o.platform = r.platform AND o.order_id = r.order_id \
         WHERE r.resolved_ms IS NULL AND r.opened_ms >= $1 {own} AND (r.opened_ms > $1 \
         OR (r.platform, r.order_id, r.reason, r.line_id, r.found) > ($2, $3, $4, $5, $6)) \
         ORDER BY r.opened_ms, r.platform, r.order_id, r.reason, r.line_id, r.found LIMIT $7"
    );
    tx.query(&sql, &values)
}

/// When a finding was opened, and the rest of its key.
type Position = (i64, [String; 5]);

/// The sort key of a finding.
fn key(item: &OpenReview) -> String {
    let OpenReview { opened_at, platform, order, reason, line, found, .. } = item;
    Cursor::of_number_and_texts(opened_at.millis(), [platform, order, reason, line, found])
}

fn entry(row: &Row, own: Option<&str>) -> Result<OpenReview, StoreError> {
    Ok(OpenReview {
        platform: row.text(0)?.to_owned(),
        order: row.text(1)?.to_owned(),
        order_known: row.opt_text(8)?.is_some_and(|merchant| own.is_none_or(|own| own == merchant)),
        reason: row.text(2)?.to_owned(),
        line: row.text(3)?.to_owned(),
        found: row.text(4)?.to_owned(),
        detail: row.text(5)?.to_owned(),
        event: row.opt_text(6)?.and_then(|text| serde_json::from_str(text).ok()),
        opened_at: row.instant(7)?,
    })
}

/// A finding that a person has looked at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Resolve {
    /// The platform.
    #[schema(value_type = String)]
    platform: PlatformId,
    /// The order.
    #[schema(value_type = String)]
    order: OrderId,
    /// As listed.
    reason: String,
    /// As listed.
    #[serde(default)]
    line: String,
    /// As listed.
    #[serde(default)]
    found: String,
    /// What the person decided, in words.
    resolution: String,
    /// For `unjournaled`, `shared_token` and `unnamed_agency`: lets the line's money move, as far as it waited for this.
    #[serde(default)]
    release: bool,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
struct Resolved {
    /// Findings closed.
    resolved: u64,
}

/// Closes a finding. A line that is `unjournaled`, rests on a `shared_token` or is of an `unnamed_agency` moves money only
/// after this, and only with `release`. That holds for the click or the promoter that was `found`: where another one decides
/// later, the line waits for another word.
#[utoipa::path(
    post,
    path = "/v1/reviews/resolve",
    request_body = Resolve,
    responses((status = 200, body = Resolved), (status = 404, description = "No such open finding"))
)]
async fn resolve(
    State(core): State<Core>,
    _: Only<Operators>,
    write: Write<Resolve>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    if body.resolution.trim().is_empty() {
        return Err(Problem::invalid("resolution", "say what was decided"));
    }
    let now = scope.now;
    let order = (body.platform.clone(), body.order.clone());
    let response = scope
        .run(&core, move |tx, scope| {
            let Resolve { platform, order, reason, line, found, resolution, release } = &body;
            let released = *release && super::review::Reason::holds(reason);
            let key =
                EventKey { platform: platform.clone(), order: order.clone(), kind: "", number: String::new() };
            tx.lock(&lock_name(&key))?;
            let resolved = tx.execute(
                "UPDATE order_reviews SET resolved_ms = $6, resolution = $7, released = $8 WHERE platform = $1 \
                 AND order_id = $2 AND reason = $3 AND line_id = $4 AND found = $5 AND resolved_ms IS NULL",
                params![platform, order, reason, line, found, scope.now, resolution, released],
            )?;
            if resolved == 0 {
                return Err(Problem::unknown("open review", format!("{reason} of order {order}")));
            }
            if released {
                crate::wake::one(tx, platform, order)?;
            }
            Ok((StatusCode::OK, Resolved { resolved }))
        })
        .await?;
    judge_all(core.store(), vec![order], "review", now).await?;
    Ok(response)
}
