//! AVX-512 VNNI: four products of unsigned and signed bytes summed to 32 bits at once, without saturation.

use super::lanes::{ByteLanes, ROWS, scan, scan_nibbles};
use super::{CodeIsa, CodeKernel, CodeQuery, CodeRows, avx2, bits};
use std::arch::x86_64::*;

/// The kernels, where this CPU can run them. Of those with VNNI only Cascade Lake and Cooper Lake cannot count
/// bits in vectors.
pub(super) fn detect() -> Option<CodeKernel> {
    let avx2 = avx2::detect()?;
    let can_run = is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni");
    can_run.then(|| CodeKernel {
        isa: CodeIsa::Avx512Vnni,
        dot,
        nibbles,
        hamming: if is_x86_feature_detected!("avx512vpopcntdq") { hamming } else { avx2.hamming },
    })
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn dot(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    // SAFETY: the caller's contract, that of `CodeScan`.
    unsafe { scan::<Avx512Vnni>(query, rows, picked, sums) }
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vpopcntdq,popcnt")]
fn hamming(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    bits::scan(query, rows, picked, sums);
}

#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn nibbles(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]) {
    // SAFETY: the caller's contract, that of `CodeScan`.
    unsafe { scan_nibbles::<Avx512Vnni>(query, rows, picked, sums) }
}

struct Avx512Vnni;

// SAFETY: of this and of every block below: the trait's contract is that the CPU has AVX-512F, BW, VL and VNNI, and that pointers
// are readable as far as each method says; loads are unaligned ones, and masked loads do not touch what the mask leaves out.
unsafe impl ByteLanes for Avx512Vnni {
    type Query = __m512i;
    type Sums = __m512i;
    const WIDTH: usize = 64;

    #[inline(always)]
    unsafe fn zero() -> __m512i {
        // SAFETY: see above.
        unsafe { _mm512_setzero_si512() }
    }

    #[inline(always)]
    unsafe fn query(bytes: *const u8) -> __m512i {
        // SAFETY: see above.
        unsafe { _mm512_loadu_si512(bytes.cast()) }
    }

    #[inline(always)]
    unsafe fn step(sums: __m512i, query: __m512i, row: *const u8) -> __m512i {
        // SAFETY: see above.
        unsafe { _mm512_dpbusd_epi32(sums, _mm512_loadu_si512(row.cast()), query) }
    }

    #[inline(always)]
    unsafe fn step_first(sums: __m512i, query: __m512i, row: *const u8, count: usize) -> __m512i {
        let mask = (1_u64 << count) - 1;
        // SAFETY: see above.
        unsafe { _mm512_dpbusd_epi32(sums, _mm512_maskz_loadu_epi8(mask, row.cast()), query) }
    }

    #[inline(always)]
    unsafe fn step_nibbles(sums: __m512i, query: [__m512i; 2], row: *const u8) -> __m512i {
        // SAFETY: see above.
        unsafe { add_nibbles(sums, query, _mm512_loadu_si512(row.cast())) }
    }

    #[inline(always)]
    unsafe fn step_first_nibbles(sums: __m512i, query: [__m512i; 2], row: *const u8, count: usize) -> __m512i {
        let mask = (1_u64 << count) - 1;
        // SAFETY: see above.
        unsafe { add_nibbles(sums, query, _mm512_maskz_loadu_epi8(mask, row.cast())) }
    }

    #[inline(always)]
    unsafe fn totals(sums: [__m512i; ROWS]) -> [i32; ROWS] {
        // SAFETY: see above; AVX-512F comes with AVX2.
        unsafe { avx2::totals([folded(sums[0]), folded(sums[1]), folded(sums[2]), folded(sums[3])]) }
    }
}

/// The sums of the upper half on those of the lower. No closure: builds without link-time optimisation do not inline
/// instructions into one, as it lacks the instruction set.
///
/// # Safety
/// The CPU must have AVX-512F.
#[inline(always)]
unsafe fn folded(sums: __m512i) -> __m256i {
    // SAFETY: the caller's contract.
    unsafe { _mm256_add_epi32(_mm512_castsi512_si256(sums), _mm512_extracti64x4_epi64::<1>(sums)) }
}

/// Adds the products of both halves of each byte.
///
/// # Safety
/// The CPU must have AVX-512F, BW and VNNI.
#[inline(always)]
unsafe fn add_nibbles(sums: __m512i, query: [__m512i; 2], bytes: __m512i) -> __m512i {
    // SAFETY: the caller's contract.
    unsafe {
        let mask = _mm512_set1_epi8(0xF);
        let lower = _mm512_dpbusd_epi32(sums, _mm512_and_si512(bytes, mask), query[0]);
        _mm512_dpbusd_epi32(lower, _mm512_and_si512(_mm512_srli_epi16::<4>(bytes), mask), query[1])
    }
}
