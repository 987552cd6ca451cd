//! Answers from the bytes of a layer.

mod block;
mod head;
mod nearest;
mod plan;

use std::borrow::Cow;
use std::ops::Range;

use rvf_quant::ResidualScorer;
use rvf_types::{Metric, Row};

use crate::LayerError;
use head::Head;
use nearest::Nearest;

/// The bytes of a layer, wherever they are. Each call of [`range`](LayerSource::range) is a request.
pub trait LayerSource {
    /// Why bytes cannot be had.
    type Error;

    /// Bytes of the layer.
    fn len(&self) -> u64;

    /// `len` bytes at `start`. Never called for bytes outside the layer.
    fn range(&self, start: u64, len: usize) -> Result<Cow<'_, [u8]>, Self::Error>;

    /// True where the layer has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What one search may read, beyond what opening has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most ranges. More than 64 are not used.
    pub requests_max: u32,
    /// Most bytes of them together.
    pub bytes_max: u64,
}

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Ranges.
    pub requests: u32,
    /// Bytes of them together.
    pub bytes: u64,
}

/// A row that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Its number.
    pub row: Row,
    /// Its id.
    pub id: Vec<u8>,
    /// Its distance, estimated; exact for [`Metric::Hamming`]. [`rvf_quant::ResidualScorer`] says how it may err.
    pub distance: f32,
}

/// What a search found, and what that cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The nearest rows of those read, nearest first, rows in their order among equals.
    pub hits: Vec<Hit>,
    /// What was read for them.
    pub cost: Cost,
    /// Rows that were looked at; all rows of the layer where the budget allowed that.
    pub rows_read: u32,
}

/// A layer whose head was read.
pub struct ProgressiveReader<S> {
    source: S,
    head: Head,
    opened: Cost,
}

impl<S: LayerSource> ProgressiveReader<S> {
    /// Reads the head: one request of at most [`crate::payload::HEAD_BYTES`], and another where it is longer.
    ///
    /// # Errors
    /// Bytes cannot be had, are of another version, or contradict themselves.
    pub fn open(source: S) -> Result<ProgressiveReader<S>, LayerError<S::Error>> {
        let mut opened = Cost::default();
        let head = Head::read(source.len(), |range| fetch(&source, range, &mut opened))?;
        Ok(ProgressiveReader { source, head, opened })
    }

    /// What opening has read.
    pub fn opened(&self) -> Cost {
        self.opened
    }

    /// Rows in the layer.
    pub fn rows(&self) -> u32 {
        self.head.header.rows
    }

    /// How distances are measured.
    pub fn metric(&self) -> Metric {
        self.head.header.layout.metric()
    }

    /// The `k` rows nearest to `query`, the bytes of one vector, of those that the budget lets it read and that
    /// `is_dead` does not refuse.
    ///
    /// # Errors
    /// The query has the wrong length, bytes cannot be had, or they contradict themselves.
    pub fn search(
        &self,
        query: &[u8],
        k: usize,
        budget: &Budget,
        is_dead: &dyn Fn(Row) -> bool,
    ) -> Result<Answer, LayerError<S::Error>> {
        let layout = self.head.header.layout;
        let mut scorer = ResidualScorer::new(layout, query).map_err(LayerError::Query)?;
        let mut answer = Answer { hits: Vec::new(), cost: Cost::default(), rows_read: 0 };
        if k == 0 {
            return Ok(answer);
        }
        let values = self.head.values(scorer.query()).map_err(LayerError::Query)?;
        let mut nearest = Nearest::new(k);
        let (mut centre, mut distances) = (Vec::new(), Vec::new());
        for blocks in plan::choose(&values, &self.head.blocks, budget) {
            let bytes = fetch(&self.source, self.head.range_of(&blocks), &mut answer.cost)?;
            let mut rest = &bytes[..];
            for block in &self.head.blocks[blocks] {
                let (bytes, behind) = rest.split_at(block.bytes as usize);
                rest = behind;
                self.head.centre(block.centre, &mut centre).map_err(LayerError::Query)?;
                scorer.aim_at(&centre).map_err(LayerError::Query)?;
                let (codes, ids) = bytes.split_at(block.rows as usize * layout.row_bytes());
                distances.resize(block.rows as usize, 0.0);
                scorer.distances(codes, &mut distances).map_err(LayerError::Query)?;
                block::each_row(ids, self.head.header.row_limit, &distances, |row, id, distance| {
                    if nearest.accepts(distance, row) && !is_dead(row) {
                        nearest.insert(distance, row, id);
                    }
                })
                .map_err(LayerError::Damaged)?;
                answer.rows_read += block.rows;
            }
        }
        answer.hits = nearest.into_hits().ok_or(LayerError::Damaged("a row number"))?;
        Ok(answer)
    }
}

/// Bytes of the layer, counted.
fn fetch<'s, S: LayerSource>(
    source: &'s S,
    range: Range<u64>,
    cost: &mut Cost,
) -> Result<Cow<'s, [u8]>, LayerError<S::Error>> {
    let len = usize::try_from(range.end - range.start).map_err(|_| LayerError::Damaged("the length"))?;
    cost.requests += 1;
    cost.bytes += len as u64;
    let bytes = source.range(range.start, len).map_err(LayerError::Source)?;
    if bytes.len() == len { Ok(bytes) } else { Err(LayerError::Damaged("the length of a range")) }
}
