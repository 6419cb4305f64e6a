//! A PostgreSQL URL, read once: where the server is, and what is asked of TLS.
//!
//! `sslmode` and `sslrootcert` mean what libpq means by them; everything else is read by the client library.

use super::tls::{Tls, Trust};
use postgres::Config;
use postgres::config::SslMode;
use std::path::PathBuf;

/// What `sslmode` may be.
const MODES: &str = "disable, prefer, require, verify-ca or verify-full";

/// Why a PostgreSQL URL cannot be used. No text of it is shown: it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum PostgresUrlError {
    /// It does not begin as one.
    #[error("expected a URL such as postgres://yinke@db.internal/yinke")]
    Scheme,
    /// `sslmode` is something else.
    #[error("sslmode must be {MODES}")]
    Mode,
    /// The authority's name alone says nothing where everybody is given a certificate.
    #[error("sslmode=verify-ca needs sslrootcert, the file of the authority to trust")]
    NoRoot,
    /// A file of authorities that nobody would be checked against.
    #[error("sslrootcert needs sslmode=require, verify-ca or verify-full")]
    IdleRoot,
    /// A parameter is there twice.
    #[error("{0} is given twice")]
    Twice(&'static str),
    /// The client library cannot read the rest.
    #[error("the URL cannot be read")]
    Rest(#[source] postgres::Error),
}

/// Where a PostgreSQL is, and how it is spoken to.
#[derive(Debug, Clone)]
pub struct PostgresUrl {
    pub(super) config: Config,
    pub(super) tls: Tls,
}

impl std::str::FromStr for PostgresUrl {
    type Err = PostgresUrlError;

    /// Reads a URL; opens no file and connects to nobody.
    fn from_str(url: &str) -> Result<Self, PostgresUrlError> {
        if !["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Err(PostgresUrlError::Scheme);
        }
        let (base, query) = split_query(url);
        let (mut mode, mut root, mut rest) = (None, None, Vec::new());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => once("sslmode", &mut mode, value)?,
                Some(("sslrootcert", value)) => once("sslrootcert", &mut root, value)?,
                _ => rest.push(pair),
            }
        }
        let root = root.map(|value| PathBuf::from(decoded(value)));
        let (mode, trust) = match (mode.unwrap_or("prefer"), root) {
            ("disable", None) => (SslMode::Disable, Trust::Anybody),
            ("prefer", None) => (SslMode::Prefer, Trust::Anybody),
            ("require", None) => (SslMode::Require, Trust::Anybody),
            // As in libpq: an authority that is named is not ignored.
            ("require" | "verify-ca", Some(root)) => (SslMode::Require, Trust::Authority(root)),
            ("verify-ca", None) => return Err(PostgresUrlError::NoRoot),
            ("verify-full", root) => (SslMode::Require, Trust::Name(root)),
            ("disable" | "prefer", Some(_)) => return Err(PostgresUrlError::IdleRoot),
            _ => return Err(PostgresUrlError::Mode),
        };
        let url = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
        let mut config: Config = url.parse().map_err(PostgresUrlError::Rest)?;
        config.ssl_mode(mode);
        Ok(Self { config, tls: Tls::new(trust) })
    }
}

fn once<'a>(name: &'static str, place: &mut Option<&'a str>, value: &'a str) -> Result<(), PostgresUrlError> {
    if place.replace(value).is_some() { Err(PostgresUrlError::Twice(name)) } else { Ok(()) }
}

/// The query begins behind the first question mark behind name and password, as the client library reads it.
fn split_query(url: &str) -> (&str, &str) {
    let host = url.find('@').unwrap_or_default();
    match url[host..].find('?') {
        Some(mark) => (&url[..host + mark], &url[host + mark + 1..]),
        None => (url, ""),
    }
}

/// A value without its percent signs. A plus is a plus, as in libpq, and not a space.
fn decoded(value: &str) -> String {
    let value = value.replace('+', "%2B");
    url::form_urlencoded::parse(format!("v={value}").as_bytes())
        .map(|(_, value)| value.into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<PostgresUrl, PostgresUrlError> {
        format!("postgres://yinke:se?cret@db.internal/yinke{query}").parse()
    }

    #[test]
    fn sslmode_says_whether_and_whom_to_trust() {
        let file = || PathBuf::from("/etc/a b+c.pem");
        for (query, mode, trust) in [
            ("", SslMode::Prefer, Trust::Anybody),
            ("?sslmode=disable", SslMode::Disable, Trust::Anybody),
            ("?sslmode=prefer", SslMode::Prefer, Trust::Anybody),
            ("?sslmode=require", SslMode::Require, Trust::Anybody),
            ("?sslmode=require&sslrootcert=/etc/a%20b+c.pem", SslMode::Require, Trust::Authority(file())),
            ("?sslrootcert=%2Fetc/a%20b+c.pem&sslmode=verify-ca", SslMode::Require, Trust::Authority(file())),
            (
                "?sslmode=verify-full&sslrootcert=/etc/a%20b%2Bc.pem",
                SslMode::Require,
                Trust::Name(Some(file())),
            ),
            ("?sslmode=verify-full", SslMode::Require, Trust::Name(None)),
        ] {
            let url = read(query).unwrap();
            assert_eq!((url.config.get_ssl_mode(), &url.tls.0), (mode, &trust), "{query}");
            assert_eq!(url.config.get_password(), Some(&b"se?cret"[..]));
            assert_eq!(url.config.get_dbname(), Some("yinke"));
        }
    }

    #[test]
    fn what_the_client_library_knows_is_left_to_it() {
        let url = read("?application_name=x&sslmode=require&options=-c%20work_mem%3D1MB").unwrap();
        assert_eq!(url.config.get_application_name(), Some("x"));
        assert_eq!(url.config.get_options(), Some("-c work_mem=1MB"));
    }

    #[test]
    fn a_url_that_promises_nothing_is_refused() {
        for (query, why) in [
            ("?sslmode=allow", "sslmode must be disable, prefer, require, verify-ca or verify-full"),
            ("?sslmode=", "sslmode must be disable, prefer, require, verify-ca or verify-full"),
            ("?sslmode=verify-ca", "sslmode=verify-ca needs sslrootcert, the file of the authority to trust"),
            ("?sslrootcert=a.pem", "sslrootcert needs sslmode=require, verify-ca or verify-full"),
            (
                "?sslmode=disable&sslrootcert=a.pem",
                "sslrootcert needs sslmode=require, verify-ca or verify-full",
            ),
            ("?sslmode=require&sslmode=disable", "sslmode is given twice"),
            ("?sslmode=require&sslrootcert=a&sslrootcert=b", "sslrootcert is given twice"),
            ("?sslcert=a.pem", "the URL cannot be read"),
        ] {
            assert_eq!(read(query).unwrap_err().to_string(), why, "{query}");
        }
        let scheme = "mysql://db/x".parse::<PostgresUrl>().unwrap_err();
        assert!(matches!(scheme, PostgresUrlError::Scheme), "{scheme}");
    }
}
