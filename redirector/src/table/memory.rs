//! Memory for a shard's slots: one aligned region, in huge pages where the kernel has them.
//!
//! A look-up among millions of links costs one cache miss; without huge pages it costs a second one for the page
//! table. This is the only module of the crate with `unsafe`: the standard library cannot ask for huge pages.

use super::slot::Slot;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// The size of a huge page on the machines we run on.
const HUGE_PAGE: usize = 2 << 20;

/// A fixed number of slots, zeroed at first.
pub(super) struct SlotMemory {
    start: NonNull<Slot>,
    len: usize,
}

impl SlotMemory {
    /// How many slots to ask for if `at_least` are needed: a region of more than half a huge page is rounded up to
    /// whole ones, since the rest of the page would be resident anyway.
    pub(super) fn rounded(at_least: usize) -> usize {
        let bytes = at_least * size_of::<Slot>();
        if bytes * 2 < HUGE_PAGE {
            return at_least;
        }
        bytes.next_multiple_of(HUGE_PAGE) / size_of::<Slot>()
    }

    fn layout(len: usize) -> Layout {
        let bytes = len.checked_mul(size_of::<Slot>()).unwrap_or(usize::MAX);
        let align = if bytes * 2 < HUGE_PAGE { 64 } else { HUGE_PAGE };
        Layout::from_size_align(bytes, align).unwrap_or_else(|_| Layout::new::<Slot>())
    }
}

#[expect(unsafe_code, reason = "raw memory is the only way to huge pages; every block says why it is sound")]
mod raw {
    use super::{HUGE_PAGE, NonNull, Slot, SlotMemory, alloc_zeroed, dealloc, handle_alloc_error};
    use rustix::mm::{Advice, madvise};

    impl SlotMemory {
        /// `len` empty slots.
        pub(in crate::table) fn zeroed(len: usize) -> Self {
            if len == 0 {
                return Self { start: NonNull::dangling(), len };
            }
            let layout = Self::layout(len);
            assert!(layout.size() >= len * size_of::<Slot>(), "a table larger than the address space");
            // SAFETY: the size is not zero, as `len` and `Slot` are not.
            let raw = if layout.align() == HUGE_PAGE {
                unsafe { std::alloc::alloc(layout) }
            } else {
                unsafe { alloc_zeroed(layout) }
            };
            let Some(start) = NonNull::new(raw.cast::<Slot>()) else { handle_alloc_error(layout) };
            if layout.align() == HUGE_PAGE {
                // Before the first touch, or the pages are small already. Refused advice is no error.
                // SAFETY: the region is ours and whole; the advice changes no contents.
                let advised = unsafe { madvise(raw.cast(), layout.size(), Advice::LinuxHugepage) };
                if let Err(error) = advised {
                    tracing::debug!(%error, "no huge pages for the table");
                }
                // SAFETY: the region has `layout.size()` bytes and nobody else has it yet.
                unsafe { raw.write_bytes(0, layout.size()) };
            }
            Self { start, len }
        }

        pub(super) fn slots(&self) -> &[Slot] {
            // SAFETY: `len` slots were allocated and zeroed, and all-zero bytes are a valid `Slot`.
            unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
        }

        pub(super) fn slots_mut(&mut self) -> &mut [Slot] {
            // SAFETY: as above, and `&mut self` makes the access exclusive.
            unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
        }
    }

    impl Drop for SlotMemory {
        fn drop(&mut self) {
            if self.len > 0 {
                // SAFETY: allocated above with the same layout, which depends on `len` alone.
                unsafe { dealloc(self.start.as_ptr().cast(), Self::layout(self.len)) };
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
    fn large_regions_fill_whole_pages() {
        assert_eq!(SlotMemory::rounded(100), 100);
        let len = SlotMemory::rounded(100_000);
        assert!(len >= 100_000);
        assert!(HUGE_PAGE - (len * size_of::<Slot>()) % HUGE_PAGE < size_of::<Slot>());
    }
}
