//! The layer as bytes: head and blocks, without gaps, all numbers little-endian.
//!
//! | at | type | what |
//! |---|---|---|
//! | 0 | u32 | version, 1 |
//! | 4 | u32 | rows in the layer |
//! | 8 | u32 | one more than the highest row number, 0 where there is none |
//! | 12 | u32 | blocks `b` |
//! | 16 | u32 | centres `c` |
//! | 20 | u32 | dimension |
//! | 24 | u8 | metric |
//! | 25 | u8 | type of the vectors |
//! | 28 | f32 | mean over the rows of the squared distance to their centre |
//! | 32 | | zeros up to 64 |
//! | 64 | 12 bytes each | directory, `b` entries: u32 rows, u32 bytes, u32 centre |
//! | then | code each | the origin, then the `c` centres less the origin |
//! | then | | the `b` blocks, in the order of the directory |
//!
//! The codes of origin and centres are those of [`rvf_quant::codes`] for `l2` and floats, a byte an element. A centre
//! as it counts is the decoded origin plus its own decoded code. Several blocks may share a centre.
//!
//! A **block** of `n` rows, row numbers ascending:
//!
//! | what | bytes |
//! |---|---|
//! | `n` coded rows, of [`rvf_quant::residuals`] beside the centre | [`rvf_quant::ResidualLayout::row_bytes`] each |
//! | `n` times: row number less the one before it in the block; how many bytes the id has in common with the one before it; how many bytes follow; those bytes | three varints (LEB128) and the bytes |
//!
//! The first row number of a block, and its first id, are whole: those before them count as 0 and as empty. Ids share
//! what they begin with as their neighbours in the block happen to; nothing is sorted for it.

use rvf_quant::{CodeLayout, QuantError, ResidualLayout};
use rvf_types::{DataType, Metric, limits};

/// Version of the payload.
pub const LAYER_VERSION: u32 = 1;
/// Bytes in front of the directory.
pub const LAYER_HEADER_BYTES: usize = 64;
/// Bytes of an entry of the directory.
pub const DIRECTORY_ENTRY_BYTES: usize = 12;
/// Bytes a reader asks for first. Up to 2,000 dimensions or so, a builder makes as many centres as still fit in with their
/// blocks, so that the head is read by one request.
pub const HEAD_BYTES: usize = 112 << 10;

/// What the first bytes say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header {
    pub rows: u32,
    pub row_limit: u32,
    pub blocks: u32,
    pub centres: u32,
    pub spread: f32,
    pub layout: ResidualLayout,
}

/// An entry of the directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub rows: u32,
    pub bytes: u32,
    pub centre: u32,
}

impl Header {
    pub fn write(&self, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        let dimension = self.layout.dimension();
        for number in [LAYER_VERSION, self.rows, self.row_limit, self.blocks, self.centres, dimension] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&[self.layout.metric() as u8, self.layout.data_type() as u8, 0, 0]);
        bytes.extend_from_slice(&self.spread.to_le_bytes());
        bytes.resize(start + LAYER_HEADER_BYTES, 0);
    }

    /// The header at the start of `bytes`, or what of it is not valid.
    pub fn read(bytes: &[u8]) -> Result<Header, &'static str> {
        let bytes = bytes.first_chunk::<LAYER_HEADER_BYTES>().ok_or("the length")?;
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        if number(0) != LAYER_VERSION {
            return Err("the version");
        }
        let metric = Metric::from_u8(bytes[24]).ok_or("the metric")?;
        let data_type = DataType::from_u8(bytes[25]).ok_or("the type of the vectors")?;
        let header = Header {
            rows: number(4),
            row_limit: number(8),
            blocks: number(12),
            centres: number(16),
            spread: f32::from_bits(number(28)),
            layout: ResidualLayout::new(metric, data_type, number(20)).map_err(|_| "the layout of the vectors")?,
        };
        if header.rows > header.row_limit || header.row_limit > limits::ROWS_MAX {
            return Err("the number of rows");
        }
        if header.blocks > header.rows || header.centres > header.blocks {
            return Err("the number of blocks");
        }
        let is_number = header.spread.is_finite() && header.spread >= 0.0;
        if is_number { Ok(header) } else { Err("the distance of rows from their centres") }
    }

    /// Bytes of header, directory and centres.
    pub fn head_bytes(&self) -> Result<u64, QuantError> {
        let codes = (u64::from(self.centres) + 1) * centre_layout(self.layout)?.row_bytes() as u64;
        Ok(LAYER_HEADER_BYTES as u64 + u64::from(self.blocks) * DIRECTORY_ENTRY_BYTES as u64 + codes)
    }
}

impl Entry {
    pub fn write(&self, bytes: &mut Vec<u8>) {
        bytes.extend([self.rows, self.bytes, self.centre].iter().flat_map(|number| number.to_le_bytes()));
    }

    pub fn read(bytes: &[u8; DIRECTORY_ENTRY_BYTES]) -> Entry {
        let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Entry { rows: number(0), bytes: number(4), centre: number(8) }
    }
}

/// How origin and centres are coded.
pub(crate) fn centre_layout(layout: ResidualLayout) -> Result<CodeLayout, QuantError> {
    CodeLayout::new(Metric::L2, DataType::F32, layout.dimension())
}
