//! Signed tokens: what a browser carries for us, and what a merchant sends back with an order.
//!
//! A token is `v1.<key id>.<base64url payload>.<base64url tag>`. The tag is HMAC-SHA256, truncated to 128 bits,
//! over a domain word, the key id and the payload; the payload starts with its purpose, so no token passes for
//! another kind. Tags are compared in constant time, before the payload is read.

mod keys;
mod payload;

pub use keys::{BrowserKeys, ClickKeys, KeyId, MasterKey, SigningKey};
pub use payload::{ClaimToken, ClickToken, VisitorToken};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use payload::Payload;

/// Bytes of a truncated tag.
const TAG_LEN: usize = 16;
/// No token of ours is longer; a longer one is not even decoded.
pub const TOKEN_MAX_LEN: usize = 256;

/// Why a token is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not four parts, a wrong prefix, bad base64, a wrong length.
    #[error("not a token of ours")]
    Malformed,
    /// Its key is neither the current nor the previous one.
    #[error("signed with an unknown key")]
    UnknownKey,
    /// The tag does not match.
    #[error("the signature does not match")]
    BadSignature,
    /// A token of another kind.
    #[error("a token of another kind")]
    WrongPurpose,
    /// Its own life is over.
    #[error("expired")]
    Expired,
    /// Made on another of our domains.
    #[error("made for another domain")]
    OtherAudience,
}

/// Appends the signed token to `out`. Allocates nothing if `out` has [`TOKEN_MAX_LEN`] bytes to spare.
fn sign<P: Payload>(key: &SigningKey, payload: &P, out: &mut Vec<u8>) {
    let mut bytes = [0u8; payload::MAX_LEN];
    let len = payload.encode(&mut bytes);
    let bytes = &bytes[..len];
    out.extend_from_slice(b"v1.");
    out.extend_from_slice(key.id_text().as_bytes());
    out.push(b'.');
    push_base64(bytes, out);
    out.push(b'.');
    push_base64(&key.tag(bytes), out);
}

fn push_base64(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    let written = URL_SAFE_NO_PAD.encode_slice(bytes, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
}

/// Verifies the tag, then the purpose; expiry and audience are the caller's next step.
fn open<'k, P: Payload>(
    text: &[u8],
    find: impl Fn(KeyId) -> Option<&'k SigningKey>,
) -> Result<P, TokenError> {
    if text.len() > TOKEN_MAX_LEN {
        return Err(TokenError::Malformed);
    }
    let rest = text.strip_prefix(b"v1.").ok_or(TokenError::Malformed)?;
    let mut parts = rest.split(|b| *b == b'.');
    let (Some(id), Some(payload), Some(tag), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenError::Malformed);
    };
    let key = find(KeyId::parse(id).ok_or(TokenError::Malformed)?).ok_or(TokenError::UnknownKey)?;
    let mut payload_bytes = [0u8; TOKEN_MAX_LEN];
    let payload_len =
        URL_SAFE_NO_PAD.decode_slice(payload, &mut payload_bytes).map_err(|_| TokenError::Malformed)?;
    let mut tag_bytes = [0u8; TAG_LEN + 8];
    let tag_len = URL_SAFE_NO_PAD.decode_slice(tag, &mut tag_bytes).map_err(|_| TokenError::Malformed)?;
    let payload_bytes = &payload_bytes[..payload_len];
    if tag_len != TAG_LEN {
        return Err(TokenError::Malformed);
    }
    if !key.verify(payload_bytes, &tag_bytes[..TAG_LEN]) {
        return Err(TokenError::BadSignature);
    }
    P::decode(payload_bytes)
}

#[cfg(test)]
mod tests;
