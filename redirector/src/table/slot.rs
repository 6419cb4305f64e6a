//! One link in 24 bytes: the entry of the packed base, of the overlay and of the snapshot.

use attribution_core::catalogue::{LinkFlags, LinkRow, LinkSeconds};
use attribution_core::code::Code;
use attribution_core::ids::{PlacementNum, TargetNum};

/// Bytes of a slot in memory and on disk.
pub(super) const SLOT_LEN: usize = size_of::<Slot>();
/// Bits of a packed code.
const CODE_BITS: u32 = 54;
const CODE_MASK: u64 = (1 << CODE_BITS) - 1;
const TAKEN: u64 = 1 << 63;

/// Key: bit 63 "taken", bits 54 to 61 flags, the rest the code. All zero is an empty slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C)]
pub(crate) struct Slot {
    key: u64,
    placement: u32,
    target: u32,
    starts: u32,
    expires: u32,
}

impl Slot {
    pub(super) fn pack(row: &LinkRow) -> Self {
        Self {
            key: TAKEN | (u64::from(row.flags.0) << CODE_BITS) | (row.code.0 & CODE_MASK),
            placement: row.placement.0,
            target: row.target.0,
            starts: row.starts.0,
            expires: row.expires.0,
        }
    }

    pub(super) fn unpack(&self) -> LinkRow {
        #[expect(clippy::cast_possible_truncation, reason = "eight bits are the flags")]
        let flags = LinkFlags((self.key >> CODE_BITS) as u8);
        LinkRow {
            code: self.code(),
            placement: PlacementNum(self.placement),
            target: TargetNum(self.target),
            starts: LinkSeconds(self.starts),
            expires: LinkSeconds(self.expires),
            flags,
        }
    }

    pub(super) const fn code(&self) -> Code {
        Code(self.key & CODE_MASK)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.key == 0
    }

    pub(super) fn to_bytes(self) -> [u8; SLOT_LEN] {
        let mut out = [0; SLOT_LEN];
        out[..8].copy_from_slice(&self.key.to_le_bytes());
        for (chunk, word) in
            out[8..].chunks_exact_mut(4).zip([self.placement, self.target, self.starts, self.expires])
        {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        out
    }

    /// `None` if the bytes are not a taken slot.
    pub(super) fn from_bytes(bytes: &[u8; SLOT_LEN]) -> Option<Self> {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let key = u64::from(word(0)) | (u64::from(word(4)) << 32);
        (key & TAKEN != 0).then(|| Self {
            key,
            placement: word(8),
            target: word(12),
            starts: word(16),
            expires: word(20),
        })
    }

    #[cfg(test)]
    pub(super) fn sample(n: u64) -> Self {
        Self::pack(&LinkRow {
            code: Code(n),
            placement: PlacementNum(1),
            target: TargetNum(2),
            starts: LinkSeconds::NONE,
            expires: LinkSeconds(77),
            flags: LinkFlags::QR,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_gives_back_its_link() {
        let row = LinkRow {
            code: Code(CODE_MASK - 5),
            placement: PlacementNum(u32::MAX),
            target: TargetNum(7),
            starts: LinkSeconds(1_700_000_000),
            expires: LinkSeconds(1_800_000_000),
            flags: LinkFlags(0xff),
        };
        let slot = Slot::pack(&row);
        assert_eq!(slot.unpack(), row);
        assert_eq!(Slot::from_bytes(&slot.to_bytes()), Some(slot));
        assert_eq!(Slot::from_bytes(&[0; SLOT_LEN]), None);
        assert_eq!(SLOT_LEN, 24);
    }
}
