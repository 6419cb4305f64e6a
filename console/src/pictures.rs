//! Small pictures of products, for lists: fetched by the core, so that no shop learns who looks at its goods, made small
//! here, and kept for a while in memory.

use crate::api::path;
use crate::failure::Failure;
use crate::state::Console;
use crate::who::SignedIn;
use attribution_core::time::Instant;
use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use http::{StatusCode, header};
use qr_code::thumbnail;
use serde::Deserialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;

/// Pixels of a side: sharp where two make one of the page's.
const SIDE: u32 = 144;
/// Pictures that are kept: of 5 KB each as a rule, and no more than 40 KB.
const KEPT_MAX: usize = 2_000;
/// For so long one is shown without asking its shop again, as the browser's copy is.
const FRESH_MS: i64 = 3_600_000;
/// And for so long one that could not be had is not asked for again.
const MISSING_MS: i64 = 300_000;
/// Somebody looks at the list. What comes later is there when they look again.
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) fn routes() -> Router<Console> {
    Router::new().route("/products/{id}/picture", get(picture))
}

/// None if there is no picture that can be read.
type Small = Option<Bytes>;

/// One address: asked once, however many look at it meanwhile.
#[derive(Clone)]
struct Kept {
    asked: Instant,
    small: Arc<OnceCell<Small>>,
}

impl Kept {
    fn is_fresh(&self, now: Instant) -> bool {
        let missing = matches!(self.small.get(), Some(None));
        let good_for = if missing { MISSING_MS } else { FRESH_MS };
        (0..good_for).contains(&now.millis().saturating_sub(self.asked.millis()))
    }
}

/// Small pictures by the address of the large one, in bounded memory.
#[derive(Default)]
pub(crate) struct Thumbnails(Mutex<HashMap<String, Kept>>);

impl Thumbnails {
    /// What is kept of an address, or a place for it. Where there is no room, those that were asked for longest ago go.
    fn at(&self, url: &str, now: Instant) -> Arc<OnceCell<Small>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = all.get(url).filter(|kept| kept.is_fresh(now)) {
            return kept.small.clone();
        }
        if all.len() >= KEPT_MAX && !all.contains_key(url) {
            let mut times: Vec<i64> = all.values().map(|kept| kept.asked.millis()).collect();
            let (_, median, _) = times.select_nth_unstable(KEPT_MAX / 2);
            let median = *median;
            all.retain(|_, kept| kept.asked.millis() > median);
        }
        let kept = Kept { asked: now, small: Arc::default() };
        all.insert(url.to_owned(), kept.clone());
        kept.small
    }
}

/// The small picture of what is at an address.
async fn small(console: Console, url: String) -> Small {
    let cell = console.thumbnails().at(&url, console.core().now());
    let made = cell.get_or_init(async || {
        let large = console.core().picture(&url).await?;
        // Not for long: what is fetched keeps its place until it is drawn.
        let made = console.draw(move || thumbnail(large.bytes(), SIDE)).await.ok()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_bounded_and_grows_old() {
        let kept = Thumbnails::default();
        let cell = kept.at("https://shop/0", Instant(0));
        assert!(Arc::ptr_eq(&cell, &kept.at("https://shop/0", Instant(FRESH_MS - 1))));
        assert!(!Arc::ptr_eq(&cell, &kept.at("https://shop/0", Instant(FRESH_MS))), "it is asked for again");
        let cell = kept.at("https://shop/none", Instant(0));
        cell.set(None).unwrap();
        assert!(Arc::ptr_eq(&cell, &kept.at("https://shop/none", Instant(MISSING_MS - 1))));
        assert!(!Arc::ptr_eq(&cell, &kept.at("https://shop/none", Instant(MISSING_MS))));
        for at in 0..3 * KEPT_MAX {
            kept.at(&format!("https://shop/{at}"), Instant(i64::try_from(at).unwrap()));
            assert!(kept.0.lock().unwrap().len() <= KEPT_MAX);
        }
        let last = kept.at(&format!("https://shop/{}", 3 * KEPT_MAX - 1), Instant(6_000));
        assert!(Arc::strong_count(&last) == 2, "the youngest stay");
    }
}
