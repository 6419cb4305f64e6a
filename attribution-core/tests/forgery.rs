//! Tokens that nobody signed. Many more random tags, and the time a comparison takes: `cargo xtask forge`.

use attribution_core::fuzzing::{TAG_TEXT_LEN, is_accepted, random_tags, signed_tokens};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

#[test]
fn no_random_tag_is_accepted() {
    assert_eq!(random_tags(1, 30_000), 0);
}

#[test]
fn no_change_of_one_bit_is_accepted() {
    for token in signed_tokens() {
        assert!(is_accepted(&token));
        for at in 0..token.len() {
            for bit in 0..8 {
                let mut changed = token.clone();
                changed[at] ^= 1 << bit;
                assert!(!is_accepted(&changed), "bit {bit} of character {at}");
            }
        }
        // The same with the bits behind the characters, so that every change is one of a well-formed token.
        let parts: Vec<&[u8]> = token.split(|byte| *byte == b'.').collect();
        for part in [2, 3] {
            let bytes = URL_SAFE_NO_PAD.decode(parts[part]).unwrap();
            for bit in 0..bytes.len() * 8 {
                let mut bytes = bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let mut parts: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
                parts[part] = URL_SAFE_NO_PAD.encode(bytes).into_bytes();
                assert!(!is_accepted(&parts.join(&b'.')), "bit {bit} of part {part}");
            }
        }
    }
}

#[test]
fn no_token_passes_for_another_and_no_tag_fits_another() {
    let tokens = signed_tokens();
    for (one, token) in tokens.iter().enumerate() {
        for (two, other) in tokens.iter().enumerate().filter(|(two, _)| *two != one) {
            let body = &token[..token.len() - TAG_TEXT_LEN];
            let tag = &other[other.len() - TAG_TEXT_LEN..];
            assert!(!is_accepted(&[body, tag].concat()), "the tag of {two} under {one}");
        }
    }
}
