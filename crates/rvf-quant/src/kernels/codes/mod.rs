//! The kernels for codes: dot products of `u8` rows with an `i8` query, and differing bits, of rows picked by number.
//!
//! Sums are integers and exact, so all kernels agree. A row's elements are biased by 128, which makes them the unsigned
//! side that VNNI wants (`vpdpbusd`: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2), and what
//! the bias adds to every sum, 128 times the sum of the query, depends on the query alone. No sum overflows:
//! 65,536 * 255 * 128 < 2^31, the 128 being that of a damaged row as the query.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx_vnni;
mod bits;
#[cfg(any(
    target_arch = "x86_64",
    all(target_arch = "aarch64", target_endian = "little"),
    all(target_arch = "wasm32", target_feature = "simd128")
))]
mod lanes;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon;
mod portable;
mod prefetch;
mod query;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod simd128;

pub(crate) use prefetch::rows as prefetch_rows;
pub(crate) use query::{CodeQuery, CodeRows};

use crate::codes::{CodeLayout, CodePrecision};
use rvf_types::DataType;

/// Scores the rows of numbers `picked` into `sums`.
///
/// # Safety
/// The CPU must have the features the function was compiled for, and the query must be of the layout of the rows.
///
/// # Panics
/// A number in `picked` is not that of a row.
pub(crate) type CodeScan = unsafe fn(query: &CodeQuery, rows: CodeRows<'_>, picked: &[u32], sums: &mut [i32]);

/// Instruction sets there may be kernels for codes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeIsa {
    /// Plain Rust, for every target.
    Portable,
    /// x86-64 with AVX2 and POPCNT: Haswell, Zen and later.
    Avx2,
    /// x86-64 with AVX-VNNI besides: Alder Lake, Zen 5 and later.
    AvxVnni,
    /// x86-64 with AVX-512 VNNI: Ice Lake, Zen 4 and later.
    Avx512Vnni,
    /// 64-bit ARM with the dot product extension: Cortex-A76, Apple M1, Graviton 2 and later.
    NeonDot,
    /// WebAssembly built with `simd128`.
    Simd128,
}

impl CodeIsa {
    /// Every instruction set, the slowest first where a CPU has several.
    pub const ALL: [CodeIsa; 6] =
        [CodeIsa::Portable, CodeIsa::Avx2, CodeIsa::AvxVnni, CodeIsa::Avx512Vnni, CodeIsa::NeonDot, CodeIsa::Simd128];
}

/// The kernels for codes of one instruction set. A value is proof that this CPU can run them.
#[derive(Clone, Copy)]
pub struct CodeKernel {
    isa: CodeIsa,
    dot: CodeScan,
    /// [`CodePrecision::Int4`].
    nibbles: CodeScan,
    hamming: CodeScan,
}

impl CodeKernel {
    /// The fastest kernels this CPU can run.
    ///
    /// The standard library asks the CPU once per process and remembers.
    pub fn best() -> CodeKernel {
        CodeIsa::ALL.into_iter().rev().find_map(CodeKernel::of).unwrap_or(portable::KERNEL)
    }

    /// The kernels of `isa`; `None` where this build has none or this CPU cannot run them.
    pub fn of(isa: CodeIsa) -> Option<CodeKernel> {
        match isa {
            CodeIsa::Portable => Some(portable::KERNEL),
            #[cfg(target_arch = "x86_64")]
            CodeIsa::Avx2 => avx2::detect(),
            #[cfg(target_arch = "x86_64")]
            CodeIsa::AvxVnni => avx_vnni::detect(),
            #[cfg(target_arch = "x86_64")]
            CodeIsa::Avx512Vnni => avx512::detect(),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            CodeIsa::NeonDot => neon::detect(),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            CodeIsa::Simd128 => Some(simd128::KERNEL),
            #[allow(unreachable_patterns)]
            _ => None,
        }
    }

    /// The instruction set these kernels are for.
    pub fn isa(self) -> CodeIsa {
        self.isa
    }

    /// The kernel for rows of this layout.
    #[inline]
    pub(crate) fn scan(self, layout: CodeLayout) -> CodeScan {
        match (layout.data_type(), layout.precision()) {
            (DataType::Binary, _) => self.hamming,
            (_, CodePrecision::Int8) => self.dot,
            (_, CodePrecision::Int4) => self.nibbles,
        }
    }

    /// Asks for every cache line of the rows of numbers `picked`, which may be any.
    #[inline]
    pub(crate) fn prefetch(self, rows: CodeRows<'_>, picked: &[u32]) {
        prefetch::rows(rows, picked);
    }
}
