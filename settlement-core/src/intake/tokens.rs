//! Click tokens in what shops send along: a note attribute, the address a buyer landed on, a message to the seller.

use crate::order_events::TOKENS_MAX;
use url::Url;

/// Bytes of a token at most; ours are shorter.
const TOKEN_MAX: usize = 400;

/// The tokens that a query names: `https://shop/p?yk_click=...`, `/p?yk_click=...` or `?yk_click=...`.
pub(super) fn in_address(address: &str, param: &str) -> Vec<String> {
    let base = Url::parse("https://shop.invalid/").unwrap_or_else(|_| unreachable!("a fixed address"));
    let Ok(url) = base.join(address) else { return Vec::new() };
    url.query_pairs().filter(|(name, _)| name == param).map(|(_, value)| value.into_owned()).collect()
}

/// Whatever in a text looks like one of our tokens: `v1.`, and three more parts.
pub(super) fn in_text(text: &str) -> Vec<String> {
    let part_of_token = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    text.split(|c: char| !part_of_token(c))
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| word.len() <= TOKEN_MAX && word.starts_with("v1.") && word.split('.').count() == 4)
        .map(str::to_owned)
        .collect()
}

/// In the order found, each once, and no more than an order may carry.
pub(super) fn distinct(found: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    for token in found {
        if tokens.len() < TOKENS_MAX && !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_found_where_shops_put_them() {
        let found = |address| in_address(address, "yk_click");
        assert_eq!(found("/products/cup?utm_source=x&yk_click=v1.a.b.c"), ["v1.a.b.c"]);
        assert_eq!(found("https://shop.example/p?yk_click=v1.a.b.c#top"), ["v1.a.b.c"]);
        assert!(found("/products/cup").is_empty() && found("").is_empty());
        assert_eq!(in_text("尽快发货 yk_click=v1.a1.b-_.c，谢谢"), ["v1.a1.b-_.c"]);
        assert_eq!(in_text("v1.a.b.c v1.a.b v2.a.b.c"), ["v1.a.b.c"]);
        assert_eq!(distinct(["a".into(), "b".into(), "a".into()]), ["a", "b"]);
    }
}
