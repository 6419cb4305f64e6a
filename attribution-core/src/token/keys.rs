//! Keys: one master per generation, purpose-bound subkeys by HKDF.
//!
//! The browser key (visitor and claim tokens) is shared by the fleet, so that any edge reads any edge's cookie.
//! Click tokens are evidence for money: each edge signs with its own subkey, and only the core, which holds the
//! masters, verifies them. A stolen edge can forge only its own clicks.

use super::TAG_LEN;
use crate::click::EdgeId;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;

/// Names a key: its generation, and its edge where the key is an edge's own. Written `g3` or `g3e17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    /// Counts rotations.
    pub generation: u16,
    /// The edge whose own key it is.
    pub edge: Option<EdgeId>,
}

impl KeyId {
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(text).ok()?.strip_prefix('g')?;
        let number = |t: &str| {
            // One spelling per number, so that a key id cannot be varied.
            let n: u16 = t.parse().ok()?;
            (n.to_string() == t).then_some(n)
        };
        match text.split_once('e') {
            None => Some(Self { generation: number(text)?, edge: None }),
            Some((generation, edge)) => {
                Some(Self { generation: number(generation)?, edge: Some(EdgeId(number(edge)?)) })
            }
        }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}", self.generation)?;
        match self.edge {
            Some(edge) => write!(f, "e{}", edge.0),
            None => Ok(()),
        }
    }
}

/// A generation's master secret. Lives on the core only.
#[derive(Clone)]
pub struct MasterKey {
    generation: u16,
    secret: [u8; 32],
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey(generation {}, secret)", self.generation)
    }
}

impl MasterKey {
    /// From 32 secret bytes.
    pub const fn new(generation: u16, secret: [u8; 32]) -> Self {
        Self { generation, secret }
    }

    /// The generation.
    pub const fn generation(&self) -> u16 {
        self.generation
    }

    fn derive(&self, info: &[&[u8]]) -> [u8; 32] {
        let mut out = [0; 32];
        let expanded =
            Hkdf::<Sha256>::new(Some(b"yinke keys v1"), &self.secret).expand_multi_info(info, &mut out);
        debug_assert!(expanded.is_ok(), "32 bytes are always within HKDF's limit");
        out
    }

    /// The secret of the browser key, as handed to edges.
    pub fn browser_secret(&self) -> [u8; 32] {
        self.derive(&[b"browser"])
    }

    /// The browser key.
    pub fn browser_key(&self) -> SigningKey {
        SigningKey::new(KeyId { generation: self.generation, edge: None }, &self.browser_secret())
    }

    /// The secret of one edge's click key, as handed to that edge.
    pub fn click_secret(&self, edge: EdgeId) -> [u8; 32] {
        self.derive(&[b"click", &edge.0.to_be_bytes()])
    }
}

/// A key ready to sign: the HMAC state after its key block, so that signing costs no key schedule.
#[derive(Clone)]
pub struct SigningKey {
    id: KeyId,
    id_text: String,
    state: Hmac<Sha256>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, secret)", self.id_text)
    }
}

impl SigningKey {
    /// From a derived secret.
    pub fn new(id: KeyId, secret: &[u8; 32]) -> Self {
        let id_text = id.to_string();
        let mut state = <Hmac<Sha256> as KeyInit>::new_from_slice(secret)
            .unwrap_or_else(|_| unreachable!("any key length fits"));
        state.update(b"yinke token v1.");
        state.update(id_text.as_bytes());
        state.update(b".");
        Self { id, id_text, state }
    }

    /// Its name.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    pub(super) fn id_text(&self) -> &str {
        &self.id_text
    }

    pub(super) fn tag(&self, payload: &[u8]) -> [u8; TAG_LEN] {
        let mut mac = self.state.clone();
        mac.update(payload);
        let full = mac.finalize().into_bytes();
        let mut tag = [0; TAG_LEN];
        tag.copy_from_slice(&full[..TAG_LEN]);
        tag
    }

    pub(super) fn verify(&self, payload: &[u8], tag: &[u8]) -> bool {
        self.tag(payload).as_slice().ct_eq(tag).into()
    }
}

/// The fleet's keys for visitor and claim tokens: sign with the current one, verify with the one before and the one after
/// as well. A fleet does not change keys at one instant: some edges sign with the next one already.
#[derive(Debug, Clone)]
pub struct BrowserKeys {
    current: SigningKey,
    previous: Option<SigningKey>,
    next: Option<SigningKey>,
}

impl BrowserKeys {
    /// From derived keys.
    pub const fn new(current: SigningKey, previous: Option<SigningKey>) -> Self {
        Self { current, previous, next: None }
    }

    /// With the key that the fleet will sign with next.
    #[must_use]
    pub fn before(self, next: Option<SigningKey>) -> Self {
        Self { next, ..self }
    }

    /// The key to sign with.
    pub const fn current(&self) -> &SigningKey {
        &self.current
    }

    pub(super) fn find(&self, id: KeyId) -> Option<&SigningKey> {
        if self.current.id == id {
            return Some(&self.current);
        }
        self.previous.iter().chain(&self.next).find(|key| key.id == id)
    }

    /// Whether a token, which verifies, was signed with the previous key: after the next rotation it would be none.
    pub fn is_outdated(&self, token: &[u8]) -> bool {
        let id = token.strip_prefix(b"v1.").and_then(|rest| rest.split(|byte| *byte == b'.').next());
        self.previous.as_ref().is_some_and(|previous| id == Some(previous.id_text.as_bytes()))
    }

    /// The browser keys derived from one or two masters.
    pub fn derive(current: &MasterKey, previous: Option<&MasterKey>) -> Self {
        Self::new(current.browser_key(), previous.map(MasterKey::browser_key))
    }
}

/// The core's view of click keys: derives any edge's key of a known generation.
#[derive(Debug, Clone)]
pub struct ClickKeys {
    masters: Vec<MasterKey>,
}

impl ClickKeys {
    /// All generations that the core still accepts.
    pub const fn new(masters: Vec<MasterKey>) -> Self {
        Self { masters }
    }

    /// The key an edge signs its click tokens with.
    pub fn edge_key(master: &MasterKey, edge: EdgeId) -> SigningKey {
        SigningKey::new(KeyId { generation: master.generation, edge: Some(edge) }, &master.click_secret(edge))
    }

    pub(super) fn derive(&self, id: KeyId) -> Option<SigningKey> {
        let edge = id.edge?;
        self.masters.iter().find(|m| m.generation == id.generation).map(|m| Self::edge_key(m, edge))
    }
}
