//! All links: a `DashMap` of recent changes over the packed base.
//!
//! A reader looks into the overlay first and then into the base. A merge puts a row into the base before it takes
//! it out of the overlay, so that a reader meets every row at least once.

use super::base::{Base, SHARDS, Shard, shard_of, spread};
use super::slot::Slot;
use attribution_core::catalogue::LinkRow;
use attribution_core::code::Code;
use dashmap::DashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The overlay holds this many links before they are merged: small tables live wholly in it.
const MERGE_FROM: usize = 1 << 16;

/// ... and more than this part of the base: a link takes many times as much there as in the base, and a merge copies all
/// of the base.
const MERGE_PART: usize = 64;

/// Bits of the filter over the overlay: 128 KiB stay in a core's own cache, and a full overlay sets one bit in ten.
const FILTER_BITS: usize = 1 << 20;

/// "Not in the overlay" in one load. Without it every look-up of a link in the base pays for a locked miss first.
struct Filter(Box<[AtomicU64]>);

impl Filter {
    fn new() -> Self {
        Self((0..FILTER_BITS / 64).map(|_| AtomicU64::new(0)).collect())
    }

    /// The word and the bit of a code; other bits of its hash than those that choose its shard.
    const fn place(code: Code) -> (usize, u64) {
        let at = ((spread(code) >> 20) as usize) % FILTER_BITS;
        (at / 64, 1 << (at % 64))
    }

    fn may_hold(&self, code: Code) -> bool {
        let (word, bit) = Self::place(code);
        self.0[word].load(Ordering::Acquire) & bit != 0
    }

    /// Before the code gets into the overlay.
    fn add(&self, code: Code) {
        let (word, bit) = Self::place(code);
        self.0[word].fetch_or(bit, Ordering::AcqRel);
    }

    /// Once the overlay is empty.
    fn clear(&self) {
        for word in &self.0 {
            word.store(0, Ordering::Release);
        }
    }
}

pub(super) struct Links {
    base: Base,
    overlay: DashMap<u64, Slot, foldhash::fast::RandomState>,
    overlay_len: AtomicUsize,
    filter: Filter,
}

impl Links {
    pub(super) fn empty() -> Self {
        let overlay_len = AtomicUsize::new(0);
        Self { base: Base::empty(), overlay: DashMap::default(), overlay_len, filter: Filter::new() }
    }

    pub(super) fn get(&self, code: Code) -> Option<LinkRow> {
        let recent =
            if self.filter.may_hold(code) { self.overlay.get(&code.0).map(|slot| *slot) } else { None };
        recent.or_else(|| self.base.get(code)).map(|slot| slot.unpack())
    }

    pub(super) fn fetch_ahead(&self, code: Code) {
        self.base.fetch_ahead(code);
    }

    /// Callers hold the table's writing lock.
    pub(super) fn put(&self, row: &LinkRow) {
        self.filter.add(row.code);
        if self.overlay.insert(row.code.0, Slot::pack(row)).is_none() {
            self.overlay_len.fetch_add(1, Ordering::AcqRel);
        }
    }

    /// Merges once the overlay is large. Callers hold the writing lock.
    pub(super) fn merge_if_large(&self) {
        let len = self.overlay_len.load(Ordering::Acquire);
        if len >= MERGE_FROM && len >= self.base.len() / MERGE_PART {
            self.merge();
        }
    }

    /// Moves the overlay into the base, shard by shard. Callers hold the writing lock.
    pub(super) fn merge(&self) {
        let mut moved = self.recent();
        moved.sort_by_key(|slot| shard_of(slot.code()));
        for rows in moved.chunk_by(|a, b| shard_of(a.code()) == shard_of(b.code())) {
            self.add_to_shard(shard_of(rows[0].code()), rows);
            for slot in rows {
                if self.overlay.remove_if(&slot.code().0, |_, now| now == slot).is_some() {
                    self.overlay_len.fetch_sub(1, Ordering::AcqRel);
                }
            }
        }
        self.overlay.shrink_to_fit();
        // All of it is in the base now: writers are kept out by the writing lock, and nobody else adds.
        if self.overlay.is_empty() {
            self.filter.clear();
        }
    }

    /// Puts rows past the overlay into the base. Callers hold the writing lock.
    pub(super) fn load<'a>(&self, rows: impl Iterator<Item = &'a LinkRow>) {
        let mut by_shard: [Vec<Slot>; SHARDS] = std::array::from_fn(|_| Vec::new());
        for row in rows {
            by_shard[shard_of(row.code)].push(Slot::pack(row));
        }
        for (index, rows) in by_shard.iter_mut().enumerate() {
            self.add_to_shard(index, rows);
            *rows = Vec::new(); // the memory back before the next shard is built
        }
    }

    /// The same for slots as a snapshot holds them: mostly one shard at a time, sometimes any mixture.
    pub(super) fn load_slots(&self, slots: &mut [Slot]) {
        slots.sort_by_key(|slot| shard_of(slot.code()));
        for rows in slots.chunk_by(|a, b| shard_of(a.code()) == shard_of(b.code())) {
            self.add_to_shard(shard_of(rows[0].code()), rows);
        }
    }

    /// Replaces one shard by itself and `rows`. Callers hold the writing lock.
    pub(super) fn add_to_shard(&self, index: usize, rows: &[Slot]) {
        if rows.is_empty() {
            return;
        }
        let old = self.base.shard(index);
        let shard = Shard::build(old.len() + rows.len(), old.iter().chain(rows.iter().copied()));
        self.base.replace(index, shard);
    }

    /// A copy of the overlay.
    pub(super) fn recent(&self) -> Vec<Slot> {
        self.overlay.iter().map(|entry| *entry.value()).collect()
    }

    /// As [`Base::part`].
    pub(super) fn base_part(&self, part: usize, bits: u32) -> Vec<Slot> {
        self.base.part(part, bits)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.overlay_len() == 0 && self.base_len() == 0
    }

    pub(super) fn overlay_len(&self) -> usize {
        self.overlay_len.load(Ordering::Acquire)
    }

    pub(super) fn base_len(&self) -> usize {
        self.base.len()
    }

    pub(super) fn base_bytes(&self) -> usize {
        self.base.bytes()
    }
}
