//! The kernels for packed rows, written once over [`wide::Wide`], sixteen floats, and compiled for each instruction set: sums
//! are in the same order and without fused operations, so all kernels give the same bits.

mod bits;
mod centroids;
mod scalar;
mod wide;
#[cfg(target_arch = "x86_64")]
mod x86;

use super::Isa;
#[cfg(target_arch = "x86_64")]
use crate::kernels::{avx2, avx512};

/// Elements of an array that is computed on at once.
pub(crate) const LANES: usize = 16;

/// 64-bit words of a row of bits that are computed on at once.
pub(crate) const WORDS: usize = 8;

pub(crate) type Lanes = [f32; LANES];

/// [`PackedKernel::nearest`].
type Nearest = unsafe fn(centroids: &[Lanes], halves: &[Lanes], point: &[f32]) -> (usize, f32);
/// [`PackedKernel::bounds`].
type Bounds = unsafe fn(centroids: &[Lanes], part: &[f32]) -> (f32, f32);
/// [`PackedKernel::steps`].
type Steps = unsafe fn(centroids: &[Lanes], part: &[f32], start: f32, steps: f32, out: &mut [u16]);
/// [`PackedKernel::bit_sum`].
type BitSum = unsafe fn(planes: &[[u64; WORDS]], count: usize, row: &[u8]) -> i64;
/// [`PackedKernel::squared_l2`].
type SquaredL2 = unsafe fn(query: &[Lanes], scale: f32, elements: &[[u8; LANES]]) -> f32;
/// [`PackedKernel::dot_and_squares`].
type DotAndSquares = unsafe fn(query: &[Lanes], elements: &[[u8; LANES]]) -> (f32, f32);

/// The kernels for packed rows of one instruction set. A value is proof that this CPU can run them.
#[derive(Clone, Copy, Debug)]
pub struct PackedKernel {
    isa: Isa,
    nearest: Nearest,
    bounds: Bounds,
    steps: Steps,
    bit_sum: BitSum,
    squared_l2: SquaredL2,
    dot_and_squares: DotAndSquares,
}

/// A function for each kernel that is compiled with the features named, and the table of them.
macro_rules! kernels {
    ($name:ident, $isa:expr, $wide:ty, $bit_sum:path $(, $features:literal)?) => {
        mod $name {
            use super::*;

            $(#[target_feature(enable = $features)])?
            unsafe fn nearest(centroids: &[Lanes], halves: &[Lanes], point: &[f32]) -> (usize, f32) {
                // SAFETY: a `PackedKernel` exists only where the CPU has the features; so for all below.
                unsafe { centroids::nearest::<$wide>(centroids, halves, point) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn bounds(centroids: &[Lanes], part: &[f32]) -> (f32, f32) {
                // SAFETY: as above.
                unsafe { centroids::bounds::<$wide>(centroids, part) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn steps(centroids: &[Lanes], part: &[f32], start: f32, steps: f32, out: &mut [u16]) {
                // SAFETY: as above.
                unsafe { centroids::steps::<$wide>(centroids, part, start, steps, out) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn squared_l2(query: &[Lanes], scale: f32, elements: &[[u8; LANES]]) -> f32 {
                // SAFETY: as above.
                unsafe { scalar::squared_l2::<$wide>(query, scale, elements) }
            }

            $(#[target_feature(enable = $features)])?
            unsafe fn dot_and_squares(query: &[Lanes], elements: &[[u8; LANES]]) -> (f32, f32) {
                // SAFETY: as above.
                unsafe { scalar::dot_and_squares::<$wide>(query, elements) }
            }

            pub(super) const KERNEL: PackedKernel =
                PackedKernel { isa: $isa, nearest, bounds, steps, bit_sum: $bit_sum, squared_l2, dot_and_squares };
        }
    };
}

kernels!(portable, Isa::Portable, wide::Portable, bits::sum);
#[cfg(target_arch = "x86_64")]
kernels!(wide256, Isa::Avx2, x86::Avx2, bit_sum_by_popcount, "avx2");
#[cfg(target_arch = "x86_64")]
kernels!(wide512, Isa::Avx512, x86::Avx512, x86::bit_sum, "avx2,avx512f");

/// The portable source, which becomes the instruction.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "popcnt")]
fn bit_sum_by_popcount(planes: &[[u64; WORDS]], count: usize, row: &[u8]) -> i64 {
    bits::sum(planes, count, row)
}

impl PackedKernel {
    /// The fastest kernels this CPU can run.
    ///
    /// The standard library asks the CPU once per process and remembers.
    pub fn best() -> PackedKernel {
        Isa::ALL.into_iter().rev().find_map(PackedKernel::of).unwrap_or(portable::KERNEL)
    }

    /// The kernels of `isa`; `None` where this build has none or this CPU cannot run them. There are none of their own for
    /// [`Isa::Neon`], which the portable ones are compiled to.
    pub fn of(isa: Isa) -> Option<PackedKernel> {
        match isa {
            Isa::Portable => Some(portable::KERNEL),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => avx2::detect().map(|_| wide256::KERNEL),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => avx512::detect_for_packed().then_some(wide512::KERNEL),
            #[allow(unreachable_patterns)]
            _ => None,
        }
    }

    /// The instruction set these kernels are for.
    pub fn isa(self) -> Isa {
        self.isa
    }

    /// The centroid nearest to `point`, the first of several, and how much nearer than the origin: half the squared
    /// distance of the origin less that of the centroid.
    ///
    /// Centroids are in groups of [`LANES`] floats: of each group first the first elements of all, then the second. `halves` are
    /// half their squared lengths.
    pub(crate) fn nearest(self, centroids: &[Lanes], halves: &[Lanes], point: &[f32]) -> (usize, f32) {
        // SAFETY: a value exists only where the CPU has the features.
        unsafe { (self.nearest)(centroids, halves, point) }
    }

    /// The smallest and the largest dot product of a query's `part` with a centroid.
    pub(crate) fn bounds(self, centroids: &[Lanes], part: &[f32]) -> (f32, f32) {
        // SAFETY: as above.
        unsafe { (self.bounds)(centroids, part) }
    }

    /// The dot products of a query's `part` with all centroids, less `start`, in `steps` a unit, rounded.
    pub(crate) fn steps(self, centroids: &[Lanes], part: &[f32], start: f32, steps: f32, out: &mut [u16]) {
        // SAFETY: as above.
        unsafe { (self.steps)(centroids, part, start, steps, out) }
    }

    /// Sum of the numbers whose bit is set in `row`. Of each [`WORDS`] words of a row there are `count` planes, which hold
    /// the lowest bits of the numbers, then the next, up to their signs.
    #[inline]
    pub(crate) fn bit_sum(self, planes: &[[u64; WORDS]], count: usize, row: &[u8]) -> i64 {
        // SAFETY: as above.
        unsafe { (self.bit_sum)(planes, count, row) }
    }

    /// Squared distance of a query from a scaled row of codes.
    pub(crate) fn squared_l2(self, query: &[Lanes], scale: f32, elements: &[[u8; LANES]]) -> f32 {
        // SAFETY: as above.
        unsafe { (self.squared_l2)(query, scale, elements) }
    }

    /// Dot product of a query with a row of codes, and the sum of their squares.
    pub(crate) fn dot_and_squares(self, query: &[Lanes], elements: &[[u8; LANES]]) -> (f32, f32) {
        // SAFETY: as above.
        unsafe { (self.dot_and_squares)(query, elements) }
    }
}
