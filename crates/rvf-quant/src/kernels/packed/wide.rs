//! Sixteen floats, as each instruction set has them.

use super::{LANES, Lanes};

/// Sixteen floats. All operations round as `f32` does, lane by lane, so that results are the same everywhere.
///
/// # Safety
/// The methods may be called only where the CPU has the instruction set, from a function that enables it.
pub(super) unsafe trait Wide: Copy {
    /// The same in all lanes.
    unsafe fn splat(value: f32) -> Self;
    unsafe fn load(values: &Lanes) -> Self;
    unsafe fn lanes(self) -> Lanes;
    /// Bytes, less 128.
    unsafe fn codes(bytes: &[u8; LANES]) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn subtract(self, other: Self) -> Self;
    unsafe fn multiply(self, other: Self) -> Self;
    /// `self` where it is smaller, else `other`.
    unsafe fn min(self, other: Self) -> Self;
    /// `self` where it is larger, else `other`.
    unsafe fn max(self, other: Self) -> Self;
    /// The lanes of `value` where `self` is larger than `other`, else those of `otherwise`.
    unsafe fn where_larger(self, other: Self, value: Self, otherwise: Self) -> Self;
}

/// Plain Rust.
#[derive(Clone, Copy)]
pub(super) struct Portable(Lanes);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self {
        Portable(std::array::from_fn(|lane| operation(self.0[lane], other.0[lane])))
    }
}

// SAFETY: every CPU can run it.
unsafe impl Wide for Portable {
    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Portable([value; LANES])
    }

    #[inline(always)]
    unsafe fn load(values: &Lanes) -> Self {
        Portable(*values)
    }

    #[inline(always)]
    unsafe fn lanes(self) -> Lanes {
        self.0
    }

    #[inline(always)]
    unsafe fn codes(bytes: &[u8; LANES]) -> Self {
        Portable(bytes.map(|byte| (i32::from(byte) - 128) as f32))
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        self.zip(other, |left, right| left + right)
    }

    #[inline(always)]
    unsafe fn subtract(self, other: Self) -> Self {
        self.zip(other, |left, right| left - right)
    }

    #[inline(always)]
    unsafe fn multiply(self, other: Self) -> Self {
        self.zip(other, |left, right| left * right)
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        self.zip(other, |left, right| if left < right { left } else { right })
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        self.zip(other, |left, right| if left > right { left } else { right })
    }

    #[inline(always)]
    unsafe fn where_larger(self, other: Self, value: Self, otherwise: Self) -> Self {
        Portable(std::array::from_fn(
            |lane| {
                if self.0[lane] > other.0[lane] { value.0[lane] } else { otherwise.0[lane] }
            },
        ))
    }
}
