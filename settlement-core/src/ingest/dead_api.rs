//! `GET /v1/dead-letters` and `.../back`, `POST /v1/dead-letters/put-back`: records that could not be read or that the
//! database did not take, to look at and to put back.

use super::put_back::{AT_ONCE_MAX, PutBack, put_back};
use crate::Core;
use crate::accounts::called;
use crate::api::{Cursor, Only, Operators, Page, PageParams, Params, Problem, Write};
use crate::params;
use crate::store::{Row, StoreError, Tx};
use attribution_core::click::ClickId;
use attribution_core::hex::hex;
use attribution_core::record::ClickRecord;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, PoisonError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(list_back)).routes(routes!(post_put_back))
}

/// A record that was set aside.
#[derive(Debug, Serialize, ToSchema)]
struct DeadLetter {
    /// The click's id, 32 hex digits.
    click_id: String,
    /// The edge that recorded it.
    edge: u16,
    /// When the edge recorded it, UTC milliseconds.
    edge_at: i64,
    /// When it reached the core, UTC milliseconds.
    set_aside_at: i64,
    /// Why it was set aside, or why it was refused when it was last tried.
    reason: String,
    /// The link's code, if this program can read the record.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Its bytes in hex digits.
    bytes: String,
}

/// A record that was put back among the clicks.
#[derive(Debug, Serialize, ToSchema)]
struct LetterBack {
    /// The click's id, 32 hex digits.
    click_id: String,
    /// The edge that recorded it.
    edge: u16,
    /// When the edge recorded it, UTC milliseconds.
    edge_at: i64,
    /// When it reached the core, UTC milliseconds.
    set_aside_at: i64,
    /// Why it had been set aside.
    reason: String,
    /// When it was put back, UTC milliseconds.
    back_at: i64,
    /// By whom.
    back_by: String,
}

/// Which letters to try.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PostPutBack {
    /// Those behind this one, in the order of ids: `next` of the answer before. From the first if absent.
    #[serde(default)]
    after: Option<String>,
    /// At most so many, 1 to 500; 500 if absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 500)]
    limit: Option<u32>,
}

/// What came of them.
#[derive(Debug, Serialize, ToSchema)]
struct PutBackView {
    /// Among the clicks now.
    taken: u64,
    /// Still refused; they stay, with the newest reason.
    kept: u64,
    /// The last one tried, if there are more behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

fn letter(row: &Row) -> Result<DeadLetter, StoreError> {
    let (click, payload) = (ClickId(row.id16(0)?), row.blob(2)?);
    Ok(DeadLetter {
        click_id: click.to_hex(),
        edge: click.stream().edge.0,
        edge_at: row.int(1)?,
        set_aside_at: row.int(4)?,
        reason: row.text(3)?.to_owned(),
        code: ClickRecord::decode(payload).ok().map(|record| record.code.to_string()),
        bytes: hex(payload),
    })
}

fn letter_back(tx: &mut dyn Tx, row: &Row) -> Result<LetterBack, StoreError> {
    let click = ClickId(row.id16(0)?);
    Ok(LetterBack {
        click_id: click.to_hex(),
        edge: click.stream().edge.0,
        edge_at: row.int(1)?,
        set_aside_at: row.int(3)?,
        reason: row.text(2)?.to_owned(),
        back_at: row.int(5)?,
        back_by: called(tx, row.text(4)?)?,
    })
}

/// Records that were set aside because this program could not read them or the database did not take them, by id.
/// Operators.
#[utoipa::path(get, path = "/v1/dead-letters", params(PageParams), responses((status = 200, body = Page<DeadLetter>)))]
async fn list(
    State(core): State<Core>,
    _: Only<Operators>,
    Params(page): Params<PageParams>,
) -> Result<Json<Page<DeadLetter>>, Problem> {
    let (page, after) = page.begin()?;
    let after = after.click()?;
    let rows = core
        .store()
        .read(move |tx| {
            tx.query(
                "SELECT click_id, edge_ms, payload, reason, at_ms FROM dead_letters WHERE click_id > $1 \
                 ORDER BY click_id LIMIT $2",
                params![&after, page.rows()],
            )
        })
        .await?;
    let items = rows.iter().map(letter).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(page.cut(items, |letter| letter.click_id.clone())))
}

