//! What edges ask over HTTP: take this batch, this is how I stand, this is lost.

use super::super::ingest::IngestError;
use crate::Core;
use crate::api::{Body, Edges, Only, PathId, Principal, Problem, read_bytes};
use attribution_core::click::EdgeId;
use attribution_core::shipping::{BATCH_MAX_BYTES, Batch, Heartbeat, HeartbeatAck, LostRange, ShipAck};
use axum::Json;
use axum::extract::{DefaultBodyLimit, Request, State};
use http::{StatusCode, header};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The content type of a compressed batch.
const BATCH_TYPE: &str = "application/vnd.yinke.batch";
/// A batch's header, and what compression adds to bytes that do not compress.
const BATCH_OVERHEAD: usize = 64 << 10;

pub(crate) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new()
        .routes(routes!(take_batch))
        .layer(DefaultBodyLimit::max(BATCH_MAX_BYTES + BATCH_OVERHEAD))
        .routes(routes!(take_heartbeat))
        .routes(routes!(take_lost))
}

/// A batch as it is sent: see `shipping` in attribution-core.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "only described")]
struct BatchBytes(Vec<u8>);

/// Takes a batch of frames in, exactly once in effect.
#[utoipa::path(
    post, path = "/v1/edges/{id}/batches",
    params(("id" = u16, Path, description = "The edge's number")),
    request_body(content = inline(BatchBytes), content_type = BATCH_TYPE),
    responses((status = 200, description = "The stream's cursor", body = serde_json::Value),
              (status = 409, description = "`cursor_mismatch` with `next_sequence`", body = crate::api::ProblemBody))
)]
async fn take_batch(
    State(core): State<Core>,
    _: Only<Edges>,
    principal: Principal,
    PathId(edge): PathId<u16>,
    request: Request,
) -> Result<Json<ShipAck>, Problem> {
    principal.require_edge(EdgeId(edge))?;
    if request.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind != BATCH_TYPE) {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            format!("the body must be {BATCH_TYPE}"),
        ));
    }
    let bytes = read_bytes(request, &core).await?;
    let batch = unpack(&bytes)?;
    if batch.stream().edge != EdgeId(edge) {
        return Err(Problem::forbidden("the batch belongs to another edge"));
    }
    // In a task of its own: an edge that leaves must not keep those who wait for clicks from hearing of these.
    let ingest = tokio::spawn(async move { core.ingest(batch, core.now()).await });
    let taken = ingest.await.map_err(|error| {
        tracing::error!(%error, "a batch was cut off");
        Problem::internal()
    })?;
    match taken {
        Ok(ack) => Ok(Json(ack)),
        Err(IngestError::Gap { expected, got }) => Err(Problem::conflict(
            "cursor_mismatch",
            format!("the stream stands at {expected}, the batch begins at {got}"),
        )
        .fact("next_sequence", expected)),
        Err(IngestError::Store(error)) => Err(error.into()),
    }
}

fn unpack(bytes: &[u8]) -> Result<Batch, Problem> {
    let bad = |why: String| Problem::new(StatusCode::BAD_REQUEST, "bad_batch", why);
    // The size stands in front; it is checked before that much memory is taken.
    let (size, packed) = lz4_flex::block::uncompressed_size(bytes).map_err(|e| bad(e.to_string()))?;
    if size > BATCH_MAX_BYTES + BATCH_OVERHEAD {
        return Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "the batch is larger than allowed",
        ));
    }
    let plain = lz4_flex::block::decompress(packed, size).map_err(|e| bad(e.to_string()))?;
    Batch::decode(&plain).map_err(|e| bad(e.to_string()))
}

/// Notes how an edge stands.
#[utoipa::path(
    post, path = "/v1/edges/{id}/heartbeat",
    params(("id" = u16, Path, description = "The edge's number")),
    request_body = serde_json::Value,
    responses((status = 200, description = "Noted; `behind` names streams to send again", body = serde_json::Value))
)]
async fn take_heartbeat(
    State(core): State<Core>,
    _: Only<Edges>,
    principal: Principal,
    PathId(edge): PathId<u16>,
    Body(heartbeat): Body<Heartbeat>,
) -> Result<Json<HeartbeatAck>, Problem> {
    principal.require_edge(EdgeId(edge))?;
    if heartbeat.edge != EdgeId(edge) {
        return Err(Problem::forbidden("the heartbeat belongs to another edge"));
    }
    Ok(Json(core.heartbeat(heartbeat, core.now()).await?))
}

/// Writes down frames that an edge can never deliver.
#[utoipa::path(
    post, path = "/v1/edges/{id}/lost",
    params(("id" = u16, Path, description = "The edge's number")),
    request_body = serde_json::Value, responses((status = 204, description = "Written down"))
)]
async fn take_lost(
    State(core): State<Core>,
    _: Only<Edges>,
    principal: Principal,
    PathId(edge): PathId<u16>,
    Body(ranges): Body<Vec<LostRange>>,
) -> Result<StatusCode, Problem> {
    principal.require_edge(EdgeId(edge))?;
    if let Some(bad) =
        ranges.iter().find(|range| range.from >= range.to || range.to > attribution_core::click::MAX_SEQUENCE)
    {
        return Err(Problem::invalid("ranges", format!("{} to {} is not a range", bad.from, bad.to)));
    }
    core.lost(EdgeId(edge), ranges, core.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
