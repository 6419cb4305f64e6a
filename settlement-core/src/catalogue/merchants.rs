//! Platforms and merchants (店铺).

use super::app_page::{AppPageBody, stored};
use super::feed::Numbers;
use super::targets::{self, NewTarget};
use super::{checked_name, said};
use crate::api::{ApiTime, Merchants, Only, Operators, PathId, Problem, Write, WriteScope, all_of, verdict};
use crate::destination::{checked, checked_host, checked_param};
use crate::earlier::{self, Fact};
use crate::library_marks;
use crate::store::{Row, StoreError, Tx};
use crate::wake;
use crate::{Core, CoreConfig, params};
use attribution_core::catalogue::CLICK_PARAM;
use attribution_core::ids::{MerchantId, PlatformId};
use attribution_core::time::Instant;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Hosts a merchant may list.
const HOSTS_MAX: usize = 100;

/// A merchant as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Merchant {
    pub(super) id: String,
    pub(super) platform: String,
    name: String,
    pub(super) hosts: Vec<String>,
    pub(super) shop_url: Option<String>,
    pub(super) click_param: String,
    /// The page in between, as JSON.
    pub(super) app_page: Option<String>,
    history_known_from: Option<Instant>,
}

impl Merchant {
    /// The columns of [`read`](Self::read).
    pub(super) const COLUMNS: &'static str =
        "SELECT id, platform, name, hosts, shop_url, click_param, app_page, history_known_ms FROM merchants";

    pub(super) fn read(row: &Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.text(0)?.to_owned(),
            platform: row.text(1)?.to_owned(),
            name: row.text(2)?.to_owned(),
            hosts: serde_json::from_str(row.text(3)?).map_err(StoreError::corrupt("hosts of a merchant"))?,
            shop_url: row.opt_text(4)?.map(str::to_owned),
            click_param: row.text(5)?.to_owned(),
            app_page: row.opt_text(6)?.map(str::to_owned),
            history_known_from: row.opt_instant(7)?,
        })
    }

    /// As the API shows it.
    pub(super) fn view(self) -> Result<MerchantView, StoreError> {
        Ok(MerchantView {
            app_page: stored(self.app_page.as_deref())?.map(Into::into),
            id: self.id,
            platform: self.platform,
            name: self.name,
            hosts: self.hosts,
            shop_url: self.shop_url,
            click_param: self.click_param,
            history_known_from: self.history_known_from,
        })
    }
}

/// Finds a merchant.
pub(super) fn find(tx: &mut dyn Tx, id: &MerchantId) -> Result<Option<Merchant>, StoreError> {
    let row = tx.query_opt(&format!("{} WHERE id = $1", Merchant::COLUMNS), params![id])?;
    row.as_ref().map(Merchant::read).transpose()
}

/// A merchant to make or change. What is absent stays as it is; `null` takes it away, or back to its default.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PutMerchant {
    /// The platform that owns the merchant; made if it is new.
    #[schema(value_type = String)]
    platform: PlatformId,
    /// The shop's name.
    name: String,
    /// Hosts its destinations may have (each with its subdomains); none means any public host.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Vec<String>>)]
    hosts: Option<Option<Vec<String>>>,
    /// The shop's own page, for links to the whole shop.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    shop_url: Option<Option<String>>,
    /// The query parameter that carries the click token; `yk_click` by default.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    click_param: Option<Option<String>>,
    /// For pages that some browsers cannot simply be sent to. `{}` ends it as well.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<AppPageBody>)]
    app_page: Option<Option<AppPageBody>>,
    /// The shop vouches that for orders placed from here on, all earlier orders of their buyers at the shop are known
    /// here. Of others a buyer without a known success counts as new and is flagged `history_unknown`.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<ApiTime>)]
    history_known_from: Option<Option<ApiTime>>,
}

impl PutMerchant {
    /// The merchant as it will be, once everything is known to fit.
    fn laid_over(
        &self,
        id: &MerchantId,
        before: Option<&Merchant>,
        config: &CoreConfig,
    ) -> Result<Merchant, Problem> {
        let hosts = match &self.hosts {
            Some(said) => checked_hosts(said.as_deref().unwrap_or_default()),
            None => Ok(before.map_or_else(Vec::new, |old| old.hosts.clone())),
        };
        let shop_url = match &self.shop_url {
            Some(said) => said.clone(),
            None => before.and_then(|old| old.shop_url.clone()),
        };
        // Whether it is at one of the hosts is asked once these are good.
        let at_hosts = hosts.as_deref().unwrap_or_default();
        let shop_url = shop_url.map(|url| checked("shop_url", &url, at_hosts, config)).transpose();
        let click_param = match &self.click_param {
            Some(said) => said.clone(),
            None => before.map(|old| old.click_param.clone()),
        };
        let click_param = click_param.unwrap_or_else(|| CLICK_PARAM.to_owned());
        let app_page = match self.app_page.clone() {
            Some(said) => {
                let page = said.map(AppPageBody::checked).transpose().map(Option::flatten);
                page.map(|page| page.map(|page| serde_json::json!(page).to_string()))
            }
            None => Ok(before.and_then(|old| old.app_page.clone())),
        };
        all_of([
            checked_name("name", &self.name),
            verdict(&hosts),
            verdict(&shop_url),
            checked_param("click_param", &click_param),
            verdict(&app_page),
        ])?;
        let (hosts, shop_url, app_page) = (hosts?, shop_url?, app_page?);
        let history_known_from = match self.history_known_from {
            Some(said) => said.map(ApiTime::instant),
            None => before.and_then(|old| old.history_known_from),
        };
        Ok(Merchant {
            id: id.to_string(),
            platform: self.platform.to_string(),
            name: self.name.clone(),
            hosts,
            shop_url,
            click_param,
            app_page,
            history_known_from,
        })
    }
}

