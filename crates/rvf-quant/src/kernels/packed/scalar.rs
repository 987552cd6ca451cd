//! Floats with codes of a byte each, biased by 128.

use super::wide::Wide;
use super::{LANES, Lanes};
use crate::reference;

/// # Safety
/// That of [`Wide`].
#[inline(always)]
pub(super) unsafe fn squared_l2<W: Wide>(query: &[Lanes], scale: f32, elements: &[[u8; LANES]]) -> f32 {
    // SAFETY: the caller's contract.
    unsafe {
        let (scale, mut sum) = (W::splat(scale), W::splat(0.0));
        for (query, elements) in query.iter().zip(elements) {
            let difference = W::load(query).subtract(scale.multiply(W::codes(elements)));
            sum = sum.add(difference.multiply(difference));
        }
        reference::total(sum.lanes())
    }
}

/// # Safety
/// That of [`Wide`].
#[inline(always)]
pub(super) unsafe fn dot_and_squares<W: Wide>(query: &[Lanes], elements: &[[u8; LANES]]) -> (f32, f32) {
    // SAFETY: the caller's contract.
    unsafe {
        let (mut dot, mut squares) = (W::splat(0.0), W::splat(0.0));
        for (query, elements) in query.iter().zip(elements) {
            let codes = W::codes(elements);
            dot = dot.add(W::load(query).multiply(codes));
            squares = squares.add(codes.multiply(codes));
        }
        (reference::total(dot.lanes()), reference::total(squares.lanes()))
    }
}
