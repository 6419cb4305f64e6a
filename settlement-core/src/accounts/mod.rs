//! Accounts: who signs in with a name and a password, and the sessions that follow.
//!
//! [`Core::sign_in`](crate::Core::sign_in) checks a password and begins a session; [`Core::session`](crate::Core::session)
//! gives back who it belongs to, as the same [`Principal`](crate::api::Principal) that a bearer token gives, so that
//! nothing behind it knows the difference. Nothing here tells whether an account exists to whoever does not own it: an
//! unknown name takes as long and is limited in the same way as a wrong password.

mod api;
mod called;
mod login;
mod password;
mod session;
mod settings;
mod sign_in;
mod sign_up;
mod throttle;

pub use login::{Login, LoginError};
pub use session::{NewSession, Session, SessionSecret};
pub use sign_in::{PasswordChangeError, SignInError};
pub use sign_up::{SignUp, SignUpError};

pub(crate) use api::routes;
pub(crate) use called::called;
pub(crate) use password::Passwords;
