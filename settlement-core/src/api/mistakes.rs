//! Requests of which all is taken or nothing: everything that is wrong, with one of them or with the entries of a list.

use super::Problem;
use http::StatusCode;
use serde_json::Value;

/// Several checks of one request: whoever asks is told of each one that fails, beside its field, and not of the first alone.
///
/// # Errors
/// The first refusal; if there are others, with all of them as `errors`.
pub(crate) fn all_of(checks: impl IntoIterator<Item = Result<(), Problem>>) -> Result<(), Problem> {
    Problem::of_all(checks.into_iter().filter_map(Result::err).collect()).map_or(Ok(()), Err)
}

/// What [`all_of`] has to know of something that is needed afterwards.
pub(crate) fn verdict<T>(found: &Result<T, Problem>) -> Result<(), Problem> {
    found.as_ref().map(drop).map_err(Problem::clone)
}

/// Why entries of a list are refused, each with its index.
#[derive(Debug, Default)]
pub(crate) struct Mistakes {
    errors: Vec<Value>,
}

impl Mistakes {
    /// What an entry came to; nothing if it is refused, and why is noted.
    ///
    /// # Errors
    /// What ends the whole request.
    pub(crate) fn sort<T>(&mut self, index: usize, entry: Result<T, Problem>) -> Result<Option<T>, Problem> {
        match entry {
            Ok(entry) => Ok(Some(entry)),
            // The store failed, or a transaction that is broken: there is nothing to go on with.
            Err(problem) if problem.status().is_server_error() => Err(problem),
            // Whoever may not make it is told nothing else.
            Err(problem) if problem.status() == StatusCode::FORBIDDEN => Err(problem.fact("index", index)),
            Err(problem) => {
                self.errors.push(problem.of_entry(index));
                Ok(None)
            }
        }
    }

    /// Refuses the list, if an entry is: `detail` says so of so many of them.
    ///
    /// # Errors
    /// 422 with `code`, and `errors` with every entry that is refused.
    pub(crate) fn refuse(
        self,
        code: &'static str,
        detail: impl FnOnce(usize) -> String,
    ) -> Result<(), Problem> {
        if self.errors.is_empty() {
            return Ok(());
        }
        let detail = detail(self.errors.len());
        Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail).fact("errors", self.errors))
    }
}
