//! Passwords: argon2id on threads of its own, only a few at a time.
//!
//! One hash takes 19 MiB and some tens of milliseconds of a core, which is its purpose; so hashing never runs on an
//! async thread, and what waits for it is bounded: beyond that the core says that it is busy.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::Semaphore;

/// Hashes at a time.
const AT_ONCE: usize = 2;
/// Hashes that may wait for their turn.
const WAITING_MAX: usize = 64;
/// Characters at least; more than the most common passwords have.
const CHARACTERS_MIN: usize = 8;
/// Bytes at most.
const BYTES_MAX: usize = 256;
const SALT_BYTES: usize = 16;
/// What everybody tries first.
const COMMON: [&str; 16] = [
    "12345678",
    "123456789",
    "1234567890",
    "88888888",
    "66666666",
    "00000000",
    "11111111",
    "password",
    "password1",
    "qwertyui",
    "qwerty123",
    "iloveyou",
    "abcd1234",
    "a1234567",
    "1q2w3e4r",
    "woaini1314",
];

/// Why a password cannot be somebody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WeakPassword {
    #[error("must have at least {CHARACTERS_MIN} characters")]
    Short,
    #[error("must have at most {BYTES_MAX} bytes")]
    Long,
    #[error("is among the passwords that everybody tries first")]
    Common,
    #[error("must not be the name you sign in with")]
    Login,
}

/// Looks at a new password for the account `login`.
pub(crate) fn check(password: &str, login: &str) -> Result<(), WeakPassword> {
    let lower = password.to_lowercase();
    if password.chars().count() < CHARACTERS_MIN {
        Err(WeakPassword::Short)
    } else if password.len() > BYTES_MAX {
        Err(WeakPassword::Long)
    } else if COMMON.contains(&lower.as_str()) {
        Err(WeakPassword::Common)
    } else if lower == login {
        Err(WeakPassword::Login)
    } else {
        Ok(())
    }
}

/// Why no hash was made or compared.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HashError {
    #[error("too many passwords wait to be checked")]
    Busy,
    #[error("the operating system gives no randomness")]
    Randomness(#[source] getrandom::Error),
    #[error("argon2 failed")]
    Argon2(#[source] argon2::password_hash::Error),
    #[error("the thread that hashes failed")]
    Thread(#[source] tokio::task::JoinError),
}

/// Hashes and compares passwords, a few at a time. Clones share the turns.
#[derive(Clone)]
pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    /// A hash of nothing anybody knows, compared with when there is no account.
    nobody: Arc<OnceLock<String>>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(AtomicUsize::new(0)),
            nobody: Arc::new(OnceLock::new()),
        }
    }

    /// The text to keep for a password.
    pub(crate) async fn hash(&self, password: String) -> Result<String, HashError> {
        self.in_turn(move || hash(&password)).await?
    }

    /// Whether it is the password of the kept text. Without a text the answer is no, after the same time.
    pub(crate) async fn verify(&self, password: String, kept: Option<String>) -> Result<bool, HashError> {
        let nobody = self.nobody.clone();
        self.in_turn(move || {
            let known = kept.is_some();
            let text = match kept {
                Some(text) => text,
                None => match nobody.get() {
                    Some(text) => text.clone(),
                    None => {
                        let made = hash(&random_text()?)?;
                        nobody.get_or_init(|| made).clone()
                    }
                },
            };
            let parsed = PasswordHash::new(&text).map_err(|e| HashError::Argon2(e.into()))?;
            match Argon2::default().verify_password(password.as_bytes(), &parsed) {
                Ok(()) => Ok(known),
                Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
                Err(error) => Err(HashError::Argon2(error)),
            }
        })
        .await?
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashError> {
        let waits = Waiting::begin(&self.waiting)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| HashError::Busy)?;
        drop(waits);
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            // Held by the thread, not by the request: a client that leaves must not free a place that is in use.
            drop(turn);
            result
        });
        done.await.map_err(HashError::Thread)
    }
}

/// One place in the queue.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Result<Self, HashError> {
        let before = count.fetch_add(1, Ordering::Relaxed);
        let waiting = Self(count);
        if before >= WAITING_MAX { Err(HashError::Busy) } else { Ok(waiting) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn random_text() -> Result<String, HashError> {
    getrandom::u64().map(|n| format!("{n:016x}")).map_err(HashError::Randomness)
}

fn hash(password: &str) -> Result<String, HashError> {
    let mut salt = [0u8; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(HashError::Randomness)?;
    // The default is argon2id with 19 MiB, two passes and one lane.
    let hash =
        Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).map_err(HashError::Argon2)?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_tries_is_refused() {
        let rows = [
            ("1234567", Err(WeakPassword::Short)),
            ("保温杯保温杯", Err(WeakPassword::Short)),
            ("Password", Err(WeakPassword::Common)),
            ("13800138000", Err(WeakPassword::Login)),
            ("correct horse", Ok(())),
        ];
        for (password, expected) in rows {
            assert_eq!(check(password, "13800138000"), expected, "{password}");
        }
        assert_eq!(check(&"x".repeat(BYTES_MAX + 1), "a"), Err(WeakPassword::Long));
    }

    #[tokio::test]
    async fn only_the_password_itself_passes() {
        let passwords = Passwords::new();
        let kept = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(passwords.verify("correct horse".to_owned(), Some(kept.clone())).await.unwrap());
        assert!(!passwords.verify("Correct horse".to_owned(), Some(kept)).await.unwrap());
        assert!(!passwords.verify("correct horse".to_owned(), None).await.unwrap());
    }

    #[tokio::test]
    async fn beyond_the_queue_the_core_is_busy() {
        let passwords = Passwords::new();
        passwords.waiting.store(WAITING_MAX, Ordering::Relaxed);
        assert!(matches!(passwords.hash("x".to_owned()).await, Err(HashError::Busy)));
        assert_eq!(passwords.waiting.load(Ordering::Relaxed), WAITING_MAX);
    }
}
