//! Bans (禁推): categories that may not be promoted from an instant on, which may lie in the past.

use super::feed::Numbers;
use super::periods::{self, State};
use super::{categories, checked_name};
use crate::api::{Only, Operators, Problem, Write};
use crate::library::marks;
use crate::store::{StoreError, Tx};
use crate::{Core, params};
use attribution_core::ids::{CategoryId, ProgrammeId, ProgrammeNum};
use attribution_core::policy::Policy;
use attribution_core::time::Instant;
use axum::extract::State as Shared;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A ban to set.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PostBan {
    /// The category; made if it is new.
    #[schema(value_type = String)]
    category: CategoryId,
    /// Only in this programme; all programmes if absent.
    #[schema(value_type = Option<String>)]
    programme: Option<ProgrammeId>,
    /// From here on, UTC milliseconds; may lie in the past.
    #[schema(value_type = i64)]
    effective_from: Instant,
    /// When it was made known, UTC milliseconds; now unless given.
    #[schema(value_type = Option<i64>)]
    announced_at: Option<Instant>,
    /// Why, for people.
    note: Option<String>,
}

/// A ban as stored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct BanView {
    category: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    programme: Option<String>,
    effective_from: i64,
    announced_at: i64,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_ban))
}

/// Bans a category, or dates its ban anew. Operators.
#[utoipa::path(post, path = "/v1/bans", request_body = PostBan, responses((status = 201, body = BanView)))]
async fn post_ban(
    Shared(core): Shared<Core>,
    _: Only<Operators>,
    write: Write<PostBan>,
) -> Result<Response, Problem> {
    let body = write.body;
    if let Some(note) = &body.note {
        checked_name("note", note)?;
    }
    write
        .scope
        .run_changing(&core, move |tx, scope| {
            let mut numbers = Numbers::take(tx, 1)?;
            let programme = match &body.programme {
                None => 0,
                Some(id) => tx
                    .query_opt("SELECT num FROM programmes WHERE id = $1", params![id])?
                    .ok_or_else(|| Problem::unknown("programme", id).about("programme"))?
                    .int(0)?,
            };
            let announced = body.announced_at.unwrap_or(scope.now);
            let ban = Ban { category: &body.category, programme, from: body.effective_from, announced };
            set(tx, &ban, body.note.as_deref().unwrap_or_default(), &mut numbers, scope.now)?;
            let view = BanView {
                category: body.category.to_string(),
                programme: body.programme.as_ref().map(ToString::to_string),
                effective_from: body.effective_from.millis(),
                announced_at: announced.millis(),
            };
            Ok((StatusCode::CREATED, view))
        })
        .await
}

struct Ban<'a> {
    category: &'a CategoryId,
    /// 0 for all programmes.
    programme: i64,
    from: Instant,
    announced: Instant,
}

fn set(
    tx: &mut dyn Tx,
    ban: &Ban<'_>,
    note: &str,
    numbers: &mut Numbers,
    now: Instant,
) -> Result<(), StoreError> {
    let category = categories::number(tx, ban.category, now)?;
    tx.execute(
        "INSERT INTO bans (category, programme, effective_from, announced_at, note, change_no, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) \
         ON CONFLICT (category, programme) DO UPDATE SET effective_from = excluded.effective_from, \
         announced_at = excluded.announced_at, note = excluded.note, change_no = excluded.change_no, \
         changed_at = excluded.changed_at",
        params![category, ban.programme, ban.from, ban.announced, note, numbers.next(), now],
    )?;
    let state = State { kind: "category", num: category, what: "banned", scope: ban.programme };
    periods::open(tx, state, ban.from, now)?;
    marks::category(tx, ban.category.as_str())
}

/// Sets the bans that a programme's rules contain and edges do not know yet.
pub(super) fn of_policy(
    tx: &mut dyn Tx,
    programme: ProgrammeNum,
    policy: &Policy,
    now: Instant,
) -> Result<(), StoreError> {
    for rule in &policy.bans {
        // An edge has no word for a ban that ends; one that has ended needs none.
        if rule.effective_to.is_some_and(|to| to <= now) {
            continue;
        }
        let known = tx.query_opt(
            "SELECT b.effective_from FROM bans b JOIN categories c ON c.num = b.category \
             WHERE c.id = $1 AND b.programme = $2",
            params![&rule.category, programme],
        )?;
        if known.map(|row| row.instant(0)).transpose()? == Some(rule.effective_from) {
            continue;
        }
        let mut numbers = Numbers::take(tx, 1)?;
        let announced = rule.announced_at.unwrap_or(now);
        let ban = Ban {
            category: &rule.category,
            programme: programme.0.into(),
            from: rule.effective_from,
            announced,
        };
        set(tx, &ban, "from the programme's rules", &mut numbers, now)?;
    }
    Ok(())
}
