//! `GET`, `PUT` and `DELETE /v1/promoters/{id}/logo`: a promoter's picture for the middle of their QR codes.
//!
//! It is kept as it is given. Whoever draws codes makes it small and square before, and checks that they still scan.

use crate::api::{Nothing, Only, PathId, Principal, Problem, PromotersAlone, Write};
use crate::{Core, params};
use attribution_core::ids::PromoterId;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Bytes of a picture at most: what is shown in the middle of a code needs few.
const BYTES_MAX: usize = 256 << 10;

pub(super) fn routes() -> OpenApiRouter<Core> {
    OpenApiRouter::new().routes(routes!(get_logo, put_logo, delete_logo))
}

/// A picture.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct LogoPicture {
    /// A PNG or JPEG of at most 256 KiB, in Base64.
    picture: String,
}

/// There is none any more.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct NoLogo {
    /// Whether there was one.
    removed: bool,
}

/// The bytes of a picture, or why they cannot be kept.
fn bytes_of(picture: &LogoPicture) -> Result<Vec<u8>, Problem> {
    let bytes = STANDARD
        .decode(&picture.picture)
        .map_err(|error| Problem::invalid("picture", format!("is no Base64: {error}")))?;
    if bytes.len() > BYTES_MAX {
        return Err(Problem::invalid(
            "picture",
            format!("has {} bytes, at most {BYTES_MAX} are allowed", bytes.len()),
        ));
    }
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") && !bytes.starts_with(b"\xff\xd8\xff") {
        return Err(Problem::invalid("picture", "is neither PNG nor JPEG"));
    }
    Ok(bytes)
}

/// A promoter's picture for the middle of their QR codes. Operators, and the promoter.
#[utoipa::path(
    get, path = "/v1/promoters/{id}/logo", params(("id" = String, Path)),
    responses((status = 200, body = LogoPicture), (status = 404, description = "There is none"))
)]
async fn get_logo(
    State(core): State<Core>,
    _: Only<PromotersAlone>,
    principal: Principal,
    PathId(promoter): PathId<PromoterId>,
) -> Result<Json<LogoPicture>, Problem> {
    principal.require_promoter(promoter.as_str())?;
    core.store()
        .read(move |tx| {
            let row = tx
                .query_opt("SELECT picture FROM promoter_logos WHERE promoter = $1", params![&promoter])?
                .ok_or_else(|| Problem::unknown("logo", &promoter))?;
            Ok::<_, Problem>(LogoPicture { picture: STANDARD.encode(row.blob(0)?) })
        })
        .await
        .map(Json)
}

/// Keeps a picture for the middle of a promoter's QR codes, instead of the one before. Operators, and the promoter.
#[utoipa::path(
    put, path = "/v1/promoters/{id}/logo", params(("id" = String, Path)), request_body = LogoPicture,
    responses((status = 200, body = LogoPicture))
)]
async fn put_logo(
    State(core): State<Core>,
    _: Only<PromotersAlone>,
    PathId(promoter): PathId<PromoterId>,
    write: Write<LogoPicture>,
) -> Result<Response, Problem> {
    let Write { body, scope } = write;
    scope.principal.require_promoter(promoter.as_str())?;
    let bytes = bytes_of(&body)?;
    scope
        .run(&core, move |tx, scope| {
            tx.query_opt("SELECT 1 FROM promoters WHERE id = $1", params![&promoter])?
                .ok_or_else(|| Problem::unknown("promoter", &promoter))?;
            tx.execute(
                "INSERT INTO promoter_logos (promoter, picture, recorded_ms) VALUES ($1, $2, $3) \
                 ON CONFLICT (promoter) DO UPDATE SET picture = excluded.picture, recorded_ms = excluded.recorded_ms",
                params![&promoter, &bytes, scope.now],
            )?;
            Ok((StatusCode::OK, body.clone()))
        })
        .await
}

/// Forgets a promoter's picture. Operators, and the promoter.
#[utoipa::path(
    delete, path = "/v1/promoters/{id}/logo", params(("id" = String, Path)),
    responses((status = 200, body = NoLogo))
)]
async fn delete_logo(
    State(core): State<Core>,
    _: Only<PromotersAlone>,
    PathId(promoter): PathId<PromoterId>,
    write: Write<Nothing>,
) -> Result<Response, Problem> {
    let Write { body: Nothing {}, scope } = write;
    scope.principal.require_promoter(promoter.as_str())?;
    scope
        .run(&core, move |tx, _| {
            let removed =
                tx.execute("DELETE FROM promoter_logos WHERE promoter = $1", params![&promoter])? > 0;
            Ok((StatusCode::OK, NoLogo { removed }))
        })
        .await
}
