//! Who asks: bearer tokens, of which only a hash is kept, with a role and a subject.

use super::tokens::Reach;
use super::{Merchants, Only, Problem, Write, check_label};
use crate::Core;
use crate::params;
use crate::random::{self, NoRandomness};
use crate::store::{StoreError, Tx};
use attribution_core::click::EdgeId;
use attribution_core::ids::{AgencyId, MerchantId, PromoterId};
use attribution_core::time::Instant;
use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What a token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything, tokens included.
    Admin,
    /// Everything but tokens.
    Operator,
    /// The data of one merchant.
    Merchant,
    /// The data of one promoter.
    Promoter,
    /// The data of one agency's promoters.
    Agency,
    /// What one edge needs.
    Edge,
}

impl Role {
    const ALL: [Self; 6] =
        [Self::Admin, Self::Operator, Self::Merchant, Self::Promoter, Self::Agency, Self::Edge];

    /// The fixed name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Merchant => "merchant",
            Self::Promoter => "promoter",
            Self::Agency => "agency",
            Self::Edge => "edge",
        }
    }

    /// Reads a stored name.
    pub(crate) fn stored(name: &str) -> Result<Self, StoreError> {
        let corrupt = || StoreError::Corrupt { what: "role", cause: name.to_owned().into() };
        Self::ALL.into_iter().find(|role| role.name() == name).ok_or_else(corrupt)
    }

    /// Whether tokens of this role are bound to one subject.
    const fn has_subject(self) -> bool {
        !matches!(self, Self::Admin | Self::Operator)
    }
}

/// Who asks. A request that carries one in its extensions is believed: only code in this process can put it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// What they may do.
    pub role: Role,
    /// Whose data they may touch; `None` for admin and operator.
    pub subject: Option<String>,
    name: String,
}

impl Principal {
    /// A stable name of the token or account, for idempotency and logs: says nothing about the secret.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whoever sent this request; looked up once for all that want to know.
    pub(super) async fn of_request(parts: &mut Parts, core: &Core) -> Result<Self, Problem> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let (peer, now) = (parts.extensions.get::<Peer>().copied(), core.now());
        let principal = Self::authenticate(&parts.headers, core, peer).await.inspect_err(|problem| {
            if problem.status() == StatusCode::UNAUTHORIZED {
                core.limiter().failed_attempt(peer, now);
            }
        })?;
        parts.extensions.insert(principal.clone());
        Ok(principal)
    }

    /// Reads the bearer token and looks it up.
    async fn authenticate(headers: &HeaderMap, core: &Core, peer: Option<Peer>) -> Result<Self, Problem> {
        let unauthorized = |code, detail| Problem::new(StatusCode::UNAUTHORIZED, code, detail);
        let value = headers
            .get(header::AUTHORIZATION)
            .ok_or_else(|| unauthorized("token_missing", "send a bearer token in Authorization"))?;
        let token = value
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .filter(|token| !token.is_empty())
            .ok_or_else(|| unauthorized("token_malformed", "Authorization must be: Bearer <token>"))?;
        // Looking up a hash leaks no timing about the secret itself.
        let hash = hash(token);
        let (limiter, now) = (core.limiter(), core.now());
        if !limiter.knows(&hash) {
            limiter.check_attempt(peer, now)?;
        }
        let found = core.store().read(move |tx| Self::of_token_hash(tx, &hash)).await?;
        let principal =
            found.ok_or_else(|| unauthorized("token_unknown", "this token is unknown or revoked"))?;
        limiter.take(hash, principal.role, now)?;
        Ok(principal)
    }

    /// Whose token this is, unless it is unknown or revoked.
    pub(crate) fn of_token_hash(tx: &mut dyn Tx, hash: &[u8; 32]) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT role, subject FROM api_tokens WHERE token_hash = $1 AND revoked_at IS NULL";
        let row = tx.query_opt(sql, params![hash])?;
        row.map(|row| {
            let subject = row.opt_text(1)?.map(str::to_owned);
            Ok(Self::of_token(hash, Role::stored(row.text(0)?)?, subject))
        })
        .transpose()
    }

    /// The owner of the token with this hash.
    pub(crate) fn of_token(hash: &[u8], role: Role, subject: Option<String>) -> Self {
        Self {
            role,
            subject,
            name: URL_SAFE_NO_PAD.encode(hash.get(..super::tokens::NAME_BYTES).unwrap_or(hash)),
        }
    }

    /// The owner of an account: the same in each of their sessions.
    pub(crate) fn of_account(num: i64, role: Role, subject: Option<String>) -> Self {
        Self { role, subject, name: format!("account {num}") }
    }

    /// Admin or operator.
    ///
    /// # Errors
    /// 403 for everybody else.
    pub fn require_operator(&self) -> Result<(), Problem> {
        match self.role {
            Role::Admin | Role::Operator => Ok(()),
            role => Err(Problem::forbidden(format!("role {} may not do this", role.name()))),
        }
    }

    /// Admin, operator, or this merchant.
    ///
    /// # Errors
    /// 403 for everybody else.
    pub fn require_merchant(&self, merchant: &str) -> Result<(), Problem> {
        self.require_subject(Role::Merchant, merchant)
    }

    /// Admin, operator, or this promoter. Agencies are judged by [`require_promoter_of`](Self::require_promoter_of).
    ///
    /// # Errors
    /// 403 for everybody else.
    pub fn require_promoter(&self, promoter: &str) -> Result<(), Problem> {
        self.require_subject(Role::Promoter, promoter)
    }

    /// Admin, operator, this promoter, or the promoter's agency.
    ///
    /// # Errors
    /// 403 for everybody else.
    pub fn require_promoter_of(&self, promoter: &str, agency: Option<&str>) -> Result<(), Problem> {
        if self.role == Role::Agency && agency.is_some() && self.subject.as_deref() == agency {
            return Ok(());
        }
        self.require_promoter(promoter)
    }

    /// Admin, operator, or this edge.
    ///
    /// # Errors
    /// 403 for everybody else.
    pub fn require_edge(&self, edge: EdgeId) -> Result<(), Problem> {
        self.require_subject(Role::Edge, &edge.0.to_string())
    }

    /// Admin, operator, or an edge, whichever it is.
    ///
    /// # Errors
    /// 403 for everybody else.
    pub fn require_any_edge(&self) -> Result<(), Problem> {
        if self.role == Role::Edge { Ok(()) } else { self.require_operator() }
    }

    fn require_subject(&self, role: Role, subject: &str) -> Result<(), Problem> {
        if matches!(self.role, Role::Admin | Role::Operator)
            || (self.role == role && self.subject.as_deref() == Some(subject))
        {
            return Ok(());
        }
        Err(Problem::forbidden(format!("this token may not act for {} {subject}", role.name())))
    }
}

