//! Bans (禁推): categories that may not be promoted from an instant on, which may lie in the past, for good or up to
//! another. There is one ban of a category in a programme, and one in all of them.

use super::feed::Numbers;
use super::periods::{self, State};
use super::rules;
use super::{categories, checked_name};
use crate::api::{ApiTime, Only, Operators, Problem, Write, all_of};
use crate::library_marks;
use crate::notices;
use crate::store::{Row, StoreError, Tx};
use crate::{Core, params};
use attribution_core::ids::{CategoryId, ProgrammeId, ProgrammeNum};
use attribution_core::policy::{BanRule, Policy};
use attribution_core::time::{Instant, Period};
use axum::extract::State as Shared;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashSet};
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
    /// From here on; may lie in the past.
    effective_from: ApiTime,
    /// Up to here; for good unless given.
    effective_to: Option<ApiTime>,
    /// When it was made known; now unless given.
    announced_at: Option<ApiTime>,
    /// Why, for people.
    note: Option<String>,
}

/// A ban to lift.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct LiftBan {
    /// The category.
    #[schema(value_type = String)]
    category: CategoryId,
    /// The ban of this programme alone; the one of all programmes if absent.
    #[schema(value_type = Option<String>)]
    programme: Option<ProgrammeId>,
    /// From here on; now unless given. May lie in the past, and ends a ban that had an end earlier.
    at: Option<ApiTime>,
}

/// A ban as stored.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct BanView {
    category: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    programme: Option<String>,
    effective_from: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_to: Option<i64>,
    announced_at: i64,
    /// The ban has made the category, which nobody had: a slip of the pen, or one that goods are still to come in.
    category_made: bool,
}

/// What is banned now: a category and those below it.
#[derive(Debug, Default)]
pub(crate) struct Banned(HashSet<(i64, i64)>);

impl Banned {
    /// Reads what is banned at `now`.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn read(tx: &mut dyn Tx, now: Instant) -> Result<Self, StoreError> {
        let rows = tx.query(&Self::at("$1"), params![now])?;
        Ok(Self(rows.iter().map(|row| Ok((row.int(0)?, row.int(1)?))).collect::<Result<_, StoreError>>()?))
    }

    /// What reads it: `category` and `programme`, at the time that this mark stands for.
    pub(crate) fn at(now: &str) -> String {
        format!(
            "WITH RECURSIVE banned (category, programme) AS (SELECT category, programme FROM bans \
             WHERE effective_from <= {now} AND (effective_to IS NULL OR effective_to > {now}) \
             UNION SELECT c.num, b.programme FROM categories c JOIN banned b ON c.parent = b.category) \
             SELECT category, programme FROM banned"
        )
    }

    /// Whether it may not be promoted in any programme.
    pub(crate) fn everywhere(&self, category: i64) -> bool {
        self.0.contains(&(category, ALL))
    }

    /// Whether it may not be promoted in this programme.
    pub(crate) fn forbids(&self, category: i64, programme: i64) -> bool {
        self.everywhere(category) || self.0.contains(&(category, programme))
    }
}

/// In the place of a programme's number: all programmes.
const ALL: i64 = 0;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(post_ban)).routes(routes!(lift_ban))
}

/// Bans a category, or dates its ban anew. A ban that was over before this one begins stays what it was. Operators.
#[utoipa::path(post, path = "/v1/bans", request_body = PostBan, responses((status = 201, body = BanView)))]
async fn post_ban(
    Shared(core): Shared<Core>,
    _: Only<Operators>,
    write: Write<PostBan>,
) -> Result<Response, Problem> {
    let body = write.body;
    let lasts = body.effective_to.is_none_or(|to| to > body.effective_from);
    all_of([
        body.note.as_ref().map_or(Ok(()), |note| checked_name("note", note)),
        lasts.then_some(()).ok_or_else(|| Problem::invalid("effective_to", "ends before it begins")),
    ])?;
    write
        .scope
        .run_changing(&core, move |tx, scope| {
            let mut numbers = Numbers::take(tx, 1)?;
            let programme = number_of(tx, body.programme.as_ref())?;
            if let Some(to) = body.effective_to {
                refuse_against_rules(tx, programme, &body.category, to.instant())?;
            }
            let ban = Ban {
                category: body.category.clone(),
                programme,
                from: body.effective_from.instant(),
                to: body.effective_to.map(ApiTime::instant),
                announced: body.announced_at.map_or(scope.now, ApiTime::instant),
                note: body.note.clone().unwrap_or_default(),
            };
            let known = tx.query_opt("SELECT 1 FROM categories WHERE id = $1", params![&body.category])?;
            set(tx, &ban, &mut numbers, scope.now)?;
            Ok((StatusCode::CREATED, ban.view(body.programme.as_ref(), known.is_none())))
        })
        .await
}

