//! The three kinds of token and their fixed layouts. Times are 48-bit big-endian milliseconds.

use super::{BrowserKeys, ClickKeys, KeyId, SigningKey, TokenError, open, sign};
use crate::click::ClickId;
use crate::code::Code;
use crate::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use crate::time::Instant;

/// Bytes of the longest payload.
pub(super) const MAX_LEN: usize = 80;
const LAYOUT_VERSION: u8 = 1;

/// A fixed layout that starts with its purpose and version.
pub(super) trait Payload: Sized {
    fn encode(&self, out: &mut [u8; MAX_LEN]) -> usize;
    fn decode(bytes: &[u8]) -> Result<Self, TokenError>;
}

struct Writer<'a> {
    out: &'a mut [u8; MAX_LEN],
    len: usize,
}

impl<'a> Writer<'a> {
    fn new(out: &'a mut [u8; MAX_LEN], purpose: u8) -> Self {
        let mut writer = Self { out, len: 0 };
        writer.put(&[purpose, LAYOUT_VERSION]);
        writer
    }
    fn put(&mut self, bytes: &[u8]) {
        self.out[self.len..self.len + bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
    }
    fn time(&mut self, at: Instant) {
        // Before 1970 does not occur; the year 10,889 and "never" become the largest value.
        let millis = u64::try_from(at.millis()).unwrap_or(0).min((1 << 48) - 1);
        self.put(&millis.to_be_bytes()[2..]);
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8], purpose: u8) -> Result<Self, TokenError> {
        match bytes {
            [p, LAYOUT_VERSION, rest @ ..] if *p == purpose => Ok(Self { rest }),
            [_, LAYOUT_VERSION, ..] => Err(TokenError::WrongPurpose),
            _ => Err(TokenError::Malformed),
        }
    }
    fn take<const N: usize>(&mut self) -> Result<[u8; N], TokenError> {
        let (head, rest) = self.rest.split_first_chunk::<N>().ok_or(TokenError::Malformed)?;
        self.rest = rest;
        Ok(*head)
    }
    fn u32(&mut self) -> Result<u32, TokenError> {
        self.take().map(u32::from_be_bytes)
    }
    fn time(&mut self) -> Result<Instant, TokenError> {
        let [a, b, c, d, e, f] = self.take::<6>()?;
        Ok(Instant(i64::from_be_bytes([0, 0, a, b, c, d, e, f])))
    }
    fn end<T>(self, value: T) -> Result<T, TokenError> {
        if self.rest.is_empty() { Ok(value) } else { Err(TokenError::Malformed) }
    }
}

/// `yk_v`: who this browser is, on one of our domains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VisitorToken {
    /// The visitor.
    pub visitor: VisitorId,
    /// When it was made.
    pub issued: Instant,
    /// When it stops counting.
    pub expires: Instant,
    /// Hash of the own domain it was made on.
    pub audience: u32,
}

impl Payload for VisitorToken {
    fn encode(&self, out: &mut [u8; MAX_LEN]) -> usize {
        let mut w = Writer::new(out, 1);
        w.put(&self.visitor.0);
        w.time(self.issued);
        w.time(self.expires);
        w.put(&self.audience.to_be_bytes());
        w.len
    }
    fn decode(bytes: &[u8]) -> Result<Self, TokenError> {
        let mut r = Reader::new(bytes, 1)?;
        let token =
            Self { visitor: VisitorId(r.take()?), issued: r.time()?, expires: r.time()?, audience: r.u32()? };
        r.end(token)
    }
}

impl VisitorToken {
    /// Appends the signed token to `out`.
    pub fn sign(&self, keys: &BrowserKeys, out: &mut Vec<u8>) {
        sign(keys.current(), self, out);
    }

    /// Verifies and reads a token.
    ///
    /// # Errors
    /// If it is not ours, of another kind or domain, or expired.
    pub fn open(text: &[u8], keys: &BrowserKeys, audience: u32, now: Instant) -> Result<Self, TokenError> {
        let token: Self = open(text, |id| keys.find(id))?;
        check_life(token.expires, token.audience, audience, now)?;
        Ok(token)
    }

    /// Verifies and reads a token for the core, which serves all own domains.
    ///
    /// # Errors
    /// If it is not ours, of another kind, or expired.
    pub fn open_any_domain(text: &[u8], keys: &BrowserKeys, now: Instant) -> Result<Self, TokenError> {
        let token: Self = open(text, |id| keys.find(id))?;
        check_life(token.expires, token.audience, token.audience, now)?;
        Ok(token)
    }
}

/// `yk_c_<programme>`: the last-click or binding claim of one programme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimToken {
    /// The programme.
    pub programme: ProgrammeNum,
    /// The promoter who holds the claim.
    pub promoter: PromoterNum,
    /// Through which placement.
    pub placement: PlacementNum,
    /// The click that made it.
    pub click: ClickId,
    /// When that was.
    pub clicked: Instant,
    /// Until when another promoter's click does not replace it.
    pub protected_until: Instant,
    /// When the claim ends.
    pub expires: Instant,
    /// Hash of the own domain it was made on.
    pub audience: u32,
}

