//! Floats with codes of a byte each, biased by 128.

use super::{LANES, Lanes};
use crate::reference;

#[inline(always)]
pub(super) fn squared_l2(query: &[Lanes], scale: f32, elements: &[[u8; LANES]]) -> f32 {
    let mut partial = [0.0_f32; LANES];
    for (query, elements) in query.iter().zip(elements) {
        for lane in 0..LANES {
            let difference = query[lane] - scale * code(elements[lane]) as f32;
            partial[lane] += difference * difference;
        }
    }
    reference::total(partial)
}

#[inline(always)]
pub(super) fn dot_and_squares(query: &[Lanes], elements: &[[u8; LANES]]) -> (f32, i32) {
    let mut partial = [0.0_f32; LANES];
    // At most 65,536 * 128^2 together.
    let mut squares = [0_i32; LANES];
    for (query, elements) in query.iter().zip(elements) {
        for lane in 0..LANES {
            let code = code(elements[lane]);
            partial[lane] += query[lane] * code as f32;
            squares[lane] += code * code;
        }
    }
    (reference::total(partial), squares.iter().sum())
}

#[inline(always)]
fn code(element: u8) -> i32 {
    i32::from(element) - 128
}
