//! Promoters (推客, 分销客, 销售员, 达人): their agency, their own accounts as buyers, and whether they may earn.

use super::contracts;
use super::feed::Numbers;
use super::own_accounts::{Account, set_accounts};
use super::periods::{self, State};
use super::{checked_name, next_num, said};
use crate::api::{ApiTime, Only, Operators, PathId, Problem, Promoters, Write};
use crate::notices::write::{Kind, News, tell};
use crate::store::{StoreError, Tx};
use crate::{Core, params};
use attribution_core::ids::{AgencyId, PromoterId};
use attribution_core::time::Instant;
use axum::extract::State as Shared;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A promoter to make or change.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PutPromoter {
    /// The name.
    name: String,
    /// The agency (机构). Absent, it stays as it is; `null` takes the promoter out of it.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    agency: Option<Option<AgencyId>>,
    /// From when on the agency's contract counts. If absent: always, for a promoter who had no
    /// agency; from now on, for one who changes it.
    #[serde(default)]
    agency_from: Option<ApiTime>,
    /// The promoter's own buyer accounts, by which self-purchases are known. Replaces those given before; absent, they
    /// stay as they are; `null` takes them away.
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Vec<Account>>)]
    accounts: Option<Option<Vec<Account>>>,
}

/// A promoter as stored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct PromoterView {
    id: String,
    num: i64,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    agency: Option<String>,
    /// Disabled from here on, UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_from: Option<i64>,
}

/// When a change of state begins.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct From {
    /// Now unless given.
    at: Option<ApiTime>,
}

/// A promoter as other rows need it.
pub(super) struct Promoter {
    pub(super) num: i64,
    pub(super) agency: Option<String>,
    pub(super) disabled_from: Option<Instant>,
}

pub(super) fn find(tx: &mut dyn Tx, id: &PromoterId) -> Result<Option<Promoter>, StoreError> {
    let row = tx.query_opt("SELECT num, agency, disabled_from FROM promoters WHERE id = $1", params![id])?;
    row.map(|row| {
        Ok(Promoter {
            num: row.int(0)?,
            agency: row.opt_text(1)?.map(str::to_owned),
            disabled_from: row.opt_instant(2)?,
        })
    })
    .transpose()
}

fn view(tx: &mut dyn Tx, id: &PromoterId) -> Result<PromoterView, StoreError> {
    let row =
        tx.query_one("SELECT num, name, agency, disabled_from FROM promoters WHERE id = $1", params![id])?;
    Ok(PromoterView {
        id: id.to_string(),
        num: row.int(0)?,
        name: row.text(1)?.to_owned(),
        agency: row.opt_text(2)?.map(str::to_owned),
        disabled_from: row.opt_int(3)?,
    })
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(put_promoter)).routes(routes!(disable)).routes(routes!(enable))
}

/// Makes a promoter or changes them. Operators, and the promoter's own or agency's token once they exist.
#[utoipa::path(
    put, path = "/v1/promoters/{id}", params(("id" = String, Path)),
    request_body(content = PutPromoter, example = json!({"name": "莉莉"})),
    responses((status = 200, body = PromoterView), (status = 201, body = PromoterView))
)]
async fn put_promoter(
    Shared(core): Shared<Core>,
    _: Only<Promoters>,
    PathId(id): PathId<PromoterId>,
    write: Write<PutPromoter>,
) -> Result<Response, Problem> {
    let body = write.body;
    checked_name("name", &body.name)?;
    write
        .scope
        .run_changing(&core, move |tx, scope| {
            let mut numbers = Numbers::take(tx, 1)?;
            let before = find(tx, &id)?;
            let agency_before = before.as_ref().and_then(|old| old.agency.as_deref());
            let agency = match &body.agency {
                Some(said) => said.as_ref().map(AgencyId::as_str),
                None => agency_before,
            };
            let operator = scope.principal.require_operator();
            if let (Some(old), true) = (&before, operator.is_err()) {
                scope.principal.require_promoter_of(id.as_str(), old.agency.as_deref())?;
                if agency_before != agency || body.agency_from.is_some() || body.accounts.is_some() {
                    return Err(Problem::forbidden("only operators change a promoter's agency and accounts"));
                }
            } else {
                operator?;
            }
            let num = match &before {
                Some(old) => old.num,
                None => next_num(tx, "promoter")?,
            };
            tx.execute(
                "INSERT INTO promoters (num, id, name, agency, created_at, updated_at, change_no, changed_at) \
                 VALUES ($1, $2, $3, $4, $5, $5, $6, $5) \
                 ON CONFLICT (num) DO UPDATE SET name = excluded.name, agency = excluded.agency, \
                 updated_at = excluded.updated_at, change_no = excluded.change_no, changed_at = excluded.changed_at",
                params![num, &id, &body.name, agency, scope.now, numbers.next()],
            )?;
            if scope.principal.require_operator().is_ok() {
                if let Some(accounts) = &body.accounts {
                    set_accounts(tx, num, accounts.as_deref().unwrap_or_default(), scope.now)?;
                }
                let from = body.agency_from.map(ApiTime::instant);
                contracts::set(tx, num, before.is_none(), (agency_before, agency), from, scope.now)?;
            }
            let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
            Ok((status, view(tx, &id)?))
        })
        .await
}

