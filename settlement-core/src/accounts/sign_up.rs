//! Signing up: where the operator allows it, anybody becomes a promoter with a name, a phone number and a password.

use super::api::insert;
use super::login::Login;
use super::session::{self, NewSession, Owner, Session};
use super::sign_in::{SignInError, new_secret, weak};
use super::throttle::{Counted, What};
use super::{PasswordChangeError as SignUpError, password, settings};
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
    /// What they sign in with: a phone number, mostly.
    pub login: String,
    /// Their password.
    pub password: String,
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
    /// See [`PasswordChangeError`](SignUpError): a refusal names its field; `login_taken` tells that somebody has an
    /// account of this name, which cannot be kept from whoever wants the same one, and is limited like sign-ins.
    pub async fn sign_up(&self, wanted: SignUp, from: Option<IpAddr>) -> Result<NewSession, SignUpError> {
        let now = self.now();
        let open = self.sign_up_open().await.map_err(SignInError::from)?;
        if !open {
            return Err(Problem::forbidden("promoters do not sign up by themselves here").into());
        }
        checked_name("name", &wanted.name)?;
        let login = Login::new(&wanted.login).map_err(|why| Problem::invalid("login", why))?;
        password::check(&wanted.password, login.as_str()).map_err(|why| weak("password", why))?;
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
