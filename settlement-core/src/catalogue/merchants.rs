//! Platforms and merchants (店铺).

use super::app_page::{AppPageBody, stored};
use super::checked_name;
use super::destination::{checked, checked_host, checked_param};
use super::feed::Numbers;
use super::targets::{self, NewTarget};
use crate::api::{ApiTime, Merchants, Only, Operators, PathId, Problem, Write, WriteScope};
use crate::earlier::{self, Fact};
use crate::library::marks;
use crate::orders::wake;
use crate::store::{Row, StoreError, Tx};
use crate::{Core, CoreConfig, params};
use attribution_core::app_page::AppPage;
use attribution_core::catalogue::CLICK_PARAM;
use attribution_core::ids::{MerchantId, PlatformId};
use attribution_core::time::Instant;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Hosts a merchant may list.
const HOSTS_MAX: usize = 100;

/// A merchant as other files need it.
#[derive(Debug, Clone)]
pub(super) struct Merchant {
    pub(super) id: String,
    pub(super) platform: String,
    name: String,
    pub(super) hosts: Vec<String>,
    pub(super) click_param: String,
    /// The page in between, as JSON.
    pub(super) app_page: Option<String>,
    history_known_from: Option<Instant>,
}

/// Finds a merchant.
pub(super) fn find(tx: &mut dyn Tx, id: &MerchantId) -> Result<Option<Merchant>, StoreError> {
    let row = tx.query_opt(
        "SELECT id, platform, hosts, click_param, name, app_page, history_known_ms FROM merchants WHERE id = $1",
        params![id],
    )?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Merchant, StoreError> {
    Ok(Merchant {
        id: row.text(0)?.to_owned(),
        platform: row.text(1)?.to_owned(),
        hosts: serde_json::from_str(row.text(2)?).map_err(StoreError::corrupt("hosts of a merchant"))?,
        click_param: row.text(3)?.to_owned(),
        name: row.text(4)?.to_owned(),
        app_page: row.opt_text(5)?.map(str::to_owned),
        history_known_from: row.opt_instant(6)?,
    })
}

/// A merchant to make or change. What is not given gets its default.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PutMerchant {
    /// The platform that owns the merchant; made if it is new.
    #[schema(value_type = String)]
    platform: PlatformId,
    /// The shop's name.
    name: String,
    /// Hosts its destinations may have (each with its subdomains); none means any public host.
    #[serde(default)]
    hosts: Vec<String>,
    /// The shop's own page, for links to the whole shop.
    shop_url: Option<String>,
    /// The query parameter that carries the click token; `yk_click` unless given.
    click_param: Option<String>,
    /// For pages that some browsers cannot simply be sent to. Absent, it stays as it is; `null` or `{}` ends it.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<AppPageBody>)]
    app_page: Option<Option<AppPageBody>>,
    /// The shop vouches that for orders placed from here on, all earlier orders of their buyers at the shop are known
    /// here. Of others a buyer without a known success counts as new and is flagged `history_unknown`. Absent, it stays as it is;
    /// `null` ends it.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<ApiTime>)]
    history_known_from: Option<Option<ApiTime>>,
}

/// A field that was said, be it `null`.
fn said<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// A merchant as stored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct MerchantView {
    pub(super) id: String,
    pub(super) platform: String,
    pub(super) name: String,
    pub(super) hosts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shop_url: Option<String>,
    pub(super) click_param: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) app_page: Option<AppPageBody>,
    /// Its buyers' history is known for orders placed from here on, UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    pub(super) history_known_from: Option<Instant>,
}

/// A platform to make or change.
#[derive(Debug, Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PutPlatform {
    /// Its name.
    name: String,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(put_platform)).routes(routes!(put_merchant))
}

/// Makes a platform or renames it. Operators.
#[utoipa::path(
    put, path = "/v1/platforms/{id}", params(("id" = String, Path)),
    request_body = PutPlatform, responses((status = 200, body = PutPlatform))
)]
async fn put_platform(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(id): PathId<PlatformId>,
    write: Write<PutPlatform>,
) -> Result<Response, Problem> {
    checked_name("name", &write.body.name)?;
    let body = write.body;
    write
        .scope
        .run(&core, move |tx, scope| {
            tx.execute(
                "INSERT INTO platforms (id, name, created_at, updated_at) VALUES ($1, $2, $3, $3) \
                 ON CONFLICT (id) DO UPDATE SET name = excluded.name, updated_at = excluded.updated_at",
                params![&id, &body.name, scope.now],
            )?;
            Ok((StatusCode::OK, body.clone()))
        })
        .await
}

/// Makes a merchant or changes it. Operators, and the merchant itself once it exists.
#[utoipa::path(
    put, path = "/v1/merchants/{id}", params(("id" = String, Path)),
    request_body(content = PutMerchant, example = json!({
        "platform": "mall", "name": "山里茶行", "hosts": ["shop.example.cn"],
        "app_page": {"ios": "taobao://{address}", "android": "taobao://{address}", "not_in": ["wechat"]}
    })),
    responses((status = 200, body = MerchantView), (status = 201, body = MerchantView))
)]
async fn put_merchant(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<MerchantId>,
    write: Write<PutMerchant>,
) -> Result<Response, Problem> {
    write.scope.principal.require_merchant(id.as_str())?;
    let wanted = Wanted::checked(write.body, core.config())?;
    write.scope.run_changing(&core, move |tx, scope| put(tx, scope, &id, &wanted)).await
}

