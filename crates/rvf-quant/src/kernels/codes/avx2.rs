//! AVX2: bytes become 16-bit numbers, whose products are summed in pairs to 32 bits. `vpmaddubsw` would take the bytes as
//! they are, but its sums are of 16 bits and saturate.

use super::lanes::{ByteLanes, ROWS, scan, scan_nibbles};
use super::{CodeIsa, CodeKernel, CodeQuery, CodeRows, bits};
use std::arch::x86_64::*;

/// The kernels, where this CPU can run them.
pub(super) fn detect() -> Option<CodeKernel> {
    let can_run = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt");
    can_run.then_some(CodeKernel { isa: CodeIsa::Avx2, dot, nibbles, hamming })
}

#[target_feature(enable = "avx2")]
unsafe fn dot(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    // SAFETY: the caller's contract, that of `CodeScan`.
    unsafe { scan::<Avx2>(query, rows, picked, sums) }
}

#[target_feature(enable = "avx2,popcnt")]
pub(super) fn hamming(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    bits::scan(query, rows, picked, sums);
}

#[target_feature(enable = "avx2")]
unsafe fn nibbles(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    // SAFETY: the caller's contract, that of `CodeScan`.
    unsafe { scan_nibbles::<Avx2>(query, rows, picked, sums) }
}

struct Avx2;

// SAFETY: of this and of every block below: the trait's contract is that the CPU has AVX2, and that pointers are readable as far
// as each method says; loads are unaligned ones.
unsafe impl ByteLanes for Avx2 {
    type Query = __m256i;
    type Sums = __m256i;
    const WIDTH: usize = 16;

    #[inline(always)]
    unsafe fn zero() -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    unsafe fn query(bytes: *const u8) -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_cvtepi8_epi16(_mm_loadu_si128(bytes.cast())) }
    }

    #[inline(always)]
    unsafe fn step(sums: __m256i, query: __m256i, row: *const u8) -> __m256i {
        // SAFETY: see above.
        unsafe {
            let row = _mm256_cvtepu8_epi16(_mm_loadu_si128(row.cast()));
            _mm256_add_epi32(sums, _mm256_madd_epi16(row, query))
        }
    }

    #[inline(always)]
    unsafe fn step_nibbles(sums: __m256i, query: [__m256i; 2], row: *const u8) -> __m256i {
        // SAFETY: see above.
        unsafe {
            let (bytes, mask) = (_mm_loadu_si128(row.cast()), _mm_set1_epi8(0xF));
            let lower = _mm256_cvtepu8_epi16(_mm_and_si128(bytes, mask));
            let upper = _mm256_cvtepu8_epi16(_mm_and_si128(_mm_srli_epi16::<4>(bytes), mask));
            let products = _mm256_add_epi32(_mm256_madd_epi16(lower, query[0]), _mm256_madd_epi16(upper, query[1]));
            _mm256_add_epi32(sums, products)
        }
    }

    #[inline(always)]
    unsafe fn totals(sums: [__m256i; ROWS]) -> [i32; ROWS] {
        // SAFETY: see above.
        unsafe { totals(sums) }
    }
}

/// The sum of all lanes of each vector.
///
/// # Safety
/// The CPU must have AVX2.
#[inline(always)]
pub(super) unsafe fn totals(sums: [__m256i; ROWS]) -> [i32; ROWS] {
    // SAFETY: the caller's contract; the store is of 16 bytes, which the array has.
    unsafe {
        let first = _mm256_hadd_epi32(sums[0], sums[1]);
        let second = _mm256_hadd_epi32(sums[2], sums[3]);
        let halves = _mm256_hadd_epi32(first, second);
        let totals = _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256::<1>(halves));
        let mut out = [0; ROWS];
        _mm_storeu_si128(out.as_mut_ptr().cast(), totals);
        out
    }
}
