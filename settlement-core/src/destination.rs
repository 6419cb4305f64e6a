//! Where a link may lead. Checked when a destination is stored, so that the edge can send it as it is.

use crate::CoreConfig;
use crate::api::Problem;
use attribution_core::web_address::{PARAMETER_NAME_MAX, is_parameter_name};
use url::{Host, Url};

/// Longest destination, in bytes as sent.
const URL_MAX: usize = 2_048;

/// Checks a destination and returns it as it is sent: absolute, http or https, ASCII, to a public host that is not
/// ours and, where the merchant has a list, on it.
pub(crate) fn checked(
    field: &str,
    text: &str,
    allowed: &[String],
    config: &CoreConfig,
) -> Result<String, Problem> {
    let refuse = |why: &str| {
        Problem::new(http::StatusCode::UNPROCESSABLE_ENTITY, "bad_destination", format!("{field}: {why}"))
            .about(field)
    };
    if text.len() > URL_MAX {
        return Err(refuse("is longer than 2048 bytes"));
    }
    // Browsers read a backslash as a slash, and drop tabs and line ends: what is checked must be what is followed.
    if text.chars().any(|c| c == '\\' || c.is_control() || c.is_whitespace()) {
        return Err(refuse("must not have backslashes, spaces or control characters"));
    }
    let url = Url::parse(text).map_err(|e| refuse(&format!("is not an absolute URL ({e})")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("must be http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("must not have a user name or password"));
    }
    let host = match url.host() {
        Some(Host::Domain(host)) => host.trim_end_matches('.').to_ascii_lowercase(),
        Some(_) if config.allow_private_destinations => url.host_str().unwrap_or_default().to_owned(),
        Some(_) => return Err(refuse("must have a host name, not an address")),
        None => return Err(refuse("must have a host")),
    };
    if !config.allow_private_destinations && is_private(&host) {
        return Err(refuse("must have a public host name"));
    }
    let own = config.public_base.host_str().is_some_and(|own| own.eq_ignore_ascii_case(&host))
        && config.public_base.port_or_known_default() == url.port_or_known_default();
    if own || config.own_hosts.iter().any(|own| own.eq_ignore_ascii_case(&host)) {
        return Err(refuse("must not lead back to us"));
    }
    if !allowed.is_empty() && !allowed.iter().any(|name| covers(name, &host)) {
        return Err(refuse(&format!("host {host} is not one of the merchant's")));
    }
    let sent = String::from(url);
    if sent.len() > URL_MAX {
        return Err(refuse("is longer than 2048 bytes once encoded"));
    }
    Ok(sent)
}

/// Names that only resolve inside a network.
fn is_private(host: &str) -> bool {
    !host.contains('.')
        || [".local", ".localhost", ".internal", ".intranet", ".lan", ".home", ".home.arpa"]
            .iter()
            .any(|suffix| host.ends_with(suffix))
}

/// A listed host covers itself and its subdomains.
fn covers(listed: &str, host: &str) -> bool {
    let listed = listed.trim_end_matches('.').to_ascii_lowercase();
    host == listed || host.strip_suffix(&listed).is_some_and(|front| front.ends_with('.'))
}

/// A host name as a merchant lists it.
pub(super) fn checked_host(field: &str, host: &str) -> Result<String, Problem> {
    match Host::parse(host) {
        Ok(Host::Domain(name)) => Ok(name),
        _ => Err(Problem::invalid(field, format!("{host:?} is not a host name"))),
    }
}

/// A query parameter's name that can stand in a URL as it is.
pub(super) fn checked_param(field: &str, name: &str) -> Result<(), Problem> {
    if is_parameter_name(name) {
        return Ok(());
    }
    let why = format!("must be 1 to {PARAMETER_NAME_MAX} letters, digits, '_', '-' or '.'");
    Err(Problem::invalid(field, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreConfig;

    fn config() -> CoreConfig {
        CoreConfig {
            store: StoreConfig::Sqlite { path: "unused".into() },
            public_base: "https://go.example.com".parse().unwrap(),
            own_hosts: vec!["yk.example.net".to_owned()],
            allow_private_destinations: false,
            limits: crate::api::Limits::default(),
            clock: crate::Clock::System,
        }
    }

    #[test]
    fn what_may_be_a_destination() {
        let list = ["shop.example.cn".to_owned()];
        let cases: [(&str, &[String], bool); 20] = [
            ("https://shop.example.cn/item/1?a=b#c", &[], true),
            ("https://shop.example.cn/item/1", &list, true),
            ("https://m.shop.example.cn/item/1", &list, true),
            ("https://evilshop.example.cn/item/1", &list, false),
            ("https://shop.example.cn.evil.com/", &list, false),
            ("https://例子.cn/商品/1", &[], true),
            ("ftp://shop.example.cn/", &[], false),
            ("javascript:alert(1)", &[], false),
            ("//shop.example.cn/", &[], false),
            ("/item/1", &[], false),
            ("https://user@shop.example.cn/", &[], false),
            ("https://a:b@shop.example.cn/", &[], false),
            ("https://shop.example.cn\\@evil.com/", &[], false),
            ("https://shop.example.cn/a b", &[], false),
            ("https://192.0.2.1/", &[], false),
            ("https://[2001:db8::1]/", &[], false),
            ("https://0x7f000001/", &[], false),
            ("https://localhost/", &[], false),
            ("https://db.internal/", &[], false),
            ("https://GO.example.com./x", &[], false),
        ];
        for (text, allowed, fits) in cases {
            assert_eq!(checked("url", text, allowed, &config()).is_ok(), fits, "{text}");
        }
        assert!(checked("url", "https://yk.example.net/x", &[], &config()).is_err());
        let long = format!("https://shop.example.cn/{}", "a".repeat(2_048));
        assert!(checked("url", &long, &[], &config()).is_err());
        // Sent as ASCII.
        let sent = checked("url", "https://例子.cn/商品", &[], &config()).unwrap();
        assert_eq!(sent, "https://xn--fsqu00a.cn/%E5%95%86%E5%93%81");
    }
}
