//! Programmes: one set of rules each, as numbered versions that are never edited.

use super::feed::Numbers;
use super::settled::not_before_settled;
use super::{bans, checked_name, next_num};
use crate::api::{ApiTime, Merchants, Only, PathId, Problem, Write, all_of};
use crate::library_marks;
use crate::store::{Row, StoreError, Tx};
use crate::{Core, holder_marks, params};
use attribution_core::ids::{MerchantId, PlatformId, ProgrammeId, ProgrammeNum};
use attribution_core::policy::{Policy, Preset};
use attribution_core::time::Instant;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// A programme to make, or a new version of its rules.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PutProgramme {
    /// The platform that owns it; either this or `merchant`.
    #[schema(value_type = Option<String>)]
    platform: Option<PlatformId>,
    /// The merchant that owns it.
    #[schema(value_type = Option<String>)]
    merchant: Option<MerchantId>,
    /// Its name.
    name: String,
    /// The rules to begin with; the last version's rules if absent.
    #[schema(value_type = Option<String>)]
    preset: Option<Preset>,
    /// Fields of the rules that differ from it.
    #[serde(default)]
    policy: Value,
    /// In force from here on; now unless given.
    effective_from: Option<ApiTime>,
}

/// A programme and its newest version.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ProgrammeView {
    id: String,
    num: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merchant: Option<String>,
    name: String,
    /// The newest version.
    version: i64,
    /// It is in force from here on, UTC milliseconds.
    effective_from: i64,
    /// Its rules, whole.
    policy: Value,
    /// Where a commission grows to so many fen, one of those who share it gets a fen less, and a refund down from there gives
    /// it back to them. Absent where the weights of `commission.split` never do that.
    #[serde(skip_serializing_if = "Option::is_none")]
    share_shrinks_at_fen: Option<i64>,
}

/// A version of the rules.
struct Version {
    number: i64,
    from: Instant,
    policy: Policy,
}

fn versions(tx: &mut dyn Tx, num: i64) -> Result<Vec<Version>, StoreError> {
    let rows = tx.query(
        "SELECT version, effective_from, policy FROM programme_versions WHERE programme = $1 ORDER BY version",
        params![num],
    )?;
    let read = |row: &Row| {
        let policy = serde_json::from_str(row.text(2)?).map_err(StoreError::corrupt("policy"))?;
        Ok(Version { number: row.int(0)?, from: row.instant(1)?, policy })
    };
    rows.iter().map(read).collect()
}

/// Of the versions that have begun, the newest.
fn in_force(versions: &[Version], at: Instant) -> Option<&Version> {
    versions.iter().rev().find(|version| version.from <= at)
}

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(put_programme))
}

/// Makes a programme, or gives it a new version of its rules. Operators, and the merchant that owns it.
#[utoipa::path(
    put, path = "/v1/programmes/{id}", params(("id" = String, Path)),
    request_body(content = PutProgramme, example = json!({
        "merchant": "tea", "name": "分销", "preset": "distributor1688",
        "policy": {"commission": {"rates": [{"bp": 1_000, "effective": {"from": 0}}]}}
    })),
    responses((status = 200, body = ProgrammeView), (status = 201, body = ProgrammeView))
)]
async fn put_programme(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<ProgrammeId>,
    write: Write<PutProgramme>,
) -> Result<Response, Problem> {
    let body = write.body;
    let owned = match (&body.platform, &body.merchant) {
        (Some(_), None) => write.scope.principal.require_operator(),
        (None, Some(merchant)) => write.scope.principal.require_merchant(merchant.as_str()),
        _ => Err(Problem::invalid("merchant", "a programme belongs to a platform or to one merchant")),
    };
    all_of([checked_name("name", &body.name), owned])?;
    let from = body.effective_from.map_or(write.scope.now, ApiTime::instant);
    if from < write.scope.now && write.scope.principal.require_operator().is_err() {
        return Err(Problem::forbidden("only operators may date rules back"));
    }
    write
        .scope
        .run_changing(&core, move |tx, scope| {
            let mut numbers = Numbers::take(tx, 1)?;
            put(tx, &id, &body, from, scope.now, &mut numbers)
        })
        .await
}

