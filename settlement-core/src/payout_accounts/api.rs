//! `/v1/promoters/{id}/payout-account` and `/v1/agencies/{id}/payout-account`: where a payee's money goes.

use super::bindings::{AccountKind, PayoutAccount, bind, history, unbind};
use crate::Core;
use crate::api::{
    Agencies, ApiTime, Only, PathId, Principal, Problem, PromotersAlone, Role, Write, all_of, check_filled,
};
use crate::ledger::account::owner_of;
use crate::params;
use crate::store::Tx;
use attribution_core::commission::Payee;
use attribution_core::ids::{AgencyId, PromoterId};
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes of an account or a name at most.
const TEXT_MAX: usize = 200;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .routes(routes!(promoter_accounts, put_promoter_account))
        .routes(routes!(unbind_promoter_account))
        .routes(routes!(agency_accounts, put_agency_account))
}

/// An account to bind.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BindAccount {
    /// What kind. Agencies need `company_alipay`.
    kind: AccountKind,
    /// Its number or login.
    account: String,
    /// In whose name it is.
    holder: String,
    /// The holder's real name is verified. Only operators say so.
    #[serde(default)]
    verified: Option<bool>,
    /// Bound from here on; now if absent. Only operators name a time.
    #[serde(default)]
    from: Option<ApiTime>,
}

/// When a binding ends.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Unbind {
    /// Now if absent. Only operators name a time.
    at: Option<ApiTime>,
}

/// An account that is or was bound.
#[derive(Debug, Serialize, ToSchema)]
struct PayoutAccountView {
    kind: AccountKind,
    /// Its last four characters, or of an e-mail address the first one and the host; the others hidden.
    account: String,
    holder: String,
    verified: bool,
    /// UTC milliseconds.
    from: i64,
    /// UTC milliseconds; absent while it is bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<i64>,
    /// Why it was refused, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<String>,
}

/// A payee's accounts.
#[derive(Debug, Serialize, ToSchema)]
struct Accounts {
    /// `promoter/ID` or `agency/ID`.
    payee: String,
    /// Newest first.
    accounts: Vec<PayoutAccountView>,
}

/// Its last four characters, or of an e-mail address the first one and the host, which many share; the others hidden.
#[must_use]
pub fn hidden(account: &str) -> String {
    let (name, host) = account.split_at(account.rfind('@').unwrap_or(account.len()));
    let all = name.chars().count();
    let shown = |at: usize| if host.is_empty() { at + 4 >= all } else { at == 0 && all > 1 };
    name.chars().enumerate().map(|(at, c)| if shown(at) { c } else { '*' }).chain(host.chars()).collect()
}

fn view(tx: &mut dyn Tx, payee: String) -> Result<Accounts, Problem> {
    let accounts = history(tx, &payee)?
        .into_iter()
        .map(|account| PayoutAccountView {
            kind: account.kind,
            account: hidden(&account.account),
            holder: account.holder,
            verified: account.verified.is_some(),
            from: account.from.millis(),
            to: account.to.map(Instant::millis),
            refusal: account.refusal,
        })
        .collect();
    Ok(Accounts { payee, accounts })
}

fn exists(tx: &mut dyn Tx, promoter: &PromoterId) -> Result<(), Problem> {
    tx.query_opt("SELECT 1 FROM promoters WHERE id = $1", params![promoter])?
        .map(|_| ())
        .ok_or_else(|| Problem::unknown("promoter", promoter))
}

/// Refuses an agency that no promoter has and no money belongs to: it is a slip of the pen.
///
/// # Errors
/// 404, or if the store fails.
pub(crate) fn refuse_unknown_agency(tx: &mut dyn Tx, agency: &str) -> Result<(), Problem> {
    let found = tx.query_opt(
        "SELECT 1 FROM promoters WHERE agency = $1 UNION ALL SELECT 1 FROM ledger_entries \
         WHERE account IN ('earned', 'available', 'clearing') AND owner = $2 LIMIT 1",
        params![agency, &format!("agency/{agency}")],
    )?;
    found.map(drop).ok_or_else(|| Problem::unknown("agency", agency))
}

/// Operators, and the agency itself.
pub(crate) fn require_agency(principal: &Principal, agency: &AgencyId) -> Result<(), Problem> {
    if principal.role == Role::Agency && principal.subject.as_deref() == Some(agency.as_str()) {
        return Ok(());
    }
    principal.require_operator()
}

