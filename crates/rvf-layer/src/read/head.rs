use std::borrow::Cow;
use std::ops::Range;

use rvf_quant::{CodeLayout, QuantError};
use rvf_types::Metric;

use crate::LayerError;
use crate::payload::{DIRECTORY_ENTRY_BYTES, Entry, HEAD_BYTES, Header, LAYER_HEADER_BYTES, centre_layout};

/// Fewest bytes of a row number and an id: three varints.
const ROW_AND_ID_BYTES_MIN: u64 = 3;

/// How fast rows of a cluster get less likely to be hits, the farther its centre is than the nearest centre. Measured
/// on the real data, where 12 to 32 make no difference.
const STEEPNESS: f64 = 12.0;

/// A block, as the directory has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub start: u64,
    pub bytes: u32,
    pub rows: u32,
    pub centre: u32,
}

/// Header, directory and centres.
pub(super) struct Head {
    pub header: Header,
    pub blocks: Vec<Block>,
    codes: CodeLayout,
    origin: Vec<f32>,
    /// Centres less the origin, coded.
    centres: Vec<u8>,
}

impl Head {
    /// Reads and checks the head of a layer of `len` bytes.
    pub fn read<'s, E>(
        len: u64,
        mut fetch: impl FnMut(Range<u64>) -> Result<Cow<'s, [u8]>, LayerError<E>>,
    ) -> Result<Head, LayerError<E>> {
        let mut bytes = fetch(0..len.min(HEAD_BYTES as u64))?;
        let header = Header::read(&bytes).map_err(LayerError::Damaged)?;
        let head_bytes = header.head_bytes().map_err(LayerError::Query)?;
        if head_bytes > len {
            return Err(LayerError::Damaged("the length"));
        }
        if head_bytes > bytes.len() as u64 {
            let rest = fetch(bytes.len() as u64..head_bytes)?;
            bytes.to_mut().extend_from_slice(&rest);
        }
        let directory = &bytes[LAYER_HEADER_BYTES..][..header.blocks as usize * DIRECTORY_ENTRY_BYTES];
        let blocks = blocks_of(&header, directory, head_bytes, len).map_err(LayerError::Damaged)?;
        let codes = centre_layout(header.layout).map_err(LayerError::Query)?;
        let coded = &bytes[LAYER_HEADER_BYTES + directory.len()..head_bytes as usize];
        let (origin_code, centres) = coded.split_at(codes.row_bytes());
        let mut origin = vec![0.0; header.layout.dimension() as usize];
        codes.add_decoded(origin_code, &mut origin).map_err(LayerError::Query)?;
        Ok(Head { header, blocks, codes, origin, centres: centres.to_vec() })
    }

    /// Where neighbouring blocks lie.
    pub fn range_of(&self, blocks: &Range<usize>) -> Range<u64> {
        let last = self.blocks[blocks.end - 1];
        self.blocks[blocks.start].start..last.start + u64::from(last.bytes)
    }

    /// Puts a centre into `centre`, in place of what is there.
    pub fn centre(&self, number: u32, centre: &mut Vec<f32>) -> Result<(), QuantError> {
        centre.clear();
        centre.extend_from_slice(&self.origin);
        let row_bytes = self.codes.row_bytes();
        self.codes.add_decoded(&self.centres[number as usize * row_bytes..][..row_bytes], centre)
    }

    /// How many hits of a query each block has, up to a factor: its rows, times a chance that falls with how much farther
    /// from the query its centre is than the nearest one, measured by how far rows are from their centres.
    pub fn values(&self, query: &[f32]) -> Result<Vec<f64>, QuantError> {
        let mut distances = Vec::with_capacity(self.header.centres as usize);
        let mut centre = Vec::with_capacity(query.len());
        for number in 0..self.header.centres {
            self.centre(number, &mut centre)?;
            distances.push(self.distance(query, &centre));
        }
        let unit = self.unit(query).max(f64::MIN_POSITIVE);
        let smallest = distances.iter().copied().fold(f64::INFINITY, f64::min);
        let chance = |distance: f64| {
            let chance = (1.0 + STEEPNESS / 8.0 * (distance - smallest) / unit).powi(-8);
            if chance.is_nan() { 0.0 } else { chance }
        };
        Ok(self.blocks.iter().map(|block| f64::from(block.rows) * chance(distances[block.centre as usize])).collect())
    }

    fn distance(&self, query: &[f32], centre: &[f32]) -> f64 {
        let pairs = || query.iter().zip(centre).map(|(query, centre)| (f64::from(*query), f64::from(*centre)));
        match self.header.layout.metric() {
            Metric::DotProduct => -pairs().map(|(query, centre)| query * centre).sum::<f64>(),
            _ => pairs().map(|(query, centre)| (query - centre).powi(2)).sum(),
        }
    }

    /// What differences of distances are measured by.
    fn unit(&self, query: &[f32]) -> f64 {
        let spread = f64::from(self.header.spread);
        match self.header.layout.metric() {
            Metric::DotProduct => {
                (query.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() * spread).sqrt() / 2.0
            }
            _ => spread,
        }
    }
}

/// The blocks of the directory, or what of it is not valid.
fn blocks_of(header: &Header, directory: &[u8], head_bytes: u64, len: u64) -> Result<Vec<Block>, &'static str> {
    let (mut start, mut rows) = (head_bytes, 0);
    let mut blocks = Vec::with_capacity(header.blocks as usize);
    for bytes in directory.as_chunks::<DIRECTORY_ENTRY_BYTES>().0 {
        let Entry { rows: block_rows, bytes, centre } = Entry::read(bytes);
        let bytes_min = u64::from(block_rows) * (header.layout.row_bytes() as u64 + ROW_AND_ID_BYTES_MIN);
        if block_rows == 0 || u64::from(bytes) < bytes_min || centre >= header.centres {
            return Err("a block of the directory");
        }
        blocks.push(Block { start, bytes, rows: block_rows, centre });
        start += u64::from(bytes);
        rows += u64::from(block_rows);
    }
    if start != len {
        return Err("the length");
    }
    if rows == u64::from(header.rows) { Ok(blocks) } else { Err("the number of rows") }
}
