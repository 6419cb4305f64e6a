//! `POST` and `GET /v1/video-tasks`, and `.../confirm|cancel`.

use super::confirm::{ConfirmError, confirm};
use super::task::{self, State as TaskState, Task};
use super::terms::Terms;
use crate::Core;
use crate::api::{
    Cursor, Merchants, Nothing, OfMerchant, Only, Page, Params, PathId, Principal, Problem, Role, Write,
    WriteScope, all_of, check_name_in_path,
};
use crate::catalogue::refuse_outsider_of;
use crate::catalogue::rules::of_id;
use crate::order_events::AMOUNT_MAX_FEN;
use crate::params;
use crate::store::Tx;
use attribution_core::explanation::Language;
use attribution_core::ids::{MerchantId, ProductId, ProgrammeId, PromoterId};
use attribution_core::money::Fen;
use attribution_core::time::Instant;
use attribution_core::with_causes;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .routes(routes!(list, post_task))
        .routes(routes!(get_task))
        .routes(routes!(confirm_task))
        .routes(routes!(cancel_task))
}

/// A new task.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PostTask {
    /// Its id, unique.
    #[schema(example = "v-2017-11-01")]
    id: String,
    /// Under which programme.
    #[schema(value_type = String)]
    programme: ProgrammeId,
    /// Who orders and pays the video.
    #[schema(value_type = String)]
    merchant: MerchantId,
    /// What it is about, if it is one product.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    product: Option<ProductId>,
    /// Who makes it.
    #[schema(value_type = String)]
    talent: PromoterId,
    /// The price, fen. Whether a fee comes off it is a matter of the programme's rules and the day of the confirmation.
    #[schema(minimum = 1)]
    price_fen: i64,
}

/// A task, and what it pays or has paid.
#[derive(Debug, Serialize, ToSchema)]
struct TaskView {
    /// Its id.
    id: String,
    /// Under which programme.
    programme: String,
    /// Who pays.
    merchant: String,
    /// What it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<String>,
    /// Who makes the video.
    talent: String,
    /// The talent's agency, which is paid first: now, or when it was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    agency: Option<String>,
    /// The price, fen.
    price_fen: i64,
    /// There is an event of the rules in which the fee applies: now, or there was when it was confirmed.
    in_event: bool,
    /// `open`, `confirmed` or `cancelled`.
    state: &'static str,
    /// UTC milliseconds.
    created_at: i64,
    /// When it was confirmed or cancelled, UTC milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<i64>,
    /// To the platform, fen: as paid, or as a confirmation now would pay.
    fee_fen: i64,
    /// To the agency, or to the talent without one, fen.
    net_fen: i64,
    /// The version of the rules.
    programme_version: u32,
    /// How that came about.
    explanation: Told,
}

/// In both languages.
#[derive(Debug, Serialize, ToSchema)]
struct Told {
    /// 中文.
    zh: Vec<String>,
    /// English.
    en: Vec<String>,
}

fn view(terms: &mut Terms, tx: &mut dyn Tx, of: &Task, now: Instant) -> Result<TaskView, Problem> {
    let rules = terms.of(tx, of, now)?;
    let seen = terms.as_rules_see_it(tx, of, &rules.policy, now)?;
    let paid = rules.policy.confirm(&seen, &rules.platform);
    let paid = paid.map_err(|error| Problem::invalid("price_fen", error))?;
    let (fee, net) = match (&of.paid, of.state) {
        (Some(paid), _) => (paid.fee, paid.net),
        (None, TaskState::Cancelled) => (Fen::ZERO, Fen::ZERO),
        (None, _) => (paid.fee, paid.net),
    };
    let told = |language| match of.state {
        TaskState::Cancelled => Vec::new(),
        TaskState::Open | TaskState::Confirmed => paid.explain(&rules.policy, &seen, language),
    };
    Ok(TaskView {
        id: of.id.clone(),
        programme: of.programme.to_string(),
        merchant: of.merchant.to_string(),
        product: of.product.as_ref().map(ToString::to_string),
        talent: of.talent.to_string(),
        agency: seen.agency.as_ref().map(ToString::to_string),
        price_fen: of.price.0,
        in_event: seen.in_event,
        state: of.state.name(),
        created_at: of.created.millis(),
        closed_at: of.closed.map(Instant::millis),
        fee_fen: fee.0,
        net_fen: net.0,
        programme_version: rules.version,
        explanation: Told { zh: told(Language::Zh), en: told(Language::En) },
    })
}

