//! What holds for every operation and is said once: the OpenAPI document with the idempotency key of the writes and
//! the refusals that any request may meet.

use super::Problem;
use http::StatusCode;
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;

/// Refusals that any operation may answer with.
const EVERYWHERE: [(StatusCode, &str); 4] = [
    (StatusCode::UNAUTHORIZED, "`token_missing`, `token_malformed` or `token_unknown`"),
    (
        StatusCode::FORBIDDEN,
        "`forbidden`: the token's role or subject may not do this; said before the body is read",
    ),
    (StatusCode::INTERNAL_SERVER_ERROR, "`internal`: the core failed; its log says more"),
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "`overloaded`, `store_unavailable`, `outcome_unknown` or `timeout`: repeat after `Retry-After`",
    ),
];
/// Refusals that an operation with a JSON body may answer with besides.
const WITH_BODY: [(StatusCode, &str); 4] = [
    (
        StatusCode::BAD_REQUEST,
        "`malformed_json`, `invalid_path`, `invalid_idempotency_key` or `body_unreadable`",
    ),
    (StatusCode::PAYLOAD_TOO_LARGE, "`body_too_large`"),
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "`unsupported_media_type`"),
    (StatusCode::UNPROCESSABLE_ENTITY, "`invalid_body`, `invalid` with `field`, or `idempotency_key_reused`"),
];
/// The refusal of a question whose parameters make no sense.
const WITH_QUERY: (StatusCode, &str) =
    (StatusCode::BAD_REQUEST, "`invalid_query`, `invalid_path` or `invalid_cursor`");

/// The document as it is served.
pub(super) fn complete(document: &OpenApi) -> Result<Value, Problem> {
    let mut document = serde_json::to_value(document).map_err(|error| {
        tracing::error!(%error, "the OpenAPI document could not be written");
        Problem::internal()
    })?;
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete_operation(path, method, operation);
        }
    }
    Ok(document)
}

fn complete_operation(path: &str, method: &str, operation: &mut Value) {
    let writes = matches!(method, "post" | "put" | "patch" | "delete");
    // What edges send is exactly once by its own numbers, what holds a secret is kept nowhere, and a file that is
    // only compared, or rules that are only rehearsed, change nothing.
    let json = operation.pointer("/requestBody/content/application~1json").is_some();
    let bare = operation.get("requestBody").is_none();
    let secret = matches!(path, "/v1/tokens" | "/v1/accounts" | "/v1/accounts/{login}/password");
    let keyed =
        writes && (json || bare) && !path.starts_with("/v1/edges/") && !secret && path != "/v1/rehearsals";
    if keyed && let Some(parameters) = list_of(operation, "parameters") {
        parameters.push(json!({
            "name": "Idempotency-Key",
            "in": "header",
            "required": false,
            "description": "1 to 255 visible ASCII characters. The answer is kept for 24 hours in the transaction of \
                            the change, by token, method, path and key: the same request again gets the same answer \
                            with `Idempotent-Replayed: true`; another body under the same key is refused.",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
        }));
    }
    let besides = if writes { &WITH_BODY[..] } else { &[WITH_QUERY][..] };
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, meaning) in EVERYWHERE.iter().chain(besides) {
        responses.entry(status.as_str()).or_insert_with(|| {
            json!({
                "description": meaning,
                "content": {
                    "application/problem+json": { "schema": { "$ref": "#/components/schemas/ProblemBody" } }
                },
            })
        });
    }
}

fn list_of<'v>(operation: &'v mut Value, name: &str) -> Option<&'v mut Vec<Value>> {
    operation.as_object_mut()?.entry(name).or_insert_with(|| json!([])).as_array_mut()
}