/// Lifts a ban. Orders placed while it held stay without a commission. Operators.
#[utoipa::path(post, path = "/v1/bans/lift", request_body = LiftBan, responses((status = 200, body = BanView)))]
async fn lift_ban(
    Shared(core): Shared<Core>,
    _: Only<Operators>,
    write: Write<LiftBan>,
) -> Result<Response, Problem> {
    let body = write.body;
    write
        .scope
        .run_changing(&core, move |tx, scope| {
            let mut numbers = Numbers::take(tx, 1)?;
            let programme = number_of(tx, body.programme.as_ref())?;
            let at = body.at.map_or(scope.now, ApiTime::instant);
            refuse_against_rules(tx, programme, &body.category, at)?;
            let lasting = known(tx, &body.category, programme)?.filter(|ban| ban.to.is_none_or(|to| to > at));
            let Some(lasting) = lasting else {
                return Err(Problem::conflict("not_banned", "there is no ban of this category to lift then"));
            };
            let ban = Ban { to: Some(at), ..lasting };
            set(tx, &ban, &mut numbers, scope.now)?;
            Ok((StatusCode::OK, ban.view(body.programme.as_ref(), false)))
        })
        .await
}

/// The number of a programme, or that of all.
fn number_of(tx: &mut dyn Tx, programme: Option<&ProgrammeId>) -> Result<i64, Problem> {
    let Some(id) = programme else { return Ok(ALL) };
    let row = tx.query_opt("SELECT num FROM programmes WHERE id = $1", params![id])?;
    Ok(row.ok_or_else(|| Problem::unknown("programme", id).about("programme"))?.int(0)?)
}

/// What a programme's own rules ban, only other rules can allow again.
fn refuse_against_rules(
    tx: &mut dyn Tx,
    programme: i64,
    category: &CategoryId,
    at: Instant,
) -> Result<(), Problem> {
    if programme == ALL {
        return Ok(());
    }
    let programme = rules::named(tx, programme)?;
    let bans = programme.in_force_or_first(at).map_or(&[][..], |rules| &rules.policy.bans);
    if bans.iter().any(|ban| ban.forbids(category, at)) {
        let detail = "the programme's own rules ban this category then: give it new rules";
        return Err(Problem::conflict("banned_by_rules", detail));
    }
    Ok(())
}

/// A ban as it is stored.
#[derive(Debug, Clone)]
struct Ban {
    category: CategoryId,
    /// `ALL` for all programmes.
    programme: i64,
    from: Instant,
    /// Not after `from` if it was lifted before it began.
    to: Option<Instant>,
    announced: Instant,
    note: String,
}

impl Ban {
    /// When it holds.
    fn period(&self) -> Option<Period> {
        Some(Period { from: self.from, to: self.to }).filter(|period| !period.is_empty())
    }

    fn view(&self, programme: Option<&ProgrammeId>, category_made: bool) -> BanView {
        BanView {
            category: self.category.to_string(),
            programme: programme.map(ToString::to_string),
            effective_from: self.from.millis(),
            effective_to: self.to.map(Instant::millis),
            announced_at: self.announced.millis(),
            category_made,
        }
    }
}

