//! `/v1/intake-sources`: merchants open sources of order notifications, turn their secrets over, look at what came.

use super::delivery::{self, DeliveryView};
use super::source::{self, New, ProductFrom, Settings, Source, SourceKind};
use crate::Core;
use crate::api::{
    Cursor, Merchants, Nothing, Only, Page, PageParams, Params, PathId, Principal, Problem, Role, Write,
    all_of, check_label, check_line, verdict,
};
use crate::params;
use crate::random;
use crate::shared_secret::good_until;
use crate::signing::SigningSecret;
use crate::store::Tx;
use attribution_core::ids::{MerchantId, ProductId};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes of a client id or a secret at most.
const TEXT_MAX: usize = 200;
/// Sources of one merchant at most.
const SOURCES_MAX: i64 = 50;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show, remove))
        .routes(routes!(rotate))
        .routes(routes!(deliveries))
}

/// A source to open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSource {
    /// Whose orders.
    #[schema(value_type = String)]
    merchant: MerchantId,
    /// Whose form they have.
    kind: SourceKind,
    /// For people.
    #[serde(default)]
    label: String,
    /// What the platform signs with (Youzan's client_secret, Shopify's signing secret). Not for `standard`: there we
    /// make it.
    #[serde(default)]
    secret: Option<String>,
    /// How to read the notifications.
    #[serde(default)]
    settings: Settings,
}

/// A source. Its secret is never shown again.
#[derive(Debug, Serialize, ToSchema)]
struct SourceView {
    id: String,
    /// Whose orders.
    merchant: String,
    /// Whose form they have.
    kind: SourceKind,
    /// For people.
    label: String,
    /// Where notifications are sent.
    path: String,
    /// How they are read.
    settings: Settings,
    /// When it was opened, in milliseconds since 1970.
    created_at: i64,
    /// Until when the former secret is good too, during a rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_secret_until: Option<i64>,
}

/// A source, and its secret, this once.
#[derive(Debug, Serialize, ToSchema)]
struct OpenedSource {
    #[serde(flatten)]
    source: SourceView,
    /// `standard`: what to sign with.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// A secret to turn over.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// The platform's new secret. Not for `standard`: there we make it.
    #[serde(default)]
    secret: Option<String>,
    /// For how many seconds the former secret stays good; a day unless given, at most seven.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 604_800)]
    overlap_seconds: Option<u32>,
}

