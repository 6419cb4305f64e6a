//! Reads what a signed token says, without a key: the loader notes what it was given and judges nothing.

use attribution_core::click::ClickId;
use attribution_core::ids::VisitorId;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// First bytes of the payloads: purpose and layout version.
const VISITOR: [u8; 2] = [1, 1];
const CLICK: [u8; 2] = [3, 1];

fn payload(token: &str, kind: [u8; 2]) -> Option<Vec<u8>> {
    let mut parts = token.strip_prefix("v1.")?.split('.');
    let (_key, payload, _tag) = (parts.next()?, parts.next()?, parts.next()?);
    let bytes = URL_SAFE_NO_PAD.decode(payload).ok()?;
    (parts.next().is_none() && bytes.starts_with(&kind)).then_some(bytes)
}

fn id(bytes: &[u8], at: usize) -> Option<[u8; 16]> {
    bytes.get(at..at + 16)?.try_into().ok()
}

/// The click and the visitor that a click token names.
pub fn click(token: &str) -> Option<(ClickId, VisitorId)> {
    let bytes = payload(token, CLICK)?;
    Some((ClickId(id(&bytes, 2)?), VisitorId(id(&bytes, 18)?)))
}

/// The visitor that a visitor token names.
pub fn visitor(token: &str) -> Option<VisitorId> {
    Some(VisitorId(id(&payload(token, VISITOR)?, 2)?))
}

/// The click token in a `Location`, whatever the parameter is called: the first parameter that is one.
pub fn click_in_location(location: &str) -> Option<(ClickId, VisitorId)> {
    let (_, query) = location.split_once('?')?;
    let query = query.split('#').next()?;
    query.split('&').filter_map(|pair| pair.split_once('=')).find_map(|(_, value)| click(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use attribution_core::code::Code;
    use attribution_core::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum};
    use attribution_core::time::Instant;
    use attribution_core::token::{BrowserKeys, ClickKeys, ClickToken, MasterKey, VisitorToken};

    #[test]
    fn tokens_say_what_was_signed() {
        let master = MasterKey::new(1, [7; 32]);
        let mut text = Vec::new();
        let token = ClickToken {
            click: ClickId(*b"click-click-clic"),
            visitor: VisitorId(*b"visitor-visitor!"),
            programme: ProgrammeNum(1),
            promoter: PromoterNum(2),
            placement: PlacementNum(3),
            target: TargetNum(4),
            code: Code(5),
            clicked: Instant(6),
            unjournaled: false,
        };
        token.sign(&ClickKeys::edge_key(&master, token.click.stream().edge), &mut text);
        let text = String::from_utf8(text).unwrap();
        assert_eq!(click(&text), Some((token.click, token.visitor)));
        assert_eq!(visitor(&text), None, "a click token is no visitor token");
        let location = format!("https://shop.example/a?b=c&yk_click={text}#top");
        assert_eq!(click_in_location(&location), Some((token.click, token.visitor)));
        assert_eq!(click_in_location("https://shop.example/a?b=c"), None);

        let mut text = Vec::new();
        let token = VisitorToken {
            visitor: VisitorId(*b"visitor-visitor!"),
            issued: Instant(1),
            expires: Instant(2),
            audience: 3,
        };
        token.sign(&BrowserKeys::derive(&master, None), &mut text);
        assert_eq!(visitor(std::str::from_utf8(&text).unwrap()), Some(token.visitor));
    }
}
