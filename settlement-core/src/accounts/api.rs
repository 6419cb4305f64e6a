//! Accounts in the API: operators make them, reset passwords, disable and enable.

use super::login::Login;
use super::{password, session, settings};
use crate::api::{
    Cursor, Nothing, Only, Operators, Page, PageParams, Params, PathId, Problem, Role, Write, all_of,
    check_subject, refuse_unknown, verdict,
};
use crate::catalogue::like;
use crate::store::{Row, StoreError, Tx};
use crate::{Core, params};
use attribution_core::time::Instant;
use attribution_core::with_causes;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// An account to make.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PostAccount {
    /// What its owner signs in with: a phone number, an e-mail address or a word; letters in either case are the same, and
    /// so are the ways to write a phone number.
    login: String,
    /// At least 8 characters.
    password: String,
    /// What they may do; not `edge`. Only an admin makes admins and operators.
    role: Role,
    /// Whose data: a merchant's, promoter's or agency's id. Not for admin and operator.
    subject: Option<String>,
}

/// A new password.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PutPassword {
    /// At least 8 characters.
    password: String,
}

/// An account as stored; never with its password.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AccountView {
    login: String,
    role: Role,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// UTC milliseconds.
    created_at: i64,
    /// When the password was last set, UTC milliseconds.
    password_at: i64,
    /// It signs nobody in from here on, UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<i64>,
}

/// Whether promoters may sign up by themselves.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SignUpSetting {
    /// Anybody may become a promoter in the console.
    open: bool,
}

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .routes(routes!(list, make))
        .routes(routes!(one))
        .routes(routes!(put_password))
        .routes(routes!(disable))
        .routes(routes!(enable))
        .routes(routes!(get_sign_up, put_sign_up))
}

const COLUMNS: &str = "login, role, subject, created_at, password_at, disabled_at";

fn view(row: &Row) -> Result<AccountView, StoreError> {
    Ok(AccountView {
        login: row.text(0)?.to_owned(),
        role: Role::stored(row.text(1)?)?,
        subject: row.opt_text(2)?.map(str::to_owned),
        created_at: row.int(3)?,
        password_at: row.int(4)?,
        disabled_at: row.opt_int(5)?,
    })
}

/// An account, if the one who asks may change it: only an admin touches admins and operators.
fn changeable(tx: &mut dyn Tx, login: &Login, asks: Role) -> Result<(i64, AccountView), Problem> {
    let row =
        login.find(tx, &format!("{COLUMNS}, num"))?.ok_or_else(|| Problem::unknown("account", login))?;
    let account = view(&row)?;
    refuse_rank(account.role, asks)?;
    Ok((row.int(6)?, account))
}

fn refuse_rank(role: Role, asks: Role) -> Result<(), Problem> {
    if matches!(role, Role::Admin | Role::Operator) && asks != Role::Admin {
        return Err(Problem::forbidden("only an admin makes and changes accounts of admins and operators"));
    }
    Ok(())
}

/// Writes an account down.
pub(super) fn insert(
    tx: &mut dyn Tx,
    login: &Login,
    role: Role,
    subject: Option<&str>,
    password: &str,
    now: Instant,
) -> Result<i64, Problem> {
    let num = crate::catalogue::next_num(tx, "account")?;
    let made = tx.execute(
        "INSERT INTO accounts (num, login, role, subject, password, created_at, password_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (login) DO NOTHING",
        params![num, login.as_str(), role.name(), subject, password, now],
    )?;
    if made == 0 {
        return Err(Problem::conflict("login_taken", format!("there is an account {login}")).about("login"));
    }
    Ok(num)
}

fn login_of(text: &str) -> Result<Login, Problem> {
    Login::new(text).map_err(|why| Problem::invalid("login", why))
}

fn check_password(password: &str, login: &str) -> Result<(), Problem> {
    password::check(password, login).map_err(|why| Problem::invalid("password", why))
}

/// Whether an account of this role can be this one's.
fn check_owner(role: Role, subject: Option<&str>) -> Result<(), Problem> {
    match (role, subject) {
        (Role::Edge, _) => Err(Problem::invalid("role", "an edge signs in with its token only")),
        (Role::Admin | Role::Operator, Some(_)) => {
            Err(Problem::invalid("subject", format!("role {} has none", role.name())))
        }
        (Role::Merchant | Role::Promoter | Role::Agency, None) => {
            Err(Problem::invalid("subject", format!("role {} needs one", role.name())))
        }
        (_, Some(subject)) => check_subject(role, subject),
        (_, None) => Ok(()),
    }
}

async fn hashed(core: &Core, password: String) -> Result<String, Problem> {
    core.passwords().hash(password).await.map_err(|error| match error {
        password::HashError::Busy => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "overloaded",
            "the core has too much to do; try again",
        ),
        error => {
            tracing::error!(error = with_causes(&error), "a password could not be hashed");
            Problem::internal()
        }
    })
}

/// Makes an account. Operators. The password is in no answer, and no key keeps this request.
#[utoipa::path(post, path = "/v1/accounts", request_body = PostAccount, responses(
    (status = 201, body = AccountView),
    (status = 409, description = "`login_taken`: there is such an account")
))]
async fn make(
    State(core): State<Core>,
    _: Only<Operators>,
    write: Write<PostAccount>,
) -> Result<Response, Problem> {
    let PostAccount { login, password, role, subject } = write.body;
    refuse_rank(role, write.scope.principal.role)?;
    let login = login_of(&login);
    let called = login.as_ref().map_or("", Login::as_str);
    all_of([verdict(&login), check_password(&password, called), check_owner(role, subject.as_deref())])?;
    let login = login?;
    let hash = hashed(&core, password).await?;
    write
        .scope
        .without_key()
        .run(&core, move |tx, scope| {
            if let Some(subject) = &subject {
                refuse_unknown(tx, role, subject)?;
            }
            insert(tx, &login, role, subject.as_deref(), &hash, scope.now)?;
            let (_, account) = changeable(tx, &login, scope.principal.role)?;
            Ok((StatusCode::CREATED, account))
        })
        .await
}

