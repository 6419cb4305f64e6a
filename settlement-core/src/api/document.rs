//! What holds for every operation and is said once: the OpenAPI document with the chapter of each operation, the
//! idempotency key of the writes and the refusals that any request may meet.

use super::{Problem, tags};
use http::StatusCode;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

/// Refusals that any operation may answer with.
const EVERYWHERE: [(StatusCode, &str); 5] = [
    (StatusCode::UNAUTHORIZED, "`token_missing`, `token_malformed` or `token_unknown`"),
    (
        StatusCode::FORBIDDEN,
        "`forbidden`: the token's role or subject may not do this; said before the body is read",
    ),
    (
        StatusCode::TOO_MANY_REQUESTS,
        "`rate_limited`: too many requests of this token, or failed attempts from this part of the network; go on \
         after `Retry-After` seconds",
    ),
    (StatusCode::INTERNAL_SERVER_ERROR, "`internal`: the core failed; its log says more"),
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "`overloaded`, `store_unavailable`, `outcome_unknown` or `timeout`: repeat after `Retry-After`",
    ),
];
/// Refusals that an operation with a JSON body may answer with besides.
const WITH_BODY: [(StatusCode, &str); 6] = [
    (
        StatusCode::NOT_FOUND,
        "`not_found` with `what`: the path or the body names something that is not there",
    ),
    (StatusCode::CONFLICT, "`conflict`, or a code of its own: what is there does not fit the request"),
    (
        StatusCode::BAD_REQUEST,
        "`malformed_json`, `invalid_path`, `invalid_idempotency_key` or `body_unreadable`",
    ),
    (StatusCode::PAYLOAD_TOO_LARGE, "`body_too_large`"),
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "`unsupported_media_type`"),
    (StatusCode::UNPROCESSABLE_ENTITY, "`invalid_body`, `invalid` with `field`, or `idempotency_key_reused`"),
];
/// The refusal of a question whose parameters make no sense.
const WITH_QUERY: [(StatusCode, &str); 3] = [
    (StatusCode::BAD_REQUEST, "`invalid_query`, `invalid_path` or `invalid_cursor`"),
    (
        StatusCode::NOT_FOUND,
        "`not_found` with `what`: the path or the query names something that is not there",
    ),
    (StatusCode::UNPROCESSABLE_ENTITY, "`invalid` with `field`: a parameter can be read but makes no sense"),
];

/// Whether a key means something: what edges and shops send is exactly once by its own numbers, and an answer with a
/// secret is kept nowhere.
fn takes_key(method: &str, path: &str) -> bool {
    let own_numbers = path.starts_with("/v1/edges/") || path.starts_with("/v1/intake/");
    let made = method == "post" && ["/v1/tokens", "/v1/intake-sources", "/v1/webhooks"].contains(&path);
    let accounts = ["/v1/accounts", "/v1/accounts/{login}/password"];
    let secret = accounts.contains(&path) || path.ends_with("/rotate");
    // Rules that are only rehearsed change nothing.
    !own_numbers && !made && !secret && path != "/v1/rehearsals"
}

/// The document as it is served.
pub(crate) fn complete(document: &OpenApi) -> Result<Value, Problem> {
    let mut document = serde_json::to_value(document).map_err(|error| {
        tracing::error!(%error, "the OpenAPI document could not be written");
        Problem::internal()
    })?;
    join_variants(&mut document);
    document["tags"] = tags::chapters();
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete_operation(path, method, operation);
        }
    }
    Ok(document)
}

/// A tagged body is its fields and its tag. Where the fields allow no others, the two must be one description: each by
/// itself refuses the other's fields, and nothing would fit both.
fn join_variants(document: &mut Value) {
    let schemas = document.pointer_mut("/components/schemas").and_then(Value::as_object_mut);
    let Some(schemas) = schemas else { return };
    let parts = schemas.clone();
    for schema in schemas.values_mut() {
        let alternatives = schema.get_mut("oneOf").and_then(Value::as_array_mut);
        for alternative in alternatives.into_iter().flatten() {
            if let Some(joined) = joined(alternative, &parts) {
                *alternative = joined;
            }
        }
    }
}

/// The fields and the tag of one alternative in one; none if they need no joining.
fn joined(alternative: &Value, parts: &Map<String, Value>) -> Option<Value> {
    let [fields, tag] = alternative.get("allOf")?.as_array()?.as_slice() else { return None };
    let mut joined = parts.get(fields.get("$ref")?.as_str()?.rsplit('/').next()?)?.clone();
    if joined.get("additionalProperties")? != false {
        return None;
    }
    joined["properties"].as_object_mut()?.extend(tag.get("properties")?.as_object()?.clone());
    joined["required"].as_array_mut()?.extend(tag.get("required")?.as_array()?.iter().cloned());
    if let Some(description) = fields.get("description") {
        joined["description"] = description.clone();
    }
    Some(joined)
}

fn complete_operation(path: &str, method: &str, operation: &mut Value) {
    operation["tags"] = tags::noun(path).into_iter().collect();
    let writes = matches!(method, "post" | "put" | "patch" | "delete");
    let json = operation.pointer("/requestBody/content/application~1json").is_some();
    let bare = operation.get("requestBody").is_none();
    // Of files of orders each event has a key of its own.
    let file = path == "/v1/reconciliations";
    let keyed = writes && (json || bare || file) && takes_key(method, path);
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
    let besides = if writes { &WITH_BODY[..] } else { &WITH_QUERY[..] };
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, response) in responses.iter_mut().filter(|(status, _)| status.starts_with(['4', '5'])) {
        refusal(status, response);
    }
    for (status, meaning) in EVERYWHERE.iter().chain(besides) {
        responses.entry(status.as_str()).or_insert_with(|| {
            let mut response = json!({ "description": meaning });
            refusal(status.as_str(), &mut response);
            response
        });
    }
}

/// A refusal is a problem, unless it says that it is something else.
fn refusal(status: &str, response: &mut Value) {
    const PROBLEM: &str = "#/components/schemas/ProblemBody";
    let json = response.pointer("/content/application~1json/schema/$ref");
    if response.get("content").is_none() || json.is_some_and(|schema| schema == PROBLEM) {
        response["content"] = json!({ "application/problem+json": { "schema": { "$ref": PROBLEM } } });
    }
    if matches!(status, "429" | "503") {
        response["headers"] = json!({
            "Retry-After": {
                "description": "Seconds after which it may be tried again",
                "schema": { "type": "integer", "minimum": 1 },
            }
        });
    }
}

fn list_of<'v>(operation: &'v mut Value, name: &str) -> Option<&'v mut Vec<Value>> {
    operation.as_object_mut()?.entry(name).or_insert_with(|| json!([])).as_array_mut()
}
