//! Sixteen floats in the registers of x86-64.

use super::wide::Wide;
use super::{LANES, Lanes, WORDS};
use std::arch::x86_64::*;

/// Two registers of AVX2.
#[derive(Clone, Copy)]
pub(super) struct Avx2([__m256; 2]);

// SAFETY: of this and of every block below: the trait's contract is that the CPU has AVX2; loads and stores are unaligned ones
// within the arrays they are given.
unsafe impl Wide for Avx2 {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: see above.
        unsafe { Avx2([_mm256_set1_ps(value); 2]) }
    }

    #[inline(always)]
    unsafe fn load(values: &Lanes) -> Self {
        // SAFETY: see above.
        unsafe { Avx2([_mm256_loadu_ps(values.as_ptr()), _mm256_loadu_ps(values.as_ptr().add(8))]) }
    }

    #[inline(always)]
    unsafe fn lanes(self) -> Lanes {
        let mut lanes = [0.0; LANES];
        // SAFETY: see above.
        unsafe {
            _mm256_storeu_ps(lanes.as_mut_ptr(), self.0[0]);
            _mm256_storeu_ps(lanes.as_mut_ptr().add(8), self.0[1]);
        }
        lanes
    }

    #[inline(always)]
    unsafe fn codes(bytes: &[u8; LANES]) -> Self {
        // SAFETY: see above.
        unsafe {
            let bytes = _mm_loadu_si128(bytes.as_ptr().cast());
            let bias = _mm256_set1_epi32(128);
            let low = _mm256_sub_epi32(_mm256_cvtepu8_epi32(bytes), bias);
            let high = _mm256_sub_epi32(_mm256_cvtepu8_epi32(_mm_srli_si128::<8>(bytes)), bias);
            Avx2([_mm256_cvtepi32_ps(low), _mm256_cvtepi32_ps(high)])
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Avx2([_mm256_add_ps(self.0[0], other.0[0]), _mm256_add_ps(self.0[1], other.0[1])]) }
    }

    #[inline(always)]
    unsafe fn subtract(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Avx2([_mm256_sub_ps(self.0[0], other.0[0]), _mm256_sub_ps(self.0[1], other.0[1])]) }
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Avx2([_mm256_mul_ps(self.0[0], other.0[0]), _mm256_mul_ps(self.0[1], other.0[1])]) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Avx2([_mm256_min_ps(self.0[0], other.0[0]), _mm256_min_ps(self.0[1], other.0[1])]) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Avx2([_mm256_max_ps(self.0[0], other.0[0]), _mm256_max_ps(self.0[1], other.0[1])]) }
    }

    #[inline(always)]
    unsafe fn where_larger(self, other: Self, value: Self, otherwise: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            let low = _mm256_cmp_ps::<_CMP_GT_OQ>(self.0[0], other.0[0]);
            let high = _mm256_cmp_ps::<_CMP_GT_OQ>(self.0[1], other.0[1]);
            Avx2([
                _mm256_blendv_ps(otherwise.0[0], value.0[0], low),
                _mm256_blendv_ps(otherwise.0[1], value.0[1], high),
            ])
        }
    }
}

/// One register of AVX-512.
#[derive(Clone, Copy)]
pub(super) struct Avx512(__m512);

// SAFETY: of this and of every block below: the trait's contract is that the CPU has AVX-512F; loads and stores are unaligned
// ones within the arrays they are given.
unsafe impl Wide for Avx512 {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: see above.
        unsafe { Avx512(_mm512_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn load(values: &Lanes) -> Self {
        // SAFETY: see above.
        unsafe { Avx512(_mm512_loadu_ps(values.as_ptr())) }
    }

    #[inline(always)]
    unsafe fn lanes(self) -> Lanes {
        let mut lanes = [0.0; LANES];
        // SAFETY: see above.
        unsafe { _mm512_storeu_ps(lanes.as_mut_ptr(), self.0) };
        lanes
    }

    #[inline(always)]
    unsafe fn codes(bytes: &[u8; LANES]) -> Self {
        // SAFETY: see above.
        unsafe {
            let bytes = _mm512_cvtepu8_epi32(_mm_loadu_si128(bytes.as_ptr().cast()));
            Avx512(_mm512_cvtepi32_ps(_mm512_sub_epi32(bytes, _mm512_set1_epi32(128))))
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Avx512(_mm512_add_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn subtract(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Avx512(_mm512_sub_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Avx512(_mm512_mul_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Avx512(_mm512_min_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        // SAFETY: see above.
        unsafe { Avx512(_mm512_max_ps(self.0, other.0)) }
    }

    #[inline(always)]
    unsafe fn where_larger(self, other: Self, value: Self, otherwise: Self) -> Self {
        // SAFETY: see above.
        unsafe {
            let larger = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, other.0);
            Avx512(_mm512_mask_blend_ps(larger, otherwise.0, value.0))
        }
    }
}

/// The bits that a plane and a row have in common, for each word.
#[target_feature(enable = "avx512f,avx512vpopcntdq")]
pub(super) fn bit_sum(planes: &[[u64; WORDS]], count: usize, row: &[u8]) -> i64 {
    let mut sum = _mm512_setzero_si512();
    for (group, bytes) in row.chunks(WORDS * 8).enumerate() {
        let words = super::bits::words_of(bytes);
        // SAFETY: the array has 64 bytes; the load is unaligned.
        let words = unsafe { _mm512_loadu_si512(words.as_ptr().cast()) };
        let planes = &planes[group * count..][..count];
        for (bit, plane) in planes.iter().enumerate() {
            // SAFETY: as above.
            let plane = unsafe { _mm512_loadu_si512(plane.as_ptr().cast()) };
            let common = _mm512_popcnt_epi64(_mm512_and_si512(plane, words));
            let weighted = _mm512_sll_epi64(common, _mm_cvtsi64_si128(bit as i64));
            // The last plane has the signs.
            sum = if bit + 1 == count { _mm512_sub_epi64(sum, weighted) } else { _mm512_add_epi64(sum, weighted) };
        }
    }
    _mm512_reduce_add_epi64(sum)
}
