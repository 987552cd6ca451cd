//! NEON, which every 64-bit ARM CPU has.
//!
//! The conversion of half floats, which they all have too, is written out, as the standard library's name for it is not
//! stable (<https://github.com/rust-lang/rust/issues/136306>).

use super::elements::LaneElement;
use super::lanes::{Cosine, Lanes, NegatedDot, SquaredL2, scan};
use super::{FloatScans, Isa, Kernel, bits};
use crate::element::{F16, F32, I8};
use crate::query::FloatQuery;
use std::arch::aarch64::*;
use std::arch::asm;

/// Rows scored at a time: of 32 registers, cosine needs 16 for the sums of 2 rows.
const ROWS: usize = 2;

/// LLVM counts bits with NEON in the portable source, too: NEON is always on.
pub(super) const KERNEL: Kernel =
    Kernel { isa: Isa::Neon, f32: scans::<F32>(), f16: scans::<F16>(), i8: scans::<I8>(), hamming: bits::scan };

const fn scans<E: LaneElement>() -> FloatScans {
    FloatScans { l2: l2::<E>, dot: dot::<E>, cosine: cosine::<E> }
}

#[target_feature(enable = "neon")]
unsafe fn l2<E: LaneElement>(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    // SAFETY: the caller's contract, that of `FloatScan`.
    unsafe { scan::<Neon, E, SquaredL2, ROWS>(query, rows, out) }
}

#[target_feature(enable = "neon")]
unsafe fn dot<E: LaneElement>(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    // SAFETY: the caller's contract, that of `FloatScan`.
    unsafe { scan::<Neon, E, NegatedDot, ROWS>(query, rows, out) }
}

#[target_feature(enable = "neon")]
unsafe fn cosine<E: LaneElement>(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    // SAFETY: the caller's contract, that of `FloatScan`.
    unsafe { scan::<Neon, E, Cosine, ROWS>(query, rows, out) }
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
    unsafe fn load_f16(halves: *const u8) -> [float32x4_t; 2] {
        let (low, high): (float32x4_t, float32x4_t);
        // SAFETY: see above; the instructions read and write the registers named, and nothing else.
        unsafe {
            let halves = vld1q_u8(halves);
            asm!(
                "fcvtl {low:v}.4s, {halves:v}.4h",
                "fcvtl2 {high:v}.4s, {halves:v}.8h",
                low = out(vreg) low, high = lateout(vreg) high, halves = in(vreg) halves,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
        [low, high]
    }

    #[inline(always)]
    unsafe fn load_i8(bytes: *const u8) -> [float32x4_t; 2] {
        // SAFETY: see above.
        unsafe {
            let words = vmovl_s8(vld1_s8(bytes.cast()));
            let low = vcvtq_f32_s32(vmovl_s16(vget_low_s16(words)));
            [low, vcvtq_f32_s32(vmovl_s16(vget_high_s16(words)))]
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
