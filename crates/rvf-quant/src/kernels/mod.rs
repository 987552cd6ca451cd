//! The distance kernels, and the choice among them.
//!
//! They are our own because scans measured faster than with SimSIMD 6.5, which scores one row per call where ours score
//! several at once and prefetch, and whose cosine sums the query's norm again for each row. One thread of a Sapphire
//! Rapids Xeon that others were using, 63,666 rows of 384 dimensions, all in one run of
//! `cargo run --release -p rvf-quant --example scan_throughput`, GB/s; a loop that only reads the rows, without
//! prefetching, reached 24:
//!
//! | | l2 | dotproduct | cosine | hamming |
//! |---|---|---|---|---|
//! | portable | 20 | 20 | 13 | 9 |
//! | AVX2 | 29 | 28 | 28 | 16 |
//! | AVX-512 | 29 | 28 | 28 | 25 |
//! | SimSIMD | 22 | 23 | 20 | 22 |

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bits;
mod codes;
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
mod elements;
#[cfg(any(target_arch = "x86_64", all(target_arch = "aarch64", target_endian = "little")))]
mod lanes;
#[cfg(all(target_arch = "aarch64", target_endian = "little"))]
mod neon;
mod packed;
mod portable;

pub use codes::{CodeIsa, CodeKernel};
pub(crate) use codes::{CodeQuery, CodeRows, prefetch_rows};
pub use packed::PackedKernel;
pub(crate) use packed::{LANES as PACKED_LANES, Lanes, WORDS as PACKED_WORDS};

use crate::query::FloatQuery;

/// Scores rows of numbers: `rows` into `out`.
///
/// # Safety
/// The CPU must have the features the function was compiled for, the query must be of the element the function is for,
/// and `rows` must hold exactly `out.len()` rows of `query.row_bytes()` bytes.
pub(crate) type FloatScan = unsafe fn(query: &FloatQuery, rows: &[u8], out: &mut [f32]);

/// The kernels for rows of one type of number.
#[derive(Clone, Copy)]
pub(crate) struct FloatScans {
    pub(crate) l2: FloatScan,
    pub(crate) dot: FloatScan,
    pub(crate) cosine: FloatScan,
}

/// Scores rows of bits. `padding` has the bits of a row's last byte that do not count; the query's are clear.
///
/// # Safety
/// The CPU must have the features the function was compiled for, and `rows` must hold exactly `out.len()` rows of
/// `query.len()` bytes.
pub(crate) type BitScan = unsafe fn(query: &[u8], padding: u8, rows: &[u8], out: &mut [f32]);

/// Instruction sets there may be kernels for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Isa {
    /// Plain Rust, for every target.
    Portable,
    /// x86-64 with AVX2, FMA, F16C and POPCNT: Haswell, Zen and later.
    Avx2,
    /// x86-64 with AVX-512F besides: Skylake-X, Zen 4 and later.
    Avx512,
    /// 64-bit ARM, all of it.
    Neon,
}

impl Isa {
    /// Every instruction set, the slowest first where a CPU has several.
    pub const ALL: [Isa; 4] = [Isa::Portable, Isa::Avx2, Isa::Avx512, Isa::Neon];
}

/// The kernels of one instruction set. A value is proof that this CPU can run them.
#[derive(Clone, Copy)]
pub struct Kernel {
    isa: Isa,
    pub(crate) f32: FloatScans,
    pub(crate) f16: FloatScans,
    pub(crate) i8: FloatScans,
    pub(crate) hamming: BitScan,
}

impl Kernel {
    /// The fastest kernels this CPU can run.
    ///
    /// The standard library asks the CPU once per process and remembers.
    pub fn best() -> Kernel {
        Isa::ALL.into_iter().rev().find_map(Kernel::of).unwrap_or(portable::KERNEL)
    }

    /// The kernels of `isa`; `None` where this build has none or this CPU cannot run them.
    pub fn of(isa: Isa) -> Option<Kernel> {
        match isa {
            Isa::Portable => Some(portable::KERNEL),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::detect(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512::detect(),
            #[cfg(all(target_arch = "aarch64", target_endian = "little"))]
            Isa::Neon => Some(neon::KERNEL),
            #[allow(unreachable_patterns)]
            _ => None,
        }
    }

    /// The instruction set these kernels are for.
    pub fn isa(self) -> Isa {
        self.isa
    }
}
