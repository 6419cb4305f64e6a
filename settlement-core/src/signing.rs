//! Signatures of webhooks by the Standard Webhooks convention, for those we receive and those we send.
//!
//! Signed is `id.timestamp.body` with HMAC-SHA256; the header carries `v1,` and the signature in base64, several of
//! them separated by blanks while a secret is being rotated. A secret is written `whsec_` and base64.

use crate::random::{self, NoRandomness};
use attribution_core::time::{Instant, SECOND_MS};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;

/// How far a sender's clock and ours may differ, and how long a message may be under way.
pub(crate) const TOLERANCE_MS: i64 = 300 * SECOND_MS;
/// Bytes of a secret that we make.
const SECRET_BYTES: usize = 32;
/// What a secret begins with.
const PREFIX: &str = "whsec_";
/// Signatures in one header at most: nobody rotates more often.
const SIGNATURES_MAX: usize = 8;

/// What a webhook is signed with. Never logged.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SigningSecret(Vec<u8>);

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(secret)")
    }
}

impl SigningSecret {
    /// A new random one.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub(crate) fn random() -> Result<Self, NoRandomness> {
        Ok(Self(random::bytes::<SECRET_BYTES>()?.to_vec()))
    }

    /// As it is written.
    pub(crate) fn text(&self) -> String {
        format!("{PREFIX}{}", STANDARD.encode(&self.0))
    }

    /// Reads one; `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text.strip_prefix(PREFIX)?).ok()?;
        (!bytes.is_empty()).then_some(Self(bytes))
    }

    fn mac(&self, id: &str, timestamp: i64, body: &[u8]) -> [u8; 32] {
        hmac_sha256(&self.0, &[id.as_bytes(), b".", timestamp.to_string().as_bytes(), b".", body])
    }

    /// One signature of the header.
    pub(crate) fn sign(&self, id: &str, timestamp: i64, body: &[u8]) -> String {
        format!("v1,{}", STANDARD.encode(self.mac(id, timestamp, body)))
    }

    /// Whether one of the header's signatures is ours.
    pub(crate) fn verifies(&self, id: &str, timestamp: i64, body: &[u8], header: &str) -> bool {
        let ours = self.mac(id, timestamp, body);
        header.split(' ').take(SIGNATURES_MAX).filter_map(|part| part.strip_prefix("v1,")).any(|theirs| {
            STANDARD.decode(theirs).is_ok_and(|theirs| bool::from(theirs.as_slice().ct_eq(&ours)))
        })
    }
}

/// HMAC-SHA256 over the parts, one after the other.
pub(crate) fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key)
        .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// Whether a message of `timestamp` (seconds) can have been sent just now.
pub(crate) fn is_recent(timestamp: i64, now: Instant) -> bool {
    timestamp
        .checked_mul(SECOND_MS)
        .is_some_and(|at| now.millis().abs_diff(at) <= TOLERANCE_MS.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the Standard Webhooks specification's reference libraries.
    #[test]
    fn the_conventions_own_example_is_signed_as_there() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let (id, at, body) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        let signature = secret.sign(id, at, body);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(secret.verifies(id, at, body, &format!("v1,AAAA v2,x {signature}")));
        assert!(!secret.verifies(id, at + 1, body, &signature));
        assert!(!secret.verifies(id, at, b"{}", &signature));
        assert!(!secret.verifies(id, at, body, ""));
        assert_eq!(SigningSecret::parse(&secret.text()), Some(secret));
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert!(SigningSecret::parse("MfKQ").is_none() && SigningSecret::parse("whsec_").is_none());
        assert_eq!(format!("{:?}", SigningSecret(vec![7])), "SigningSecret(secret)");
    }

    #[test]
    fn messages_are_recent_within_the_tolerance_on_both_sides() {
        let now = Instant(1_000_000 * SECOND_MS);
        for (seconds, recent) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
            assert_eq!(is_recent(1_000_000 + seconds, now), recent, "{seconds}");
        }
        assert!(!is_recent(i64::MAX, now) && !is_recent(i64::MIN, now));
    }
}
