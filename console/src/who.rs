//! Who asks: anybody, somebody who is signed in, or somebody of one role.

use crate::api::ApiError;
use crate::back::local_path;
use crate::cookies::Cookie;
use crate::failure::Failure;
use crate::handed::handed;
use crate::lang::Lang;
use crate::state::Console;
use crate::texts::Texts;
use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, Method, Uri, header};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use settlement_core::accounts::{Session, SessionSecret};
use settlement_core::api::{Peer, Principal, Role};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use url::{Position, Url};

/// Somebody, signed in or not.
#[derive(Clone)]
pub(crate) struct Anybody {
    pub(crate) console: Console,
    pub(crate) lang: Lang,
    pub(crate) t: Arc<Texts>,
    /// The page they are on, with its query: where a form of another page leads back to. What a form is sent to is no
    /// page: then it is the page that the form stood on.
    pub(crate) path: String,
    /// Where they are, if the server knows.
    pub(crate) from: Option<IpAddr>,
    /// The session's secret, if the browser sent one; whether it counts is not yet known.
    pub(crate) secret: Option<SessionSecret>,
    /// What the form before this page has made, to be shown this once.
    pub(crate) handed: Option<String>,
}

/// The page that somebody is on, with its query: what they asked for, or where the form that they sent stood. Without
/// the browser's word on that it is the first page. The query of that page told what was done before: it stays away.
fn page_of(method: &Method, uri: &Uri, headers: &HeaderMap) -> String {
    if matches!(*method, Method::GET | Method::HEAD) {
        return uri.path_and_query().map_or("/", |whole| whole.as_str()).to_owned();
    }
    // Forms of other sites are refused before anything leads back there.
    let from = headers.get(header::REFERER).and_then(|from| from.to_str().ok());
    let Some(from) = from.and_then(|from| Url::parse(from).ok()) else { return "/".to_owned() };
    local_path(&from[Position::BeforePath..Position::AfterPath])
}

impl Anybody {
    /// Whoever sends this request.
    pub(crate) fn of(
        console: &Console,
        (method, uri): (&Method, &Uri),
        headers: &HeaderMap,
        peer: Option<&Peer>,
    ) -> Self {
        let lang = Lang::of(Cookie::Language.read(console, headers), headers);
        Self {
            console: console.clone(),
            lang,
            t: console.texts(lang),
            path: page_of(method, uri, headers),
            from: peer.map(|peer| peer.0),
            secret: Cookie::Session.read(console, headers).map(SessionSecret::given),
            handed: handed(console, method, uri, headers),
        }
    }
}

impl FromRequestParts<Console> for Anybody {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<Peer>();
        Ok(Self::of(console, (&parts.method, &parts.uri), &parts.headers, peer))
    }
}

/// Somebody who is signed in. Whoever is not is sent to sign in, and comes back.
#[derive(Clone)]
pub(crate) struct SignedIn {
    pub(crate) anybody: Anybody,
    pub(crate) session: Session,
    pub(crate) secret: SessionSecret,
    /// Notices that a promoter has not read.
    pub(crate) unread: usize,
    /// A promoter whose links do not earn now: since when.
    pub(crate) suspended: Option<i64>,
}

impl SignedIn {
    pub(crate) fn console(&self) -> &Console {
        &self.anybody.console
    }

    pub(crate) fn t(&self) -> &Texts {
        &self.anybody.t
    }

    pub(crate) fn principal(&self) -> &Principal {
        &self.session.principal
    }

