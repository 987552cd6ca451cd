//! NEON with the dot product extension. Both sides are signed there, so a row's bias is taken off first.
//!
//! The instructions are written out, as the standard library's names for them are not stable
//! (<https://github.com/rust-lang/rust/issues/117224>).

use super::lanes::{ByteLanes, ROWS, scan, scan_nibbles};
use super::{CodeIsa, CodeKernel, CodeQuery, CodeRows, bits};
use std::arch::aarch64::*;
use std::arch::asm;

/// The kernels, where this CPU can run them. LLVM counts bits with NEON in the portable source, too.
pub(super) fn detect() -> Option<CodeKernel> {
    std::arch::is_aarch64_feature_detected!("dotprod").then_some(CodeKernel {
        isa: CodeIsa::NeonDot,
        dot,
        nibbles,
        hamming: bits::scan,
    })
}

#[target_feature(enable = "neon,dotprod")]
unsafe fn dot(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    // SAFETY: the caller's contract, that of `CodeScan`.
    unsafe { scan::<NeonDot>(query, rows, picked, sums) }
}

#[target_feature(enable = "neon,dotprod")]
unsafe fn nibbles(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    // SAFETY: the caller's contract, that of `CodeScan`.
    unsafe { scan_nibbles::<NeonDot>(query, rows, picked, sums) }
}

struct NeonDot;

// SAFETY: of this and of every block below: the trait's contract is that the CPU has NEON and its dot product, and that pointers
// are readable as far as each method says; loads of bytes need no alignment.
unsafe impl ByteLanes for NeonDot {
    type Query = int8x16_t;
    type Sums = int32x4_t;
    const WIDTH: usize = 16;
    const UNSIGNED: bool = false;

    #[inline(always)]
    unsafe fn zero() -> int32x4_t {
        // SAFETY: see above.
        unsafe { vdupq_n_s32(0) }
    }

    #[inline(always)]
    unsafe fn query(bytes: *const u8) -> int8x16_t {
        // SAFETY: see above.
        unsafe { vld1q_s8(bytes.cast()) }
    }

    #[inline(always)]
    unsafe fn step(sums: int32x4_t, query: int8x16_t, row: *const u8) -> int32x4_t {
        let mut sums = sums;
        // SAFETY: see above; the instruction reads and writes the registers named, and nothing else.
        unsafe {
            let row = vreinterpretq_s8_u8(veorq_u8(vld1q_u8(row), vdupq_n_u8(0x80)));
            asm!(
                "sdot {sums:v}.4s, {query:v}.16b, {row:v}.16b",
                sums = inout(vreg) sums, query = in(vreg) query, row = in(vreg) row,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        sums
    }

    #[inline(always)]
    unsafe fn step_nibbles(sums: int32x4_t, query: [int8x16_t; 2], row: *const u8) -> int32x4_t {
        let mut sums = sums;
        // SAFETY: see above; the instructions read and write the registers named, and nothing else.
        unsafe {
            let bytes = vld1q_u8(row);
            let (lower, upper) = (vandq_u8(bytes, vdupq_n_u8(0xF)), vshrq_n_u8::<4>(bytes));
            asm!(
                "sdot {sums:v}.4s, {first:v}.16b, {lower:v}.16b",
                "sdot {sums:v}.4s, {second:v}.16b, {upper:v}.16b",
                sums = inout(vreg) sums, first = in(vreg) query[0], second = in(vreg) query[1],
                lower = in(vreg) lower, upper = in(vreg) upper,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        sums
    }

    #[inline(always)]
    unsafe fn totals(sums: [int32x4_t; ROWS]) -> [i32; ROWS] {
        let mut out = [0; ROWS];
        // SAFETY: see above; the store is of 16 bytes, which the array has.
        unsafe {
            let totals = vpaddq_s32(vpaddq_s32(sums[0], sums[1]), vpaddq_s32(sums[2], sums[3]));
            vst1q_s32(out.as_mut_ptr(), totals);
        }
        out
    }
}