fn put(
    tx: &mut dyn Tx,
    id: &ProgrammeId,
    body: &PutProgramme,
    from: Instant,
    now: Instant,
    numbers: &mut Numbers,
) -> Result<(StatusCode, ProgrammeView), Problem> {
    check_owner(tx, body)?;
    let owner =
        (body.platform.as_ref().map(PlatformId::as_str), body.merchant.as_ref().map(MerchantId::as_str));
    let before = stored(tx, id, owner)?;
    let (num, mut versions) = match &before {
        Some(stored) => (stored.num, versions(tx, stored.num)?),
        None => (next_num(tx, "programme")?, Vec::new()),
    };
    let was = before.as_ref().map(|stored| Was {
        in_force: in_force(&versions, now).map(|version| version.policy.clone()),
        told: told(&versions, stored.active).cloned(),
    });
    let policy = merged_policy(body, versions.last())?;
    let text = serde_json::to_string(&policy).map_err(StoreError::corrupt("policy"))?;
    let share_shrinks_at_fen = policy.commission.share_shrinks_at();
    let same = versions
        .last()
        .filter(|last| last.policy == policy && (body.effective_from.is_none() || last.from == from))
        .map(|last| (last.number, last.from));
    let is_changed = same.is_none();
    let (version, from) = same.unwrap_or((versions.last().map_or(1, |last| last.number + 1), from));
    if is_changed {
        not_before_settled(tx, id, "effective_from", from, now)?;
        versions.push(Version { number: version, from, policy });
    }
    let active = in_force(&versions, now).or(versions.first()).ok_or(StoreError::NoRow)?;
    let edge_row = edge_row(number(num)?, id, &active.policy)?;
    tx.execute(
        "INSERT INTO programmes (num, id, platform, merchant, name, active_version, edge_row, created_at, \
         updated_at, change_no, changed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $8) \
         ON CONFLICT (num) DO UPDATE SET name = excluded.name, active_version = excluded.active_version, \
         edge_row = excluded.edge_row, updated_at = excluded.updated_at, change_no = excluded.change_no, \
         changed_at = excluded.changed_at",
        params![num, id, owner.0, owner.1, &body.name, active.number, &edge_row, now, numbers.next()],
    )?;
    if is_changed {
        tx.execute(
            "INSERT INTO programme_versions (programme, version, effective_from, policy, created_at) \
             VALUES ($1, $2, $3, $4, $5)",
            params![num, version, from, &text, now],
        )?;
        // Orders placed under rules that are dated back, and still open, are judged by them.
        if from <= now {
            crate::wake::since(tx, from)?;
        }
    }
    tell(tx, id, number(num)?, was.as_ref(), active, now)?;
    let view = ProgrammeView {
        id: id.to_string(),
        num,
        platform: owner.0.map(str::to_owned),
        merchant: owner.1.map(str::to_owned),
        name: body.name.clone(),
        version,
        effective_from: from.millis(),
        policy: serde_json::from_str(&text).unwrap_or_default(),
        share_shrinks_at_fen,
    };
    Ok((if before.is_some() { StatusCode::OK } else { StatusCode::CREATED }, view))
}

/// A programme that is there.
struct Stored {
    num: i64,
    /// The version whose rules edges know.
    active: i64,
}

fn stored(
    tx: &mut dyn Tx,
    id: &ProgrammeId,
    owner: (Option<&str>, Option<&str>),
) -> Result<Option<Stored>, Problem> {
    let sql = "SELECT num, platform, merchant, active_version FROM programmes WHERE id = $1";
    let Some(row) = tx.query_opt(sql, params![id])? else { return Ok(None) };
    if (row.opt_text(1)?, row.opt_text(2)?) != owner {
        return Err(Problem::conflict("owner_mismatch", format!("programme {id} belongs to somebody else")));
    }
    Ok(Some(Stored { num: row.int(0)?, active: row.int(3)? }))
}

/// The rules of a programme before a change.
struct Was {
    /// Those in force.
    in_force: Option<Policy>,
    /// Those that edges know.
    told: Option<Policy>,
}

/// Tells all that goes by a programme's rules which are in force. `was` is none for a new one.
fn tell(
    tx: &mut dyn Tx,
    id: &ProgrammeId,
    programme: ProgrammeNum,
    was: Option<&Was>,
    active: &Version,
    now: Instant,
) -> Result<(), StoreError> {
    let Version { from, policy, .. } = active;
    if was.is_some_and(|was| !was.in_force.as_ref().is_some_and(|before| same_holders(before, policy))) {
        holder_marks::rules(tx, now)?;
    }
    bans::of_rules(tx, programme, was.and_then(|was| was.told.as_ref()), (policy, *from), now)?;
    library_marks::programme(tx, id.as_str())
}

