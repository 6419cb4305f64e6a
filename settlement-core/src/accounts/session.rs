//! Sessions: a random secret in the browser, its hash here, and how long it counts.

use crate::api::{Principal, Role};
use crate::params;
use crate::random::{self, NoRandomness};
use crate::store::{Row, StoreError, Tx};
use crate::{Core, accounts::throttle};
use attribution_core::time::{DAY_MS, HOUR_MS, Instant, SECOND_MS};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// The secret of a session. Lives in the browser's cookie; never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionSecret(String);

impl SessionSecret {
    /// A new random one.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub(super) fn random() -> Result<Self, NoRandomness> {
        Ok(Self(URL_SAFE_NO_PAD.encode(random::bytes::<32>()?)))
    }

    /// One that a browser sent; whether it is anybody's is to be seen.
    pub fn given(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What forms of this session carry, so that no other site can send them. Tells nothing about the secret.
    pub fn form_token(&self) -> String {
        let hash = Sha256::new().chain_update(b"yinke form token v1\0").chain_update(&self.0).finalize();
        URL_SAFE_NO_PAD.encode(hash)
    }

    fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl std::fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionSecret(secret)")
    }
}

/// A session that just began.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// For the browser's cookie.
    pub secret: SessionSecret,
    /// Whose it is.
    pub session: Session,
}

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// What they may do, as for a bearer token.
    pub principal: Principal,
    /// The name they signed in with; `None` if it was an API token.
    pub login: Option<String>,
}

/// How long a session counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Life {
    /// After its last request.
    idle_ms: i64,
    /// After its beginning, whatever is done.
    whole_ms: i64,
}

/// Those who can do more are asked more often.
const fn life(role: Role) -> Life {
    match role {
        Role::Admin | Role::Operator | Role::Edge => Life { idle_ms: 12 * HOUR_MS, whole_ms: 7 * DAY_MS },
        Role::Merchant | Role::Promoter | Role::Agency => Life { idle_ms: 7 * DAY_MS, whole_ms: LONGEST_MS },
    }
}

/// No session is older.
const LONGEST_MS: i64 = 30 * DAY_MS;
/// A request moves the end of its session at most this often: a page must not cost a write.
const SEEN_EVERY_MS: i64 = 5 * 60 * SECOND_MS;

fn counts(role: Role, created: Instant, seen: Instant, now: Instant) -> bool {
    let Life { idle_ms, whole_ms } = life(role);
    now < created.plus(whole_ms) && now < seen.plus(idle_ms)
}

/// Whose session begins.
#[derive(Debug, Clone)]
pub(super) enum Owner {
    Account(i64),
    ApiToken(Vec<u8>),
}

/// Writes a new session down.
pub(super) fn begin(
    tx: &mut dyn Tx,
    secret: &SessionSecret,
    owner: &Owner,
    now: Instant,
) -> Result<(), StoreError> {
    let (account, token) = match owner {
        Owner::Account(num) => (Some(*num), None),
        Owner::ApiToken(hash) => (None, Some(hash.as_slice())),
    };
    tx.execute(
        "INSERT INTO sessions (secret_hash, account, api_token, created_at, seen_at) VALUES ($1, $2, $3, $4, $4)",
        params![&secret.hash(), account, token, now],
    )?;
    Ok(())
}

/// Ends the sessions of an account, except one.
pub(super) fn end_others(
    tx: &mut dyn Tx,
    account: i64,
    kept: Option<&SessionSecret>,
) -> Result<u64, StoreError> {
    let kept = kept.map(SessionSecret::hash).unwrap_or_default();
    tx.execute("DELETE FROM sessions WHERE account = $1 AND secret_hash <> $2", params![account, &kept])
}

/// Held while an account's password or state changes, and while a session of it begins.
pub(super) fn lock(tx: &mut dyn Tx, account: i64) -> Result<(), StoreError> {
    tx.lock(&format!("account {account}"))
}

/// Whether the account still has this password and lets people in: it can have changed while the password was checked.
/// Nothing changes before the transaction ends.
pub(super) fn still_opens(tx: &mut dyn Tx, account: i64, password: &str) -> Result<bool, StoreError> {
    lock(tx, account)?;
    let sql = "SELECT 1 FROM accounts WHERE num = $1 AND password = $2 AND disabled_at IS NULL";
    Ok(tx.query_opt(sql, params![account, password])?.is_some())
}

/// What is stored of a session.
struct Stored {
    session: Session,
    account: Option<i64>,
    created: Instant,
    seen: Instant,
}

fn read(row: &Row) -> Result<Stored, StoreError> {
    let role = Role::stored(row.text(2)?)?;
    let subject = row.opt_text(3)?.map(str::to_owned);
    let account = row.opt_int(4)?;
    let principal = match (account, row.opt_blob(6)?) {
        (Some(num), _) => Principal::of_account(num, role, subject),
        (None, Some(hash)) => Principal::of_token(hash, role, subject, row.flag(7)?),
        (None, None) => return Err(StoreError::Corrupt { what: "owner of a session", cause: "none".into() }),
    };
    Ok(Stored {
        session: Session { principal, login: row.opt_text(5)?.map(str::to_owned) },
        account,
        created: row.instant(0)?,
        seen: row.instant(1)?,
    })
}

