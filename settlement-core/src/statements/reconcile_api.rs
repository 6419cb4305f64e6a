//! `POST /v1/reconciliations`: a platform's statement, as CSV, against our books; `GET` what was compared and what
//! differed.

use super::kept::{Compared, KeptDifference, Reconciled, Wanted, differences, find, keep, list};
use super::reconcile::{Difference, Key, Kind, Span, Theirs, compare, read};
use super::their_states::Dialect;
use crate::Core;
use crate::api::{
    ApiTime, Cursor, Only, Operators, Page, PageParams, Params, PathId, Problem, WriteFile, all_of,
    require_type, verdict,
};
use crate::catalogue::refuse_unknown_programme;
use crate::payouts::run::platform_of;
use attribution_core::ids::{PlatformId, ProgrammeId};
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .routes(routes!(list_kept, post_statement))
        .routes(routes!(one))
        .routes(routes!(list_differences))
}

/// What the statement covers.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Covers {
    /// The platform whose statement it is; the programme's if absent, and refused if it is another.
    #[param(value_type = Option<String>)]
    platform: Option<PlatformId>,
    /// The programme.
    #[param(value_type = String)]
    programme: ProgrammeId,
    /// Orders placed from here on (RFC 3339 or UTC milliseconds).
    from: String,
    /// Up to here.
    to: String,
    /// Whose names the states have: `taobao`, `jd`, `pdd`, `douyin` or `kuaishou`. Ours are always understood.
    #[serde(default)]
    #[param(inline)]
    states: Dialect,
}

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
struct Reconciliation {
    /// Under this number it is kept.
    id: i64,
    /// Lines that say the same.
    agree: u64,
    /// Lines of the statement.
    lines: usize,
    /// Differences in all.
    found: usize,
    /// Each difference, by order and line; the first 1000.
    differences: Vec<Difference>,
}

/// Differences in one answer at most; all of them are kept.
const ANSWERED_MAX: usize = 1_000;

/// The lines of a statement, of which there must be some.
fn lines_of(bytes: &[u8], states: Dialect) -> Result<BTreeMap<Key, Theirs>, Problem> {
    let unreadable =
        |why: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "statement_unreadable", why);
    let text = std::str::from_utf8(bytes).map_err(|_| unreadable("the statement is not UTF-8".to_owned()))?;
    let lines = read(text, states).map_err(|error| unreadable(error.to_string()))?;
    if lines.is_empty() { Err(unreadable("the statement has no line".to_owned())) } else { Ok(lines) }
}

/// Compares a statement with the books, and keeps what differs. It is CSV with the columns `order`, `line`,
/// `commission_fen` or `commission_yuan`, and `state` (ours, or as the platform's reports say it, by `states`). The books
/// are not changed. Operators.
#[utoipa::path(
    post, path = "/v1/reconciliations", params(Covers), request_body(content = String, content_type = "text/csv"),
    responses((status = 200, body = Reconciliation), (status = 415, description = "`unsupported_media_type`"), (status = 404, description = "No such programme"), (status = 422, description = "The statement cannot be read, which says row and column, or has no line; or the platform is not the programme's"))
)]
async fn post_statement(
    State(core): State<Core>,
    _: Only<Operators>,
    Params(covers): Params<Covers>,
    headers: HeaderMap,
    file: WriteFile,
) -> Result<Response, Problem> {
    require_type(&headers, "text/csv")?;
    let WriteFile { bytes, scope } = file;
    let states = covers.states;
    let programme = covers.programme;
    let at = |name: &str, text: &str| {
        let parsed: Result<ApiTime, _> = text.parse();
        parsed
            .map(ApiTime::instant)
            .map_err(|_| Problem::invalid(name, "neither RFC 3339 nor UTC milliseconds"))
    };
    let (theirs, from, to) = (lines_of(&bytes, states), at("from", &covers.from), at("to", &covers.to));
    let lasts = !matches!((&from, &to), (Ok(from), Ok(to)) if from >= to);
    all_of([
        verdict(&theirs),
        verdict(&from),
        verdict(&to),
        lasts.then_some(()).ok_or_else(|| Problem::invalid("to", "must be later than from")),
    ])?;
    let (theirs, from, to) = (theirs?, from?, to?);
    let lines = theirs.len();
    scope
        .run(&core, move |tx, scope| {
            refuse_unknown_programme(tx, programme.as_str())?;
            let platform = platform_of(tx, &programme)?;
            if covers.platform.as_ref().is_some_and(|said| *said != platform) {
                let why = format!("programme {programme} is one of platform {platform}");
                return Err(Problem::invalid("platform", why));
            }
            let span = Span { from, to, platform: platform.to_string(), programme: programme.to_string() };
            let (mut differences, agree) = compare(tx, &span, &theirs)?;
            let by = scope.principal.name();
            let id =
                keep(tx, &Compared { span: &span, states, lines, agree, by, at: scope.now }, &differences)?;
            let found = differences.len();
            differences.truncate(ANSWERED_MAX);
            Ok((StatusCode::OK, Reconciliation { id, agree, lines, found, differences }))
        })
        .await
}

/// The platforms' statements that were compared with our books, newest first. Operators.
#[utoipa::path(get, path = "/v1/reconciliations", params(PageParams), responses((status = 200, body = Page<Reconciled>)))]
async fn list_kept(
    State(core): State<Core>,
    _: Only<Operators>,
    Params(page): Params<PageParams>,
) -> Result<Json<Page<Reconciled>>, Problem> {
    let (page, after) = page.begin()?;
    let [before] = after.numbers()?.unwrap_or([i64::MAX]);
    let items = core.store().read(move |tx| list(tx, before, page.rows())).await?;
    Ok(Json(page.cut(items, |of| Cursor::of_numbers(&[of.id]))))
}

fn unknown(id: i64) -> Problem {
    Problem::unknown("reconciliation", id)
}

/// One of them. Operators.
#[utoipa::path(
    get, path = "/v1/reconciliations/{id}", params(("id" = i64, Path)),
    responses((status = 200, body = Reconciled), (status = 404, description = "No such reconciliation"))
)]
async fn one(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(id): PathId<i64>,
) -> Result<Json<Reconciled>, Problem> {
    core.store().read(move |tx| find(tx, id)?.ok_or_else(|| unknown(id))).await.map(Json)
}

/// Which differences.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Of this kind only.
    #[param(inline)]
    kind: Option<Kind>,
    /// Those that are settled, or those that are not.
    settled: Option<bool>,
    /// Entries wanted, 1 to 500.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// What differed, by order and line, as it was when the statement was compared, and what was said of it since. Operators.
#[utoipa::path(
    get, path = "/v1/reconciliations/{id}/differences", params(("id" = i64, Path), Which),
    responses((status = 200, body = Page<KeptDifference>), (status = 404, description = "No such reconciliation"))
)]
async fn list_differences(
    State(core): State<Core>,
    _: Only<Operators>,
    PathId(id): PathId<i64>,
    Params(which): Params<Which>,
) -> Result<Json<Page<KeptDifference>>, Problem> {
    let (page, cursor) = PageParams { limit: which.limit, cursor: which.cursor }.begin()?;
    let [after] = cursor.numbers()?.unwrap_or([0]);
    let wanted = Wanted { kind: which.kind, settled: which.settled };
    let items = core
        .store()
        .read(move |tx| {
            find(tx, id)?.ok_or_else(|| unknown(id))?;
            Ok::<_, Problem>(differences(tx, id, wanted, after, page.rows())?)
        })
        .await?;
    Ok(Json(page.cut(items, |of| Cursor::of_numbers(&[of.number]))))
}