/// Where a request comes from: the server that accepted the connection puts it into the request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub std::net::IpAddr);

impl FromRequestParts<Core> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, core: &Core) -> Result<Self, Problem> {
        Self::of_request(parts, core).await
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// A token's secret text. Shown once to whoever asked for it; never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct TokenText(String);

impl TokenText {
    /// A new random token.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    fn random() -> Result<Self, NoRandomness> {
        Ok(Self(format!("yk_{}", URL_SAFE_NO_PAD.encode(random::bytes::<32>()?))))
    }

    /// One that the operator chose.
    pub fn given(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(crate) fn hash(&self) -> [u8; 32] {
        hash(&self.0)
    }
}

impl std::fmt::Debug for TokenText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenText(secret)")
    }
}

fn store_token(
    tx: &mut dyn Tx,
    token: &TokenText,
    role: Role,
    subject: Option<&str>,
    label: &str,
    now: Instant,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO api_tokens (token_hash, role, subject, label, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (token_hash) DO UPDATE SET role = excluded.role, subject = excluded.subject, \
         label = excluded.label, revoked_at = NULL",
        params![&hash(token.reveal()), role.name(), subject, label, now],
    )?;
    Ok(())
}

/// The label of the tokens that a core is started with. Nobody else's may have it.
const FIRST_LABEL: &str = "first administrator";

impl Core {
    /// Lets these tokens in as administrators, and none of those that the core was started with before: whoever gives
    /// the core a new token takes the old one away. All nodes of a core are started with the same ones.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn admit_administrators(&self, tokens: Vec<TokenText>) -> Result<(), StoreError> {
        let now = self.now();
        let revoked = self
            .store()
            .write(move |tx| {
                let revoked = tx.execute(
                    "UPDATE api_tokens SET revoked_at = $1 WHERE role = 'admin' AND label = $2 AND revoked_at IS NULL",
                    params![now, FIRST_LABEL],
                )?;
                for token in &tokens {
                    store_token(tx, token, Role::Admin, None, FIRST_LABEL, now)?;
                }
                let kept = tx.query_one(
                    "SELECT COUNT(*) FROM api_tokens WHERE label = $1 AND revoked_at IS NULL AND created_at < $2",
                    params![FIRST_LABEL, now],
                )?;
                Ok::<_, StoreError>(revoked.saturating_sub(kept.count(0)?))
            })
            .await?;
        if revoked > 0 {
            tracing::warn!(revoked, "administrators' tokens of earlier starts are no longer valid");
        }
        Ok(())
    }

    /// Lets `token` in, with this role and subject. For whoever starts the core (the operator's own token, an edge
    /// in the same process); everybody else asks `POST /v1/tokens`.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn admit_token(
        &self,
        token: TokenText,
        role: Role,
        subject: Option<String>,
        label: &str,
    ) -> Result<(), StoreError> {
        let (label, now) = (label.to_owned(), self.now());
        self.store().write(move |tx| store_token(tx, &token, role, subject.as_deref(), &label, now)).await
    }
}

