//! NEON, which every 64-bit ARM CPU has.

use super::lanes::{Cosine, Lanes, NegatedDot, SquaredL2, scan};
use super::{Isa, Kernel, bits};
use crate::query::FloatQuery;
use std::arch::aarch64::*;

/// Rows scored at a time: of 32 registers, cosine needs 16 for the sums of 2 rows.
const ROWS: usize = 2;

/// LLVM counts bits with NEON in the portable source, too: NEON is always on.
pub(super) const KERNEL: Kernel = Kernel { isa: Isa::Neon, l2, dot, cosine, hamming: bits::scan };

#[target_feature(enable = "neon")]
unsafe fn l2(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    // SAFETY: the caller's contract, that of `FloatScan`.
    unsafe { scan::<Neon, SquaredL2, ROWS>(query, rows, out) }
}

#[target_feature(enable = "neon")]
unsafe fn dot(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    // SAFETY: the caller's contract, that of `FloatScan`.
    unsafe { scan::<Neon, NegatedDot, ROWS>(query, rows, out) }
}

#[target_feature(enable = "neon")]
unsafe fn cosine(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    // SAFETY: the caller's contract, that of `FloatScan`.
    unsafe { scan::<Neon, Cosine, ROWS>(query, rows, out) }
}

/// Two registers used as one of eight lanes.
struct Neon;

// SAFETY: of this and of every block below: the trait's contract is that the CPU has NEON, and that pointers are readable as far
// as each method says. Floats are loaded as bytes, which need no alignment.
unsafe impl Lanes for Neon {
    type Vector = [float32x4_t; 2];
    const WIDTH: usize = 8;

    #[inline(always)]
    unsafe fn zero() -> [float32x4_t; 2] {
        // SAFETY: see above.
        unsafe { [vdupq_n_f32(0.0); 2] }
    }

    #[inline(always)]
    unsafe fn load(floats: *const f32) -> [float32x4_t; 2] {
        let bytes = floats.cast::<u8>();
        // SAFETY: see above.
        unsafe { [vreinterpretq_f32_u8(vld1q_u8(bytes)), vreinterpretq_f32_u8(vld1q_u8(bytes.add(16)))] }
    }

    #[inline(always)]
    unsafe fn load_first(floats: *const f32, count: usize) -> [float32x4_t; 2] {
        let mut padded = [0_u8; 32];
        // SAFETY: see above; `count` is in 1..=8, so at most the 32 bytes of `padded` are written, and then read.
        unsafe {
            std::ptr::copy_nonoverlapping(floats.cast(), padded.as_mut_ptr(), count * 4);
            Neon::load(padded.as_ptr().cast())
        }
    }

    #[inline(always)]
    unsafe fn add(left: [float32x4_t; 2], right: [float32x4_t; 2]) -> [float32x4_t; 2] {
        // SAFETY: see above.
        unsafe { [vaddq_f32(left[0], right[0]), vaddq_f32(left[1], right[1])] }
    }

    #[inline(always)]
    unsafe fn subtract(left: [float32x4_t; 2], right: [float32x4_t; 2]) -> [float32x4_t; 2] {
        // SAFETY: see above.
        unsafe { [vsubq_f32(left[0], right[0]), vsubq_f32(left[1], right[1])] }
    }

    #[inline(always)]
    unsafe fn multiply_add(left: [float32x4_t; 2], right: [float32x4_t; 2], sum: [float32x4_t; 2]) -> [float32x4_t; 2] {
        // SAFETY: see above.
        unsafe { [vfmaq_f32(sum[0], left[0], right[0]), vfmaq_f32(sum[1], left[1], right[1])] }
    }

    #[inline(always)]
    unsafe fn total(vector: [float32x4_t; 2]) -> f32 {
        // SAFETY: see above.
        unsafe { vaddvq_f32(vaddq_f32(vector[0], vector[1])) }
    }

    /// Left to the hardware: no stable intrinsic prefetches on ARM.
    #[inline(always)]
    unsafe fn prefetch(_address: *const u8) {}
}