/// Which sources.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
struct Which {
    /// One merchant's. Merchants see their own.
    merchant: Option<String>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

fn view(source: &Source, now: attribution_core::time::Instant) -> SourceView {
    SourceView {
        id: source.id.clone(),
        merchant: source.shop.merchant.to_string(),
        kind: source.kind,
        label: source.label.clone(),
        path: format!("/v1/intake/{}", source.id),
        settings: source.shop.settings.clone(),
        created_at: source.created.millis(),
        previous_secret_until: source.secret.previous_until(now).map(|until| until.millis()),
    }
}

/// The secret to keep, and to show.
fn secret(kind: SourceKind, given: Option<&str>) -> Result<(String, Option<String>), Problem> {
    match (kind, given) {
        (SourceKind::Standard, Some(_)) => {
            Err(Problem::invalid("secret", "is made here for standard sources"))
        }
        (SourceKind::Standard, None) => {
            let secret = SigningSecret::random()?.text();
            Ok((secret.clone(), Some(secret)))
        }
        (_, None | Some("")) => Err(Problem::invalid("secret", "the platform's secret is needed")),
        (_, Some(given)) => {
            check_line("secret", given, TEXT_MAX)?;
            Ok((given.to_owned(), None))
        }
    }
}

fn check_settings(kind: SourceKind, settings: &Settings) -> Result<(), Problem> {
    let client_id = match (kind, settings.client_id.as_deref()) {
        (SourceKind::Youzan, None | Some("")) => {
            Err(Problem::invalid("settings.client_id", "is needed for Youzan"))
        }
        (SourceKind::Youzan, Some(id)) => check_line("settings.client_id", id, TEXT_MAX),
        (_, Some(_)) => Err(Problem::invalid("settings.client_id", "is for Youzan alone")),
        (_, None) => Ok(()),
    };
    let signed = kind == SourceKind::Youzan || !settings.accept_body_sign;
    let signed = signed
        .then_some(())
        .ok_or_else(|| Problem::invalid("settings.accept_body_sign", "is for Youzan alone"));
    let mapped = settings.product_from != ProductFrom::default() || !settings.product_prefix.is_empty();
    let named = kind != SourceKind::Standard || !mapped;
    let named = named
        .then_some(())
        .ok_or_else(|| Problem::invalid("settings", "a standard source names our own products"));
    let prefix = match settings.product_prefix.as_str() {
        "" => Ok(()),
        prefix => ProductId::new(prefix)
            .map(drop)
            .map_err(|error| Problem::invalid("settings.product_prefix", error)),
    };
    all_of([client_id, signed, named, prefix])
}

/// Opens a source of order notifications. The secret of a `standard` source is in this answer and nowhere else.
/// Operators, and the merchant itself.
#[utoipa::path(
    post, path = "/v1/intake-sources",
    request_body(content = NewSource, examples(
        ("standard" = (value = json!({"merchant": "tea", "kind": "standard", "label": "our shop"}))),
        ("youzan" = (value = json!({
            "merchant": "tea", "kind": "youzan", "secret": "CLIENT_SECRET", "settings": {"client_id": "CLIENT_ID"}
        }))),
        ("shopify" = (value = json!({"merchant": "tea", "kind": "shopify", "secret": "SIGNING_SECRET"})))
    )),
    responses((status = 201, body = OpenedSource), (status = 404, description = "`not_found`: there is no such merchant"))
)]
async fn create(
    State(core): State<Core>,
    _: Only<Merchants>,
    write: Write<NewSource>,
) -> Result<Response, Problem> {
    let body = write.body;
    write.scope.principal.require_merchant(body.merchant.as_str())?;
    let secret = secret(body.kind, body.secret.as_deref());
    all_of([check_label(&body.label), check_settings(body.kind, &body.settings), verdict(&secret)])?;
    let (secret, shown) = secret?;
    // Whoever knows the name can only try signatures.
    let id = random::name("in")?;
    write
        .scope
        .without_key()
        .run(&core, move |tx, scope| {
            tx.lock(&format!("intake sources {}", body.merchant))?;
            if tx.query_opt("SELECT 1 FROM merchants WHERE id = $1", params![&body.merchant])?.is_none() {
                return Err(Problem::unknown("merchant", &body.merchant));
            }
            let sql = "SELECT COUNT(*) FROM intake_sources WHERE merchant = $1 AND removed_ms IS NULL";
            if tx.query_one(sql, params![&body.merchant])?.int(0)? >= SOURCES_MAX {
                return Err(Problem::invalid("merchant", format!("has {SOURCES_MAX} sources already")));
            }
            let new = New {
                id: &id,
                merchant: &body.merchant,
                kind: body.kind,
                label: &body.label,
                settings: &body.settings,
                secret: &secret,
            };
            source::insert(tx, &new, scope.now)?;
            let source = find(tx, &id, &scope.principal)?;
            let opened = OpenedSource { source: view(&source, scope.now), secret: shown.clone() };
            Ok((StatusCode::CREATED, opened))
        })
        .await
}

/// A source that this principal may see.
fn find(tx: &mut dyn Tx, id: &str, principal: &Principal) -> Result<Source, Problem> {
    let unknown = || Problem::unknown("intake source", id);
    let source = source::find(tx, id)?.ok_or_else(unknown)?;
    // Another merchant's source is none for this one.
    principal.require_merchant(source.shop.merchant.as_str()).map_err(|_| unknown())?;
    Ok(source)
}

