//! AVX-VNNI: four products of unsigned and signed bytes summed to 32 bits at once, without saturation.

use super::lanes::{ByteLanes, ROWS, scan, scan_nibbles};
use super::{CodeIsa, CodeKernel, CodeQuery, CodeRows, avx2};
use std::arch::x86_64::*;

/// The kernels, where this CPU can run them.
pub(super) fn detect() -> Option<CodeKernel> {
    let avx2 = avx2::detect()?;
    is_x86_feature_detected!("avxvnni").then_some(CodeKernel { isa: CodeIsa::AvxVnni, dot, nibbles, ..avx2 })
}

#[target_feature(enable = "avx2,avxvnni")]
unsafe fn dot(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    // SAFETY: the caller's contract, that of `CodeScan`.
    unsafe { scan::<AvxVnni>(query, rows, picked, sums) }
}

#[target_feature(enable = "avx2,avxvnni")]
unsafe fn nibbles(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    // SAFETY: the caller's contract, that of `CodeScan`.
    unsafe { scan_nibbles::<AvxVnni>(query, rows, picked, sums) }
}

struct AvxVnni;

// SAFETY: of this and of every block below: the trait's contract is that the CPU has AVX-VNNI, and that pointers are readable as
// far as each method says; loads are unaligned ones.
unsafe impl ByteLanes for AvxVnni {
    type Query = __m256i;
    type Sums = __m256i;
    const WIDTH: usize = 32;

    #[inline(always)]
    unsafe fn zero() -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    unsafe fn query(bytes: *const u8) -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_loadu_si256(bytes.cast()) }
    }

    #[inline(always)]
    unsafe fn step(sums: __m256i, query: __m256i, row: *const u8) -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_dpbusd_avx_epi32(sums, _mm256_loadu_si256(row.cast()), query) }
    }

    /// `count` is 16, the only multiple of 16 that can be left over.
    #[inline(always)]
    unsafe fn step_first(sums: __m256i, query: __m256i, row: *const u8, _count: usize) -> __m256i {
        // SAFETY: see above.
        unsafe { _mm256_dpbusd_avx_epi32(sums, _mm256_zextsi128_si256(_mm_loadu_si128(row.cast())), query) }
    }

    #[inline(always)]
    unsafe fn step_nibbles(sums: __m256i, query: [__m256i; 2], row: *const u8) -> __m256i {
        // SAFETY: see above.
        unsafe { add_nibbles(sums, query, _mm256_loadu_si256(row.cast())) }
    }

    /// `count` is 16, the only multiple of 16 that can be left over.
    #[inline(always)]
    unsafe fn step_first_nibbles(sums: __m256i, query: [__m256i; 2], row: *const u8, _count: usize) -> __m256i {
        // SAFETY: see above.
        unsafe { add_nibbles(sums, query, _mm256_zextsi128_si256(_mm_loadu_si128(row.cast()))) }
    }

    #[inline(always)]
    unsafe fn totals(sums: [__m256i; ROWS]) -> [i32; ROWS] {
        // SAFETY: see above; AVX-VNNI comes with AVX2.
        unsafe { avx2::totals(sums) }
    }
}

/// Adds the products of both halves of each byte.
///
/// # Safety
/// The CPU must have AVX2 and AVX-VNNI.
#[inline(always)]
unsafe fn add_nibbles(sums: __m256i, query: [__m256i; 2], bytes: __m256i) -> __m256i {
    // SAFETY: the caller's contract.
    unsafe {
        let mask = _mm256_set1_epi8(0xF);
        let lower = _mm256_dpbusd_avx_epi32(sums, _mm256_and_si256(bytes, mask), query[0]);
        _mm256_dpbusd_avx_epi32(lower, _mm256_and_si256(_mm256_srli_epi16::<4>(bytes), mask), query[1])
    }
}
