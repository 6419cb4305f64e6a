//! Styles, scripts and pictures: built in, compressed once, served under a name that holds their hash.

use attribution_core::hex::hex;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};
use std::io::{self, Write as _};
use std::sync::Arc;

/// All files: name, contents, type.
const FILES: [(&str, &[u8], &str); 5] = [
    ("console.css", include_bytes!("../assets/console.css"), "text/css; charset=utf-8"),
    ("console.js", include_bytes!("../assets/console.js"), "text/javascript; charset=utf-8"),
    ("uplot.js", include_bytes!("../assets/vendor/uPlot.iife.min.js"), "text/javascript; charset=utf-8"),
    ("uplot.css", include_bytes!("../assets/vendor/uPlot.min.css"), "text/css; charset=utf-8"),
    ("icon.svg", include_bytes!("../assets/icon.svg"), "image/svg+xml"),
];

/// One file.
struct Asset {
    name: &'static str,
    /// With the hash in it.
    path: String,
    plain: Bytes,
    gzip: Bytes,
    kind: HeaderValue,
}

/// The files, ready to be sent.
pub(crate) struct Assets {
    all: Vec<Asset>,
}

impl Assets {
    /// Compresses them.
    pub(crate) fn load() -> io::Result<Self> {
        let load = |&(name, plain, kind): &(&'static str, &'static [u8], &'static str)| {
            let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
            gzip.write_all(plain)?;
            let hash = Sha256::digest(plain);
            let hash = hex(&hash[..6]);
            Ok(Asset {
                name,
                path: format!("/assets/{hash}/{name}"),
                plain: Bytes::from_static(plain),
                gzip: gzip.finish()?.into(),
                kind: HeaderValue::from_static(kind),
            })
        };
        Ok(Self { all: FILES.iter().map(load).collect::<io::Result<_>>()? })
    }

    /// Where a file is. Names are ours: one that is not there is found by the first test that renders a page.
    pub(crate) fn path(&self, name: &str) -> &str {
        self.all.iter().find(|asset| asset.name == name).map_or("", |asset| &asset.path)
    }
}

/// Where they are served, of a router whose other routes need another state.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>(assets: Arc<Assets>) -> Router<S> {
    let routes = Router::new().route("/assets/{hash}/{name}", get(asset)).route("/favicon.ico", get(icon));
    routes.with_state(assets)
}

async fn asset(
    State(assets): State<Arc<Assets>>,
    Path((hash, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let path = format!("/assets/{hash}/{name}");
    match assets.all.iter().find(|asset| asset.path == path) {
        Some(asset) => send(asset, &headers, "public, max-age=31536000, immutable"),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// For browsers that ask without having read a page.
async fn icon(State(assets): State<Arc<Assets>>, headers: HeaderMap) -> Response {
    match assets.all.iter().find(|asset| asset.name == "icon.svg") {
        Some(asset) => send(asset, &headers, "public, max-age=86400"),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn send(asset: &Asset, headers: &HeaderMap, keep: &'static str) -> Response {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    let gzip = accepted.split(',').any(|item| {
        let (name, weight) = item.split_once(';').unwrap_or((item, ""));
        name.trim().eq_ignore_ascii_case("gzip") && weight.trim() != "q=0"
    });
    let body = if gzip { asset.gzip.clone() } else { asset.plain.clone() };
    let mut response = body.into_response();
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, asset.kind.clone());
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    out.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    out.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if gzip {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}