/// Which accounts.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Part of the login or of the subject's id.
    q: Option<String>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Accounts by their logins. Operators.
#[utoipa::path(get, path = "/v1/accounts", params(Wanted), responses((status = 200, body = Page<AccountView>)))]
async fn list(
    State(core): State<Core>,
    _: Only<Operators>,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<AccountView>>, Problem> {
    let (page, Cursor(after)) = PageParams { limit: wanted.limit, cursor: wanted.cursor }.begin()?;
    let part = wanted.q.as_deref().map(like);
    let sql = format!(
        "SELECT {COLUMNS} FROM accounts WHERE login > $1 AND (CAST($2 AS TEXT) IS NULL OR login LIKE $2 ESCAPE '\\' \
         OR LOWER(subject) LIKE $2 ESCAPE '\\') ORDER BY login LIMIT $3"
    );
    let items = core
        .store()
        .read(move |tx| {
            let rows = tx.query(&sql, params![&after, part.as_ref(), page.rows()])?;
            rows.iter().map(view).collect::<Result<Vec<_>, StoreError>>()
        })
        .await?;
    Ok(Json(page.cut(items, |account| account.login.clone())))
}

/// An account. Operators.
#[utoipa::path(
    get, path = "/v1/accounts/{login}", params(("login" = String, Path)),
    responses((status = 200, body = AccountView), (status = 404, description = "`not_found`: there is no such account"))
)]
async fn one(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(login): PathId<String>,
) -> Result<Json<AccountView>, Problem> {
    let login = login_of(&login)?;
    let wanted = login.clone();
    let row = core.store().read(move |tx| wanted.find(tx, COLUMNS)).await?;
    Ok(Json(view(&row.ok_or_else(|| Problem::unknown("account", &login))?)?))
}

/// Sets another password and ends the account's sessions. Operators; no key keeps this request.
#[utoipa::path(
    put, path = "/v1/accounts/{login}/password", params(("login" = String, Path)),
    request_body = PutPassword, responses(
        (status = 200, body = AccountView),
        (status = 404, description = "`not_found`: there is no such account")
    )
)]
async fn put_password(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(login): PathId<String>,
    write: Write<PutPassword>,
) -> Result<Response, Problem> {
    let login = login_of(&login)?;
    check_password(&write.body.password, login.as_str())?;
    let hash = hashed(&core, write.body.password).await?;
    write
        .scope
        .without_key()
        .run(&core, move |tx, scope| {
            let (num, _) = changeable(tx, &login, scope.principal.role)?;
            session::lock(tx, num)?;
            tx.execute(
                "UPDATE accounts SET password = $2, password_at = $3 WHERE num = $1",
                params![num, &hash, scope.now],
            )?;
            session::end_others(tx, num, None)?;
            Ok((StatusCode::OK, changeable(tx, &login, scope.principal.role)?.1))
        })
        .await
}

/// From here on nobody signs in with this account, and its sessions end. Operators.
#[utoipa::path(
    post, path = "/v1/accounts/{login}/disable", params(("login" = String, Path)),
    request_body = Nothing, responses(
        (status = 200, body = AccountView),
        (status = 404, description = "`not_found`: there is no such account")
    )
)]
async fn disable(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(login): PathId<String>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    switch(core, &login, write, true).await
}

/// The account signs in again. Operators.
#[utoipa::path(
    post, path = "/v1/accounts/{login}/enable", params(("login" = String, Path)),
    request_body = Nothing, responses(
        (status = 200, body = AccountView),
        (status = 404, description = "`not_found`: there is no such account")
    )
)]
async fn enable(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(login): PathId<String>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    switch(core, &login, write, false).await
}

async fn switch(core: Core, login: &str, write: Write<Nothing>, off: bool) -> Result<Response, Problem> {
    let login = login_of(login)?;
    write
        .scope
        .run(&core, move |tx, scope| {
            let (num, _) = changeable(tx, &login, scope.principal.role)?;
            session::lock(tx, num)?;
            if off {
                let sql = "UPDATE accounts SET disabled_at = $2 WHERE num = $1 AND disabled_at IS NULL";
                tx.execute(sql, params![num, scope.now])?;
                session::end_others(tx, num, None)?;
            } else {
                tx.execute("UPDATE accounts SET disabled_at = NULL WHERE num = $1", params![num])?;
            }
            Ok((StatusCode::OK, changeable(tx, &login, scope.principal.role)?.1))
        })
        .await
}

/// Whether promoters may sign up by themselves. Operators.
#[utoipa::path(get, path = "/v1/settings/sign-up", responses((status = 200, body = SignUpSetting)))]
async fn get_sign_up(State(core): State<Core>, _: Only<Operators>) -> Result<Json<SignUpSetting>, Problem> {
    Ok(Json(SignUpSetting { open: core.sign_up_open().await? }))
}

/// Lets promoters sign up by themselves, or no longer. Operators.
#[utoipa::path(
    put, path = "/v1/settings/sign-up", request_body = SignUpSetting, responses((status = 200, body = SignUpSetting))
)]
async fn put_sign_up(
    State(core): State<Core>,
    _: Only<Operators>,
    write: Write<SignUpSetting>,
) -> Result<Response, Problem> {
    let open = write.body.open;
    write
        .scope
        .run(&core, move |tx, scope| {
            settings::set_sign_up(tx, open, scope.now)?;
            Ok((StatusCode::OK, SignUpSetting { open }))
        })
        .await
}
