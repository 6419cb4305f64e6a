//! All routes of the HTTP interface and the document that describes them, put together of what each noun brings.

use crate::Core;
use crate::api::{JSON_BODY_MAX, Problem, ProblemBody, document};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use http::StatusCode;
use std::sync::LazyLock;
use std::time::Duration;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

/// A request that takes longer is answered 503; long polls stay below it by themselves.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

#[derive(OpenApi)]
#[openapi(
    info(title = "Yinke core", description = "Clicks, orders, attribution, commission and settlement."),
    security(("bearer" = [])),
    components(schemas(ProblemBody))
)]
struct Document;

/// The routes, by noun.
fn nouns() -> Vec<OpenApiRouter<Core>> {
    vec![
        crate::api::routes(),
        crate::accounts::routes(),
        crate::ingest::routes(),
        crate::catalogue::routes(),
        crate::library::routes(),
        crate::identities::routes(),
        crate::edges::routes(),
        crate::orders::routes(),
        crate::explanations::routes(),
        crate::intake::routes(),
        crate::attribution::routes(),
        crate::ledger::routes(),
        crate::payout_accounts::routes(),
        crate::payouts::routes(),
        crate::plans::routes(),
        crate::sourcing::routes(),
        crate::video_tasks::routes(),
        crate::statements::routes(),
        crate::disputes::routes(),
        crate::notices::routes(),
        crate::audit::routes(),
        crate::replay::routes(),
        crate::webhooks::routes(),
    ]
}

impl Core {
    /// The HTTP interface.
    pub fn router(&self) -> Router {
        ROUTES.clone().with_state(self.clone())
    }
}

/// All routes with the document that describes them: the same for every core, and dear to make for one that lives for a story.
static ROUTES: LazyLock<Router<Core>> = LazyLock::new(|| {
    let all = OpenApiRouter::with_openapi(Document::openapi());
    let (router, mut document) = nouns().into_iter().fold(all, OpenApiRouter::merge).split_for_parts();
    document.components.get_or_insert_default().add_security_scheme(
        "bearer",
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build()),
    );
    let document = document::complete(&document).map(Json);
    router
        .route("/openapi.json", get(async move || document.clone()))
        .fallback(async || {
            Problem::new(StatusCode::NOT_FOUND, "no_such_path", "there is nothing at this path")
        })
        .method_not_allowed_fallback(async || {
            Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "this path does not take this method",
            )
        })
        .layer(DefaultBodyLimit::max(JSON_BODY_MAX))
        .layer(from_fn(observe))
});

/// Counts the answer and bounds the time a request may take.
async fn observe(request: Request, next: Next) -> Response {
    let response = match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "timeout",
            "the core did not finish in time; repeat with the same idempotency key",
        )
        .into_response(),
    };
    let code = match response.status().as_u16() / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    metrics::counter!("yinke_core_http_requests_total", "code" => code).increment(1);
    response
}

#[cfg(test)]
mod tests {
    use super::nouns;
    use std::collections::HashMap;

    /// In one document the second of two bodies with the same name would take the first one's place.
    #[test]
    fn no_two_bodies_have_one_name() {
        let mut seen = HashMap::new();
        for mut noun in nouns() {
            let schemas = noun.get_openapi_mut().components.take().unwrap_or_default().schemas;
            for (name, schema) in schemas {
                let earlier = seen.insert(name.clone(), schema.clone());
                assert!(earlier.is_none_or(|earlier| earlier == schema), "two bodies are named {name}");
            }
        }
        assert!(seen.len() > 100, "the bodies were not found");
    }
}