fn find(tx: &mut dyn Tx, hash: &[u8; 32]) -> Result<Option<Stored>, StoreError> {
    let row = tx.query_opt(
        "SELECT s.created_at, s.seen_at, COALESCE(a.role, t.role), COALESCE(a.subject, t.subject), a.num, a.login, \
         t.token_hash, COALESCE(t.reads_only, 0) FROM sessions s \
         LEFT JOIN accounts a ON a.num = s.account AND a.disabled_at IS NULL \
         LEFT JOIN api_tokens t ON t.token_hash = s.api_token AND t.revoked_at IS NULL \
         WHERE s.secret_hash = $1 AND (a.num IS NOT NULL OR t.token_hash IS NOT NULL)",
        params![hash],
    )?;
    row.as_ref().map(read).transpose()
}

impl Core {
    /// Who a session belongs to, if it still counts. Its end moves on.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn session(&self, secret: &SessionSecret) -> Result<Option<Session>, StoreError> {
        let (hash, now) = (secret.hash(), self.now());
        let Some(found) = self.store().read(move |tx| find(tx, &hash)).await? else { return Ok(None) };
        if !counts(found.session.principal.role, found.created, found.seen, now) {
            self.sign_out(secret).await?;
            return Ok(None);
        }
        if now >= found.seen.plus(SEEN_EVERY_MS) {
            let sql = "UPDATE sessions SET seen_at = $2 WHERE secret_hash = $1";
            self.store().write(move |tx| tx.execute(sql, params![&hash, now])).await?;
        }
        Ok(Some(found.session))
    }

    /// Takes one page of a session from what its role may ask in the long run, as a token's requests are taken.
    ///
    /// # Errors
    /// 429 with the seconds to wait.
    pub fn take_page(&self, secret: &SessionSecret, role: Role) -> Result<(), crate::api::Problem> {
        self.limiter().take(secret.hash(), role, self.now())
    }

    /// Ends one session. Ending it again does nothing.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn sign_out(&self, secret: &SessionSecret) -> Result<(), StoreError> {
        let hash = secret.hash();
        let sql = "DELETE FROM sessions WHERE secret_hash = $1";
        self.store().write(move |tx| tx.execute(sql, params![&hash]).map(|_| ())).await
    }

    /// Ends all sessions of the account that this one belongs to, itself included. Says how many.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn sign_out_everywhere(&self, secret: &SessionSecret) -> Result<u64, StoreError> {
        let hash = secret.hash();
        self.store()
            .write(move |tx| match find(tx, &hash)? {
                Some(Stored { account: Some(account), .. }) => end_others(tx, account, None),
                _ => tx.execute("DELETE FROM sessions WHERE secret_hash = $1", params![&hash]),
            })
            .await
    }

    /// Forgets sessions and attempts that no longer count. Says how many rows went.
    pub(crate) async fn forget_sessions(&self, now: Instant) -> Result<u64, StoreError> {
        let oldest = now.plus(-LONGEST_MS);
        // Looking is a read, so that a quiet core writes nothing.
        let unwanted = self
            .store()
            .read(move |tx| {
                let sql = "SELECT 1 FROM sessions WHERE created_at <= $1 LIMIT 1";
                Ok::<_, StoreError>(
                    tx.query_opt(sql, params![oldest])?.is_some() || throttle::is_old(tx, now)?,
                )
            })
            .await?;
        if !unwanted {
            return Ok(0);
        }
        self.store()
            .write(move |tx| {
                let gone = tx.execute("DELETE FROM sessions WHERE created_at <= $1", params![oldest])?;
                Ok::<_, StoreError>(gone + throttle::forget(tx, now)?)
            })
            .await
    }
}

/// The account that a session belongs to, with its kept password.
pub(super) fn account_of(
    tx: &mut dyn Tx,
    secret: &SessionSecret,
) -> Result<Option<(i64, String, String)>, StoreError> {
    let row = tx.query_opt(
        "SELECT a.num, a.login, a.password FROM sessions s JOIN accounts a ON a.num = s.account \
         WHERE s.secret_hash = $1 AND a.disabled_at IS NULL",
        params![&secret.hash()],
    )?;
    row.map(|row| Ok((row.int(0)?, row.text(1)?.to_owned(), row.text(2)?.to_owned()))).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_end_when_idle_and_in_any_case() {
        let rows = [
            (Role::Promoter, 0, 0, true),
            (Role::Promoter, 29, 1, true),
            (Role::Promoter, 30, 1, false),
            (Role::Promoter, 8, 7, false),
            (Role::Operator, 6, 0, true),
            (Role::Operator, 7, 0, false),
            (Role::Operator, 1, 1, false),
        ];
        let now = Instant(100 * DAY_MS);
        for (role, begun, idle, expected) in rows {
            let got = counts(role, now.plus(-begun * DAY_MS), now.plus(-idle * DAY_MS), now);
            assert_eq!(got, expected, "{role:?} {begun} {idle}");
        }
    }

    #[test]
    fn a_form_token_tells_nothing_of_its_secret() {
        let secret = SessionSecret::random().unwrap();
        assert_ne!(secret.form_token(), URL_SAFE_NO_PAD.encode(secret.hash()));
        assert_eq!(secret.form_token(), SessionSecret::given(secret.reveal()).form_token());
        assert!(!format!("{secret:?}").contains(secret.reveal()));
    }
}
