//! What one click is, as bytes: the payload of a journal frame and of a shipped batch.
//!
//! The frame around it carries the stream, the sequence number and the time. All integers are little-endian.
//!
//! | offset | field | bytes |
//! | --- | --- | --- |
//! | 0 | kind: 1 = click, 2 = tally | 1 |
//! | 1 | layout version | 1 |
//! | 2 | outcome | 1 |
//! | 3 | reason | 1 |
//! | 4 | flags | 2 |
//! | 6 | length of the sub-id | 1 |
//! | 7 | zero | 1 |
//! | 8 | link code | 8 |
//! | 16 | visitor | 16 |
//! | 32 | placement, target, programme, promoter | 4 each |
//! | 48 | address prefix | 8 |
//! | 56 | address hash of the day | 8 |
//! | 64 | hash of the agent string | 8 |
//! | 72 | change number the edge had applied | 8 |
//! | 80 | the claim this click found, or zero | 16 |
//! | 96 | sub-id (`?sub=`), at most 64 bytes | n |
//!
//! No raw address is ever part of it.

use crate::click::ClickId;
use crate::code::Code;
use crate::ids::{PlacementNum, ProgrammeNum, PromoterNum, TargetNum, VisitorId};
use crate::outcome::{Outcome, Reason};

/// First byte of a click record.
pub const KIND_CLICK: u8 = 1;
/// First byte of a tally record.
pub const KIND_TALLY: u8 = 2;
/// The layout written today.
pub const LAYOUT_VERSION: u8 = 1;
/// Bytes of a click record without its sub-id.
pub const CLICK_FIXED_LEN: usize = 96;
/// The longest sub-id that is kept; a longer one is dropped and flagged.
pub const SUB_ID_MAX: usize = 64;
/// Bytes of the longest click record.
pub const CLICK_MAX_LEN: usize = CLICK_FIXED_LEN + SUB_ID_MAX;
/// Bytes of a tally record.
pub const TALLY_LEN: usize = 64;

/// Risk signs and facts of an `attributed` click. They never change the answer; settlement decides what they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ClickFlags(pub u16);

impl ClickFlags {
    /// The request carried no Sec-Fetch headers (plain http, older and in-app browsers).
    pub const NO_FETCH_METADATA: Self = Self(1);
    // Bit 1 is spent: earlier edges set it whenever Sec-Fetch-User was missing, and Safari never sends that header.
    /// This visitor probably tapped this link a short while ago (a Bloom filter's guess).
    pub const MAYBE_REPEAT: Self = Self(1 << 2);
    /// The visitor came with a valid visitor cookie.
    pub const RETURNING_VISITOR: Self = Self(1 << 3);
    /// A cookie of ours did not verify.
    pub const BAD_COOKIE: Self = Self(1 << 4);
    /// The sub-id was too long or not printable and was dropped.
    pub const SUB_ID_DROPPED: Self = Self(1 << 5);
    /// The link is a QR code's.
    pub const QR: Self = Self(1 << 6);
    /// The privacy signal Sec-GPC was set (recorded even where the programme does not honour it).
    pub const PRIVACY_SIGNAL: Self = Self(1 << 7);
    /// A page led here without a person's gesture (a popup, a script, a page that forwards by itself), and this browser
    /// would have told of a gesture.
    pub const NO_USER_ACTIVATION: Self = Self(1 << 8);