fn no_tasks() -> Problem {
    Problem::conflict("no_video_tasks", "the programme has no video tasks").about("programme")
}

fn found(tx: &mut dyn Tx, id: &str) -> Result<Task, Problem> {
    task::find(tx, id)?.ok_or_else(|| Problem::unknown("video task", id))
}

/// Orders a video. Nothing is paid yet. Operators, and the merchant.
#[utoipa::path(
    post, path = "/v1/video-tasks", request_body = PostTask,
    responses((status = 201, body = TaskView),
              (status = 409, description = "`video_task_exists`, `no_video_tasks` or `not_in_programme`"))
)]
async fn post_task(
    State(core): State<Core>,
    _: Only<Merchants>,
    write: Write<PostTask>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    scope.principal.require_merchant(body.merchant.as_str())?;
    scope
        .run(&core, move |tx, scope| {
            check(tx, &body)?;
            let programme =
                of_id(tx, &body.programme)?.ok_or_else(|| Problem::unknown("programme", &body.programme))?;
            let rules = programme.in_force(scope.now);
            if rules.is_none_or(|rules| rules.policy.video_tasks.is_none()) {
                return Err(no_tasks());
            }
            tx.lock(&format!("video task {}", body.id))?;
            if task::find(tx, &body.id)?.is_some() {
                return Err(Problem::conflict(
                    "video_task_exists",
                    format!("there is a task {} already", body.id),
                )
                .about("id"));
            }
            let new = Task {
                id: body.id.clone(),
                programme: body.programme.clone(),
                merchant: body.merchant.clone(),
                product: body.product.clone(),
                talent: body.talent.clone(),
                price: Fen(body.price_fen),
                in_event: false,
                state: TaskState::Open,
                created: scope.now,
                closed: None,
                paid: None,
            };
            task::insert(tx, &new)?;
            Ok((StatusCode::CREATED, view(&mut Terms::default(), tx, &new, scope.now)?))
        })
        .await
}

/// A task must have an id and a price; who and what it names must be there, and belong together.
fn check(tx: &mut dyn Tx, body: &PostTask) -> Result<(), Problem> {
    tx.query_opt("SELECT 1 FROM merchants WHERE id = $1", params![&body.merchant])?
        .ok_or_else(|| Problem::unknown("merchant", &body.merchant))?;
    let talent = tx.query_opt("SELECT 1 FROM promoters WHERE id = $1", params![&body.talent])?;
    let product = match &body.product {
        Some(product) => {
            let sql = "SELECT 1 FROM targets WHERE kind = 'product' AND id = $1 AND merchant = $2";
            let found = tx.query_opt(sql, params![product, &body.merchant])?;
            found.map(drop).ok_or_else(|| Problem::unknown("product", product).about("product"))
        }
        None => Ok(()),
    };
    let pays = (1..=AMOUNT_MAX_FEN).contains(&body.price_fen);
    let out_of_range = || Problem::invalid("price_fen", format!("1 to {AMOUNT_MAX_FEN}"));
    all_of([
        check_name_in_path("id", &body.id),
        pays.then_some(()).ok_or_else(out_of_range),
        talent.map(drop).ok_or_else(|| Problem::unknown("promoter", &body.talent).about("talent")),
        product,
    ])?;
    refuse_outsider_of(tx, &body.merchant, &body.programme)
}

/// The talent's video is as ordered: the merchant pays at once. Repeating it changes nothing.
#[utoipa::path(
    post, path = "/v1/video-tasks/{id}/confirm", params(("id" = String, Path)), request_body = Nothing,
    responses((status = 200, body = TaskView), (status = 409, description = "`balance_too_low`, `unnamed_agency`, or the task was cancelled"))
)]
async fn confirm_task(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<String>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    change(core, id, write.scope, TaskState::Confirmed).await
}

