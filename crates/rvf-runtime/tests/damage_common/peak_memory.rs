//! An allocator that counts what each thread holds, for tests that bound memory. A program that uses it declares it as
//! its global allocator.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts for each thread on its own, so that tests may run beside each other.
pub struct CountingAllocator;

thread_local! {
    static HELD_BYTES: Cell<i64> = const { Cell::new(0) };
    static PEAK_BYTES: Cell<i64> = const { Cell::new(0) };
}

fn count(bytes: i64) {
    HELD_BYTES.with(|held| {
        let now = held.get() + bytes;
        held.set(now);
        PEAK_BYTES.with(|peak| peak.set(peak.get().max(now)));
    });
}

// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as i64);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(-(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // Old and new place may exist together while the bytes move.
        count(new_size as i64);
        count(-(layout.size() as i64));
        // SAFETY: as above.
        unsafe { System.realloc(place, layout, new_size) }
    }
}

/// Runs `work` and answers how many bytes more than before this thread held at most meanwhile.
pub fn peak_of<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = HELD_BYTES.with(Cell::get);
    PEAK_BYTES.with(|peak| peak.set(before));
    let answer = work();
    let peak = PEAK_BYTES.with(Cell::get);
    (answer, (peak - before).max(0) as u64)
}