fn checked(body: &BindAccount, principal: &Principal, now: Instant) -> Result<PayoutAccount, Problem> {
    let texts = [("account", &body.account), ("holder", &body.holder)];
    all_of(texts.map(|(field, text)| check_filled(field, text, TEXT_MAX)))?;
    let operator = principal.require_operator().is_ok();
    if !operator && (body.from.is_some() || body.verified == Some(true)) {
        return Err(Problem::forbidden("only operators verify an account or date its binding"));
    }
    let from = body.from.map_or(now, ApiTime::instant);
    let verified = body.verified.unwrap_or(operator).then_some(from);
    Ok(PayoutAccount {
        kind: body.kind,
        account: body.account.clone(),
        holder: body.holder.clone(),
        verified,
        from,
        to: None,
        refusal: None,
    })
}

/// Binds an account instead of the one before. Operators, and the promoter.
#[utoipa::path(
    put, path = "/v1/promoters/{id}/payout-account", params(("id" = String, Path)),
    request_body = BindAccount, responses((status = 200, body = Accounts))
)]
async fn put_promoter_account(
    State(core): State<Core>,
    _: Only<PromotersAlone>,
    PathId(promoter): PathId<PromoterId>,
    write: Write<BindAccount>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    // An agency may not say where its promoters' money goes.
    scope.principal.require_promoter(promoter.as_str())?;
    let account = checked(&body, &scope.principal, scope.now)?;
    scope
        .run(&core, move |tx, scope| {
            exists(tx, &promoter)?;
            let payee = owner_of(&Payee::Promoter(promoter.clone()));
            bind(tx, &payee, &account, scope.now)?;
            Ok((StatusCode::OK, view(tx, payee)?))
        })
        .await
}

/// No account is bound any more. Operators, and the promoter.
#[utoipa::path(
    post, path = "/v1/promoters/{id}/payout-account/unbind", params(("id" = String, Path)),
    request_body = Unbind, responses((status = 200, body = Accounts))
)]
async fn unbind_promoter_account(
    State(core): State<Core>,
    _: Only<PromotersAlone>,
    PathId(promoter): PathId<PromoterId>,
    write: Write<Unbind>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    scope.principal.require_promoter(promoter.as_str())?;
    if body.at.is_some() {
        scope.principal.require_operator()?;
    }
    scope
        .run(&core, move |tx, scope| {
            exists(tx, &promoter)?;
            let payee = owner_of(&Payee::Promoter(promoter.clone()));
            unbind(tx, &payee, body.at.map_or(scope.now, ApiTime::instant), scope.now)?;
            Ok((StatusCode::OK, view(tx, payee)?))
        })
        .await
}

/// A promoter's accounts, with those bound before. Operators, and the promoter.
#[utoipa::path(
    get, path = "/v1/promoters/{id}/payout-account", params(("id" = String, Path)),
    responses((status = 200, body = Accounts))
)]
async fn promoter_accounts(
    State(core): State<Core>,
    principal: Principal,
    PathId(promoter): PathId<PromoterId>,
) -> Result<Json<Accounts>, Problem> {
    principal.require_promoter(promoter.as_str())?;
    core.store()
        .read(move |tx| {
            exists(tx, &promoter)?;
            view(tx, owner_of(&Payee::Promoter(promoter.clone())))
        })
        .await
        .map(Json)
}

/// Binds an agency's account, which must be a company's. Operators, and the agency.
#[utoipa::path(
    put, path = "/v1/agencies/{id}/payout-account", params(("id" = String, Path)),
    request_body = BindAccount, responses((status = 200, body = Accounts))
)]
async fn put_agency_account(
    State(core): State<Core>,
    _: Only<Agencies>,
    PathId(agency): PathId<AgencyId>,
    write: Write<BindAccount>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    require_agency(&scope.principal, &agency)?;
    if body.kind != AccountKind::CompanyAlipay {
        return Err(Problem::invalid("kind", "an agency needs a company's account (company_alipay)"));
    }
    let account = checked(&body, &scope.principal, scope.now)?;
    scope
        .run(&core, move |tx, scope| {
            refuse_unknown_agency(tx, agency.as_str())?;
            let payee = owner_of(&Payee::Agency(agency.clone()));
            bind(tx, &payee, &account, scope.now)?;
            Ok((StatusCode::OK, view(tx, payee)?))
        })
        .await
}

/// An agency's accounts, with those bound before. Operators, and the agency.
#[utoipa::path(
    get, path = "/v1/agencies/{id}/payout-account", params(("id" = String, Path)),
    responses((status = 200, body = Accounts))
)]
async fn agency_accounts(
    State(core): State<Core>,
    principal: Principal,
    PathId(agency): PathId<AgencyId>,
) -> Result<Json<Accounts>, Problem> {
    require_agency(&principal, &agency)?;
    core.store()
        .read(move |tx| {
            refuse_unknown_agency(tx, agency.as_str())?;
            view(tx, owner_of(&Payee::Agency(agency.clone())))
        })
        .await
        .map(Json)
}
