use super::lanes::Lanes;
use crate::element::{Element, F16, F32, I8};

/// Elements as [`Lanes`] load them.
///
/// # Safety
/// As for [`Lanes`].
pub(super) trait LaneElement: Element {
    /// `WIDTH` elements at any alignment; they must be readable.
    unsafe fn load<L: Lanes>(elements: *const u8) -> L::Vector;

    /// The first `count` elements, `count` in `1..=WIDTH`, and zeros; only those elements must be readable.
    #[inline(always)]
    unsafe fn load_first<L: Lanes>(elements: *const u8, count: usize) -> L::Vector {
        let mut padded = [0_u8; 64];
        // SAFETY: the caller's contract; WIDTH is 16 at most and an element 4 bytes, so `padded` has place for all.
        unsafe {
            std::ptr::copy_nonoverlapping(elements, padded.as_mut_ptr(), count * Self::BYTES);
            Self::load::<L>(padded.as_ptr())
        }
    }
}

impl LaneElement for F32 {
    #[inline(always)]
    unsafe fn load<L: Lanes>(elements: *const u8) -> L::Vector {
        // SAFETY: the caller's contract.
        unsafe { L::load(elements.cast()) }
    }

    #[inline(always)]
    unsafe fn load_first<L: Lanes>(elements: *const u8, count: usize) -> L::Vector {
        // SAFETY: the caller's contract.
        unsafe { L::load_first(elements.cast(), count) }
    }
}

impl LaneElement for F16 {
    #[inline(always)]
    unsafe fn load<L: Lanes>(elements: *const u8) -> L::Vector {
        // SAFETY: the caller's contract.
        unsafe { L::load_f16(elements) }
    }
}

impl LaneElement for I8 {
    #[inline(always)]
    unsafe fn load<L: Lanes>(elements: *const u8) -> L::Vector {
        // SAFETY: the caller's contract.
        unsafe { L::load_i8(elements) }
    }
}
