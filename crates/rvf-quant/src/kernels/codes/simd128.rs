//! WebAssembly's 128-bit vectors: bytes become 16-bit numbers, whose products are summed in pairs to 32 bits.

use super::lanes::{ByteLanes, ROWS, scan, scan_nibbles};
use super::{CodeIsa, CodeKernel, CodeQuery, CodeRows, bits};
use std::arch::wasm32::*;

/// WebAssembly is checked whole before it runs, so what was built with `simd128` can run it. LLVM counts bits with it in
/// the portable source, too.
pub(super) const KERNEL: CodeKernel = CodeKernel { isa: CodeIsa::Simd128, dot, nibbles, hamming: bits::scan };

unsafe fn dot(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    // SAFETY: the caller's contract, that of `CodeScan`.
    unsafe { scan::<Simd128>(query, rows, picked, sums) }
}

unsafe fn nibbles(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    // SAFETY: the caller's contract, that of `CodeScan`.
    unsafe { scan_nibbles::<Simd128>(query, rows, picked, sums) }
}

struct Simd128;

// SAFETY: of this and of every block below: the trait's contract is that pointers are readable as far as each method says; loads
// need no alignment.
unsafe impl ByteLanes for Simd128 {
    /// The first eight bytes and the others.
    type Query = [v128; 2];
    type Sums = v128;
    const WIDTH: usize = 16;

    #[inline(always)]
    unsafe fn zero() -> v128 {
        i32x4_splat(0)
    }

    #[inline(always)]
    unsafe fn query(bytes: *const u8) -> [v128; 2] {
        // SAFETY: see above.
        let bytes = unsafe { v128_load(bytes.cast()) };
        [i16x8_extend_low_i8x16(bytes), i16x8_extend_high_i8x16(bytes)]
    }

    #[inline(always)]
    unsafe fn step(sums: v128, query: [v128; 2], row: *const u8) -> v128 {
        // SAFETY: see above.
        let row = unsafe { v128_load(row.cast()) };
        let low = i32x4_dot_i16x8(i16x8_extend_low_u8x16(row), query[0]);
        let high = i32x4_dot_i16x8(i16x8_extend_high_u8x16(row), query[1]);
        i32x4_add(sums, i32x4_add(low, high))
    }

    #[inline(always)]
    unsafe fn step_nibbles(sums: v128, query: [[v128; 2]; 2], row: *const u8) -> v128 {
        // SAFETY: see above.
        let bytes = unsafe { v128_load(row.cast()) };
        let halves = [v128_and(bytes, u8x16_splat(0xF)), u8x16_shr(bytes, 4)];
        let mut sums = sums;
        for (half, query) in halves.into_iter().zip(query) {
            let low = i32x4_dot_i16x8(i16x8_extend_low_u8x16(half), query[0]);
            let high = i32x4_dot_i16x8(i16x8_extend_high_u8x16(half), query[1]);
            sums = i32x4_add(sums, i32x4_add(low, high));
        }
        sums
    }

    #[inline(always)]
    unsafe fn totals(sums: [v128; ROWS]) -> [i32; ROWS] {
        sums.map(|sums| {
            i32x4_extract_lane::<0>(sums)
                + i32x4_extract_lane::<1>(sums)
                + i32x4_extract_lane::<2>(sums)
                + i32x4_extract_lane::<3>(sums)
        })
    }
}
