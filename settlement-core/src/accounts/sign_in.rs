//! Signing in, by name and password or with an API token, and changing one's password.

use super::login::Login;
use super::password::{self, HashError};
use super::session::{self, NewSession, Owner, Session, SessionSecret};
use super::throttle::{self, Counted, What};
use crate::api::{Principal, Problem, Role, TokenText};
use crate::store::{StoreError, Tx};
use crate::{Core, params};
use attribution_core::with_causes;
use std::net::IpAddr;

/// Why nobody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// The name, the password or the token is wrong, or the account is disabled: which of them is not said.
    #[error("the name or the password is wrong")]
    Wrong,
    /// Too many attempts for this name or from this place.
    #[error("too many attempts; try again in {retry_after_s} seconds")]
    TooMany {
        /// When to come back, seconds.
        retry_after_s: u64,
    },
    /// Too many passwords wait to be checked.
    #[error("the core has too much to do; try again")]
    Busy,
    /// The core failed; the log says why.
    #[error("the core failed; its log says more")]
    Internal,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl From<HashError> for SignInError {
    fn from(error: HashError) -> Self {
        if matches!(error, HashError::Busy) {
            return Self::Busy;
        }
        tracing::error!(error = with_causes(&error), "a password could not be checked");
        Self::Internal
    }
}

impl SignInError {
    const fn outcome(&self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::TooMany { .. } => "limited",
            Self::Busy | Self::Internal | Self::Store(_) => "failed",
        }
    }
}

/// Why a password stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum PasswordChangeError {
    /// The present password is wrong, or too many were tried.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The new one will not do; the problem names the field.
    #[error(transparent)]
    Refused(#[from] Problem),
}

/// What is known of an account before its password is looked at.
struct Found {
    num: i64,
    login: String,
    role: Role,
    subject: Option<String>,
    password: String,
    disabled: bool,
}