/// Sources, by id. Operators, and merchants their own.
#[utoipa::path(get, path = "/v1/intake-sources", params(Which), responses((status = 200, body = Page<SourceView>)))]
async fn list(
    State(core): State<Core>,
    _: Only<Merchants>,
    principal: Principal,
    Params(which): Params<Which>,
) -> Result<Json<Page<SourceView>>, Problem> {
    let merchant = match (principal.role, which.merchant) {
        (Role::Merchant, None) => principal.subject.clone(),
        (_, Some(merchant)) => {
            principal.require_merchant(&merchant)?;
            Some(merchant)
        }
        (_, None) => None,
    };
    let (page, Cursor(after)) = PageParams { limit: which.limit, cursor: which.cursor }.begin()?;
    let now = core.now();
    let sources =
        core.store().read(move |tx| source::list(tx, merchant.as_deref(), &after, page.rows())).await?;
    let views = sources.iter().map(|source| view(source, now)).collect();
    Ok(Json(page.cut(views, |source: &SourceView| source.id.clone())))
}

/// One source. Operators, and its merchant.
#[utoipa::path(
    get, path = "/v1/intake-sources/{id}", params(("id" = String, Path)),
    responses((status = 200, body = SourceView))
)]
async fn show(
    State(core): State<Core>,
    _: Only<Merchants>,
    principal: Principal,
    PathId(id): PathId<String>,
) -> Result<Json<SourceView>, Problem> {
    let now = core.now();
    core.store().read(move |tx| Ok(view(&find(tx, &id, &principal)?, now))).await.map(Json)
}

/// Closes a source: nothing more is taken from it. What it sent stays. Operators, and its merchant.
#[utoipa::path(
    delete, path = "/v1/intake-sources/{id}", params(("id" = String, Path)),
    request_body = Nothing,
    responses((status = 200, body = SourceView))
)]
async fn remove(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<String>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    write
        .scope
        .run(&core, move |tx, scope| {
            let source = find(tx, &id, &scope.principal)?;
            source::remove(tx, &id, scope.now)?;
            Ok((StatusCode::OK, view(&source, scope.now)))
        })
        .await
}

/// Gives a source a new secret. The one before stays good for the overlap, so that no notification is lost meanwhile.
/// Operators, and its merchant.
#[utoipa::path(
    post, path = "/v1/intake-sources/{id}/rotate", params(("id" = String, Path)), request_body = Rotation,
    responses((status = 200, body = OpenedSource))
)]
async fn rotate(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<String>,
    write: Write<Rotation>,
) -> Result<Response, Problem> {
    let Rotation { secret: given, overlap_seconds } = write.body;
    let until = good_until(overlap_seconds, write.scope.now)?;
    write
        .scope
        .without_key()
        .run(&core, move |tx, scope| {
            let kind = find(tx, &id, &scope.principal)?.kind;
            let (secret, shown) = secret(kind, given.as_deref())?;
            source::rotate(tx, &id, &secret, until)?;
            let source = find(tx, &id, &scope.principal)?;
            Ok((StatusCode::OK, OpenedSource { source: view(&source, scope.now), secret: shown }))
        })
        .await
}

/// What came from a source in the last 30 days, the newest first. Operators, and its merchant.
#[utoipa::path(
    get, path = "/v1/intake-sources/{id}/deliveries", params(("id" = String, Path), PageParams),
    responses((status = 200, body = Page<DeliveryView>))
)]
async fn deliveries(
    State(core): State<Core>,
    _: Only<Merchants>,
    principal: Principal,
    PathId(id): PathId<String>,
    Params(page): Params<PageParams>,
) -> Result<Json<Page<DeliveryView>>, Problem> {
    let (page, after) = page.begin()?;
    let before = after.number_and_texts()?;
    let views = core
        .store()
        .read(move |tx| {
            find(tx, &id, &principal)?;
            Ok::<_, Problem>(delivery::list(tx, &id, before.as_ref(), page.rows())?)
        })
        .await?;
    Ok(Json(page.cut(views, DeliveryView::key)))
}