/// The rules that edges know, by their version.
fn told(versions: &[Version], active: i64) -> Option<&Policy> {
    versions.iter().find(|version| version.number == active).map(|version| &version.policy)
}

fn number(num: i64) -> Result<ProgrammeNum, StoreError> {
    let number = u32::try_from(num);
    number.map(ProgrammeNum).map_err(StoreError::corrupt("programme number"))
}

/// Whether the same clicks make the same relations under both.
fn same_holders(a: &Policy, b: &Policy) -> bool {
    a.attribution == b.attribution && a.bans == b.bans
}

fn check_owner(tx: &mut dyn Tx, body: &PutProgramme) -> Result<(), Problem> {
    if let Some(platform) = &body.platform {
        tx.query_opt("SELECT 1 FROM platforms WHERE id = $1", params![platform])?
            .ok_or_else(|| Problem::unknown("platform", platform))?;
    }
    if let Some(merchant) = &body.merchant {
        tx.query_opt("SELECT 1 FROM merchants WHERE id = $1", params![merchant])?
            .ok_or_else(|| Problem::unknown("merchant", merchant))?;
    }
    Ok(())
}

/// The rules that the request asks for, checked as a whole.
fn merged_policy(body: &PutProgramme, last: Option<&Version>) -> Result<Policy, Problem> {
    let base = match (body.preset, last) {
        (Some(preset), _) => preset.policy(),
        (None, Some(last)) => last.policy.clone(),
        (None, None) => Policy::default(),
    };
    laid_over(&base, &body.policy).map_err(invalid_policy)
}

/// The answer to rules with mistakes.
pub(crate) fn invalid_policy(errors: Vec<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid_policy", errors.join("; ")).fact("errors", errors)
}

/// Rules with some of their fields replaced, checked as a whole.
///
/// # Errors
/// Every mistake, in words.
pub(crate) fn laid_over(base: &Policy, patch: &Value) -> Result<Policy, Vec<String>> {
    let nothing = Value::Object(serde_json::Map::new());
    let checked = base.checked(if patch.is_null() { &nothing } else { patch });
    checked.map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect())
}

fn edge_row(num: ProgrammeNum, id: &ProgrammeId, policy: &Policy) -> Result<String, StoreError> {
    serde_json::to_string(&policy.programme_row(num, id.clone()))
        .map_err(StoreError::corrupt("programme row"))
}

impl Core {
    /// Tells edges of rules that have come into force. Says of how many programmes.
    pub(crate) async fn activate_due_rules(&self, now: Instant) -> Result<u64, StoreError> {
        // Looking is a read, so that a quiet core writes nothing.
        let due = self.store().read(move |tx| due(tx, now)).await?;
        let mut activated = 0;
        for num in due {
            activated += self.store().write(move |tx| activate(tx, num, now)).await?;
        }
        if activated > 0 {
            self.announce_change();
        }
        Ok(activated)
    }
}

/// Programmes whose version in force is not the one that edges know.
fn due(tx: &mut dyn Tx, now: Instant) -> Result<Vec<i64>, StoreError> {
    let rows = tx.query(
        "SELECT p.num FROM programmes p WHERE p.active_version <> (\
         SELECT MAX(v.version) FROM programme_versions v WHERE v.programme = p.num AND v.effective_from <= $1)",
        params![now],
    )?;
    rows.iter().map(|row| row.int(0)).collect()
}

fn activate(tx: &mut dyn Tx, num: i64, now: Instant) -> Result<u64, StoreError> {
    let mut numbers = Numbers::take(tx, 1)?;
    let row = tx.query_one("SELECT id, active_version FROM programmes WHERE num = $1", params![num])?;
    let id = ProgrammeId::new(row.text(0)?).map_err(StoreError::corrupt("programme id"))?;
    let versions = versions(tx, num)?;
    let Some(version) =
        in_force(&versions, now).filter(|v| row.int(1).is_ok_and(|active| active != v.number))
    else {
        numbers.give_back(tx)?;
        return Ok(0);
    };
    let programme = number(num)?;
    tx.execute(
        "UPDATE programmes SET active_version = $2, edge_row = $3, change_no = $4, changed_at = $5 WHERE num = $1",
        params![num, version.number, &edge_row(programme, &id, &version.policy)?, numbers.next(), now],
    )?;
    let told = told(&versions, row.int(1)?).cloned();
    let was = Was { in_force: told.clone(), told };
    tell(tx, &id, programme, Some(&was), version, now)?;
    tracing::info!(programme = %id, version = version.number, "new rules are in force");
    Ok(1)
}
