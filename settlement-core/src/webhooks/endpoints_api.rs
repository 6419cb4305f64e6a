//! `/v1/webhooks`: who wants to hear of what, and where.

use super::endpoint::{self, Endpoint, New};
use super::event::EventKind;
use crate::api::{
    ApiTime, Cursor, Nothing, Only, Page, PageParams, Params, PathId, Principal, Problem, Role, Subjects,
    Write, all_of, check_label, verdict,
};
use crate::destination::checked;
use crate::params;
use crate::random;
use crate::shared_secret::good_until;
use crate::signing::SigningSecret;
use crate::store::Tx;
use crate::{Core, CoreConfig};
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Endpoints of one owner at most.
const ENDPOINTS_MAX: i64 = 20;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show, remove))
        .routes(routes!(rotate))
        .routes(routes!(enable))
}

/// An endpoint to tell.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWebhook {
    /// `merchant/ID`, `promoter/ID` or `agency/ID`; a token's own subject unless given.
    #[serde(default)]
    #[schema(example = "merchant/shop-1688")]
    owner: Option<String>,
    /// Where to: https, a public host.
    #[schema(example = "https://erp.example.com/yinke")]
    url: String,
    /// Event types wanted; all if none are named.
    #[serde(default)]
    events: Vec<String>,
    /// For people.
    #[serde(default)]
    label: String,
}

/// An endpoint. Its secret is never shown again.
#[derive(Debug, Serialize, ToSchema)]
struct WebhookView {
    id: String,
    /// Who hears: `merchant/ID`, `promoter/ID` or `agency/ID`.
    owner: String,
    /// Where to.
    url: String,
    /// Event types wanted; none means all.
    events: Vec<String>,
    /// For people.
    label: String,
    /// When it was made.
    created_at: ApiTime,
    /// Until when we sign with the former secret too, during a rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secret_until: Option<ApiTime>,
    /// It has taken nothing since then.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<ApiTime>,
    /// It is told nothing since then, until it is enabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<ApiTime>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<String>,
}

/// An endpoint, and the secret that it verifies with, this once.
#[derive(Debug, Serialize, ToSchema)]
struct OpenedWebhook {
    #[serde(flatten)]
    webhook: WebhookView,
    /// `whsec_` and base64.
    secret: String,
}

/// A secret to turn over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WebhookRotation {
    /// For how many seconds we sign with the former secret too; a day unless given, at most seven.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 604_800)]
    overlap_seconds: Option<u32>,
}

