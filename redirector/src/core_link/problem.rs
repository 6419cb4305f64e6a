//! Reads the core's `application/problem+json` answers.

use super::LinkError;
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use std::time::Duration;

/// The members of a problem that an edge acts upon.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: String,
    next_sequence: Option<u64>,
}

/// What an answer that is not a success means.
pub(super) fn to_error(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> LinkError {
    // A proxy in between answers with pages of its own: then the status alone must do.
    let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
    match (status, problem.next_sequence) {
        (StatusCode::CONFLICT, Some(next_sequence)) if problem.code == "cursor_mismatch" => {
            LinkError::CursorMismatch { next_sequence }
        }
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN, _) => LinkError::Unauthorised,
        (StatusCode::PAYLOAD_TOO_LARGE, _) => LinkError::TooLarge,
        (StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE, _) => {
            LinkError::Busy { retry_after: retry_after(headers) }
        }
        (StatusCode::REQUEST_TIMEOUT, _) => LinkError::Busy { retry_after: None },
        _ if status.is_server_error() => {
            let code = if problem.code.is_empty() { status.as_str().to_owned() } else { problem.code };
            LinkError::Failed(code)
        }
        _ if status.is_client_error() => LinkError::Refused { status: status.as_u16(), code: problem.code },
        _ => LinkError::BadAnswer(format!("status {status}")),
    }
}

/// Retry-After in seconds; a date is not understood and means "not said".
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core_link::Retry;

    fn error(status: u16, body: &str) -> LinkError {
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, "7".parse().unwrap());
        to_error(StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes())
    }

    #[test]
    fn statuses_and_codes_become_what_the_caller_does() {
        let rows: [(u16, &str, Retry, &str); 10] = [
            (409, r#"{"code":"cursor_mismatch","next_sequence":42}"#, Retry::From(42), "cursor_mismatch"),
            (409, r#"{"code":"cursor_mismatch"}"#, Retry::AfterRepair, "refused"),
            (409, r#"{"code":"other","next_sequence":42}"#, Retry::AfterRepair, "refused"),
            (401, "", Retry::AfterRepair, "unauthorised"),
            (403, "{}", Retry::AfterRepair, "unauthorised"),
            (413, "", Retry::Smaller, "too_large"),
            (429, "", Retry::Later, "busy"),
            (503, "<html>", Retry::Later, "busy"),
            (500, r#"{"code":"store"}"#, Retry::Later, "failed"),
            (301, "", Retry::AfterRepair, "bad_answer"),
        ];
        for (status, body, retry, reason) in rows {
            let error = error(status, body);
            assert_eq!((error.retry(), error.reason()), (retry, reason), "{status} {body}");
        }
        assert_eq!(error(503, "").retry_after(), Some(Duration::from_secs(7)));
    }
}
