//! AVX-512.

use super::elements::LaneElement;
use super::lanes::{Cosine, Lanes, NegatedDot, SquaredL2, scan};
use super::{FloatScans, Isa, Kernel, avx2, bits};
use crate::element::{F16, F32, I8};
use crate::query::FloatQuery;
use std::arch::x86_64::*;

/// Rows scored at a time: of 32 registers, cosine needs 16 for the sums of 4 rows.
const ROWS: usize = 4;

/// The kernels, where this CPU can run them.
pub(super) fn detect() -> Option<Kernel> {
    let avx2 = avx2::detect()?;
    is_x86_feature_detected!("avx512f").then(|| Kernel {
        isa: Isa::Avx512,
        f32: scans::<F32>(),
        f16: scans::<F16>(),
        i8: scans::<I8>(),
        hamming: if has_vector_popcount() { hamming } else { avx2.hamming },
    })
}

/// Whether this CPU has all that the kernels for packed rows are compiled for.
pub(super) fn detect_for_packed() -> bool {
    avx2::detect().is_some() && is_x86_feature_detected!("avx512f") && has_vector_popcount()
}

const fn scans<E: LaneElement>() -> FloatScans {
    FloatScans { l2: l2::<E>, dot: dot::<E>, cosine: cosine::<E> }
}

/// Ice Lake, Zen 4 and later; Skylake-X has AVX-512F without it.
fn has_vector_popcount() -> bool {
    is_x86_feature_detected!("avx512vpopcntdq")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
}

#[target_feature(enable = "avx512f")]
unsafe fn l2<E: LaneElement>(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    // SAFETY: the caller's contract, that of `FloatScan`.
    unsafe { scan::<Avx512, E, SquaredL2, ROWS>(query, rows, out) }
}

#[target_feature(enable = "avx512f")]
unsafe fn dot<E: LaneElement>(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    // SAFETY: the caller's contract, that of `FloatScan`.
    unsafe { scan::<Avx512, E, NegatedDot, ROWS>(query, rows, out) }
}

#[target_feature(enable = "avx512f")]
unsafe fn cosine<E: LaneElement>(query: &FloatQuery, rows: &[u8], out: &mut [f32]) {
    // SAFETY: the caller's contract, that of `FloatScan`.
    unsafe { scan::<Avx512, E, Cosine, ROWS>(query, rows, out) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vpopcntdq,popcnt")]
fn hamming(query: &[u8], padding: u8, rows: &[u8], out: &mut [f32]) {
    bits::scan(query, padding, rows, out);
}

struct Avx512;

// SAFETY: of this and of every block below: the trait's contract is that the CPU has AVX-512F, and that pointers are readable as
// far as each method says; loads are unaligned ones, and masked loads do not touch what the mask leaves out.
unsafe impl Lanes for Avx512 {
    type Vector = __m512;
    const WIDTH: usize = 16;

    #[inline(always)]
    unsafe fn zero() -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_setzero_ps() }
    }

    #[inline(always)]
    unsafe fn load(floats: *const f32) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_loadu_ps(floats) }
    }

    #[inline(always)]
    unsafe fn load_first(floats: *const f32, count: usize) -> __m512 {
        let mask = ((1_u32 << count) - 1) as __mmask16;
        // SAFETY: see above.
        unsafe { _mm512_maskz_loadu_ps(mask, floats) }
    }

    #[inline(always)]
    unsafe fn load_f16(halves: *const u8) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(halves.cast())) }
    }

    #[inline(always)]
    unsafe fn load_i8(bytes: *const u8) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(bytes.cast()))) }
    }

    #[inline(always)]
    unsafe fn add(left: __m512, right: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_add_ps(left, right) }
    }

    #[inline(always)]
    unsafe fn subtract(left: __m512, right: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_sub_ps(left, right) }
    }

    #[inline(always)]
    unsafe fn multiply_add(left: __m512, right: __m512, sum: __m512) -> __m512 {
        // SAFETY: see above.
        unsafe { _mm512_fmadd_ps(left, right, sum) }
    }

    #[inline(always)]
    unsafe fn total(vector: __m512) -> f32 {
        // SAFETY: see above.
        unsafe { _mm512_reduce_add_ps(vector) }
    }

    #[inline(always)]
    unsafe fn prefetch(address: *const u8) {
        // SAFETY: see above.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
}