/// A merchant as it was asked for, once everything is known to fit.
struct Wanted {
    platform: PlatformId,
    name: String,
    hosts: Vec<String>,
    shop_url: Option<String>,
    click_param: String,
    /// `None` if nothing was said of it.
    app_page: Option<Option<AppPage>>,
    /// The same.
    history_known_from: Option<Option<Instant>>,
}

impl Wanted {
    fn checked(body: PutMerchant, config: &CoreConfig) -> Result<Self, Problem> {
        let PutMerchant { platform, name, mut hosts, shop_url, click_param, app_page, history_known_from } =
            body;
        checked_name("name", &name)?;
        if hosts.len() > HOSTS_MAX {
            return Err(Problem::invalid("hosts", format!("at most {HOSTS_MAX} hosts are allowed")));
        }
        for host in &mut hosts {
            *host = checked_host("hosts", host)?;
        }
        let shop_url = shop_url.map(|url| checked("shop_url", &url, &hosts, config)).transpose()?;
        let click_param = click_param.unwrap_or_else(|| CLICK_PARAM.to_owned());
        checked_param("click_param", &click_param)?;
        let app_page = match app_page {
            Some(page) => Some(page.map(AppPageBody::checked).transpose()?.flatten()),
            None => None,
        };
        let history_known_from = history_known_from.map(|from| from.map(ApiTime::instant));
        Ok(Self { platform, name, hosts, shop_url, click_param, app_page, history_known_from })
    }
}

/// Makes or changes the merchant and the target of its shop, and tells of it all that depends on it.
fn put(
    tx: &mut dyn Tx,
    scope: &WriteScope,
    id: &MerchantId,
    wanted: &Wanted,
) -> Result<(StatusCode, MerchantView), Problem> {
    let mut numbers = Numbers::take(tx, 1)?;
    let before = find(tx, id)?;
    match &before {
        None => scope.principal.require_operator()?,
        Some(old) if old.platform != wanted.platform.as_str() => {
            return Err(Problem::conflict(
                "platform_mismatch",
                format!("merchant {id} belongs to platform {}", old.platform),
            ));
        }
        Some(_) => {}
    }
    let Wanted { platform, name, hosts, shop_url, click_param, .. } = wanted;
    // Whoever does not know of the page, such as an import from a table, does not take it away.
    let app_page = match &wanted.app_page {
        Some(page) => page.clone(),
        None => stored(before.as_ref().and_then(|old| old.app_page.as_deref()))?,
    };
    let app_page_text = app_page.as_ref().map(|page| serde_json::json!(page).to_string());
    let known_before = before.as_ref().and_then(|old| old.history_known_from);
    let history_known_from = wanted.history_known_from.unwrap_or(known_before);
    write_rows(tx, id, wanted, app_page_text.as_deref(), history_known_from, scope.now)?;
    if before.is_some() && history_known_from != known_before {
        earlier::keep(tx, Fact::HistoryKnown(id), &known_before, scope.now)?;
        wake::merchant(tx, id)?;
    }
    if let Some(url) = shop_url {
        let shop = shop_target(id, wanted, url, app_page_text.as_deref());
        targets::put(tx, &shop, &mut numbers, scope.now)?;
    }
    numbers.give_back(tx)?;
    if let Some(old) = &before {
        if old.name != *name {
            marks::merchant(tx, id.as_str())?;
        }
        if old.click_param != *click_param || old.app_page != app_page_text {
            targets::set_for_merchant(tx, id.as_str(), click_param, app_page_text.as_deref(), scope.now)?;
        }
    }
    let view = MerchantView {
        id: id.to_string(),
        platform: platform.to_string(),
        name: name.clone(),
        hosts: hosts.clone(),
        shop_url: shop_url.clone(),
        click_param: click_param.clone(),
        app_page: app_page.map(Into::into),
        history_known_from,
    };
    Ok((if before.is_some() { StatusCode::OK } else { StatusCode::CREATED }, view))
}

/// The target of the merchant's shop.
fn shop_target<'a>(
    id: &'a MerchantId,
    wanted: &'a Wanted,
    url: &'a str,
    app_page: Option<&'a str>,
) -> NewTarget<'a> {
    NewTarget {
        kind: "shop",
        id: id.as_str(),
        merchant: id.as_str(),
        title: &wanted.name,
        destination: url,
        price_fen: None,
        category: None,
        pass_query: false,
        click_param: &wanted.click_param,
        image_url: None,
        app_page,
    }
}

/// The merchant's own row, and its platform's if that is new.
fn write_rows(
    tx: &mut dyn Tx,
    id: &MerchantId,
    wanted: &Wanted,
    app_page: Option<&str>,
    history_known_from: Option<Instant>,
    now: Instant,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO platforms (id, name, created_at, updated_at) VALUES ($1, $1, $2, $2) \
         ON CONFLICT (id) DO NOTHING",
        params![&wanted.platform, now],
    )?;
    let hosts = serde_json::json!(wanted.hosts).to_string();
    tx.execute(
        "INSERT INTO merchants (id, platform, name, hosts, shop_url, click_param, app_page, history_known_ms, created_at, \
         updated_at) VALUES ($1, $2, $3, $4, $5, $6, $8, $9, $7, $7) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, hosts = excluded.hosts, \
         shop_url = excluded.shop_url, click_param = excluded.click_param, app_page = excluded.app_page, \
         history_known_ms = excluded.history_known_ms, updated_at = excluded.updated_at",
        params![
            id,
            &wanted.platform,
            &wanted.name,
            &hosts,
            wanted.shop_url.as_ref(),
            &wanted.click_param,
            now,
            app_page,
            history_known_from
        ],
    )?;
    Ok(())
}