    /// Both sets together.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` is set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// A truncated address: IPv4 /24 or IPv6 /48. Byte 0 is the family (4, 6, or 0 for unknown), the prefix follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct AddressPrefix(pub [u8; 8]);

impl AddressPrefix {
    /// Truncates before anything is stored.
    pub fn of(address: std::net::IpAddr) -> Self {
        match address.to_canonical() {
            std::net::IpAddr::V4(v4) => {
                let o = v4.octets();
                Self([4, o[0], o[1], o[2], 0, 0, 0, 0])
            }
            std::net::IpAddr::V6(v6) => {
                let o = v6.octets();
                Self([6, o[0], o[1], o[2], o[3], o[4], o[5], 0])
            }
        }
    }
}

/// One click as the edge saw it. `sub_id` borrows from the request or from the stored bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClickRecord<'a> {
    /// What the buyer was answered.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// Risk signs and facts.
    pub flags: ClickFlags,
    /// The link.
    pub code: Code,
    /// The visitor, or none where no visitor cookie was read or given.
    pub visitor: VisitorId,
    /// The link's placement.
    pub placement: PlacementNum,
    /// The link's target.
    pub target: TargetNum,
    /// The placement's programme.
    pub programme: ProgrammeNum,
    /// The placement's promoter.
    pub promoter: PromoterNum,
    /// The visitor's truncated address.
    pub address_prefix: AddressPrefix,
    /// Keyed hash of the whole address; the key changes daily.
    pub address_hash: u64,
    /// Hash of the User-Agent.
    pub agent_hash: u64,
    /// The last change number the edge had applied.
    pub generation: u64,
    /// The valid claim the browser brought for this programme; zero if none.
    pub prior_claim: ClickId,
    /// The promoter's own label (`?sub=`).
    pub sub_id: &'a [u8],
}

/// Why stored bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Fewer bytes than the layout needs, or more.
    #[error("record has {got} bytes, its layout needs {want}")]
    Length {
        /// Bytes given.
        got: usize,
        /// Bytes the layout needs.
        want: usize,
    },
    /// A kind this version does not know.
    #[error("unknown record kind {0}")]
    Kind(u8),
    /// A layout version this version does not know.
    #[error("unknown record layout version {0}")]
    Version(u8),
    /// An outcome or reason number out of range.
    #[error("unknown outcome or reason number {0}")]
    Number(u8),
    /// Bytes that must be zero are not.
    #[error("reserved bytes are not zero")]
    Reserved,
}

/// The beginning of a click's record, for whoever has the other fields from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClickHead {
    /// What the buyer was answered.
    pub outcome: Outcome,
    /// Why.
    pub reason: Reason,
    /// Risk signs and facts.
    pub flags: ClickFlags,
}

impl ClickHead {
    /// Its length in bytes.
    pub const LEN: usize = 6;

    /// Reads it from the first [`LEN`](Self::LEN) bytes of a record.
    ///
    /// # Errors
    /// If the bytes are not the beginning of a click record of a known layout.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let short = RecordError::Length { got: bytes.len(), want: Self::LEN };
        let head: &[u8; Self::LEN] = bytes.first_chunk().ok_or(short)?;
        if head[0] != KIND_CLICK {
            return Err(RecordError::Kind(head[0]));
        }
        if head[1] != LAYOUT_VERSION {
            return Err(RecordError::Version(head[1]));
        }
        Ok(Self {
            outcome: Outcome::from_u8(head[2]).ok_or(RecordError::Number(head[2]))?,
            reason: Reason::from_u8(head[3]).ok_or(RecordError::Number(head[3]))?,
            flags: ClickFlags(u16::from_le_bytes(array(head, 4))),
        })
    }
}