/// The video is not wanted any more: nothing is paid.
#[utoipa::path(
    post, path = "/v1/video-tasks/{id}/cancel", params(("id" = String, Path)), request_body = Nothing,
    responses((status = 200, body = TaskView), (status = 409, description = "It was confirmed and paid"))
)]
async fn cancel_task(
    State(core): State<Core>,
    _: Only<Merchants>,
    PathId(id): PathId<String>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    change(core, id, write.scope, TaskState::Cancelled).await
}

async fn change(core: Core, id: String, scope: WriteScope, to: TaskState) -> Result<Response, Problem> {
    scope
        .run(&core, move |tx, scope| {
            tx.lock(&format!("video task {id}"))?;
            let of = found(tx, &id)?;
            scope.principal.require_merchant(of.merchant.as_str())?;
            if of.state == TaskState::Open {
                match to {
                    TaskState::Confirmed => {
                        confirm(tx, &of, scope.now).map_err(refusal)?;
                    }
                    _ => task::close(tx, &of.id, to, None, false, scope.now)?,
                }
            } else if of.state != to {
                return Err(Problem::conflict(
                    "video_task_closed",
                    format!("the task is {}", of.state.name()),
                ));
            }
            let now = found(tx, &id)?;
            Ok((StatusCode::OK, view(&mut Terms::default(), tx, &now, scope.now)?))
        })
        .await
}

fn refusal(error: ConfirmError) -> Problem {
    match error {
        ConfirmError::Store(error) => error.into(),
        ConfirmError::BalanceTooLow { available, wanted } => {
            Problem::conflict("balance_too_low", error.to_string())
                .fact("available_fen", available.0)
                .fact("wanted_fen", wanted.0)
        }
        ConfirmError::UnnamedAgency(_) => Problem::conflict("unnamed_agency", error.to_string()),
        ConfirmError::Ledger(_) | ConfirmError::Task(_) => {
            tracing::error!(error = with_causes(&error), "a video task could not be paid");
            Problem::internal()
        }
    }
}

/// A task. Operators, its merchant, its talent and the talent's agency.
#[utoipa::path(
    get, path = "/v1/video-tasks/{id}", params(("id" = String, Path)), responses((status = 200, body = TaskView))
)]
async fn get_task(
    State(core): State<Core>,
    principal: Principal,
    PathId(id): PathId<String>,
) -> Result<Json<TaskView>, Problem> {
    let now = core.now();
    core.store()
        .read(move |tx| {
            let of = found(tx, &id)?;
            let mut terms = Terms::default();
            let agency = terms.agency(tx, &of, now)?;
            let agency = agency.as_ref().map(|agency| agency.as_str());
            match principal.role {
                Role::Promoter | Role::Agency => principal.require_promoter_of(of.talent.as_str(), agency)?,
                _ => principal.require_merchant(of.merchant.as_str())?,
            }
            view(&mut terms, tx, &of, now)
        })
        .await
        .map(Json)
}

/// A merchant's tasks, newest first. Operators, and the merchant.
#[utoipa::path(get, path = "/v1/video-tasks", params(OfMerchant), responses((status = 200, body = Page<TaskView>)))]
async fn list(
    State(core): State<Core>,
    principal: Principal,
    Params(of): Params<OfMerchant>,
) -> Result<Json<Page<TaskView>>, Problem> {
    let (merchant, page, after) = of.begin(&principal)?;
    let now = core.now();
    core.store()
        .read(move |tx| {
            let tasks = task::of_merchant(tx, &merchant, after.as_ref(), page.rows())?;
            let mut terms = Terms::default();
            let items = tasks.iter().map(|task| view(&mut terms, tx, task, now));
            let items = items.collect::<Result<Vec<_>, Problem>>()?;
            Ok(page.cut(items, |task| Cursor::of_number_and_texts(task.created_at, [&task.id])))
        })
        .await
        .map(Json)
}
