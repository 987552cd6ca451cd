//! AVX2 with FMA.

use super::elements::LaneElement;
use super::lanes::{Cosine, Lanes, NegatedDot, SquaredL2, scan};
use super::{FloatScans, Isa, Kernel, bits};
use crate::element::{F16, F32, I8};
use crate::query::FloatQuery;
use std::arch::x86_64::*;

/// Rows scored at a time: of 16 registers, cosine needs 8 for the sums of 2 rows.
const ROWS: usize = 2;

/// The kernels, where this CPU can run them.
pub(super) fn detect() -> Option<Kernel> {
    let can_run = is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
        && is_x86_feature_detected!("popcnt");
    can_run.then_some(Kernel { isa: Isa::Avx2, f32: scans::<F32>(), f16: scans::<F16>(), i8: scans::<I8>(), hamming })
}

const fn scans<E: LaneElement>() -> FloatScans {
    FloatScans { l2: l2::<E>, dot: dot::<E>, cosine: cosine::<E> }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn l2<E: LaneElement>(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    // SAFETY: the caller's contract, that of `FloatScan`.
    unsafe { scan::<Avx2, E, SquaredL2, ROWS>(query, rows, out) }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn dot<E: LaneElement>(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    // SAFETY: the caller's contract, that of `FloatScan`.
    unsafe { scan::<Avx2, E, NegatedDot, ROWS>(query, rows, out) }
}

#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn cosine<E: LaneElement>(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    // SAFETY: the caller's contract, that of `FloatScan`.
    unsafe { scan::<Avx2, E, Cosine, ROWS>(query, rows, out) }
}

#[target_feature(enable = "avx2,popcnt")]
fn hamming(query: &[u8], padding: u8, rows: &[u8], out: &mut [f32]) {
    bits::scan(query, padding, rows, out);
}

struct Avx2;

/// Eight lanes on, eight off: read from `8 - count` on, it masks the first `count`.
static MASKS: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

// SAFETY: of this and of every block below: the trait's contract is that the CPU has AVX2, FMA and F16C, and that pointers are readable
// as far as each method says; loads are unaligned ones, and masked loads do not touch what the mask leaves out.
unsafe impl Lanes for Avx2 {
    type Vector = __m256;
    const WIDTH: usize = 8;

    #[inline(always)]
    unsafe fn zero() -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn load(floats: *const f32) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_loadu_ps(floats) }
    }

    #[inline(always)]
    unsafe fn load_first(floats: *const f32, count: usize) -> __m256 {
        // SAFETY: see above; `count` is in 1..=8, so the mask lies within the 16 numbers of `MASKS`.
        unsafe {
            let mask = _mm256_loadu_si256(MASKS.as_ptr().add(8 - count).cast());
            _mm256_maskload_ps(floats, mask)
        }
    }

    #[inline(always)]
    unsafe fn load_f16(halves: *const u8) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_cvtph_ps(_mm_loadu_si128(halves.cast())) }
    }

    #[inline(always)]
    unsafe fn load_i8(bytes: *const u8) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(bytes.cast()))) }
    }

    #[inline(always)]
    unsafe fn add(left: __m256, right: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_add_ps(left, right) }
    }

    #[inline(always)]
    unsafe fn subtract(left: __m256, right: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_sub_ps(left, right) }
    }

    #[inline(always)]
    unsafe fn multiply_add(left: __m256, right: __m256, sum: __m256) -> __m256 {
        // SAFETY: see above.
        unsafe { _mm256_fmadd_ps(left, right, sum) }
    }

    #[inline(always)]
    unsafe fn total(vector: __m256) -> f32 {
        // SAFETY: see above.
        unsafe {
            let half = _mm_add_ps(_mm256_castps256_ps128(vector), _mm256_extractf128_ps::<1>(vector));
            let quarter = _mm_add_ps(half, _mm_movehl_ps(half, half));
            _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)))
        }
    }

    #[inline(always)]
    unsafe fn prefetch(address: *const u8) {
        // SAFETY: see above.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
}
