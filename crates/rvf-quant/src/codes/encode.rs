//! From a vector to its code. Sums and products are in `f64` and in a fixed order, so every machine writes the same bytes.

use super::layout::{CodeLayout, CodePrecision, ELEMENTS_START};
use crate::element::{Element, values};
use rvf_types::Metric;

/// Largest magnitudes of an element's code. -128 and -8 are left out: codes are then as wide on one side of 0 as on the
/// other.
const CODE_MAX: f64 = 127.0;
const NIBBLE_MAX: f64 = 7.0;

/// The byte of code 0, and the half byte.
const ZERO: u8 = 128;
const ZERO_NIBBLE: u8 = 8;

/// Adding this to a number of magnitude below 2^51 rounds it to an integer, ties to even, and leaves that integer in the
/// low bits of the sum, as two's complement: the unit in the last place of the sum is 1.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// Partial sums, so that the compiler may use vector registers.
const LANES: usize = 8;

/// Codes one vector into one row of the table.
pub(super) fn row<E: Element>(layout: CodeLayout, vector: &[u8], row: &mut [u8]) {
    let (code_max, zeros) = match layout.precision() {
        CodePrecision::Int8 => (CODE_MAX, ZERO),
        CodePrecision::Int4 => (NIBBLE_MAX, ZERO_NIBBLE << 4 | ZERO_NIBBLE),
    };
    let (header, elements) = row.split_at_mut(ELEMENTS_START);
    let largest = largest_magnitude::<E>(vector);
    let scale = if largest == 0.0 || !largest.is_finite() {
        elements.fill(zeros);
        0.0
    } else {
        match layout.precision() {
            CodePrecision::Int8 => code_bytes::<E>(code_max / largest, vector, elements),
            CodePrecision::Int4 => code_nibbles::<E>(code_max / largest, vector, elements),
        }
        let length = if layout.metric() == Metric::Cosine { length::<E>(vector) } else { 1.0 };
        (largest / length / code_max) as f32
    };
    let bias = match (layout.metric(), layout.precision()) {
        (Metric::L2, CodePrecision::Int8) => f64::from(scale) * f64::from(scale) * squared_codes(elements),
        (Metric::L2, CodePrecision::Int4) => f64::from(scale) * f64::from(scale) * squared_nibbles(elements),
        _ => 0.0,
    };
    header[..4].copy_from_slice(&scale.to_le_bytes());
    header[4..].copy_from_slice(&(bias as f32).to_le_bytes());
}

/// The largest magnitude of an element; infinity or NaN where there is one.
fn largest_magnitude<E: Element>(vector: &[u8]) -> f64 {
    // The bits of magnitudes order as the magnitudes do, infinity and NaN behind every number.
    let bits = values::<E>(vector).fold(0, |largest: u32, value| largest.max(value.to_bits() & !(1 << 31)));
    f64::from(f32::from_bits(bits))
}

/// Codes the elements, and fills up with the code of 0.
fn code_bytes<E: Element>(code_of_value: f64, vector: &[u8], elements: &mut [u8]) {
    let (used, padding) = elements.split_at_mut(vector.len() / E::BYTES);
    for (element, value) in used.iter_mut().zip(values::<E>(vector)) {
        *element = (f64::from(value) * code_of_value + ROUNDER).to_bits() as u8 ^ ZERO;
    }
    padding.fill(ZERO);
}

/// [`code_bytes`] with half a byte for each: the first half of the elements in the lower halves of the bytes.
fn code_nibbles<E: Element>(code_of_value: f64, vector: &[u8], elements: &mut [u8]) {
    let lower = elements.len().min(vector.len() / E::BYTES);
    let (first, second) = vector.split_at(lower * E::BYTES);
    let nibble = |value| ((f64::from(value) * code_of_value + ROUNDER).to_bits() as u8 & 0xF) ^ ZERO_NIBBLE;
    elements.fill(ZERO_NIBBLE << 4 | ZERO_NIBBLE);
    for (element, value) in elements.iter_mut().zip(values::<E>(first)) {
        *element = *element & 0xF0 | nibble(value);
    }
    for (element, value) in elements.iter_mut().zip(values::<E>(second)) {
        *element = *element & 0x0F | nibble(value) << 4;
    }
}

/// Sum of the squared codes.
fn squared_codes(elements: &[u8]) -> f64 {
    let square = |element: &u8| u32::from(element.abs_diff(ZERO)).pow(2);
    f64::from(elements.iter().map(square).sum::<u32>())
}

fn squared_nibbles(elements: &[u8]) -> f64 {
    let square = |nibble: u8| u32::from(nibble.abs_diff(ZERO_NIBBLE)).pow(2);
    f64::from(elements.iter().map(|byte| square(byte & 0xF) + square(byte >> 4)).sum::<u32>())
}

fn length<E: Element>(vector: &[u8]) -> f64 {
    let mut partial = [0.0_f64; LANES];
    for block in E::elements(vector).chunks(LANES) {
        for (sum, bytes) in partial.iter_mut().zip(block) {
            let value = f64::from(E::value(*bytes));
            *sum += value * value;
        }
    }
    partial.iter().sum::<f64>().sqrt()
}
