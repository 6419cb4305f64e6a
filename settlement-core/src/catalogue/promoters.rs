//! Promoters (推客, 分销客, 销售员, 达人): their agency, their own accounts as buyers, and whether they may earn.

use super::feed::Numbers;
use super::periods::{self, State};
use super::{checked_name, next_num, said};
use crate::api::{ApiTime, Only, Operators, PathId, Problem, Promoters, Write};
use crate::attribution::{Contract, contracts, own_numbers};
use crate::earlier::{self, Fact};
use crate::notices::write::{Kind, News, tell};
use crate::store::{Row, StoreError, Tx, read};
use crate::wake;
use crate::{Core, holder_marks, params};
use attribution_core::ids::{AgencyId, BuyerId, PlatformId, PromoterId};
use attribution_core::time::Instant;
use axum::extract::State as Shared;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A buyer account on a platform.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    /// The platform.
    #[schema(value_type = String)]
    platform: PlatformId,
    /// The buyer's id there.
    #[schema(value_type = String)]
    buyer: BuyerId,
}

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
                set_contract(tx, num, before.as_ref(), agency, body.agency_from.map(ApiTime::instant), scope.now)?;
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

/// Dates the contract with the agency; what was in force before stays on record.
fn set_contract(
    tx: &mut dyn Tx,
    num: i64,
    promoter: Option<&Promoter>,
    is: Option<&str>,
    from: Option<Instant>,
    now: Instant,
) -> Result<(), Problem> {
    let was = promoter.and_then(|promoter| promoter.agency.as_deref());
    if was == is && from.is_none() {
        return Ok(());
    }
    let from = from.unwrap_or(if was.is_none() { Instant(0) } else { now });
    let before = contracts(tx, num)?;
    earlier::keep(tx, Fact::Contracts(num), &before, now)?;
    // A contract that goes on with the same agency is dated anew: what it covered before that is covered no more.
    let dated_anew = before.iter().filter(|contract| is.is_some_and(|is| contract.is_running_with(is)));
    let changed_from = dated_anew.map(Contract::from).fold(from, Instant::min);
    tx.execute(
        "DELETE FROM agency_contracts WHERE promoter = $1 AND (from_ms >= $2 OR (agency = $3 AND to_ms IS NULL))",
        params![num, from, is.unwrap_or_default()],
    )?;
    tx.execute(
        "UPDATE agency_contracts SET to_ms = $2 WHERE promoter = $1 AND (to_ms IS NULL OR to_ms > $2)",
        params![num, from],
    )?;
    if let Some(agency) = is {
        tx.execute(
            "INSERT INTO agency_contracts (promoter, from_ms, to_ms, agency, recorded_ms) \
             VALUES ($1, $2, NULL, $3, $4)",
            params![num, from, agency, now],
        )?;
    }
    // What was held because the agency could not be named is final, and follows too.
    if before.iter().any(Contract::is_unnamed) {
        wake::promoter(tx, num, changed_from)?;
    }
    // The split of open orders follows; one who is new has none.
    if promoter.is_some() && changed_from < now {
        wake::since(tx, changed_from)?;
    }
    Ok(())
}

/// The promoter's own buyer accounts.
pub(super) fn accounts_of(tx: &mut dyn Tx, num: i64) -> Result<BTreeSet<Account>, StoreError> {
    let rows = tx.query("SELECT platform, buyer FROM promoter_accounts WHERE promoter = $1", params![num])?;
    let account = |row: &Row| {
        let (platform, buyer) = (read("platform id", row.text(0)?)?, read("buyer id", row.text(1)?)?);
        Ok(Account { platform, buyer })
    };
    rows.iter().map(account).collect()
}

fn set_accounts(tx: &mut dyn Tx, num: i64, accounts: &[Account], now: Instant) -> Result<(), Problem> {
    let own = accounts_of(tx, num)?;
    let wanted: BTreeSet<Account> = accounts.iter().cloned().collect();
    if own != wanted {
        wake::catalogue_changed(tx)?;
    }
    for Account { platform, buyer } in own.symmetric_difference(&wanted) {
        holder_marks::buyer(tx, platform, buyer, now)?;
        let before = own_numbers(tx, platform, buyer.as_str())?;
        earlier::keep(tx, Fact::Accounts { platform, buyer: buyer.as_str() }, &before, now)?;
        // Whether they bought from themselves is asked anew as long as an order is open.
        wake::buyer(tx, platform, buyer, Instant(0))?;
    }
    tx.execute("DELETE FROM promoter_accounts WHERE promoter = $1", params![num])?;
    for account in accounts {
        tx.query_opt("SELECT 1 FROM platforms WHERE id = $1", params![&account.platform])?
            .ok_or_else(|| Problem::unknown("platform", &account.platform))?;
        tx.execute(
            "INSERT INTO promoter_accounts (platform, buyer, promoter) VALUES ($1, $2, $3) \
             ON CONFLICT (platform, buyer, promoter) DO NOTHING",
            params![&account.platform, &account.buyer, num],
        )?;
    }
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