/// Records that were put back, newest first: what they had been set aside for, and who put them back. Operators.
#[utoipa::path(
    get, path = "/v1/dead-letters/back", params(PageParams), responses((status = 200, body = Page<LetterBack>))
)]
async fn list_back(
    State(core): State<Core>,
    _: Only<Operators>,
    Params(page): Params<PageParams>,
) -> Result<Json<Page<LetterBack>>, Problem> {
    let (page, after) = page.begin()?;
    let (before, id) = match after.number_and_texts::<1>()? {
        None => (i64::MAX, vec![0xff; 17]),
        Some((at, [id])) => (at, ClickId::from_hex(&id).ok_or_else(Cursor::foreign)?.0.to_vec()),
    };
    let items = core
        .store()
        .read(move |tx| {
            let rows = tx.query(
                "SELECT click_id, edge_ms, reason, at_ms, back_by, back_ms FROM dead_letters_back \
                 WHERE (back_ms, click_id) < ($1, $2) ORDER BY back_ms DESC, click_id DESC LIMIT $3",
                params![before, &id, page.rows()],
            )?;
            rows.iter().map(|row| letter_back(tx, row)).collect::<Result<Vec<_>, StoreError>>()
        })
        .await?;
    Ok(Json(page.cut(items, |of| Cursor::of_number_and_texts(of.back_at, [&of.click_id]))))
}

/// Tries records again that were set aside, once the cause is mended. Each that is taken becomes a click as if it had come
/// in late; the others stay. Ask again with `next` until there is none; asking twice for the same changes nothing more.
/// Operators.
#[utoipa::path(
    post, path = "/v1/dead-letters/put-back", request_body = PostPutBack,
    responses((status = 200, body = PutBackView))
)]
async fn post_put_back(
    State(core): State<Core>,
    _: Only<Operators>,
    write: Write<PostPutBack>,
) -> Result<Response, Problem> {
    let Write { body: PostPutBack { after, limit }, scope } = write;
    let after = match after {
        None => Vec::new(),
        Some(id) => {
            let id = ClickId::from_hex(&id);
            id.ok_or_else(|| Problem::invalid("after", "is no click's id"))?.0.to_vec()
        }
    };
    let limit = limit.unwrap_or(AT_ONCE_MAX);
    if !(1..=AT_ONCE_MAX).contains(&limit) {
        return Err(Problem::invalid("limit", format!("must be 1 to {AT_ONCE_MAX}")));
    }
    // In a task of its own: a client that leaves drops its handler, and whoever waits for clicks must hear of these.
    let task = tokio::spawn(async move {
        // What the transaction that was committed did; one that is run again begins anew.
        let done = Arc::new(Mutex::new((0, 0)));
        let told = Arc::clone(&done);
        let response = scope
            .run(&core, move |tx, scope| {
                let PutBack { taken, kept, next } =
                    put_back(tx, &after, limit, scope.principal.name(), scope.now)?;
                *told.lock().unwrap_or_else(PoisonError::into_inner) = (taken, kept);
                Ok((StatusCode::OK, PutBackView { taken, kept, next: next.map(ClickId::to_hex) }))
            })
            .await?;
        let (taken, kept) = *done.lock().unwrap_or_else(PoisonError::into_inner);
        metrics::counter!("yinke_core_dead_letters_put_back_total", "result" => "taken").increment(taken);
        metrics::counter!("yinke_core_dead_letters_put_back_total", "result" => "kept").increment(kept);
        if taken > 0 {
            tracing::info!(taken, kept, "dead letters were put back among the clicks");
            core.announce_clicks();
        }
        Ok(response)
    });
    task.await.unwrap_or_else(|error| {
        tracing::error!(%error, "putting dead letters back was cut off");
        Err(Problem::internal())
    })
}