impl<'a> ClickRecord<'a> {
    /// Writes the record into `out` and returns its length. `sub_id` beyond [`SUB_ID_MAX`] is cut: callers drop
    /// and flag a longer one beforehand.
    pub fn encode(&self, out: &mut [u8; CLICK_MAX_LEN]) -> usize {
        let sub = &self.sub_id[..self.sub_id.len().min(SUB_ID_MAX)];
        out[0] = KIND_CLICK;
        out[1] = LAYOUT_VERSION;
        out[2] = self.outcome as u8;
        out[3] = self.reason as u8;
        out[4..6].copy_from_slice(&self.flags.0.to_le_bytes());
        #[expect(clippy::cast_possible_truncation, reason = "cut to SUB_ID_MAX above")]
        {
            out[6] = sub.len() as u8;
        }
        out[7] = 0;
        out[8..16].copy_from_slice(&self.code.0.to_le_bytes());
        out[16..32].copy_from_slice(&self.visitor.0);
        out[32..36].copy_from_slice(&self.placement.0.to_le_bytes());
        out[36..40].copy_from_slice(&self.target.0.to_le_bytes());
        out[40..44].copy_from_slice(&self.programme.0.to_le_bytes());
        out[44..48].copy_from_slice(&self.promoter.0.to_le_bytes());
        out[48..56].copy_from_slice(&self.address_prefix.0);
        out[56..64].copy_from_slice(&self.address_hash.to_le_bytes());
        out[64..72].copy_from_slice(&self.agent_hash.to_le_bytes());
        out[72..80].copy_from_slice(&self.generation.to_le_bytes());
        out[80..96].copy_from_slice(&self.prior_claim.0);
        out[CLICK_FIXED_LEN..CLICK_FIXED_LEN + sub.len()].copy_from_slice(sub);
        CLICK_FIXED_LEN + sub.len()
    }

    /// Reads a record; accepts exactly what [`encode`](Self::encode) writes.
    ///
    /// # Errors
    /// If the bytes are not a click record of a known layout.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let short = RecordError::Length { got: bytes.len(), want: CLICK_FIXED_LEN };
        let Some((fixed, sub_id)) = bytes.split_first_chunk::<CLICK_FIXED_LEN>() else {
            return Err(short);
        };
        let head = ClickHead::decode(fixed)?;
        if fixed[7] != 0 {
            return Err(RecordError::Reserved);
        }
        if sub_id.len() != usize::from(fixed[6]) || sub_id.len() > SUB_ID_MAX {
            return Err(RecordError::Length {
                got: bytes.len(),
                want: CLICK_FIXED_LEN + usize::from(fixed[6]),
            });
        }
        Ok(Self {
            outcome: head.outcome,
            reason: head.reason,
            flags: head.flags,
            code: Code(u64::from_le_bytes(array(fixed, 8))),
            visitor: VisitorId(array(fixed, 16)),
            placement: PlacementNum(u32::from_le_bytes(array(fixed, 32))),
            target: TargetNum(u32::from_le_bytes(array(fixed, 36))),
            programme: ProgrammeNum(u32::from_le_bytes(array(fixed, 40))),
            promoter: PromoterNum(u32::from_le_bytes(array(fixed, 44))),
            address_prefix: AddressPrefix(array(fixed, 48)),
            address_hash: u64::from_le_bytes(array(fixed, 56)),
            agent_hash: u64::from_le_bytes(array(fixed, 64)),
            generation: u64::from_le_bytes(array(fixed, 72)),
            prior_claim: ClickId(array(fixed, 80)),
            sub_id,
        })
    }
}

/// A worker's running totals within its epoch, written into its own stream about once a second and at the end.
///
/// What follows the last tally of an epoch that ended in a crash was appended but perhaps not released: in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// Answers released for requests that have a frame.
    pub answered: u64,
    /// Click frames appended before this tally.
    pub recorded: u64,
    /// Requests that were only counted: refused, rate limited, not found, overloaded.
    pub counted: [u64; 4],
    /// Clicks answered without a frame because the disk was full; their token says so.
    pub unjournaled: u64,
}

impl Tally {
    /// Writes the tally.
    pub fn encode(&self) -> [u8; TALLY_LEN] {
        let mut out = [0; TALLY_LEN];
        out[0] = KIND_TALLY;
        out[1] = LAYOUT_VERSION;
        let words = [
            self.answered,
            self.recorded,
            self.counted[0],
            self.counted[1],
            self.counted[2],
            self.counted[3],
            self.unjournaled,
        ];
        for (slot, word) in out[8..].chunks_exact_mut(8).zip(words) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        out
    }

