//! A shop whose pages its merchant has, and the operators too, below the merchant's own page.

use crate::failure::Failure;
use crate::order_pages::escaped;
use crate::state::Console;
use crate::who::SignedIn;
use axum::Router;
use axum::extract::{FromRequestParts, Path};
use http::header;
use http::request::Parts;
use settlement_core::api::Role;
use std::collections::HashMap;

/// The shop, who looks at it, and what of the address names something of it.
pub(crate) struct OfShop {
    pub(crate) who: SignedIn,
    pub(crate) merchant: String,
    /// Scheme and host that this person's browser reaches us under.
    pub(crate) origin: String,
    /// In front of all its pages.
    base: String,
    named: HashMap<String, String>,
}

/// The same pages for both: `below` makes them behind a base.
pub(crate) fn for_both(below: impl Fn(&str) -> Router<Console>) -> Router<Console> {
    below("/merchant").merge(below("/operator/merchants/{id}"))
}

impl FromRequestParts<Console> for OfShop {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Failure> {
        let who = SignedIn::from_request_parts(parts, console).await?;
        let Path(named) = Path::<HashMap<String, String>>::from_request_parts(parts, console)
            .await
            .map_err(|_| Failure::NotFound)?;
        let principal = who.principal();
        let (merchant, base) = match (principal.role, &principal.subject, named.get("id")) {
            (Role::Merchant, Some(own), None) => (own.clone(), "/merchant".to_owned()),
            (Role::Operator | Role::Admin, _, Some(id)) => {
                (id.clone(), format!("/operator/merchants/{}", escaped(id)))
            }
            _ => return Err(Failure::NotFound),
        };
        let host = || parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let origin = console
            .url()
            .map_or_else(|| format!("http://{}", host()), |url| url.origin().ascii_serialization());
        Ok(Self { who, merchant, origin, base, named })
    }
}

impl OfShop {
    /// What a part of the address says.
    pub(crate) fn named(&self, part: &str) -> &str {
        self.named.get(part).map_or("", String::as_str)
    }

    /// Whether it is the merchant who looks.
    pub(crate) fn is_own(&self) -> bool {
        self.who.principal().role == Role::Merchant
    }

    /// One of its pages.
    pub(crate) fn page(&self, rest: &str) -> String {
        format!("{}/{rest}", self.base)
    }

    /// The merchant's page, where operators come from.
    pub(crate) fn above(&self) -> &str {
        &self.base
    }
}