/// Which endpoints.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
struct Whose {
    /// One owner's; others than operators see their own.
    owner: Option<String>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

fn view(webhook: &Endpoint, now: Instant) -> WebhookView {
    WebhookView {
        id: webhook.id.clone(),
        owner: webhook.owner.clone(),
        url: webhook.url.clone(),
        events: webhook.events.clone(),
        label: webhook.label.clone(),
        created_at: webhook.created.into(),
        previous_secret_until: webhook.secret.previous_until(now).map(ApiTime::from),
        failing_since: webhook.failing_since.map(ApiTime::from),
        disabled_at: webhook.disabled.as_ref().map(|(at, _)| (*at).into()),
        disabled_reason: webhook.disabled.as_ref().map(|(_, reason)| reason.clone()),
    }
}

/// Who a token speaks for; none for operators, who speak for all.
fn own(principal: &Principal) -> Option<String> {
    let role = match principal.role {
        Role::Merchant => "merchant",
        Role::Promoter => "promoter",
        Role::Agency => "agency",
        Role::Admin | Role::Operator | Role::Edge => return None,
    };
    principal.subject.as_ref().map(|subject| format!("{role}/{subject}"))
}

/// The owner meant by a request.
fn owner(principal: &Principal, asked: Option<String>) -> Result<Option<String>, Problem> {
    match (own(principal), asked) {
        (Some(own), Some(asked)) if own != asked => {
            Err(Problem::forbidden(format!("this token may not act for {asked}")))
        }
        (own, asked) => Ok(own.or(asked)),
    }
}

fn refuse_unknown(tx: &mut dyn Tx, owner: &str) -> Result<(), Problem> {
    let wrong =
        || Problem::invalid("owner", "must be merchant/ID, promoter/ID or agency/ID of somebody there");
    let (kind, id) = owner.split_once('/').ok_or_else(wrong)?;
    let sql = match kind {
        "merchant" => "SELECT 1 FROM merchants WHERE id = $1",
        "promoter" => "SELECT 1 FROM promoters WHERE id = $1",
        "agency" => "SELECT 1 FROM promoters WHERE agency = $1 LIMIT 1",
        _ => return Err(wrong()),
    };
    if tx.query_opt(sql, params![id])?.is_none() {
        return Err(wrong());
    }
    Ok(())
}

/// An endpoint that this principal may see.
pub(super) fn find(tx: &mut dyn Tx, id: &str, principal: &Principal) -> Result<Endpoint, Problem> {
    let unknown = || Problem::unknown("webhook", id);
    let found = endpoint::find(tx, id)?.ok_or_else(unknown)?;
    match own(principal) {
        Some(own) if own != found.owner => Err(unknown()),
        _ => Ok(found),
    }
}

/// Where events go: an https address, unless private destinations are allowed.
fn checked_url(url: &str, config: &CoreConfig) -> Result<String, Problem> {
    let url = checked("url", url, &[], config)?;
    if !config.allow_private_destinations && !url.starts_with("https://") {
        return Err(Problem::invalid("url", "must be https"));
    }
    Ok(url)
}

fn check_events(events: &[String]) -> Result<(), Problem> {
    let known = |name: &String| EventKind::ALL.iter().any(|kind| kind.name() == name);
    if let Some(position) = events.iter().position(|name| !known(name)) {
        return Err(Problem::invalid(&format!("events/{position}"), "is no event type of ours"));
    }
    if events.len() > EventKind::ALL.len() {
        return Err(Problem::invalid("events", "names a type twice"));
    }
    Ok(())
}

/// Makes an endpoint that hears of events. The secret to verify with is in this answer and nowhere else. Operators,
/// merchants, promoters and agencies, each for themselves.
///
/// Each event is a POST of `{"type", "timestamp", "data"}` with `webhook-id`, `webhook-timestamp` and
/// `webhook-signature` (Standard Webhooks). Any 2xx within 15 s is a success; else it is tried again for three days.
/// Types: `order.attributed`, `order.superseded`, `commission.settled`, `commission.clawed_back`, `payout.paid`,
/// `payout.failed`, `product.promotion_cancelled`, `link.expired`, `review.opened`, `webhook.disabled`, `webhook.test`.
#[utoipa::path(
    post, path = "/v1/webhooks",
    request_body(content = NewWebhook, example = json!({
        "owner": "merchant/tea", "url": "https://erp.example.com/yinke", "events": ["commission.settled"]
    })),
    responses((status = 201, body = OpenedWebhook))
)]
async fn create(
    State(core): State<Core>,
    _: Only<Subjects>,
    write: Write<NewWebhook>,
) -> Result<Response, Problem> {
    let NewWebhook { owner: asked, url, events, label } = write.body;
    let owner = owner(&write.scope.principal, asked)?.ok_or_else(|| {
        Problem::invalid("owner", "whose endpoint is it? merchant/ID, promoter/ID or agency/ID")
    })?;
    let url = checked_url(&url, core.config());
    all_of([verdict(&url), check_events(&events), check_label(&label)])?;
    let url = url?;
    let (id, secret) = (random::name("wh")?, SigningSecret::random()?.text());
    write
        .scope
        .without_key()
        .run(&core, move |tx, scope| {
            tx.lock(&format!("webhooks of {owner}"))?;
            refuse_unknown(tx, &owner)?;
            let sql = "SELECT COUNT(*) FROM webhook_endpoints WHERE owner = $1 AND removed_ms IS NULL";
            if tx.query_one(sql, params![&owner])?.int(0)? >= ENDPOINTS_MAX {
                return Err(Problem::invalid("owner", format!("has {ENDPOINTS_MAX} endpoints already")));
            }
            let new =
                New { id: &id, owner: &owner, url: &url, label: &label, events: &events, secret: &secret };
            endpoint::insert(tx, &new, scope.now)?;
            let webhook = view(&find(tx, &id, &scope.principal)?, scope.now);
            Ok((StatusCode::CREATED, OpenedWebhook { webhook, secret: secret.clone() }))
        })
        .await
}

