//! Signing up: where the operator allows it, anybody becomes a promoter with a name, a phone number and a password.

use super::api::insert;
use super::login::Login;
use super::session::{self, NewSession, Owner, Session};
use super::sign_in::{SignInError, new_secret, weak};
use super::throttle::{Counted, What};
use super::{password, settings};
use crate::api::{Principal, Problem, Role};
use crate::catalogue::{checked_name, new_promoter};
use crate::random;
use crate::{Core, store::StoreError};
use attribution_core::ids::PromoterId;
use std::net::IpAddr;

/// What somebody gives to become a promoter.
#[derive(Debug, Clone)]
pub struct SignUp {
    /// What they are called.
    pub name: String,
    /// Their phone number, which they sign in with.
    pub login: String,
    /// Their password.
    pub password: String,
}

/// Why nobody is signed up.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// Too many signed up from there, or the core failed.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// What was given will not do: everything that is wrong, each with its field.
    #[error("what was given will not do")]
    Refused(Vec<Problem>),
}

impl From<Problem> for SignUpError {
    fn from(problem: Problem) -> Self {
        Self::Refused(vec![problem])
    }
}

impl SignUp {
    /// The name to sign in with, or all that is wrong.
    fn checked(&self) -> Result<Login, Vec<Problem>> {
        let login = Login::of_phone(&self.login);
        let called = login.as_ref().map_or("", Login::as_str);
        let wrong = [
            checked_name("name", &self.name).err(),
            login.as_ref().err().map(|why| Problem::invalid("login", why)),
            password::check(&self.password, called).err().map(|why| weak("password", why)),
        ];
        let wrong: Vec<Problem> = wrong.into_iter().flatten().collect();
        match login {
            Ok(login) if wrong.is_empty() => Ok(login),
            _ => Err(wrong),
        }
    }
}

impl Core {
    /// Whether promoters may sign up by themselves.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn sign_up_open(&self) -> Result<bool, StoreError> {
        self.store().read(|tx| settings::sign_up_open(tx)).await
    }

    /// Makes a promoter and their account, and begins their first session.
    ///
    /// # Errors
    /// See [`SignUpError`]. `login_taken` tells that somebody has an account of this number, which cannot be kept from
    /// whoever wants the same one, and is limited like sign-ins.
    pub async fn sign_up(&self, wanted: SignUp, from: Option<IpAddr>) -> Result<NewSession, SignUpError> {
        let now = self.now();
        let open = self.sign_up_open().await.map_err(SignInError::from)?;
        if !open {
            return Err(Problem::forbidden("promoters do not sign up by themselves here").into());
        }
        let login = wanted.checked().map_err(SignUpError::Refused)?;
        if let Some(from) = from {
            self.take_attempt(vec![Counted::address(What::SignUp, from)]).await?;
        }
        let hash = self.passwords().hash(wanted.password).await.map_err(SignInError::from)?;
        let secret = new_secret()?;
        let written = secret.clone();
        let name = wanted.name.trim().to_owned();
        let session = self
            .store()
            .write(move |tx| {
                let promoter = free_id()?;
                new_promoter(tx, &promoter, &name, now)?;
                let subject = Some(promoter.to_string());
                let num = insert(tx, &login, Role::Promoter, subject.as_deref(), &hash, now)?;
                session::begin(tx, &written, &Owner::Account(num), now)?;
                let principal = Principal::of_account(num, Role::Promoter, subject);
                Ok::<_, Problem>(Session { principal, login: Some(login.to_string()) })
            })
            .await?;
        self.announce_change();
        Ok(NewSession { secret, session })
    }
}

/// An id that nobody has: drawn from so many that it is free.
fn free_id() -> Result<PromoterId, Problem> {
    let drawn = u64::from_be_bytes(random::bytes()?);
    PromoterId::new(format!("tk-{:013x}", drawn >> 12)).map_err(|why| Problem::invalid("name", why))
}