impl Payload for ClaimToken {
    fn encode(&self, out: &mut [u8; MAX_LEN]) -> usize {
        let mut w = Writer::new(out, 2);
        w.put(&self.programme.0.to_be_bytes());
        w.put(&self.promoter.0.to_be_bytes());
        w.put(&self.placement.0.to_be_bytes());
        w.put(&self.click.0);
        w.time(self.clicked);
        w.time(self.protected_until);
        w.time(self.expires);
        w.put(&self.audience.to_be_bytes());
        w.len
    }
    fn decode(bytes: &[u8]) -> Result<Self, TokenError> {
        let mut r = Reader::new(bytes, 2)?;
        let token = Self {
            programme: ProgrammeNum(r.u32()?),
            promoter: PromoterNum(r.u32()?),
            placement: PlacementNum(r.u32()?),
            click: ClickId(r.take()?),
            clicked: r.time()?,
            protected_until: r.time()?,
            expires: r.time()?,
            audience: r.u32()?,
        };
        r.end(token)
    }
}

impl ClaimToken {
    /// Appends the signed token to `out`.
    pub fn sign(&self, keys: &BrowserKeys, out: &mut Vec<u8>) {
        sign(keys.current(), self, out);
    }

    /// Verifies and reads a token.
    ///
    /// # Errors
    /// If it is not ours, of another kind or domain, or expired.
    pub fn open(text: &[u8], keys: &BrowserKeys, audience: u32, now: Instant) -> Result<Self, TokenError> {
        let token: Self = open(text, |id| keys.find(id))?;
        check_life(token.expires, token.audience, audience, now)?;
        Ok(token)
    }
}

/// `yk_click`: proves one click. It travels through the destination and comes back with the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClickToken {
    /// The click.
    pub click: ClickId,
    /// The visitor.
    pub visitor: VisitorId,
    /// The link's programme.
    pub programme: ProgrammeNum,
    /// Its promoter.
    pub promoter: PromoterNum,
    /// Its placement.
    pub placement: PlacementNum,
    /// Its target.
    pub target: TargetNum,
    /// The link.
    pub code: Code,
    /// When the redirect was served.
    pub clicked: Instant,
    /// The edge had not journaled the click when it answered. Unless the click's record turns up, it is paid only after
    /// a review.
    pub unjournaled: bool,
}

impl Payload for ClickToken {
    fn encode(&self, out: &mut [u8; MAX_LEN]) -> usize {
        let mut w = Writer::new(out, 3);
        w.put(&self.click.0);
        w.put(&self.visitor.0);
        w.put(&self.programme.0.to_be_bytes());
        w.put(&self.promoter.0.to_be_bytes());
        w.put(&self.placement.0.to_be_bytes());
        w.put(&self.target.0.to_be_bytes());
        w.put(&self.code.0.to_be_bytes());
        w.time(self.clicked);
        w.put(&[u8::from(self.unjournaled)]);
        w.len
    }
    fn decode(bytes: &[u8]) -> Result<Self, TokenError> {
        let mut r = Reader::new(bytes, 3)?;
        let token = Self {
            click: ClickId(r.take()?),
            visitor: VisitorId(r.take()?),
            programme: ProgrammeNum(r.u32()?),
            promoter: PromoterNum(r.u32()?),
            placement: PlacementNum(r.u32()?),
            target: TargetNum(r.u32()?),
            code: Code(u64::from_be_bytes(r.take()?)),
            clicked: r.time()?,
            unjournaled: match r.take::<1>()? {
                [0] => false,
                [1] => true,
                _ => return Err(TokenError::Malformed),
            },
        };
        r.end(token)
    }
}

impl ClickToken {
    /// Appends the token, signed with the edge's own key, to `out`.
    pub fn sign(&self, key: &SigningKey, out: &mut Vec<u8>) {
        sign(key, self, out);
    }

    /// Verifies and reads a token with the core's keys. A click token has no life of its own: the policy's window
    /// decides. The key's edge must be the edge that the click id names.
    ///
    /// # Errors
    /// If it is not ours, of another kind, or signed by an edge for another edge's click.
    pub fn open(text: &[u8], keys: &ClickKeys) -> Result<Self, TokenError> {
        let id = key_id(text)?;
        let key = keys.derive(id).ok_or(TokenError::UnknownKey)?;
        let token: Self = open(text, |_| Some(&key))?;
        if id.edge == Some(token.click.stream().edge) { Ok(token) } else { Err(TokenError::BadSignature) }
    }
}

fn key_id(text: &[u8]) -> Result<KeyId, TokenError> {
    let rest = text.strip_prefix(b"v1.").ok_or(TokenError::Malformed)?;
    let id = rest.split(|b| *b == b'.').next().unwrap_or_default();
    KeyId::parse(id).ok_or(TokenError::Malformed)
}

fn check_life(expires: Instant, made_for: u32, audience: u32, now: Instant) -> Result<(), TokenError> {
    if made_for != audience {
        return Err(TokenError::OtherAudience);
    }
    if now >= expires { Err(TokenError::Expired) } else { Ok(()) }
}