    /// Asks the API as this person. Empty values are left out.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<T, ApiError> {
        self.console().api().get(self.principal(), path, query).await
    }

    /// Asks the API for a change as this person, and reads nothing of the answer.
    pub(crate) async fn change(
        &self,
        method: Method,
        path: &str,
        once: &str,
        body: &impl Serialize,
    ) -> Result<Value, ApiError> {
        self.write(method, path, once, body).await
    }

    /// Asks the API for a change as this person, and reads the answer. The same `once` again changes nothing more.
    pub(crate) async fn write<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        once: &str,
        body: &impl Serialize,
    ) -> Result<T, ApiError> {
        self.console().api().write(self.principal(), method, path, once, body).await
    }

    /// The session behind a cookie, if it counts.
    pub(crate) async fn find(anybody: &Anybody) -> Result<Option<Self>, Failure> {
        let Some(secret) = &anybody.secret else { return Ok(None) };
        let session = anybody.console.core().session(secret).await.map_err(Failure::store)?;
        let found = |session| Self {
            anybody: anybody.clone(),
            session,
            secret: secret.clone(),
            unread: 0,
            suspended: None,
        };
        Ok(session.map(found))
    }
}

impl FromRequestParts<Console> for SignedIn {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Failure> {
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let anybody = match Anybody::from_request_parts(parts, console).await {
            Ok(anybody) => anybody,
            Err(never) => match never {},
        };
        let found = Self::find(&anybody).await?;
        let found = found.ok_or_else(|| Failure::SignInFirst {
            back: anybody.path.clone(),
            lost: !matches!(parts.method, Method::GET | Method::HEAD),
        })?;
        found.console().core().take_page(&found.secret, found.principal().role)?;
        // The form behind the same request asks again.
        parts.extensions.insert(found.clone());
        Ok(found)
    }
}

/// Makes the extractor of one role: whoever has another one does not see that the page exists.
macro_rules! role {
    ($(#[$doc:meta])* $name:ident, $role:path) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub(crate) struct $name {
            pub(crate) who: SignedIn,
            /// Whose data.
            pub(crate) id: String,
        }

        impl FromRequestParts<Console> for $name {
            type Rejection = Failure;

            async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Failure> {
                let who = SignedIn::from_request_parts(parts, console).await?;
                match (&who.principal().role, &who.principal().subject) {
                    ($role, Some(id)) => Ok(Self { id: id.clone(), who }),
                    _ => Err(Failure::NotFound),
                }
            }
        }
    };
}

/// A promoter, on their own pages.
#[derive(Clone)]
pub(crate) struct Promoter {
    pub(crate) who: SignedIn,
    /// Whose data.
    pub(crate) id: String,
}

/// Whether a promoter's links earn.
#[derive(Deserialize)]
struct Standing {
    disabled: bool,
    disabled_from: Option<i64>,
}

/// Notices that a promoter has not read.
#[derive(Deserialize)]
struct Unread {
    items: Vec<IgnoredAny>,
}

/// Notices that are counted; more are as good as these.
const UNREAD_MAX: &str = "99";

impl FromRequestParts<Console> for Promoter {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Failure> {
        let mut who = SignedIn::from_request_parts(parts, console).await?;
        let (Role::Promoter, Some(id)) = (who.principal().role, who.principal().subject.clone()) else {
            return Err(Failure::NotFound);
        };
        if parts.method == Method::GET {
            let to = crate::api::path(&["promoters", &id, "notices"]);
            let unread: Unread = who.ask(&to, &[("unread", "true"), ("limit", UNREAD_MAX)]).await?;
            who.unread = unread.items.len();
            let standing: Standing = who.ask(&crate::api::path(&["promoters", &id]), &[]).await?;
            who.suspended = standing.disabled_from.filter(|_| standing.disabled);
        }
        Ok(Self { who, id })
    }
}

role!(
    /// A merchant, on the pages of its own shop.
    Merchant,
    Role::Merchant
);
role!(
    /// An agency (机构), on its own pages.
    Agency,
    Role::Agency
);

/// Whoever runs the platform.
#[derive(Clone)]
pub(crate) struct Operator {
    pub(crate) who: SignedIn,
}

impl FromRequestParts<Console> for Operator {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Failure> {
        let who = SignedIn::from_request_parts(parts, console).await?;
        match who.principal().role {
            Role::Operator | Role::Admin => Ok(Self { who }),
            _ => Err(Failure::NotFound),
        }
    }
}