impl Core {
    /// Begins a session for the account `typed`, from the address `from` if it is known.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn sign_in(
        &self,
        typed: &str,
        password: &str,
        from: Option<IpAddr>,
    ) -> Result<NewSession, SignInError> {
        let result = self.check_sign_in(typed, password, from).await;
        count_outcome(&result);
        result
    }

    async fn check_sign_in(
        &self,
        typed: &str,
        password: &str,
        from: Option<IpAddr>,
    ) -> Result<NewSession, SignInError> {
        let now = self.now();
        let counted: Vec<Counted> = [Counted::name(typed), Counted::name_from(typed, from)]
            .into_iter()
            .chain(from.map(|from| Counted::address(What::Prefix, from)))
            .collect();
        self.take_attempt(counted.clone()).await?;
        let found = match Login::new(typed) {
            Err(_) => None,
            Ok(login) => self.store().read(move |tx| find(tx, &login)).await?,
        };
        let kept = found.as_ref().map(|found| found.password.clone());
        let right = self.passwords().verify(password.to_owned(), kept.clone()).await?;
        let (Some(found), Some(kept), true) = (found.filter(|found| !found.disabled), kept, right) else {
            return Err(SignInError::Wrong);
        };
        let secret = new_secret()?;
        let written = secret.clone();
        let num = found.num;
        self.store()
            .write(move |tx| {
                // A password that was changed while it was checked lets nobody in any more.
                if !session::still_opens(tx, num, &kept)? {
                    return Err(SignInError::Wrong);
                }
                throttle::give_back(tx, &counted)?;
                Ok(session::begin(tx, &written, &Owner::Account(num), now)?)
            })
            .await?;
        let principal = Principal::of_account(num, found.role, found.subject);
        Ok(NewSession { secret, session: Session { principal, login: Some(found.login) } })
    }

    /// Begins a session for whoever holds an API token that people use: any but an edge's.
    ///
    /// # Errors
    /// See [`SignInError`].
    pub async fn sign_in_with_token(
        &self,
        token: &TokenText,
        from: Option<IpAddr>,
    ) -> Result<NewSession, SignInError> {
        let result = self.check_token(token, from).await;
        count_outcome(&result);
        result
    }

    async fn check_token(&self, token: &TokenText, from: Option<IpAddr>) -> Result<NewSession, SignInError> {
        let now = self.now();
        let counted: Vec<Counted> =
            from.map(|from| Counted::address(What::Prefix, from)).into_iter().collect();
        self.take_attempt(counted.clone()).await?;
        let hash = token.hash();
        let found = self.store().read(move |tx| Principal::of_token_hash(tx, &hash)).await?;
        let principal = found.filter(|found| found.role != Role::Edge).ok_or(SignInError::Wrong)?;
        let secret = new_secret()?;
        let written = secret.clone();
        self.store()
            .write(move |tx| {
                throttle::give_back(tx, &counted)?;
                session::begin(tx, &written, &Owner::ApiToken(hash.to_vec()), now)
            })
            .await?;
        Ok(NewSession { secret, session: Session { principal, login: None } })
    }

    /// Changes the password of the account that a session belongs to. Its other sessions end.
    ///
    /// # Errors
    /// See [`PasswordChangeError`].
    pub async fn change_password(
        &self,
        secret: &SessionSecret,
        current: &str,
        new: &str,
    ) -> Result<(), PasswordChangeError> {
        let now = self.now();
        let of = secret.clone();
        let found =
            self.store().read(move |tx| session::account_of(tx, &of)).await.map_err(SignInError::from)?;
        let Some((num, login, kept)) = found else {
            return Err(Problem::conflict("no_account", "an API token has no password").into());
        };
        password::check(new, &login).map_err(|why| weak("password", why))?;
        let counted = vec![Counted::name_from(&login, None)];
        self.take_attempt(counted.clone()).await?;
        let right = self.passwords().verify(current.to_owned(), Some(kept.clone())).await;
        if !right.map_err(SignInError::from)? {
            return Err(SignInError::Wrong.into());
        }
        let hash = self.passwords().hash(new.to_owned()).await.map_err(SignInError::from)?;
        let own = secret.clone();
        self.store()
            .write(move |tx| {
                if !session::still_opens(tx, num, &kept)? {
                    return Err(SignInError::Wrong);
                }
                throttle::give_back(tx, &counted)?;
                tx.execute(
                    "UPDATE accounts SET password = $2, password_at = $3 WHERE num = $1",
                    params![num, &hash, now],
                )?;
                session::end_others(tx, num, Some(&own))?;
                Ok(())
            })
            .await?;
        Ok(())
    }

    /// Counts one attempt before anything is looked at.
    pub(super) async fn take_attempt(&self, counted: Vec<Counted>) -> Result<(), SignInError> {
        let now = self.now();
        self.store()
            .write(move |tx| throttle::count(tx, &counted, now))
            .await?
            .map_err(|retry_after_s| SignInError::TooMany { retry_after_s })
    }
}

/// A refusal of a password, for programs and people.
pub(super) fn weak(field: &str, why: password::WeakPassword) -> Problem {
    Problem::invalid(field, why)
}

pub(super) fn new_secret() -> Result<SessionSecret, SignInError> {
    SessionSecret::random().map_err(|error| {
        tracing::error!(error = with_causes(&error), "no session can begin");
        SignInError::Internal
    })
}

fn count_outcome(result: &Result<NewSession, SignInError>) {
    let outcome = result.as_ref().map_or_else(SignInError::outcome, |_| "signed_in");
    metrics::counter!("yinke_core_sign_ins_total", "outcome" => outcome).increment(1);
}

fn find(tx: &mut dyn Tx, login: &Login) -> Result<Option<Found>, StoreError> {
    let row = login.find(tx, "num, login, role, subject, password, disabled_at")?;
    row.map(|row| {
        Ok(Found {
            num: row.int(0)?,
            login: row.text(1)?.to_owned(),
            role: Role::stored(row.text(2)?)?,
            subject: row.opt_text(3)?.map(str::to_owned),
            password: row.text(4)?.to_owned(),
            disabled: row.opt_int(5)?.is_some(),
        })
    })
    .transpose()
}