/// Makes a promoter who signed up: nobody's, without accounts of their own as a buyer.
pub(crate) fn new_promoter(
    tx: &mut dyn Tx,
    id: &PromoterId,
    name: &str,
    now: Instant,
) -> Result<(), StoreError> {
    let mut numbers = Numbers::take(tx, 1)?;
    let num = next_num(tx, "promoter")?;
    tx.execute(
        "INSERT INTO promoters (num, id, name, created_at, updated_at, change_no, changed_at) \
         VALUES ($1, $2, $3, $4, $4, $5, $4)",
        params![num, id, name, now, numbers.next()],
    )?;
    Ok(())
}

/// From here on the promoter's links lead on but do not earn. Operators.
#[utoipa::path(
    post, path = "/v1/promoters/{id}/disable", params(("id" = String, Path)),
    request_body = From, responses((status = 200, body = PromoterView))
)]
async fn disable(
    Shared(core): Shared<Core>,
    _: Only<Operators>,
    PathId(id): PathId<PromoterId>,
    write: Write<From>,
) -> Result<Response, Problem> {
    change_state(core, id, write, true).await
}

/// The promoter's links earn again. Operators.
#[utoipa::path(
    post, path = "/v1/promoters/{id}/enable", params(("id" = String, Path)),
    request_body = From, responses((status = 200, body = PromoterView))
)]
async fn enable(
    Shared(core): Shared<Core>,
    _: Only<Operators>,
    PathId(id): PathId<PromoterId>,
    write: Write<From>,
) -> Result<Response, Problem> {
    change_state(core, id, write, false).await
}

async fn change_state(
    core: Core,
    id: PromoterId,
    write: Write<From>,
    begins: bool,
) -> Result<Response, Problem> {
    write.scope.principal.require_operator()?;
    let at = write.body.at.map_or(write.scope.now, ApiTime::instant);
    if !begins && at > write.scope.now {
        return Err(Problem::invalid("at", "the end of a suspension cannot lie in the future"));
    }
    write
        .scope
        .run_changing(&core, move |tx, scope| {
            let mut numbers = Numbers::take(tx, 1)?;
            let promoter = find(tx, &id)?.ok_or_else(|| Problem::unknown("promoter", &id))?;
            let state = State { kind: "promoter", num: promoter.num, what: "disabled", scope: 0 };
            let from = begins.then_some(at);
            let holds = promoter.disabled_from.is_some_and(|began| from.is_some_and(|from| began <= from));
            if !holds && (promoter.disabled_from.is_some() || from.is_some()) {
                let kind = match from {
                    Some(from) => {
                        periods::open(tx, state, from, scope.now)?;
                        Kind::PromoterDisabled
                    }
                    None => {
                        periods::close(tx, state, at, scope.now)?;
                        Kind::PromoterEnabled
                    }
                };
                let news = News::new(kind, id.as_str(), "").beginning(at);
                tell(tx, promoter.num, news, scope.now)?;
                tx.execute(
                    "UPDATE promoters SET disabled_from = $2, updated_at = $3, change_no = $4, changed_at = $3 \
                     WHERE num = $1",
                    params![promoter.num, from, scope.now, numbers.next()],
                )?;
            }
            numbers.give_back(tx)?;
            Ok((StatusCode::OK, view(tx, &id)?))
        })
        .await
}