/// The ban of a category in a programme, or in all.
fn known(tx: &mut dyn Tx, category: &CategoryId, programme: i64) -> Result<Option<Ban>, StoreError> {
    let row = tx.query_opt(
        "SELECT b.effective_from, b.effective_to, b.announced_at, b.note FROM bans b \
         JOIN categories c ON c.num = b.category WHERE c.id = $1 AND b.programme = $2",
        params![category, programme],
    )?;
    let ban = |row: Row| {
        Ok(Ban {
            category: category.clone(),
            programme,
            from: row.instant(0)?,
            to: row.opt_instant(1)?,
            announced: row.instant(2)?,
            note: row.text(3)?.to_owned(),
        })
    };
    row.map(ban).transpose()
}

/// Writes a ban in the place of the one that was known.
fn set(tx: &mut dyn Tx, ban: &Ban, numbers: &mut Numbers, now: Instant) -> Result<(), StoreError> {
    let category = categories::number(tx, &ban.category, now)?;
    let before = known(tx, &ban.category, ban.programme)?.and_then(|known| known.period());
    tx.execute(
        "INSERT INTO bans (category, programme, effective_from, effective_to, announced_at, note, change_no, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (category, programme) DO UPDATE SET effective_from = excluded.effective_from, \
         effective_to = excluded.effective_to, announced_at = excluded.announced_at, note = excluded.note, \
         change_no = excluded.change_no, changed_at = excluded.changed_at",
        params![
            category,
            ban.programme,
            ban.from,
            ban.to,
            ban.announced,
            &ban.note,
            numbers.next(),
            now
        ],
    )?;
    let state = State { kind: "category", num: category, what: "banned", scope: ban.programme };
    // One that was over before this one begins is history.
    let dated_anew = before.filter(|before| before.to.is_none_or(|to| to > ban.from));
    periods::replace(tx, state, dated_anew, ban.period(), now)?;
    let lasting = ban.period().filter(|period| period.to.is_none_or(|to| to > now));
    if lasting.is_some_and(|period| dated_anew.is_none_or(|before| before.from != period.from)) {
        notices::bans::leave(tx, category, ban.programme, ban.from)?;
    }
    library_marks::category(tx, ban.category.as_str())
}

/// Tells of the bans in a programme's rules as far as they are others than those of `told`, the rules that were told of
/// before. A ban that the new rules no longer have ends where they came into force, at `since`: what was ordered under
/// the old ones is still judged by them.
pub(super) fn of_rules(
    tx: &mut dyn Tx,
    programme: ProgrammeNum,
    told: Option<&Policy>,
    (rules, since): (&Policy, Instant),
    now: Instant,
) -> Result<(), StoreError> {
    let told = told.map_or(&[][..], |told| &told.bans);
    let programme = i64::from(programme.0);
    let categories: BTreeSet<&CategoryId> =
        told.iter().chain(&rules.bans).map(|rule| &rule.category).collect();
    for category in categories {
        let of = |bans: &[BanRule]| -> Vec<BanRule> {
            bans.iter().filter(|ban| ban.category == *category).cloned().collect()
        };
        let (before, after) = (of(told), of(&rules.bans));
        if before == after {
            continue;
        }
        let ban = match nearest(&after, now) {
            Some(rule) => Some(Ban {
                category: category.clone(),
                programme,
                from: rule.effective_from,
                to: rule.effective_to,
                announced: rule.announced_at.unwrap_or(now),
                note: "from the programme's rules".to_owned(),
            }),
            // What an operator banned beside the rules stays.
            None => known(tx, category, programme)?
                .filter(|known| before.iter().any(|rule| Some(rule.period()) == known.period()))
                .filter(|known| known.to.is_none_or(|to| to > since))
                .map(|known| Ban { to: Some(since), ..known }),
        };
        if let Some(ban) = ban {
            let mut numbers = Numbers::take(tx, 1)?;
            set(tx, &ban, &mut numbers, now)?;
        }
    }
    Ok(())
}

/// Of some bans of one category the one that holds at `now` or is the next to; without any, the last. Edges know one
/// at a time.
fn nearest(bans: &[BanRule], now: Instant) -> Option<&BanRule> {
    let lasting = bans.iter().filter(|ban| ban.effective_to.is_none_or(|to| to > now));
    lasting.min_by_key(|ban| ban.effective_from).or(bans.iter().max_by_key(|ban| ban.effective_to))
}
