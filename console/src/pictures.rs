//! Small pictures of products, for lists: fetched by the core, so that no shop learns who looks at its goods, made small
//! here, and [kept](crate::thumbnails) for a while.

use crate::api::path;
use crate::failure::Failure;
use crate::state::Console;
use crate::thumbnails::{FRESH_MS, MISSING_MS, Small};
use crate::who::SignedIn;
use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{StatusCode, header};
use qr_code::thumbnail;
use serde::Deserialize;
use std::time::Duration;

/// Pixels of a side: sharp where two make one of the page's.
const SIDE: u32 = 144;
/// Somebody looks at the list. What comes later is there when they look again.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn routes() -> Router<Console> {
    Router::new().route("/products/{id}/picture", get(picture))
}

/// The small picture of what is at an address.
async fn small(console: Console, url: String) -> Small {
    let cell = console.thumbnails().at(&url, console.core().now());
    let made = cell.get_or_init(async || {
        let large = console.core().picture(&url).await?;
        // Not for long: what is fetched keeps its place until it is drawn.
        let made = console.desks().draw(move || thumbnail(large.bytes(), SIDE)).await.ok()?;
        made.inspect_err(|error| tracing::debug!(%error, "no picture of a product")).ok().map(Bytes::from)
    });
    made.await.clone()
}

#[derive(Debug, Deserialize)]
struct Product {
    image_url: Option<String>,
}

/// A product's picture, for whoever may see the product.
async fn picture(who: SignedIn, Path(id): Path<String>) -> Result<Response, Failure> {
    let product: Product = who.ask(&path(&["products", &id]), &[]).await?;
    let Some(url) = product.image_url else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    let keep = |ms: i64| [(header::CACHE_CONTROL, format!("private, max-age={}", ms / 1_000))];
    Ok(match in_time(&who, url).await {
        Some(Some(bytes)) => (keep(FRESH_MS), [(header::CONTENT_TYPE, "image/jpeg")], bytes).into_response(),
        Some(None) => (StatusCode::NOT_FOUND, keep(MISSING_MS)).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    })
}

/// What there is at an address; none if that is not known yet.
async fn in_time(who: &SignedIn, url: String) -> Option<Small> {
    // It goes on without whoever asked: the next one finds it.
    let made = tokio::spawn(small(who.console().clone(), url));
    tokio::time::timeout(PATIENCE, made).await.ok()?.ok()
}

/// Whether it is known that there is no picture at an address that can be read.
pub(crate) async fn is_missing(who: &SignedIn, url: &str) -> bool {
    matches!(in_time(who, url.to_owned()).await, Some(None))
}
