//! Promoters and placements as lists: `GET /v1/promoters`, `GET /v1/promoters/{id}`, `GET /v1/promoters/{id}/placements`.

use super::like;
use super::own_accounts::{Account, accounts_of};
use crate::Core;
use crate::api::{Cursor, Page, PageParams, Params, PathId, Principal, Problem, Role, visible};
use crate::params;
use crate::store::{Query, Row, StoreError};
use attribution_core::ids::PromoterId;
use attribution_core::time::Instant;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Which promoters.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Part of the name or of the id.
    q: Option<String>,
    /// Of this agency only.
    agency: Option<String>,
    /// With a placement in this programme only.
    programme: Option<String>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A promoter in a list.
#[derive(Debug, Serialize, ToSchema)]
struct PromoterEntry {
    id: String,
    num: i64,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    agency: Option<String>,
    /// Disabled from here on, UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_from: Option<i64>,
    /// Disabled now.
    disabled: bool,
    /// Whether an operator found the real name verified; absent while nobody said so. Not for merchants.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_member: Option<bool>,
    created_at: i64,
    /// Their own buyer accounts, by which self-purchases are known. Not in lists.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    accounts: BTreeSet<Account>,
}

/// A placement in a list.
#[derive(Debug, Serialize, ToSchema)]
struct PlacementEntry {
    id: String,
    num: i64,
    promoter: String,
    programme: String,
    /// The programme's name.
    programme_name: String,
    name: String,
    created_at: i64,
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one)).routes(routes!(placements))
}

const COLUMNS: &str = "SELECT r.id, r.num, r.name, r.agency, r.disabled_from, r.created_at, v.member \
                       FROM promoters r LEFT JOIN promoter_verifications v ON v.promoter = r.id";

fn entry(row: &Row, sees_all: bool, now: Instant) -> Result<PromoterEntry, StoreError> {
    let disabled_from = row.opt_instant(4)?;
    Ok(PromoterEntry {
        id: row.text(0)?.to_owned(),
        num: row.int(1)?,
        name: row.text(2)?.to_owned(),
        agency: row.opt_text(3)?.map(str::to_owned),
        disabled_from: disabled_from.map(Instant::millis),
        disabled: disabled_from.is_some_and(|from| from <= now),
        verified_member: row.opt_int(6)?.filter(|_| sees_all).map(|member| member != 0),
        created_at: row.int(5)?,
        accounts: BTreeSet::new(),
    })
}

/// Promoters by their ids: all for operators, an agency's own, and for a merchant those with a placement in one of its
/// programmes.
#[utoipa::path(get, path = "/v1/promoters", params(Wanted), responses((status = 200, body = Page<PromoterEntry>)))]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    Params(wanted): Params<Wanted>,
) -> Result<Json<Page<PromoterEntry>>, Problem> {
    let mut wanted = wanted;
    let own = principal.subject.clone().unwrap_or_default();
    match principal.role {
        Role::Admin | Role::Operator | Role::Merchant => {}
        Role::Agency => {
            if wanted.agency.as_ref().is_some_and(|agency| *agency != own) {
                return Err(Problem::forbidden("this token may not act for another agency"));
            }
            wanted.agency = Some(own.clone());
        }
        role @ (Role::Promoter | Role::Edge) => {
            return Err(Problem::forbidden(format!("role {} may not do this", role.name())));
        }
    }
    let (page, Cursor(after)) = PageParams { limit: wanted.limit, cursor: wanted.cursor.clone() }.begin()?;
    let now = core.now();
    let merchant = (principal.role == Role::Merchant).then_some(own);
    let sees_all = merchant.is_none();
    let rows = core
        .store()
        .read(move |tx| {
            let mut query = Query::new(COLUMNS);
            query.add(" WHERE r.id > ?", [(&after).into()]);
            let part = wanted.q.as_deref().map(like);
            if let Some(part) = &part {
                let text = " AND (LOWER(r.name) LIKE ? ESCAPE '\\' OR LOWER(r.id) LIKE ? ESCAPE '\\')";
                query.add(text, [part.into(), part.into()]);
            }
            query.only("r.agency = ?", wanted.agency.as_ref());
            const PLACED: &str = "EXISTS (SELECT 1 FROM placements p JOIN programmes g ON g.num = p.programme \
                                  WHERE p.promoter = r.num AND";
            query.only(&format!("{PLACED} g.merchant = ?)"), merchant.as_ref());
            query.only(&format!("{PLACED} g.id = ?)"), wanted.programme.as_ref());
            query.add(" ORDER BY r.id LIMIT ?", [page.rows().into()]);
            query.rows(tx)
        })
        .await?;
    let items = rows.iter().map(|row| entry(row, sees_all, now)).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, |promoter| promoter.id.clone())))
}

/// A promoter. Operators, the promoter, the promoter's agency.
#[utoipa::path(
    get, path = "/v1/promoters/{id}", params(("id" = String, Path)),
    responses((status = 200, body = PromoterEntry))
)]
async fn one(
    State(core): State<Core>,
    principal: Principal,
    PathId(id): PathId<PromoterId>,
) -> Result<Json<PromoterEntry>, Problem> {
    let now = core.now();
    core.store()
        .read(move |tx| {
            let num = visible(tx, &principal, &id)?;
            let row = tx.query_one(&format!("{COLUMNS} WHERE r.num = $1"), params![num])?;
            let accounts = accounts_of(tx, num)?;
            Ok::<_, Problem>(PromoterEntry {
                accounts,
                ..entry(&row, principal.role != Role::Merchant, now)?
            })
        })
        .await
        .map(Json)
}

/// A promoter's placements (推广位), by their ids. Operators, the promoter, the promoter's agency.
#[utoipa::path(
    get, path = "/v1/promoters/{id}/placements", params(("id" = String, Path), PageParams),
    responses((status = 200, body = Page<PlacementEntry>))
)]
async fn placements(
    State(core): State<Core>,
    principal: Principal,
    PathId(id): PathId<PromoterId>,
    Params(paging): Params<PageParams>,
) -> Result<Json<Page<PlacementEntry>>, Problem> {
    let (page, Cursor(after)) = paging.begin()?;
    let promoter = id.clone();
    let rows = core
        .store()
        .read(move |tx| {
            let num = visible(tx, &principal, &id)?;
            Ok::<_, Problem>(tx.query(
                "SELECT p.id, p.num, g.id, g.name, p.name, p.created_at FROM placements p \
                 JOIN programmes g ON g.num = p.programme WHERE p.promoter = $1 AND p.id > $2 ORDER BY p.id LIMIT $3",
                params![num, &after, page.rows()],
            )?)
        })
        .await?;
    let entry = |row: &Row| {
        Ok::<_, StoreError>(PlacementEntry {
            id: row.text(0)?.to_owned(),
            num: row.int(1)?,
            promoter: promoter.to_string(),
            programme: row.text(2)?.to_owned(),
            programme_name: row.text(3)?.to_owned(),
            name: row.text(4)?.to_owned(),
            created_at: row.int(5)?,
        })
    };
    let items = rows.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, |placement| placement.id.clone())))
}
