use super::CodeRows;

const CACHE_LINE_BYTES: usize = 64;

/// Asks for every cache line of the rows of numbers `picked`, which may be any.
#[inline(always)]
pub(crate) fn rows(rows: CodeRows<'_>, picked: &[u32]) {
    for row in picked {
        let start = rows.row_ptr(*row);
        for offset in (0..rows.row_bytes()).step_by(CACHE_LINE_BYTES) {
            line(start.wrapping_add(offset));
        }
        // Rows start anywhere in a line, so the last byte may lie in one more.
        line(start.wrapping_add(rows.row_bytes() - 1));
    }
}

/// Asks for the cache line at `address`, which may be anywhere: a hint that never faults.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn line(address: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: every x86-64 CPU has the instruction, and it does not fault.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
}

/// As on x86-64; written out, as no stable function does it.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
fn line(address: *const u8) {
    // SAFETY: the instruction changes nothing but caches, and does not fault.
    unsafe {
        std::arch::asm!("prfm pldl1keep, [{address}]", address = in(reg) address, options(readonly, nostack, preserves_flags));
    }
}

/// Nothing, where there is no such instruction.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
#[inline(always)]
fn line(_address: *const u8) {}
