//! Our cookies: the session's secret, the language, and a secret on its way to the page that shows it.

use crate::state::Console;
use http::{HeaderMap, HeaderValue, header};

/// A cookie's name without prefix.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cookie {
    /// The session's secret.
    Session,
    /// The language somebody chose.
    Language,
    /// What a form has made, on its way to the page that shows it once.
    Handed,
}

impl Cookie {
    /// With https the browser binds it to this host and keeps it off plain connections.
    const fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, false) => "yk_session",
            (Self::Session, true) => "__Host-yk_session",
            (Self::Language, false) => "yk_lang",
            (Self::Language, true) => "__Host-yk_lang",
            (Self::Handed, false) => "yk_handed",
            (Self::Handed, true) => "__Host-yk_handed",
        }
    }

    /// How long the browser keeps it, seconds; the session's own end is the core's to decide.
    const fn max_age(self) -> u32 {
        match self {
            Self::Session => 30 * 86_400,
            Self::Language => 400 * 86_400,
            Self::Handed => 60,
        }
    }

    /// What the browser sent.
    pub(crate) fn read<'h>(self, console: &Console, headers: &'h HeaderMap) -> Option<&'h str> {
        let name = self.name(console.is_secure());
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .find_map(|pair| pair.trim().split_once('=').filter(|(key, _)| *key == name))
            .map(|(_, value)| value)
    }

    /// The header that sets it. Values are ours and need no escaping.
    pub(crate) fn set(self, console: &Console, value: &str) -> Option<HeaderValue> {
        self.header(console, value, self.max_age())
    }

    /// The header that takes it away.
    pub(crate) fn clear(self, console: &Console) -> Option<HeaderValue> {
        self.header(console, "", 0)
    }

    fn header(self, console: &Console, value: &str, max_age: u32) -> Option<HeaderValue> {
        let secure = console.is_secure();
        let name = self.name(secure);
        let tail = if secure { "; Secure" } else { "" };
        HeaderValue::try_from(format!(
            "{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{tail}"
        ))
        .ok()
    }
}
