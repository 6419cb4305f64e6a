//! Who gets a token: `POST /v1/tokens`, and whoever starts the core.

use super::auth::Role;
use super::token::TokenText;
use super::tokens::Reach;
use super::{Merchants, Only, Problem, Write, all_of, check_label};
use crate::Core;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::ids::{AgencyId, MerchantId, PromoterId};
use attribution_core::time::Instant;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(issue))
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
                let label = FIRST_LABEL.to_owned();
                let grant = Grant { role: Role::Admin, subject: None, label, reads_only: false };
                for token in &tokens {
                    store_token(tx, token, &grant, now)?;
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
        let grant = Grant { role, subject, label, reads_only: false };
        self.store().write(move |tx| store_token(tx, &token, &grant, now)).await
    }
}

/// What a token lets its holder do.
#[derive(Debug)]
struct Grant {
    role: Role,
    subject: Option<String>,
    label: String,
    reads_only: bool,
}

fn store_token(tx: &mut dyn Tx, token: &TokenText, grant: &Grant, now: Instant) -> Result<(), StoreError> {
    let Grant { role, subject, label, reads_only } = grant;
    tx.execute(
        "INSERT INTO api_tokens (token_hash, role, subject, label, reads_only, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (token_hash) DO UPDATE SET role = excluded.role, \
         subject = excluded.subject, label = excluded.label, reads_only = excluded.reads_only, revoked_at = NULL",
        params![&token.hash(), role.name(), subject.as_ref(), label, *reads_only, now],
    )?;
    Ok(())
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
    /// It may ask for all that its role may (`GET`), and change nothing.
    #[serde(default)]
    reads_only: bool,
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
    /// It may ask, and change nothing.
    reads_only: bool,
}

/// Makes a token. Admins, and a merchant tokens that act for its own shop. The secret is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/v1/tokens",
    request_body(content = NewToken, example = json!({"role": "merchant", "subject": "tea", "label": "the shop's program"})),
    responses((status = 201, body = IssuedToken))
)]
async fn issue(
    State(core): State<Core>,
    _: Only<Merchants>,
    write: Write<NewToken>,
) -> Result<Response, Problem> {
    let NewToken { role, subject, label, reads_only } = write.body;
    if let Reach::Merchant(own) = Reach::of(&write.scope.principal)?
        && (role != Role::Merchant || subject.as_ref() != Some(&own))
    {
        return Err(Problem::forbidden(format!("a merchant makes tokens of role merchant for {own} only")));
    }
    let of_somebody = match (role.has_subject(), &subject) {
        (true, None) => Err(Problem::invalid("subject", format!("role {} needs one", role.name()))),
        (false, Some(_)) => Err(Problem::invalid("subject", format!("role {} has none", role.name()))),
        (true, Some(subject)) => check_subject(role, subject),
        (false, None) => Ok(()),
    };
    let kept = || Problem::invalid("label", "is kept for the tokens that a core is started with");
    let labelled = if label == FIRST_LABEL { Err(kept()) } else { check_label(&label) };
    all_of([of_somebody, labelled])?;
    let token = TokenText::random()?;
    write
        .scope
        .without_key()
        .run(&core, move |tx, scope| {
            if let Some(subject) = &subject {
                refuse_unknown(tx, role, subject)?;
            }
            let grant = Grant { role, subject: subject.clone(), label: label.clone(), reads_only };
            store_token(tx, &token, &grant, scope.now)?;
            let issued = IssuedToken { token: token.clone(), role, subject: subject.clone(), reads_only };
            Ok((StatusCode::CREATED, issued))
        })
        .await
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
