//! The packed base: most links, in shards of open addressing that are never changed, only replaced whole.
//!
//! A shard is one region of slots with linear probing. A merge builds one new shard beside its old one and swaps it
//! in, so it never needs a second copy of the table. Readers hold a shard only while they copy one slot out of it.

use super::memory::SlotMemory;
use super::slot::Slot;
use arc_swap::ArcSwap;
use attribution_core::code::Code;
use std::sync::Arc;

/// Bits of a code's hash that choose its shard.
const SHARD_BITS: u32 = 4;
/// Shards of the base: few enough that those of a million links are larger than a huge page each, many enough that
/// rebuilding one of ten million links needs only some twenty megabytes beside it.
pub(super) const SHARDS: usize = 1 << SHARD_BITS;
/// Slots per hundred links: at most two thirds full, so that a hit looks at two neighbouring slots on average.
const SLOTS_PER_HUNDRED: usize = 150;

/// Spreads codes evenly: the golden ratio in 64 bits. Codes come from the core, so nobody can choose colliding ones.
pub(super) const fn spread(code: Code) -> u64 {
    code.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Which of the 2^`bits` equal parts of all hashes a code belongs to.
#[expect(clippy::cast_possible_truncation, reason = "a few bits are left")]
pub(super) const fn part_of(code: Code, bits: u32) -> usize {
    (spread(code) >> (u64::BITS - bits)) as usize
}

/// Which shard holds a code.
pub(super) const fn shard_of(code: Code) -> usize {
    part_of(code, SHARD_BITS)
}

/// Where in a shard of `slots` slots the search for a code starts.
#[expect(clippy::cast_possible_truncation, reason = "the product's upper half is below `slots`")]
const fn home(code: Code, slots: usize) -> usize {
    (((spread(code) << SHARD_BITS) as u128 * slots as u128) >> 64) as usize
}

/// One shard.
pub(super) struct Shard {
    slots: SlotMemory,
    len: usize,
}

impl Shard {
    pub(super) fn empty() -> Self {
        Self { slots: SlotMemory::zeroed(0), len: 0 }
    }

    /// A shard of `expected` links at most; the last of several rows with one code wins.
    pub(super) fn build(expected: usize, rows: impl Iterator<Item = Slot>) -> Self {
        if expected == 0 {
            return Self::empty();
        }
        let wanted = (expected * SLOTS_PER_HUNDRED).div_ceil(100) + 1;
        let mut shard = Self { slots: SlotMemory::zeroed(SlotMemory::rounded(wanted)), len: 0 };
        for row in rows {
            shard.put(row);
        }
        shard
    }

    fn put(&mut self, row: Slot) {
        let capacity = self.slots.len();
        assert!(self.len + 1 < capacity, "a shard is built for all its rows and one empty slot");
        let mut at = home(row.code(), capacity);
        loop {
            let slot = &mut self.slots[at];
            if slot.is_empty() {
                *slot = row;
                self.len += 1;
                return;
            }
            if slot.code() == row.code() {
                *slot = row;
                return;
            }
            at += 1;
            if at == capacity {
                at = 0;
            }
        }
    }

    pub(super) fn get(&self, code: Code) -> Option<Slot> {
        let slots = &*self.slots;
        if slots.is_empty() {
            return None;
        }
        let mut at = home(code, slots.len());
        // Ends: a shard always has an empty slot.
        loop {
            let slot = slots.get(at)?;
            if slot.is_empty() {
                return None;
            }
            if slot.code() == code {
                return Some(*slot);
            }
            at += 1;
            if at == slots.len() {
                at = 0;
            }
        }
    }

    fn fetch_ahead(&self, code: Code) {
        if !self.slots.is_empty() {
            self.slots.fetch_ahead(home(code, self.slots.len()));
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.len() * size_of::<Slot>()
    }

    /// The links, in the order of their homes nearly; building a shard from it runs through memory once.
    pub(super) fn iter(&self) -> impl Iterator<Item = Slot> + '_ {
        self.slots.iter().filter(|slot| !slot.is_empty()).copied()
    }
}

/// All shards.
pub(super) struct Base {
    shards: [ArcSwap<Shard>; SHARDS],
}

impl Base {
    pub(super) fn empty() -> Self {
        Self { shards: std::array::from_fn(|_| ArcSwap::from_pointee(Shard::empty())) }
    }

    pub(super) fn get(&self, code: Code) -> Option<Slot> {
        self.shards[shard_of(code)].load().get(code)
    }

    /// Begins to fetch what [`get`](Self::get) will read.
    pub(super) fn fetch_ahead(&self, code: Code) {
        self.shards[shard_of(code)].load().fetch_ahead(code);
    }

    pub(super) fn shard(&self, index: usize) -> Arc<Shard> {
        self.shards[index].load_full()
    }

    /// A copy of the links in one of 2^`bits` parts, which are smaller than shards.
    pub(super) fn part(&self, part: usize, bits: u32) -> Vec<Slot> {
        let shard = self.shard(part >> (bits - SHARD_BITS));
        shard.iter().filter(|slot| part_of(slot.code(), bits) == part).collect()
    }

    pub(super) fn replace(&self, index: usize, shard: Shard) {
        self.shards[index].store(Arc::new(shard));
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.load().len()).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.load().bytes()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_shard_finds_all_and_nothing_else() {
        let codes: Vec<u64> = (0..5_000u64).map(|n| n * 7_919 + 1).collect();
        let shard = Shard::build(codes.len(), codes.iter().map(|code| Slot::sample(*code)));
        assert_eq!(shard.len(), codes.len());
        for code in &codes {
            assert_eq!(shard.get(Code(*code)), Some(Slot::sample(*code)));
            assert_eq!(shard.get(Code(code + 1)), None);
        }
        assert_eq!(shard.iter().count(), codes.len());
    }

    #[test]
    fn an_empty_shard_and_one_of_a_single_link_answer() {
        assert_eq!(Shard::empty().get(Code(3)), None);
        let one = Shard::build(1, std::iter::once(Slot::sample(3)));
        assert_eq!((one.get(Code(3)), one.get(Code(4))), (Some(Slot::sample(3)), None));
    }

    #[test]
    fn the_last_row_of_a_code_wins() {
        let (old, new) = (Slot::sample(5), Slot::default());
        assert!(new.is_empty());
        let shard = Shard::build(2, [old, old].into_iter());
        assert_eq!(shard.len(), 1);
    }

    #[test]
    fn no_question_leads_far_whatever_is_asked() {
        // Random codes, as the core draws them, and codes in a row, as an import may bring them.
        let mut state = 5u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> 12
        };
        let drawn: Vec<u64> = (0..200_000).map(|_| random() | 1).collect();
        let in_a_row: Vec<u64> = (1..=200_000).collect();
        for codes in [drawn, in_a_row] {
            let shard = Shard::build(codes.len(), codes.iter().map(|code| Slot::sample(*code)));
            let (mut longest, mut run) = (0, 0);
            for slot in shard.slots.iter().chain(shard.slots.iter()) {
                run = if slot.is_empty() { 0 } else { run + 1 };
                longest = longest.max(run);
            }
            // Nobody, whatever codes he asks for, makes the edge look at more slots than stand in one row.
            assert!(longest < 200, "{longest} slots in a row");
        }
    }

    #[test]
    fn the_parts_of_a_base_are_its_links_each_once() {
        let base = Base::empty();
        let codes: Vec<u64> = (1..20_000).collect();
        for index in 0..SHARDS {
            let mine: Vec<u64> =
                codes.iter().copied().filter(|code| shard_of(Code(*code)) == index).collect();
            base.replace(index, Shard::build(mine.len(), mine.iter().map(|code| Slot::sample(*code))));
        }
        let parts = (0..64).flat_map(|part| base.part(part, 6));
        let mut found: Vec<u64> = parts.map(|slot| slot.code().0).collect();
        found.sort_unstable();
        assert_eq!(found, codes);
    }

    #[test]
    fn codes_spread_over_shards() {
        let mut counts = [0usize; SHARDS];
        for body in 0..64_000u64 {
            counts[shard_of(Code(body * 62 + body % 62))] += 1;
        }
        let even = 64_000 / SHARDS;
        assert!(counts.iter().all(|n| n.abs_diff(even) < even / 3), "{counts:?}");
    }
}
