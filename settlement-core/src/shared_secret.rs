//! A secret that we share with somebody, to sign with, and its rotation: for a while the one before stays good too, so
//! that nothing is lost before both sides know the new one.

use crate::api::Problem;
use crate::store::{Row, StoreError};
use attribution_core::time::{DAY_MS, Instant, SECOND_MS};
use std::fmt;

/// A former secret is good for so long unless the request says otherwise.
const OVERLAP_MS: i64 = DAY_MS;
/// And never longer.
const OVERLAP_MAX_MS: i64 = 7 * DAY_MS;

/// A secret as it is kept. Never logged.
#[derive(Clone)]
pub(crate) struct SharedSecret {
    current: String,
    /// The one before, and until when it is good.
    previous: Option<(String, Instant)>,
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(secret)")
    }
}

impl SharedSecret {
    /// Reads `secret`, `previous_secret` and `previous_until_ms`, which stand side by side from `column` on.
    pub(crate) fn of_row(row: &Row, column: usize) -> Result<Self, StoreError> {
        let previous = match (row.opt_text(column + 1)?, row.opt_instant(column + 2)?) {
            (Some(secret), Some(until)) => Some((secret.to_owned(), until)),
            _ => None,
        };
        Ok(Self { current: row.text(column)?.to_owned(), previous })
    }

    fn previous(&self, now: Instant) -> Option<&(String, Instant)> {
        self.previous.as_ref().filter(|(_, until)| now < *until)
    }

    /// Those that are good at `now`, the newest first.
    pub(crate) fn good(&self, now: Instant) -> impl Iterator<Item = &str> {
        let previous = self.previous(now).map(|(secret, _)| secret.as_str());
        std::iter::once(self.current.as_str()).chain(previous)
    }

    /// Until when the one before is good too, during a rotation.
    pub(crate) fn previous_until(&self, now: Instant) -> Option<Instant> {
        self.previous(now).map(|(_, until)| *until)
    }
}

/// Until when the former secret stays good if it is replaced at `now`; `asked` is for how many seconds.
///
/// # Errors
/// If that is too long.
pub(crate) fn good_until(asked: Option<u32>, now: Instant) -> Result<Instant, Problem> {
    let overlap = asked.map_or(OVERLAP_MS, |seconds| i64::from(seconds) * SECOND_MS);
    if overlap > OVERLAP_MAX_MS {
        return Err(Problem::invalid("overlap_seconds", format!("at most {}", OVERLAP_MAX_MS / SECOND_MS)));
    }
    Ok(now.plus(overlap))
}