/// Endpoints, by id. Operators see all, others their own.
#[utoipa::path(get, path = "/v1/webhooks", params(Whose), responses((status = 200, body = Page<WebhookView>)))]
async fn list(
    State(core): State<Core>,
    _: Only<Subjects>,
    principal: Principal,
    Params(whose): Params<Whose>,
) -> Result<Json<Page<WebhookView>>, Problem> {
    let owner = owner(&principal, whose.owner)?;
    let (page, Cursor(after)) = PageParams { limit: whose.limit, cursor: whose.cursor }.begin()?;
    let now = core.now();
    let found =
        core.store().read(move |tx| endpoint::list(tx, owner.as_deref(), &after, page.rows())).await?;
    let views = found.iter().map(|webhook| view(webhook, now)).collect();
    Ok(Json(page.cut(views, |webhook: &WebhookView| webhook.id.clone())))
}

/// One endpoint, and how it stands. Operators, and its owner.
#[utoipa::path(
    get, path = "/v1/webhooks/{id}", params(("id" = String, Path)),
    responses((status = 200, body = WebhookView))
)]
async fn show(
    State(core): State<Core>,
    _: Only<Subjects>,
    principal: Principal,
    PathId(id): PathId<String>,
) -> Result<Json<WebhookView>, Problem> {
    let now = core.now();
    core.store().read(move |tx| Ok(view(&find(tx, &id, &principal)?, now))).await.map(Json)
}

/// Removes an endpoint; what it was still to be told is dropped. Operators, and its owner.
#[utoipa::path(
    delete, path = "/v1/webhooks/{id}", params(("id" = String, Path)), request_body = Nothing,
    responses((status = 200, body = WebhookView))
)]
async fn remove(
    State(core): State<Core>,
    _: Only<Subjects>,
    PathId(id): PathId<String>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    write
        .scope
        .run(&core, move |tx, scope| {
            let found = find(tx, &id, &scope.principal)?;
            endpoint::remove(tx, &id, scope.now)?;
            Ok((StatusCode::OK, view(&found, scope.now)))
        })
        .await
}

/// Signs with a new secret from now on, and with the one before too for the overlap. Operators, and its owner.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/rotate", params(("id" = String, Path)), request_body = WebhookRotation,
    responses((status = 200, body = OpenedWebhook))
)]
async fn rotate(
    State(core): State<Core>,
    _: Only<Subjects>,
    PathId(id): PathId<String>,
    write: Write<WebhookRotation>,
) -> Result<Response, Problem> {
    let until = good_until(write.body.overlap_seconds, write.scope.now)?;
    let secret = SigningSecret::random()?.text();
    write
        .scope
        .without_key()
        .run(&core, move |tx, scope| {
            find(tx, &id, &scope.principal)?;
            endpoint::rotate(tx, &id, &secret, until)?;
            let webhook = view(&find(tx, &id, &scope.principal)?, scope.now);
            Ok((StatusCode::OK, OpenedWebhook { webhook, secret: secret.clone() }))
        })
        .await
}

/// Goes on telling an endpoint that was disabled. What waits is sent at once; what happened meanwhile is not.
/// Operators, and its owner.
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/enable", params(("id" = String, Path)), request_body = Nothing,
    responses((status = 200, body = WebhookView))
)]
async fn enable(
    State(core): State<Core>,
    _: Only<Subjects>,
    PathId(id): PathId<String>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    write
        .scope
        .run(&core, move |tx, scope| {
            find(tx, &id, &scope.principal)?;
            endpoint::enable(tx, &id, scope.now)?;
            Ok((StatusCode::OK, view(&find(tx, &id, &scope.principal)?, scope.now)))
        })
        .await
}
