//! Rows for tests and figures: in memory, of the real data, and a source of bytes that counts.
#![allow(dead_code, clippy::unwrap_used)] // each test uses a part; clippy takes helpers of tests for shipped code

pub mod real;

use std::borrow::Cow;
use std::cell::Cell;
use std::convert::Infallible;

use rvf_layer::{Answer, Budget, Cost, LayerSource, ProgressiveBuilder, ProgressiveReader, RowSource};
use rvf_types::{DataType, Metric, Row};

/// As much as there is.
pub const EVERYTHING: Budget = Budget { requests_max: 64, bytes_max: u64::MAX };

/// Vectors one after the other, the first of them of row `first_row`, the others of every `step`th row.
pub struct Rows {
    pub metric: Metric,
    pub dimension: u32,
    pub vectors: Vec<u8>,
    pub first_row: Row,
    pub step: Row,
    /// From a row to its id.
    pub id: Box<dyn Fn(Row) -> Vec<u8>>,
}

impl Rows {
    /// Rows 0, 1, 2 and so on, of packed vectors of any type.
    pub fn new(metric: Metric, dimension: u32, vectors: Vec<u8>) -> Rows {
        Rows {
            metric,
            dimension,
            vectors,
            first_row: 0,
            step: 1,
            id: Box::new(|row| format!("row-{row}").into_bytes()),
        }
    }

    pub fn of_floats(metric: Metric, dimension: u32, vectors: &[f32]) -> Rows {
        Rows::new(metric, dimension, bytes_of(vectors))
    }

    pub fn data_type(&self) -> DataType {
        if self.metric == Metric::Hamming { DataType::Binary } else { DataType::F32 }
    }

    pub fn vector_bytes(&self) -> usize {
        self.data_type().row_bytes(self.dimension)
    }

    pub fn numbers(&self) -> Vec<Row> {
        let count = self.vectors.len() / self.vector_bytes();
        (0..count as Row).map(|index| self.first_row + index * self.step).collect()
    }

    pub fn vector_of(&self, row: Row) -> &[u8] {
        let index = ((row - self.first_row) / self.step) as usize;
        &self.vectors[index * self.vector_bytes()..][..self.vector_bytes()]
    }

    pub fn build(&self) -> Vec<u8> {
        let builder = ProgressiveBuilder::new(self.metric, self.data_type(), self.dimension).unwrap();
        builder.build(&self.numbers(), self).unwrap()
    }
}

impl RowSource for Rows {
    type Error = Infallible;

    fn vector(&self, row: Row) -> Result<Cow<'_, [u8]>, Infallible> {
        Ok(Cow::Borrowed(self.vector_of(row)))
    }

    fn id(&self, row: Row) -> Result<Cow<'_, [u8]>, Infallible> {
        Ok(Cow::Owned((self.id)(row)))
    }
}

/// Bytes that count what is asked for, and refuse what is not there.
pub struct Counting<'b> {
    pub bytes: &'b [u8],
    pub requests: Cell<u32>,
    pub bytes_read: Cell<u64>,
}

impl<'b> Counting<'b> {
    pub fn new(bytes: &'b [u8]) -> Counting<'b> {
        Counting { bytes, requests: Cell::new(0), bytes_read: Cell::new(0) }
    }

    /// What was read so far.
    pub fn cost(&self) -> Cost {
        Cost { requests: self.requests.get(), bytes: self.bytes_read.get() }
    }
}

impl LayerSource for &Counting<'_> {
    type Error = Infallible;

    fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn range(&self, start: u64, len: usize) -> Result<Cow<'_, [u8]>, Infallible> {
        self.requests.set(self.requests.get() + 1);
        self.bytes_read.set(self.bytes_read.get() + len as u64);
        Ok(Cow::Borrowed(&self.bytes[start as usize..][..len]))
    }
}

/// The nearest rows within a budget, all rows living.
pub fn search(payload: &[u8], query: &[u8], k: usize, budget: &Budget) -> Answer {
    let source = Counting::new(payload);
    let reader = ProgressiveReader::open(&source).unwrap();
    reader.search(query, k, budget, &|_| false).unwrap()
}

pub fn bytes_of(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// A generator of numbers that are the same on every machine (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ word >> 31
    }

    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// About normal, by adding up.
    pub fn normal(&mut self) -> f32 {
        (0..12).map(|_| (self.next() >> 40) as f32 / (1 << 24) as f32).sum::<f32>() - 6.0
    }

    pub fn normals(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.normal()).collect()
    }
}
