//! The bytes of a holder record and of the operations that a script call carries. See the module's table.

use crate::catalogue::ClaimEnd;
use crate::click::ClickId;
use crate::ids::{PlacementNum, PromoterNum};
use crate::time::Instant;

/// Bytes of one click in a record or an operation.
pub const ENTRY_LEN: usize = 48;
/// Clicks of one record that are kept apart where protection makes their order matter. Older ones become part of
/// the base: a click delivered so late that as many newer ones overtook it is left to the core.
pub const HISTORY_DEPTH: u8 = 8;

const FORMAT: u8 = 1;
const OP_CLICKS: u8 = 1;
const OP_DECIDED: u8 = 2;
const HEADER_LEN: usize = 28;
const FLOOR_LEN: usize = 24;
const KEEP_LEN: usize = 8;
const NOBODY: u8 = 255;
const BASE: u8 = 254;
const HAS_BASE: u8 = 1;
const BASE_IS_DECIDED: u8 = 2;
/// The last instant a Lua number holds exactly; "never" becomes this.
const FAR_MS: i64 = (1 << 53) - 1;

/// What may stand against this click, if another promoter holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub enum Guard {
    /// Nothing.
    #[default]
    None = 0,
    /// The holder's protection, while it lasts.
    Protection = 1,
    /// The holder, as long as it lives.
    Holder = 2,
}

/// A click that made a claim, for the fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HolderClick {
    /// When it was.
    pub at: Instant,
    /// Its id.
    pub click: ClickId,
    /// Whose link.
    pub promoter: PromoterNum,
    /// Through which placement.
    pub placement: PlacementNum,
    /// If it binds anew, it is protected until then.
    pub protected_until: Instant,
    /// If it binds anew, it ends then.
    pub expires: Instant,
    /// Whether it extends a claim that its promoter already holds.
    pub end: ClaimEnd,
    /// What may stand against it.
    pub guard: Guard,
}

impl HolderClick {
    /// How many clicks of such a programme a record must keep apart.
    pub const fn depth(&self) -> u8 {
        match (self.guard, self.end) {
            (Guard::None, ClaimEnd::FromClick) => 1, // the newest wins, whatever came before it
            _ => HISTORY_DEPTH,
        }
    }
}

/// Who holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holding {
    /// The promoter.
    pub promoter: PromoterNum,
    /// Through which placement.
    pub placement: PlacementNum,
    /// The holder's last click.
    pub click: ClickId,
    /// When that was.
    pub clicked: Instant,
    /// Until when another promoter's click does not take over.
    pub protected_until: Instant,
    /// It ends then.
    pub expires: Instant,
}

/// A decision of the core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decided {
    /// Its version; the highest wins. At least 1.
    pub version: u64,
    /// Time and id of the last click it has taken into account. Newer clicks count on top of it. A later version
    /// covers at least as much as an earlier one.
    pub covers: (Instant, ClickId),
    /// Who holds, or nobody.
    pub holder: Option<Holding>,
    /// Remembered at least until then, whoever holds: a covered click that is delivered late must find the decision,
    /// or it would count anew. The latest end that any covered click could have given a claim.
    pub keep_until: Instant,
}

/// A record as a reader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HolderRecord {
    /// Who holds, if not yet expired; see [`at`](Self::at).
    pub holder: Option<Holding>,
    /// The holder comes from clicks that the core has not decided about.
    pub provisional: bool,
    /// The version of the core's last decision; zero if there was none.
    pub version: u64,
}

/// Why bytes are not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HolderError {
    /// Too short, or its counts do not add up.
    #[error("holder record is cut short or its counts do not add up")]
    Length,
    /// Written by a newer version.
    #[error("holder record has the unknown format {0}")]
    Format(u8),
}

/// The operation that adds clicks to a record. `depth` is the largest of the clicks'.
pub fn clicks_op(clicks: &[HolderClick]) -> Vec<u8> {
    let depth = clicks.iter().map(HolderClick::depth).max().unwrap_or(1);
    let mut out = Vec::with_capacity(2 + clicks.len() * ENTRY_LEN);
    out.extend_from_slice(&[OP_CLICKS, depth]);
    for click in clicks {
        put_entry(click, &mut out);
    }
    out
}

/// The operation that lays a decision under a record.
pub fn decided_op(decided: &Decided) -> Vec<u8> {
    let mut out = Vec::with_capacity(9 + FLOOR_LEN + KEEP_LEN + ENTRY_LEN);
    out.push(OP_DECIDED);
    out.extend_from_slice(&decided.version.to_be_bytes());
    out.extend_from_slice(&millis(decided.covers.0).to_be_bytes());
    out.extend_from_slice(&decided.covers.1.0);
    out.extend_from_slice(&millis(decided.keep_until).to_be_bytes());
    let nobody = Holding {
        promoter: PromoterNum(0),
        placement: PlacementNum(0),
        click: ClickId::default(),
        clicked: Instant(0),
        protected_until: Instant(0),
        expires: Instant(0),
    };
    let Holding { promoter, placement, click, clicked, protected_until, expires } =
        decided.holder.unwrap_or(nobody);
    let (end, guard) = (ClaimEnd::FromClick, Guard::None);
    put_entry(
        &HolderClick { at: clicked, click, promoter, placement, protected_until, expires, end, guard },
        &mut out,
    );
    out
}

