//! What an address must be for the edge to send a browser there. Core and edge ask the same rule: what one stores the
//! other can use.

use url::Url;

/// Bytes of an address at most, as sent: browsers and proxies cut off somewhere above it.
pub const WEB_ADDRESS_MAX: usize = 2_048;

/// Why a browser cannot be sent to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebAddressError {
    /// Not a URL at all.
    #[error("is not an absolute URL")]
    NotAUrl,
    /// Another scheme than http and https, or no host.
    #[error("is neither http nor https with a host")]
    Scheme,
    /// User and password in front of the host.
    #[error("carries a user name or password")]
    UserInfo,
    /// Too long.
    #[error("is longer than {WEB_ADDRESS_MAX} bytes")]
    TooLong,
}

/// Reads an address that browsers may be sent to. What a URL parser repairs is repaired in the result.
///
/// # Errors
/// If it is no absolute http(s) URL, has user information, or is too long as given or as sent.
pub fn web_address(text: &str) -> Result<Url, WebAddressError> {
    if text.len() > WEB_ADDRESS_MAX {
        return Err(WebAddressError::TooLong);
    }
    let url = Url::parse(text).map_err(|_| WebAddressError::NotAUrl)?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(WebAddressError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(WebAddressError::UserInfo);
    }
    if url.as_str().len() > WEB_ADDRESS_MAX {
        return Err(WebAddressError::TooLong);
    }
    Ok(url)
}

/// Bytes of a query parameter's name at most.
pub const PARAMETER_NAME_MAX: usize = 40;

/// Whether a query parameter may have this name: it can stand in an address as it is.
pub fn is_parameter_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    (1..=PARAMETER_NAME_MAX).contains(&name.len()) && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_web_addresses_pass() {
        let long = format!("https://shop.cn/{}", "a".repeat(WEB_ADDRESS_MAX));
        let grows = format!("https://shop.cn/{}", "商".repeat(WEB_ADDRESS_MAX / 6));
        let rows = [
            ("/relative", WebAddressError::NotAUrl),
            ("https://", WebAddressError::NotAUrl),
            ("https://:80/", WebAddressError::NotAUrl),
            ("javascript:alert(1)", WebAddressError::Scheme),
            ("ftp://shop.cn/", WebAddressError::Scheme),
            ("https://user:pass@shop.cn/", WebAddressError::UserInfo),
            ("https://user@shop.cn/", WebAddressError::UserInfo),
            (long.as_str(), WebAddressError::TooLong),
            (grows.as_str(), WebAddressError::TooLong),
        ];
        for (text, expected) in rows {
            assert_eq!(web_address(text), Err(expected), "{text}");
        }
        assert_eq!(web_address("https://shop.cn").unwrap().as_str(), "https://shop.cn/");
    }
}
