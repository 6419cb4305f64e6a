//! How often somebody may try: so many attempts in a window, by name and by where they come from.
//!
//! Wrong passwords count mostly by name and truncated address together: whoever guesses locks out themselves and not
//! the one they guess at. A name alone has a limit that takes many addresses to reach.
//!
//! An attempt is counted before its password is looked at, so that many at once cannot slip through together, and
//! given back when it succeeds. Names that do not exist count like those that do.

use super::login::Login;
use crate::params;
use crate::store::{StoreError, Tx};
use attribution_core::record::AddressPrefix;
use attribution_core::time::{Instant, SECOND_MS};
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// Attempts are counted over so long.
const WINDOW_MS: i64 = 15 * 60 * SECOND_MS;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// Wrong passwords for one name from anywhere.
    Name,
    /// Wrong passwords for one name from one truncated address, or of one session that changes its password.
    NameFrom,
    /// Wrong passwords from one truncated address: many people may share one.
    Prefix,
    /// New accounts from one truncated address.
    SignUp,
}

impl What {
    const fn max(self) -> i64 {
        match self {
            Self::Name => 1_000,
            Self::NameFrom => 10,
            Self::Prefix => 100,
            Self::SignUp => 20,
        }
    }

    const fn tag(self) -> u8 {
        match self {
            Self::Name => 1,
            Self::Prefix => 2,
            Self::SignUp => 3,
            Self::NameFrom => 4,
        }
    }
}

/// Whose attempts are counted together: a hash, because what people type as a name may be a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    what: What,
    key: [u8; 32],
}

impl Counted {
    pub(super) fn name(typed: &str) -> Self {
        Self::new(What::Name, folded(typed).as_bytes())
    }

    /// A name, and where the attempts come from if that is known.
    pub(super) fn name_from(typed: &str, from: Option<IpAddr>) -> Self {
        let mut text = folded(typed).into_bytes();
        if let Some(from) = from {
            // No name contains a zero byte.
            text.push(0);
            text.extend(AddressPrefix::of(from).0);
        }
        Self::new(What::NameFrom, &text)
    }

    pub(super) fn address(what: What, from: IpAddr) -> Self {
        Self::new(what, &AddressPrefix::of(from).0)
    }

    fn new(what: What, text: &[u8]) -> Self {
        let hash = Sha256::new().chain_update([what.tag()]).chain_update(text).finalize();
        Self { what, key: hash.into() }
    }
}

/// One name, however it is written.
fn folded(typed: &str) -> String {
    Login::new(typed).map_or_else(|_| typed.trim().to_ascii_lowercase(), |login| login.to_string())
}

/// Attempts so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Tally {
    count: i64,
    since: Instant,
}

/// The tally with one more attempt, or the seconds to wait.
fn one_more(tally: Option<Tally>, max: i64, now: Instant) -> Result<Tally, u64> {
    match tally {
        Some(Tally { count, since }) if now < since.plus(WINDOW_MS) && since <= now => {
            if count < max {
                Ok(Tally { count: count + 1, since })
            } else {
                let left = since.plus(WINDOW_MS).millis() - now.millis();
                Err(u64::try_from((left + SECOND_MS - 1) / SECOND_MS).unwrap_or(1).max(1))
            }
        }
        _ => Ok(Tally { count: 1, since: now }),
    }
}

/// Counts one attempt for each, or none of them and says how many seconds to wait.
pub(super) fn count(tx: &mut dyn Tx, whose: &[Counted], now: Instant) -> Result<Result<(), u64>, StoreError> {
    let mut tallies = Vec::with_capacity(whose.len());
    for counted in whose {
        tx.lock(&format!("sign-in attempts {:02x?}", &counted.key[..8]))?;
        let row =
            tx.query_opt("SELECT count, since FROM sign_in_attempts WHERE who = $1", params![&counted.key])?;
        let tally = row.map(|row| Ok::<_, StoreError>(Tally { count: row.int(0)?, since: row.instant(1)? }));
        match one_more(tally.transpose()?, counted.what.max(), now) {
            Ok(tally) => tallies.push(tally),
            Err(wait) => return Ok(Err(wait)),
        }
    }
    for (counted, tally) in whose.iter().zip(tallies) {
        tx.execute(
            "INSERT INTO sign_in_attempts (who, count, since) VALUES ($1, $2, $3) \
             ON CONFLICT (who) DO UPDATE SET count = excluded.count, since = excluded.since",
            params![&counted.key, tally.count, tally.since],
        )?;
    }
    Ok(Ok(()))
}

/// Takes back what a success was counted for: all failures of a name where it succeeded, one attempt of the others.
pub(super) fn give_back(tx: &mut dyn Tx, whose: &[Counted]) -> Result<(), StoreError> {
    for counted in whose {
        let sql = match counted.what {
            What::NameFrom => "DELETE FROM sign_in_attempts WHERE who = $1",
            What::Name | What::Prefix | What::SignUp => {
                "UPDATE sign_in_attempts SET count = count - 1 WHERE who = $1 AND count > 0"
            }
        };
        tx.execute(sql, params![&counted.key])?;
    }
    Ok(())
}

/// Whether there is a tally to forget.
pub(super) fn is_old(tx: &mut dyn Tx, now: Instant) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM sign_in_attempts WHERE since <= $1 LIMIT 1";
    Ok(tx.query_opt(sql, params![now.plus(-WINDOW_MS)])?.is_some())
}

/// Forgets tallies whose window is over.
pub(super) fn forget(tx: &mut dyn Tx, now: Instant) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM sign_in_attempts WHERE since <= $1", params![now.plus(-WINDOW_MS)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_decides() {
        let at = |seconds: i64| Instant(1_000_000_000 + seconds * SECOND_MS);
        let tally = |count, seconds| Some(Tally { count, since: at(seconds) });
        let rows = [
            (None, Ok(Tally { count: 1, since: at(60) })),
            (tally(9, 0), Ok(Tally { count: 10, since: at(0) })),
            (tally(10, 0), Err(840)),
            (tally(10, -839), Err(1)),
            // The window is over.
            (tally(10, -840), Ok(Tally { count: 1, since: at(60) })),
            // A clock that was set back must not keep anybody out for longer.
            (tally(10, 120), Ok(Tally { count: 1, since: at(60) })),
        ];
        for (before, expected) in rows {
            assert_eq!(one_more(before, 10, at(60)), expected, "{before:?}");
        }
    }
}
