use rvf_types::Row;

use super::Candidate;

/// The mark of a row whose neighbours were looked at.
pub(super) const EXPANDED: u64 = 1;
/// The mark of a row that is walked over and not found.
pub(super) const REFUSED: u64 = 2;

/// A distance and a row in one word that orders as the pair does: the distance's bits arranged so that they order as
/// floats, the row, and room for the marks. NaN counts as infinite.
#[inline]
pub(super) fn key_of(distance: f32, row: Row) -> u64 {
    let distance = if distance.is_nan() { f32::INFINITY } else { distance };
    let bits = distance.to_bits();
    let ordered = bits ^ (((bits as i32 >> 31) as u32) | 1 << 31);
    u64::from(ordered) << 32 | u64::from(row << 2)
}

#[inline]
pub(super) fn row_of(key: u64) -> Row {
    key as u32 >> 2
}

/// What [`key_of`] was made of.
pub(super) fn candidate_of(key: u64) -> Candidate {
    let ordered = (key >> 32) as u32;
    let distance = f32::from_bits(if ordered >> 31 == 1 { ordered ^ 1 << 31 } else { !ordered });
    Candidate { distance, row: row_of(key) }
}