/// A token that somebody wants.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// What it may do.
    role: Role,
    /// Whose data: a merchant's, promoter's, agency's or edge's id. Not for admin and operator.
    subject: Option<String>,
    /// What it is for, for people.
    #[serde(default)]
    label: String,
}

/// Whether the subject can be an id of its kind at all.
pub(crate) fn check_subject(role: Role, subject: &str) -> Result<(), Problem> {
    let checked = match role {
        // The number is compared as it is written: `07` or `+7` would be nobody.
        Role::Edge if subject.parse().map(|edge: u16| edge.to_string()).as_deref() != Ok(subject) => {
            return Err(Problem::invalid("subject", "an edge is a number from 0 to 65535"));
        }
        Role::Edge => return Ok(()),
        Role::Promoter => PromoterId::new(subject).map(drop),
        Role::Agency => AgencyId::new(subject).map(drop),
        Role::Merchant | Role::Admin | Role::Operator => MerchantId::new(subject).map(drop),
    };
    checked.map_err(|why| Problem::invalid("subject", why))
}

/// A token for somebody the catalogue does not have would be nobody's now, and somebody's by surprise later.
pub(crate) fn refuse_unknown(tx: &mut dyn Tx, role: Role, subject: &str) -> Result<(), Problem> {
    let sql = match role {
        Role::Merchant => "SELECT 1 FROM merchants WHERE id = $1",
        Role::Promoter => "SELECT 1 FROM promoters WHERE id = $1",
        Role::Agency => "SELECT 1 FROM promoters WHERE agency = $1 LIMIT 1",
        // An edge registers itself, with the token.
        Role::Edge | Role::Admin | Role::Operator => return Ok(()),
    };
    if tx.query_opt(sql, params![subject])?.is_none() {
        return Err(Problem::invalid("subject", format!("there is no {} {subject}", role.name())));
    }
    Ok(())
}

/// A token, shown this once.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct IssuedToken {
    /// The secret.
    token: TokenText,
    /// What it may do.
    role: Role,
    /// Whose data.
    subject: Option<String>,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(issue))
}

/// Makes a token. Admins, and a merchant tokens that act for its own shop. The secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/v1/tokens", request_body = NewToken, responses((status = 201, body = IssuedToken)))]
async fn issue(
    State(core): State<Core>,
    _: Only<Merchants>,
    write: Write<NewToken>,
) -> Result<Response, Problem> {
    let NewToken { role, subject, label } = write.body;
    if let Reach::Merchant(own) = Reach::of(&write.scope.principal)?
        && (role != Role::Merchant || subject.as_ref() != Some(&own))
    {
        return Err(Problem::forbidden(format!("a merchant makes tokens of role merchant for {own} only")));
    }
    match (role.has_subject(), &subject) {
        (true, None) => return Err(Problem::invalid("subject", format!("role {} needs one", role.name()))),
        (false, Some(_)) => {
            return Err(Problem::invalid("subject", format!("role {} has none", role.name())));
        }
        _ => {}
    }
    if let Some(subject) = &subject {
        check_subject(role, subject)?;
    }
    if label == FIRST_LABEL {
        return Err(Problem::invalid("label", "is kept for the tokens that a core is started with"));
    }
    check_label(&label)?;
    let token = TokenText::random()?;
    write
        .scope
        .without_key()
        .run(&core, move |tx, scope| {
            if let Some(subject) = &subject {
                refuse_unknown(tx, role, subject)?;
            }
            store_token(tx, &token, role, subject.as_deref(), &label, scope.now)?;
            Ok((StatusCode::CREATED, IssuedToken { token: token.clone(), role, subject: subject.clone() }))
        })
        .await
}