fn checked_hosts(hosts: &[String]) -> Result<Vec<String>, Problem> {
    if hosts.len() > HOSTS_MAX {
        return Err(Problem::invalid("hosts", format!("at most {HOSTS_MAX} hosts are allowed")));
    }
    hosts.iter().map(|host| checked_host("hosts", host)).collect()
}

/// A merchant as the API shows it.
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
    let Write { body, scope } = write;
    scope.principal.require_merchant(id.as_str())?;
    let config = core.config().clone();
    scope.run_changing(&core, move |tx, scope| put(tx, scope, &id, &body, &config)).await
}

/// Makes or changes the merchant and the target of its shop, and tells of it all that depends on it.
fn put(
    tx: &mut dyn Tx,
    scope: &WriteScope,
    id: &MerchantId,
    body: &PutMerchant,
    config: &CoreConfig,
) -> Result<(StatusCode, MerchantView), Problem> {
    let mut numbers = Numbers::take(tx, 1)?;
    let before = find(tx, id)?;
    match &before {
        None => scope.principal.require_operator()?,
        Some(old) if old.platform != body.platform.as_str() => {
            return Err(Problem::conflict(
                "platform_mismatch",
                format!("merchant {id} belongs to platform {}", old.platform),
            ));
        }
        Some(_) => {}
    }
    let new = body.laid_over(id, before.as_ref(), config)?;
    write_rows(tx, &new, scope.now)?;
    if let Some(url) = &new.shop_url {
        targets::put(tx, &shop_target(&new, url), &mut numbers, scope.now)?;
    }
    numbers.give_back(tx)?;
    if let Some(old) = &before {
        if old.history_known_from != new.history_known_from {
            earlier::keep(tx, Fact::HistoryKnown(id), &old.history_known_from, scope.now)?;
            wake::merchant(tx, id)?;
        }
        if old.name != new.name {
            library_marks::merchant(tx, id.as_str())?;
        }
        if old.click_param != new.click_param || old.app_page != new.app_page {
            targets::set_for_merchant(tx, id.as_str(), &new.click_param, new.app_page.as_deref(), scope.now)?;
        }
    }
    Ok((if before.is_some() { StatusCode::OK } else { StatusCode::CREATED }, new.view()?))
}

/// The target of the merchant's shop.
fn shop_target<'a>(merchant: &'a Merchant, url: &'a str) -> NewTarget<'a> {
    NewTarget {
        kind: "shop",
        id: &merchant.id,
        merchant: &merchant.id,
        title: &merchant.name,
        destination: url,
        price_fen: None,
        category: None,
        pass_query: false,
        click_param: &merchant.click_param,
        image_url: None,
        app_page: merchant.app_page.as_deref(),
    }
}

/// The merchant's own row, and its platform's if that is new.
fn write_rows(tx: &mut dyn Tx, merchant: &Merchant, now: Instant) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO platforms (id, name, created_at, updated_at) VALUES ($1, $1, $2, $2) \
         ON CONFLICT (id) DO NOTHING",
        params![&merchant.platform, now],
    )?;
    let hosts = serde_json::json!(merchant.hosts).to_string();
    tx.execute(
        "INSERT INTO merchants (id, platform, name, hosts, shop_url, click_param, app_page, history_known_ms, created_at, \
         updated_at) VALUES ($1, $2, $3, $4, $5, $6, $8, $9, $7, $7) \
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, hosts = excluded.hosts, \
         shop_url = excluded.shop_url, click_param = excluded.click_param, app_page = excluded.app_page, \
         history_known_ms = excluded.history_known_ms, updated_at = excluded.updated_at",
        params![
            &merchant.id,
            &merchant.platform,
            &merchant.name,
            &hosts,
            merchant.shop_url.as_ref(),
            &merchant.click_param,
            now,
            merchant.app_page.as_ref(),
            merchant.history_known_from
        ],
    )?;
    Ok(())
}
