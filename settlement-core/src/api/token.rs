//! What a bearer token is: a secret text of which only a hash is kept. The beginning of the hash is its name.

use crate::random::{self, NoRandomness};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Bytes of a hash.
const HASH_BYTES: usize = 32;
/// Bytes of it that make a token's name.
const NAME_BYTES: usize = 9;

/// A token's secret text. Shown once to whoever asked for it; never logged.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
pub struct TokenText(String);

impl TokenText {
    /// A new random token.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub(super) fn random() -> Result<Self, NoRandomness> {
        Ok(Self(format!("yk_{}", URL_SAFE_NO_PAD.encode(random::bytes::<32>()?))))
    }

    /// One that the operator chose.
    pub fn given(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(crate) fn hash(&self) -> [u8; HASH_BYTES] {
        hash(&self.0)
    }
}

impl std::fmt::Debug for TokenText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenText(secret)")
    }
}

/// What is kept of a token.
pub(super) fn hash(token: &str) -> [u8; HASH_BYTES] {
    Sha256::digest(token.as_bytes()).into()
}

/// What the token of a hash is called: it says nothing about the secret.
pub(super) fn name_of(hash: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(hash.get(..NAME_BYTES).unwrap_or(hash))
}

/// The first hash that has this name, if a token can be called so.
pub(super) fn first_hash(name: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(name).ok().filter(|bytes| bytes.len() == NAME_BYTES)
}

/// The last one.
pub(super) fn last_hash(name: &str) -> Option<Vec<u8>> {
    let mut hash = first_hash(name)?;
    hash.resize(HASH_BYTES, 0xff);
    Some(hash)
}
