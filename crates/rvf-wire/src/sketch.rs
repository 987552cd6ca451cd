//! SKETCH: how often entries were asked for, as a count-min sketch (Cormode and Muthukrishnan, "An improved data stream
//! summary", 2005): rows of counters, of which each key has one in each row; the least of them says at most how often the key
//! came, up to what other keys have added.

use alloc::vec::Vec;

use rvf_types::limits::SKETCH_WIDTH_MAX;

use crate::{WireError, read_u16, read_u32, read_u64, slice};

/// Rows of counters.
pub const SKETCH_ROWS: usize = 4;
/// Bytes in front of the counters.
pub const SKETCH_HEADER_BYTES: usize = 64;

const WHAT: &str = "SKETCH";
const VERSION: u16 = 1;

/// The counters that a key has, one in each row: `width` is a power of two. In a sketch twice as wide it has the same ones,
/// or those `width` behind them.
pub fn sketch_places(hash: u64, width: u32) -> [usize; SKETCH_ROWS] {
    // Double hashing: the step is odd, so that it does not fall together with a width.
    let (start, step) = (hash as u32, (hash >> 32) as u32 | 1);
    let mut places = [0; SKETCH_ROWS];
    for (row, place) in (0u32..).zip(&mut places) {
        let column = start.wrapping_add(step.wrapping_mul(row)) & (width - 1);
        *place = row as usize * width as usize + column as usize;
    }
    places
}

/// The payload of a SKETCH segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SketchPayload {
    /// Counters of a row, a power of two.
    pub width: u32,
    /// Time up to which the counters have been halved, in nanoseconds since the Unix epoch.
    pub halved_ns: u64,
    /// The counters, row by row.
    pub counters: Vec<u16>,
}

impl SketchPayload {
    /// The payload's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SKETCH_HEADER_BYTES + self.counters.len() * size_of::<u16>());
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&(SKETCH_ROWS as u16).to_le_bytes());
        bytes.extend_from_slice(&self.width.to_le_bytes());
        bytes.extend_from_slice(&self.halved_ns.to_le_bytes());
        bytes.resize(SKETCH_HEADER_BYTES, 0);
        self.counters.iter().for_each(|counter| bytes.extend_from_slice(&counter.to_le_bytes()));
        bytes
    }

    /// Reads a payload.
    pub fn decode(bytes: &[u8]) -> Result<SketchPayload, WireError> {
        if read_u16(bytes, 0, WHAT)? != VERSION || read_u16(bytes, 2, WHAT)? as usize != SKETCH_ROWS {
            return Err(WireError::Unsupported("kind of sketch"));
        }
        let (width, halved_ns) = (read_u32(bytes, 4, WHAT)?, read_u64(bytes, 8, WHAT)?);
        if !width.is_power_of_two() || width > SKETCH_WIDTH_MAX {
            return Err(WireError::Invalid("width of a sketch"));
        }
        let counters = slice(bytes, SKETCH_HEADER_BYTES, SKETCH_ROWS * width as usize * size_of::<u16>(), WHAT)?;
        if bytes.len() != SKETCH_HEADER_BYTES + counters.len() {
            return Err(WireError::Invalid("length of a sketch"));
        }
        let counters = counters.as_chunks::<2>().0.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect();
        Ok(SketchPayload { width, halved_ns, counters })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_same_counters_in_a_sketch_twice_as_wide_or_those_a_width_behind() {
        for hash in [0, 1, u64::MAX, 0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210] {
            for (row, (narrow, wide)) in sketch_places(hash, 64).iter().zip(sketch_places(hash, 128)).enumerate() {
                assert_eq!(narrow % 64, wide % 64);
                assert_eq!((narrow / 64, wide / 128), (row, row));
            }
        }
    }
}
