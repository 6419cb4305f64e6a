//! From a TOML value to a parsed type; `None` means "not that".

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use toml::de::DeValue;
use url::{Host, Url};

/// `host:port` in numbers.
pub(super) fn address(value: &DeValue<'_>) -> Option<SocketAddr> {
    value.as_str()?.parse().ok()
}

/// A text that is not empty.
pub(super) fn text(value: &DeValue<'_>) -> Option<String> {
    value.as_str().filter(|t| !t.is_empty()).map(str::to_owned)
}

/// What is expected of own hosts.
pub(super) const HOSTS: &str = "a list of host names such as \"yk2.example\", without scheme and port";

/// One of the own hosts: see [`own_host`].
pub(super) fn host(value: &DeValue<'_>) -> Option<String> {
    own_host(value.as_str()?).ok()
}

/// A host in the form in which browsers name it: lower case, international names in ASCII.
///
/// # Errors
/// If it is none.
pub(crate) fn own_host(text: &str) -> Result<String, url::ParseError> {
    Host::parse(text).map(|host| host.to_string())
}

/// Requests a second; 0 means no limit.
pub(super) fn rate(value: &DeValue<'_>) -> Option<u32> {
    const RATE_MAX: u32 = 100_000;
    number(value).filter(|rate| *rate <= RATE_MAX)
}

/// A path.
pub(super) fn path(value: &DeValue<'_>) -> Option<PathBuf> {
    text(value).map(PathBuf::from)
}

/// An absolute http or https URL with a host.
pub(super) fn http_url(value: &DeValue<'_>) -> Option<Url> {
    let url = Url::parse(value.as_str()?).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

/// The address that stands in links: see [`public_base`].
pub(super) fn public_url(value: &DeValue<'_>) -> Option<Url> {
    public_base(value.as_str()?).ok()
}

/// The address that stands in links. Paths are written behind it, so nothing may stand there that a path cannot
/// follow, and everybody reads it, so no password may stand in it.
///
/// # Errors
/// If it cannot stand there.
pub(crate) fn public_base(text: &str) -> Result<Url, NoPublicBase> {
    let url = Url::parse(text).map_err(|_| NoPublicBase("it is not a URL"))?;
    let wrong = if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        "it is no http or https address"
    } else if !url.username().is_empty() || url.password().is_some() {
        "it has a user name or password"
    } else if url.port() == Some(0) {
        "nobody can reach port 0"
    } else if url.query().is_some() {
        "it has a query (?), and links continue it"
    } else if url.fragment().is_some() {
        "it has a fragment (#), and links continue it"
    } else {
        return Ok(url);
    };
    Err(NoPublicBase(wrong))
}

/// Why an address cannot stand in links.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}; expected {PUBLIC_URL}")]
pub(crate) struct NoPublicBase(&'static str);

/// What is expected of a public address.
pub(crate) const PUBLIC_URL: &str =
    "an http(s) URL such as \"https://yk.example/\", without user, query, fragment or port 0";

/// A whole number that fits.
pub(super) fn number<T: TryFrom<i64>>(value: &DeValue<'_>) -> Option<T> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()?.try_into().ok()
}

/// A number of workers.
pub(super) fn workers(value: &DeValue<'_>) -> Option<u8> {
    number(value).filter(|n| (1..=128).contains(n))
}

/// A number that is not zero.
pub(super) fn positive<T: TryFrom<i64> + PartialEq + From<u8>>(value: &DeValue<'_>) -> Option<T> {
    number(value).filter(|n| *n != T::from(0))
}

/// A duration: `250ms`, `30s`, `5m`, `2h`, `7d`; not zero.
pub(super) fn duration(value: &DeValue<'_>) -> Option<Duration> {
    let text = value.as_str()?;
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(millis).filter(|n| *n > 0).map(Duration::from_millis)
}

/// A list; all of its values must be right.
pub(super) fn list<T>(value: &DeValue<'_>, item: fn(&DeValue<'_>) -> Option<T>) -> Option<Vec<T>> {
    value.as_array()?.iter().map(|v| item(v.get_ref())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_can_stand_behind_a_public_address() {
        for good in
            ["https://yk.example/", "http://127.0.0.1:8080", "https://shop.example/go/", "http://[::1]:80"]
        {
            assert!(public_base(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("yk.example", "not a URL"),
            ("ftp://yk.example/", "no http or https"),
            ("https://a:b@yk.example/", "user name or password"),
            ("https://a@yk.example/", "user name or password"),
            ("https://yk.example:0/", "port 0"),
            ("https://yk.example/go?a=1", "query"),
            ("https://yk.example/?", "query"),
            ("https://yk.example/go#a", "fragment"),
        ] {
            let said = public_base(bad).unwrap_err().to_string();
            assert!(said.contains(why), "{bad}: {said}");
            assert_eq!(public_url(&DeValue::String(bad.into())), None, "{bad}");
        }
    }

    #[test]
    fn a_host_is_what_browsers_name() {
        for (text, expected) in [
            ("yk2.example", Some("yk2.example")),
            ("YK2.example", Some("yk2.example")),
            ("中文.cn", Some("xn--fiq228c.cn")),
            ("192.0.2.1", Some("192.0.2.1")),
            ("https://x", None),
            ("yk2.example:18680", None),
            ("a b", None),
            ("", None),
        ] {
            assert_eq!(host(&DeValue::String(text.into())).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn durations_have_a_unit() {
        let parse = |text: &str| duration(&DeValue::String(text.into()));
        let rows = [
            ("250ms", Some(250)),
            ("30s", Some(30_000)),
            ("5m", Some(300_000)),
            ("7d", Some(604_800_000)),
            ("0s", None),
            ("30", None),
            ("s", None),
            ("-1s", None),
            ("1 s", None),
            ("99999999999999999999d", None),
        ];
        for (text, expected) in rows {
            assert_eq!(parse(text), expected.map(Duration::from_millis), "{text}");
        }
    }
}