impl HolderRecord {
    /// Reads a record.
    ///
    /// # Errors
    /// If the bytes are not a record of the format known here.
    pub fn decode(bytes: &[u8]) -> Result<Self, HolderError> {
        match bytes.first() {
            Some(&FORMAT) => {}
            Some(&other) => return Err(HolderError::Format(other)),
            None => return Err(HolderError::Length),
        }
        let (head, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(HolderError::Length)?;
        let [_, count, who, flags, ..] = *head;
        let version = u64_at(head, 4);
        let (base, entries) = if flags & HAS_BASE == 0 {
            (None, rest)
        } else {
            let (_, rest) = rest.split_at_checked(FLOOR_LEN + KEEP_LEN).ok_or(HolderError::Length)?;
            let (base, rest) = rest.split_first_chunk::<ENTRY_LEN>().ok_or(HolderError::Length)?;
            (Some(base), rest)
        };
        let (entries, []) = entries.as_chunks::<ENTRY_LEN>() else { return Err(HolderError::Length) };
        if entries.len() != usize::from(count) {
            return Err(HolderError::Length);
        }
        let entry = match who {
            NOBODY => None,
            BASE => Some(base.ok_or(HolderError::Length)?),
            position => Some(entries.get(usize::from(position)).ok_or(HolderError::Length)?),
        };
        let holder = entry.map(|entry| Holding {
            promoter: PromoterNum(u32_at(entry, 24)),
            placement: PlacementNum(u32_at(entry, 28)),
            click: ClickId(std::array::from_fn(|i| entry[8 + i])),
            clicked: Instant((u64_at(entry, 0) >> 16).cast_signed()),
            protected_until: Instant(u64_at(head, 12).cast_signed()),
            expires: Instant(u64_at(head, 20).cast_signed()),
        });
        let decided = flags & BASE_IS_DECIDED != 0 && matches!(who, NOBODY | BASE);
        Ok(Self { holder, provisional: !decided, version })
    }

    /// Who holds at this instant.
    pub fn at(&self, now: Instant) -> Option<&Holding> {
        self.holder.as_ref().filter(|holding| now < holding.expires)
    }

    /// Whether a reader sees just this holder at this instant. "Never" has lost some digits on its way through Redis.
    pub fn shows(&self, holder: Option<&Holding>, now: Instant) -> bool {
        let stored = |holding: &Holding| Holding {
            protected_until: holding.protected_until.min(Instant(FAR_MS)),
            expires: holding.expires.min(Instant(FAR_MS)),
            ..*holding
        };
        self.at(now).map(stored) == holder.map(stored)
    }
}

fn put_entry(click: &HolderClick, out: &mut Vec<u8>) {
    let end = match click.end {
        ClaimEnd::FromClick => 0,
        ClaimEnd::FromBind => 1,
        ClaimEnd::WithLink => 2,
    };
    out.extend_from_slice(&millis(click.at).to_be_bytes()[2..]);
    out.extend_from_slice(&[end, click.guard as u8]);
    out.extend_from_slice(&click.click.0);
    out.extend_from_slice(&click.promoter.0.to_be_bytes());
    out.extend_from_slice(&click.placement.0.to_be_bytes());
    out.extend_from_slice(&millis(click.protected_until).to_be_bytes());
    out.extend_from_slice(&millis(click.expires).to_be_bytes());
}

/// Milliseconds as the script can hold them. A click's own time fits 48 bits until the year 10,889.
fn millis(at: Instant) -> u64 {
    at.millis().clamp(0, FAR_MS).cast_unsigned()
}

/// The number at a constant offset of a layout, which is always there.
fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_be_bytes(std::array::from_fn(|i| bytes[offset + i]))
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_be_bytes(std::array::from_fn(|i| bytes[offset + i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_records_are_read() {
        assert_eq!(HolderRecord::decode(&[]), Err(HolderError::Length));
        assert_eq!(HolderRecord::decode(&[2, 0]), Err(HolderError::Format(2)));
        let mut bytes = vec![0; HEADER_LEN + ENTRY_LEN];
        bytes[..3].copy_from_slice(&[1, 1, 0]);
        let record = HolderRecord::decode(&bytes).unwrap();
        assert!(record.provisional && record.holder.is_some());
        for cut in 1..bytes.len() {
            assert_eq!(HolderRecord::decode(&bytes[..cut]), Err(HolderError::Length), "cut to {cut}");
        }
        bytes[2] = 1;
        assert_eq!(HolderRecord::decode(&bytes), Err(HolderError::Length));
        bytes[2] = BASE;
        assert_eq!(HolderRecord::decode(&bytes), Err(HolderError::Length));
    }
}