    /// Reads a tally.
    ///
    /// # Errors
    /// If the bytes are not a tally of a known layout.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let fixed: &[u8; TALLY_LEN] =
            bytes.try_into().map_err(|_| RecordError::Length { got: bytes.len(), want: TALLY_LEN })?;
        if fixed[0] != KIND_TALLY {
            return Err(RecordError::Kind(fixed[0]));
        }
        if fixed[1] != LAYOUT_VERSION {
            return Err(RecordError::Version(fixed[1]));
        }
        if fixed[2..8] != [0; 6] {
            return Err(RecordError::Reserved);
        }
        let word = |i: usize| u64::from_le_bytes(array(fixed, 8 + i * 8));
        Ok(Self {
            answered: word(0),
            recorded: word(1),
            counted: [word(2), word(3), word(4), word(5)],
            unjournaled: word(6),
        })
    }
}

/// The `N` bytes at `offset`. Offsets are constants of the layout, so the slice is always there.
fn array<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[offset..offset + N]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> ClickRecord<'static> {
        ClickRecord {
            outcome: Outcome::Attributed,
            reason: Reason::ClaimKept,
            flags: ClickFlags::QR.with(ClickFlags::RETURNING_VISITOR),
            code: Code(0x0012_3456_789a_bcde),
            visitor: VisitorId(*b"visitor-visitor!"),
            placement: PlacementNum(1),
            target: TargetNum(2),
            programme: ProgrammeNum(3),
            promoter: PromoterNum(4),
            address_prefix: AddressPrefix::of("203.0.113.77".parse().unwrap()),
            address_hash: 5,
            agent_hash: 6,
            generation: 7,
            prior_claim: ClickId(*b"claim-claim-clai"),
            sub_id: b"room-12",
        }
    }

    #[test]
    fn a_record_reads_back() {
        let mut bytes = [0; CLICK_MAX_LEN];
        let len = sample().encode(&mut bytes);
        assert_eq!(ClickRecord::decode(&bytes[..len]), Ok(sample()));
        for cut in 0..len {
            assert!(ClickRecord::decode(&bytes[..cut]).is_err(), "cut to {cut}");
        }
        assert!(ClickRecord::decode(&bytes[..len + 1]).is_err());
    }

    #[test]
    fn the_beginning_of_a_record_says_what_the_record_says() {
        let mut bytes = [0; CLICK_MAX_LEN];
        sample().encode(&mut bytes);
        let ClickRecord { outcome, reason, flags, .. } = sample();
        assert_eq!(ClickHead::decode(&bytes[..ClickHead::LEN]), Ok(ClickHead { outcome, reason, flags }));
        assert!(ClickHead::decode(&bytes[..ClickHead::LEN - 1]).is_err());
        bytes[0] = KIND_TALLY;
        assert_eq!(ClickHead::decode(&bytes[..ClickHead::LEN]), Err(RecordError::Kind(KIND_TALLY)));
    }

    #[test]
    fn a_tally_reads_back() {
        let tally = Tally { answered: 1, recorded: 2, counted: [3, 4, 5, 6], unjournaled: 7 };
        assert_eq!(Tally::decode(&tally.encode()), Ok(tally));
    }

    #[test]
    fn the_last_byte_of_an_address_is_never_kept() {
        let v4 = AddressPrefix::of("203.0.113.77".parse().unwrap());
        assert_eq!(v4, AddressPrefix::of("203.0.113.1".parse().unwrap()));
        assert_eq!(v4, AddressPrefix::of("::ffff:203.0.113.9".parse().unwrap()));
        let v6 = AddressPrefix::of("2001:db8:1:2:3:4:5:6".parse().unwrap());
        assert_eq!(v6, AddressPrefix::of("2001:db8:1:ffff::1".parse().unwrap()));
    }
}
