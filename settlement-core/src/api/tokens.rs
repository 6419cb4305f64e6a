//! The tokens there are, and taking one away: `GET /v1/tokens` and `POST /v1/tokens/{name}/revoke`. Secrets are not kept
//! anywhere, so there are none to show: a token is called by the beginning of its hash.

use super::auth::{Principal, Role};
use super::token::{first_hash, last_hash, name_of};
use super::{Cursor, Merchants, Nothing, Only, Page, PageParams, Params, PathId, Problem, Write};
use crate::Core;
use crate::params;
use crate::store::{Row, StoreError};
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// With this role only.
    #[param(inline)]
    role: Option<Role>,
    /// For this merchant, promoter, agency or edge only.
    subject: Option<String>,
    /// Those that were revoked as well.
    #[serde(default)]
    revoked: bool,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A token without its secret.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct TokenEntry {
    /// What it is called: says nothing about the secret.
    name: String,
    role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    label: String,
    /// It may ask, and change nothing.
    reads_only: bool,
    /// UTC milliseconds.
    created_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_at: Option<i64>,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(revoke))
}

/// Whose tokens somebody sees and revokes: all, or those that act for their own shop.
pub(super) enum Reach {
    All,
    Merchant(String),
}

impl Reach {
    pub(super) fn of(principal: &Principal) -> Result<Self, Problem> {
        match (principal.role, &principal.subject) {
            (Role::Admin, _) => Ok(Self::All),
            (Role::Merchant, Some(merchant)) => Ok(Self::Merchant(merchant.clone())),
            _ => Err(Problem::forbidden("only an admin handles tokens, and a merchant its own")),
        }
    }

    fn merchant(&self) -> Option<String> {
        match self {
            Self::All => None,
            Self::Merchant(id) => Some(id.clone()),
        }
    }
}

fn entry(row: &Row) -> Result<TokenEntry, StoreError> {
    Ok(TokenEntry {
        name: name_of(row.blob(0)?),
        role: row.text(1)?.to_owned(),
        subject: row.opt_text(2)?.map(str::to_owned),
        label: row.text(3)?.to_owned(),
        created_at: row.int(4)?,
        revoked_at: row.opt_int(5)?,
        reads_only: row.flag(6)?,
    })
}

const COLUMNS: &str =
    "SELECT token_hash, role, subject, label, created_at, revoked_at, reads_only FROM api_tokens";

/// Tokens without their secrets, oldest first. Admins, and a merchant those of its own shop.
#[utoipa::path(get, path = "/v1/tokens", params(Wanted), responses((status = 200, body = Page<TokenEntry>)))]
async fn list(
    State(core): State<Core>,
    _: Only<Merchants>,
    principal: Principal,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<TokenEntry>>, Problem> {
    let own = Reach::of(&principal)?.merchant();
    let (page, after) = PageParams { limit: wanted.limit, cursor: wanted.cursor }.begin()?;
    let (at, last) = match after.number_and_texts()? {
        None => (i64::MIN, Vec::new()),
        Some((at, [name])) => (at, last_hash(&name).ok_or_else(Cursor::foreign)?),
    };
    let role = wanted.role.map(Role::name);
    let rows = core
        .store()
        .read(move |tx| {
            tx.query(
                &format!(
                    "{COLUMNS} WHERE (created_at, token_hash) > ($1, $2) AND (CAST($3 AS TEXT) IS NULL OR role = $3) \
                     AND (CAST($4 AS TEXT) IS NULL OR subject = $4) AND (CAST($5 AS BIGINT) = 1 OR revoked_at IS NULL) \
                     AND (CAST($7 AS TEXT) IS NULL OR (role = 'merchant' AND subject = $7)) \
                     ORDER BY created_at, token_hash LIMIT $6"
                ),
                params![
                    at,
                    &last,
                    role,
                    wanted.subject.as_ref(),
                    i64::from(wanted.revoked),
                    page.rows(),
                    own.as_ref()
                ],
            )
        })
        .await?;
    let items = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, |token| Cursor::of_number_and_texts(token.created_at, [&token.name]))))
}

/// Takes a token away: from now on it opens nothing. Again changes nothing. Admins, and a merchant those of
/// its own shop.
#[utoipa::path(
    post, path = "/v1/tokens/{name}/revoke", params(("name" = String, Path, description = "As listed")),
    responses((status = 200, body = TokenEntry), (status = 409, description = "It is the token of this very request"))
)]
async fn revoke(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(name): PathId<String>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    let Write { body: Nothing {}, scope } = write;
    let own = Reach::of(&scope.principal)?.merchant();
    if scope.principal.name() == name {
        let why = "a token cannot revoke itself; use another administrator's";
        return Err(Problem::conflict("own_token", why));
    }
    let range = first_hash(&name).zip(last_hash(&name));
    let (from, to) = range.ok_or_else(|| Problem::unknown("token", &name))?;
    scope
        .run(&core, move |tx, scope| {
            let now: Instant = scope.now;
            tx.execute(
                "UPDATE api_tokens SET revoked_at = $3 WHERE token_hash >= $1 AND token_hash <= $2 \
                 AND revoked_at IS NULL AND (CAST($4 AS TEXT) IS NULL OR (role = 'merchant' AND subject = $4))",
                params![&from, &to, now, own.as_ref()],
            )?;
            let row = tx
                .query_opt(
                    &format!(
                        "{COLUMNS} WHERE token_hash >= $1 AND token_hash <= $2 \
                         AND (CAST($3 AS TEXT) IS NULL OR (role = 'merchant' AND subject = $3))"
                    ),
                    params![&from, &to, own.as_ref()],
                )?
                .ok_or_else(|| Problem::unknown("token", &name))?;
            Ok((StatusCode::OK, entry(&row)?))
        })
        .await
}
