//! Joins a visitor to a buyer at login. The visitor is proven by a signed token, never named by a bare id: whoever
//! could name any visitor could claim anybody's clicks.

use crate::api::time::plausible;
use crate::api::{ApiTime, Merchants, Only, Problem, Role, Write};
use crate::store::{StoreError, Tx};
use crate::{Core, holder_marks, params};
use attribution_core::ids::{BuyerId, PlatformId, VisitorId};
use attribution_core::time::Instant;
use attribution_core::token::{ClickToken, TokenError, VisitorToken};
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How a visitor was joined to a buyer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// By the visitor cookie, at login.
    VisitorToken,
    /// By a click token, at login.
    ClickToken,
    /// By a token on an order.
    Order,
}

impl Source {
    const fn name(self) -> &'static str {
        match self {
            Self::VisitorToken => "visitor_token",
            Self::ClickToken => "click_token",
            Self::Order => "order",
        }
    }
}

/// A visitor who was seen to be a buyer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub visitor: VisitorId,
    pub platform: &'a PlatformId,
    pub buyer: &'a BuyerId,
    pub at: Instant,
    pub source: Source,
    /// The merchant that says so, for itself; `None` for the operator, who speaks for all shops.
    pub told_by: Option<&'a str>,
}

/// Joins a visitor to a buyer from a time on; the same again changes nothing. Whether it was new.
pub(crate) fn join(tx: &mut dyn Tx, seen: Seen<'_>, now: Instant) -> Result<bool, StoreError> {
    let Seen { visitor, platform, buyer, at, source, told_by } = seen;
    tx.lock(&crate::wake::buyer_lock(platform, buyer.as_str()))?;
    let inserted = tx.execute(
        "INSERT INTO identities (visitor, at_ms, platform, buyer, source, recorded_at, told_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (visitor, at_ms, platform, buyer, told_by) DO NOTHING",
        params![&visitor, at, platform, buyer, source.name(), now, told_by.unwrap_or_default()],
    )?;
    if inserted == 1 {
        // Whose clicks these are may decide orders that are still open.
        crate::wake::visitor(tx, visitor)?;
        holder_marks::visitor(tx, visitor, now)?;
    }
    Ok(inserted == 1)
}

/// A login.
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PostIdentity {
    /// The platform on which the buyer logged in.
    #[schema(value_type = String)]
    platform: PlatformId,
    /// The buyer's id there.
    #[schema(value_type = String)]
    buyer: BuyerId,
    /// The visitor cookie (`yk_v`); either this or `click_token`.
    visitor_token: Option<String>,
    /// The click token (`yk_click`) that came with the visitor.
    click_token: Option<String>,
    /// When; now unless given.
    at: Option<ApiTime>,
}

/// What became of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Joined {
    /// This visitor was not known to be this buyer at this time.
    new: bool,
}

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_identity))
}

/// Joins a visitor to a buyer. Operators, and merchants for the platform they belong to: what a merchant says counts for
/// its own orders and customers, what an operator says for all shops.
#[utoipa::path(post, path = "/v1/identities", request_body = PostIdentity, responses((status = 200, body = Joined)))]
async fn post_identity(
    State(core): State<Core>,
    _: Only<Merchants>,
    write: Write<PostIdentity>,
) -> Result<Response, Problem> {
    let body = write.body;
    let now = write.scope.now;
    let at = body.at.map_or(now, ApiTime::instant);
    plausible(at, now).map_err(|why| Problem::invalid("at", why))?;
    let proving = core.clone();
    write
        .scope
        .run(&core, move |tx, scope| {
            let principal = &scope.principal;
            let merchant = principal.subject.as_deref().filter(|_| principal.role == Role::Merchant);
            match merchant {
                Some(merchant) => {
                    let own = tx.query_opt(
                        "SELECT 1 FROM merchants WHERE id = $1 AND platform = $2",
                        params![merchant, &body.platform],
                    )?;
                    own.ok_or_else(|| Problem::forbidden("this merchant belongs to another platform"))?;
                }
                None => principal.require_operator()?,
            }
            tx.query_opt("SELECT 1 FROM platforms WHERE id = $1", params![&body.platform])?
                .ok_or_else(|| Problem::unknown("platform", &body.platform))?;
            let (visitor, source) = prove(&proving, &body, now)?;
            let (platform, buyer) = (&body.platform, &body.buyer);
            let seen = Seen { visitor, platform, buyer, at, source, told_by: merchant };
            let new = join(tx, seen, scope.now)?;
            Ok((StatusCode::OK, Joined { new }))
        })
        .await
}

/// The visitor that the token proves.
fn prove(core: &Core, body: &PostIdentity, now: Instant) -> Result<(VisitorId, Source), Problem> {
    let refused = |error: TokenError| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_token", format!("the token was refused: {error}"))
    };
    let (visitor, source) = match (&body.visitor_token, &body.click_token) {
        (Some(token), None) => {
            let token = VisitorToken::open_any_domain(token.as_bytes(), &core.keys().browser, now)
                .map_err(refused)?;
            (token.visitor, Source::VisitorToken)
        }
        (None, Some(token)) => {
            let token = ClickToken::open(token.as_bytes(), &core.keys().click).map_err(refused)?;
            (token.visitor, Source::ClickToken)
        }
        _ => {
            return Err(Problem::invalid(
                "visitor_token",
                "give exactly one of visitor_token and click_token",
            ));
        }
    };
    if visitor.is_some() {
        Ok((visitor, source))
    } else {
        Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "no_visitor", "this click had no visitor"))
    }
}
