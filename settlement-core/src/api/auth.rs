//! Who asks, and what their role lets them do.

use super::Problem;
use super::token::{hash, name_of};
use crate::Core;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::click::EdgeId;
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, header};
use serde::{Deserialize, Serialize};

/// In front of its account's number, in the name of a principal that has an account.
const ACCOUNT: &str = "account ";

/// The number of the account of the principal with this name, if it has one.
pub(crate) fn account_of(principal: &str) -> Option<i64> {
    principal.strip_prefix(ACCOUNT)?.parse().ok()
}

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
    pub(super) const fn has_subject(self) -> bool {
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
    /// They may ask, and change nothing.
    reads_only: bool,
}

impl Principal {
    /// A stable name of the token or account, for idempotency and logs: says nothing about the secret.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whoever sent this request; looked up once for all that want to know.
    pub(super) async fn of_request(parts: &mut Parts, core: &Core) -> Result<Self, Problem> {
        if let Some(known) = parts.extensions.get::<Self>() {
            known.may_use(&parts.method)?;
            return Ok(known.clone());
        }
        let (peer, now) = (parts.extensions.get::<Peer>().copied(), core.now());
        let principal = Self::authenticate(&parts.headers, core, peer).await.inspect_err(|problem| {
            if problem.status() == StatusCode::UNAUTHORIZED {
                core.limiter().failed_attempt(peer, now);
            }
        })?;
        principal.may_use(&parts.method)?;
        parts.extensions.insert(principal.clone());
        Ok(principal)
    }

    /// Refuses changes to those who may only read.
    fn may_use(&self, method: &Method) -> Result<(), Problem> {
        if self.reads_only && !method.is_safe() {
            return Err(Problem::forbidden("this token may read, and change nothing"));
        }
        Ok(())
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
        let sql =
            "SELECT role, subject, reads_only FROM api_tokens WHERE token_hash = $1 AND revoked_at IS NULL";
        let row = tx.query_opt(sql, params![hash])?;
        row.map(|row| {
            let subject = row.opt_text(1)?.map(str::to_owned);
            Ok(Self::of_token(hash, Role::stored(row.text(0)?)?, subject, row.flag(2)?))
        })
        .transpose()
    }

    /// The owner of the token with this hash.
    pub(crate) fn of_token(hash: &[u8], role: Role, subject: Option<String>, reads_only: bool) -> Self {
        Self { role, subject, reads_only, name: name_of(hash) }
    }

    /// The owner of an account: the same in each of their sessions.
    pub(crate) fn of_account(num: i64, role: Role, subject: Option<String>) -> Self {
        Self { role, subject, name: format!("{ACCOUNT}{num}"), reads_only: false }
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
        // Not for whom: whoever asks for a thing by its number must not learn whose it is.
        let whom = if self.role == role { "another" } else { "a" };
        Err(Problem::forbidden(format!("this token may not act for {whom} {}", role.name())))
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
