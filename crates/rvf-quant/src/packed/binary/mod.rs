//! Binary packing: the signs of a direction that was rotated at random.
//!
//! The rotation makes elements alike, so that one bit is worth as much as another, as in RaBitQ (Gao and Long, "RaBitQ:
//! Quantizing high-dimensional vectors with a theoretical error bound", SIGMOD 2024,
//! <https://arxiv.org/abs/2405.12497>). It goes into a power of two of dimensions, which the quick transform wants and which
//! gives some more bits.

mod rotation;
mod scorer;

pub(super) use rotation::Rotation;
pub(super) use scorer::BinaryQuery;

/// Bits of a direction of `dimension` elements: a power of two, and whole words.
pub(super) fn bits_of(dimension: u32) -> usize {
    dimension.next_power_of_two().max(64) as usize
}

/// Codes `direction`, a bit for each element of its rotated form, and puts in its place what the bits stand for.
pub(super) fn encode(rotation: &Rotation, direction: &mut [f32], codes: &mut [u8]) {
    let mut rotated = padded(rotation, direction);
    rotation.apply(&mut rotated);
    for (byte, values) in codes.iter_mut().zip(rotated.chunks(8)) {
        *byte = values.iter().rev().fold(0, |byte, value| byte << 1 | u8::from(*value >= 0.0));
    }
    decode(rotation, codes, direction);
}

/// Puts the direction that the bits stand for into `direction`: at most 1 long, as what was rotated out of the
/// dimensions there are is left away.
pub(super) fn decode(rotation: &Rotation, codes: &[u8], direction: &mut [f32]) {
    let unit = (rotation.bits() as f64).sqrt().recip() as f32;
    let bit = |index: usize| codes.get(index / 8).is_some_and(|byte| byte >> (index % 8) & 1 == 1);
    let mut rotated: Vec<f32> = (0..rotation.bits()).map(|index| if bit(index) { unit } else { -unit }).collect();
    rotation.undo(&mut rotated);
    direction.copy_from_slice(&rotated[..direction.len()]);
}

/// The direction, filled up with zeros to what is rotated.
fn padded(rotation: &Rotation, direction: &[f32]) -> Vec<f32> {
    let mut padded = vec![0.0; rotation.bits()];
    padded[..direction.len()].copy_from_slice(direction);
    padded
}
