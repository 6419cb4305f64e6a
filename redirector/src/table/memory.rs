//! Memory for a shard's slots: one aligned region, in huge pages where the kernel has them.
//!
//! A look-up among millions of links costs one cache miss; without huge pages it costs a second one for the page
//! table. This is the only module of the crate with `unsafe`: the standard library cannot ask for huge pages, nor for memory
//! ahead of its use.

use super::slot::Slot;
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// The size of a huge page on the machines we run on.
const HUGE_PAGE: usize = 2 << 20;

/// A fixed number of slots, zeroed at first. Its memory goes back to the system when it is dropped: the allocator
/// would keep what a merge leaves behind.
pub(super) struct SlotMemory {
    start: NonNull<Slot>,
    len: usize,
    /// The whole mapping, which may begin before the slots.
    mapping: NonNull<u8>,
    mapped: usize,
}

impl SlotMemory {
    /// How many slots to ask for if `at_least` are needed: what fills more than half of its last huge page gets all of
    /// it. Of anything less that end stays in small pages, since a rare look-up there is cheaper than the memory.
    pub(super) fn rounded(at_least: usize) -> usize {
        let bytes = at_least * size_of::<Slot>();
        if bytes % HUGE_PAGE * 2 < HUGE_PAGE {
            return at_least;
        }
        bytes.next_multiple_of(HUGE_PAGE) / size_of::<Slot>()
    }
}

#[expect(unsafe_code, reason = "raw memory is the only way to huge pages; every block says why it is sound")]
mod raw {
    use super::{HUGE_PAGE, NonNull, Slot, SlotMemory};
    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};
    use std::alloc::{Layout, handle_alloc_error};

    impl SlotMemory {
        /// `len` empty slots.
        pub(in crate::table) fn zeroed(len: usize) -> Self {
            if len == 0 {
                return Self { start: NonNull::dangling(), len, mapping: NonNull::dangling(), mapped: 0 };
            }
            let bytes = len.saturating_mul(size_of::<Slot>());
            let huge = bytes >= HUGE_PAGE - size_of::<Slot>();
            // Untouched, the surplus that lets us begin at a huge page costs addresses and no memory.
            let mapped = if huge { bytes.saturating_add(HUGE_PAGE) } else { bytes };
            let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
            // SAFETY: a new private mapping at an address of the system's choice touches nothing that exists.
            let raw = unsafe { mmap_anonymous(std::ptr::null_mut(), mapped, protection, flags) };
            let Some(mapping) = raw.ok().and_then(|raw| NonNull::new(raw.cast::<u8>())) else {
                handle_alloc_error(Layout::array::<Slot>(len).unwrap_or(Layout::new::<Slot>()))
            };
            let skip = if huge { mapping.as_ptr().align_offset(HUGE_PAGE) } else { 0 };
            // SAFETY: `skip` is below HUGE_PAGE, which was mapped in addition to `bytes`.
            let start = unsafe { mapping.add(skip) };
            if huge {
                // Before the first touch, or the pages are small already. Refused advice is no error.
                // SAFETY: these bytes are ours; the advice changes no contents.
                let advised = unsafe { madvise(start.as_ptr().cast(), bytes, Advice::LinuxHugepage) };
                if let Err(error) = advised {
                    tracing::debug!(%error, "no huge pages for the table");
                }
            }
            Self { start: start.cast(), len, mapping, mapped }
        }

        /// Begins to fetch slot `at` and those behind it into the cache. Waits for nothing, changes nothing.
        pub(in crate::table) fn fetch_ahead(&self, at: usize) {
            #[cfg(target_arch = "x86_64")]
            for slot in [at, at + 2] {
                use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
                let address = self.start.as_ptr().wrapping_add(slot);
                // SAFETY: a prefetch gives nothing to the program and never faults, whatever the address.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = at; // stable Rust has no such instruction for others yet
        }

        pub(super) fn slots(&self) -> &[Slot] {
            // SAFETY: `len` slots lie in the mapping, aligned to a page, and all-zero bytes are a valid `Slot`.
            unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
        }

        pub(super) fn slots_mut(&mut self) -> &mut [Slot] {
            // SAFETY: as above, and `&mut self` makes the access exclusive.
            unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
        }
    }

    impl Drop for SlotMemory {
        fn drop(&mut self) {
            if self.mapped > 0 {
                // SAFETY: mapped above with this length, and nobody can hold a reference into it any more.
                let unmapped = unsafe { munmap(self.mapping.as_ptr().cast(), self.mapped) };
                debug_assert!(unmapped.is_ok(), "a mapping of ours can be unmapped");
            }
        }
    }

    // SAFETY: the region is owned and `Slot` is plain data; shared access is read-only.
    unsafe impl Send for SlotMemory {}
    // SAFETY: as above.
    unsafe impl Sync for SlotMemory {}
}

impl Deref for SlotMemory {
    type Target = [Slot];
    fn deref(&self) -> &[Slot] {
        self.slots()
    }
}

impl DerefMut for SlotMemory {
    fn deref_mut(&mut self) -> &mut [Slot] {
        self.slots_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_of_all_sizes_start_empty_and_keep_what_is_written() {
        for len in [0, 1, 7, 43_690, 43_691, 100_000] {
            let mut memory = SlotMemory::zeroed(len);
            assert_eq!(memory.len(), len);
            assert!(memory.iter().all(|slot| slot.is_empty()));
            if let Some(last) = memory.last_mut() {
                *last = Slot::sample(9);
                assert_eq!(memory[len - 1], Slot::sample(9));
            }
        }
    }

    #[test]
    fn regions_that_nearly_fill_their_last_page_fill_it() {
        // 2.4 MB: a little of the second page; 3.6 MB: most of it.
        assert_eq!(SlotMemory::rounded(100_000), 100_000);
        let len = SlotMemory::rounded(150_000);
        assert!(len >= 150_000);
        assert!(HUGE_PAGE - (len * size_of::<Slot>()) % HUGE_PAGE < size_of::<Slot>());
    }
}
