//! The demo's accounts for the console: one for each kind of person.

use super::DemoError;
use crate::api::{ApiError, CoreApi};
use crate::password::draw_password;
use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An account of the demo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DemoAccount {
    /// What it may do.
    pub(crate) role: String,
    /// What its owner signs in with.
    pub(crate) login: String,
    /// Drawn for this demo.
    pub(crate) password: String,
}

/// Role, name to sign in with, and whose data.
const ACCOUNTS: [(&str, &str, Option<&str>); 4] = [
    ("promoter", "amei", Some("chen-amei")),
    ("merchant", "qingchuan", Some("qingchuan")),
    ("agency", "xingyao", Some("xingyao")),
    ("operator", "operator", None),
];

/// Makes them, and lets promoters sign up by themselves.
pub(super) async fn make(api: &CoreApi) -> Result<Vec<DemoAccount>, DemoError> {
    let mut made = Vec::new();
    for (role, login, subject) in ACCOUNTS {
        let password = draw_password().map_err(|_| DemoError::Randomness)?;
        let body = json!({ "login": login, "password": password, "role": role, "subject": subject });
        match api.write(Method::POST, "/v1/accounts", &body, None).await {
            Ok(_) => {}
            // A demo that was broken off after this made it, with a password that nobody was told.
            Err(ApiError::Problem(problem)) if problem.code == "login_taken" => {
                let path = format!("/v1/accounts/{login}/password");
                api.write(Method::PUT, &path, &json!({ "password": password }), None).await?;
            }
            Err(error) => return Err(error.into()),
        }
        made.push(DemoAccount { role: role.to_owned(), login: login.to_owned(), password });
    }
    let _: Value = api.write(Method::PUT, "/v1/settings/sign-up", &json!({ "open": true }), None).await?;
    Ok(made)
}
