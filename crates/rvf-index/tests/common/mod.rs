//! Vectors for tests and figures: codes of `rvf-quant`, the real data, and shapes that graphs are bad at.
#![allow(dead_code, clippy::unwrap_used)] // each test uses a part; clippy takes helpers of tests for shipped code

pub mod line;
pub mod recall;
pub mod shapes;

use std::ops::ControlFlow;
use std::path::Path;

use rvf_index::{
    BuildParameters, Distances, Executor, GraphBuilder, Inline, Progress, Repaired, RowDistances, Vectors,
};
use rvf_quant::{CodeLayout, CodeScorer, CodeTable, QuantError};
use rvf_types::{DataType, Metric, Row};

/// Rows as codes.
pub struct Coded {
    layout: CodeLayout,
    bytes: Vec<u8>,
    /// Dead rows, by number; all live where there are none.
    pub dead: Vec<bool>,
}

impl Coded {
    /// Codes packed vectors of any type.
    pub fn new(metric: Metric, dimension: u32, vectors: &[u8]) -> Coded {
        let data_type = if metric == Metric::Hamming { DataType::Binary } else { DataType::F32 };
        let layout = CodeLayout::new(metric, data_type, dimension).unwrap();
        let mut bytes = vec![0; vectors.len() / layout.vector_bytes() * layout.row_bytes()];
        layout.encode(vectors, &mut bytes).unwrap();
        Coded { layout, bytes, dead: Vec::new() }
    }

    /// Codes of floats.
    pub fn of_floats(metric: Metric, dimension: usize, vectors: &[f32]) -> Coded {
        Coded::new(metric, dimension as u32, &bytes_of(vectors))
    }

    pub fn table(&self) -> CodeTable<'_> {
        CodeTable::new(self.layout, &self.bytes).unwrap()
    }

    pub fn len(&self) -> u32 {
        self.table().rows()
    }

    /// All rows.
    pub fn rows(&self) -> Vec<Row> {
        (0..self.len()).collect()
    }

    /// Distances from a query.
    pub fn query(&self, vector: &[u8]) -> CodedScorer<'_> {
        CodedScorer { table: self.table(), scorer: CodeScorer::new(self.layout, vector).unwrap() }
    }

    /// Distances from a row.
    pub fn row(&self, row: Row) -> CodedScorer<'_> {
        let mut scorer = self.scorer();
        scorer.aim_at(row).unwrap();
        scorer
    }
}

pub struct CodedScorer<'c> {
    table: CodeTable<'c>,
    scorer: CodeScorer,
}

impl Distances for CodedScorer<'_> {
    type Error = QuantError;

    fn score(&self, rows: &[Row], distances: &mut [f32]) -> Result<(), QuantError> {
        self.scorer.prefetch(&self.table, rows);
        self.scorer.distances(&self.table, rows, distances)
    }
}

impl RowDistances for CodedScorer<'_> {
    fn aim_at(&mut self, row: Row) -> Result<(), QuantError> {
        self.scorer.aim_at(&self.table, row)
    }
}

impl Vectors for Coded {
    type Error = QuantError;
    type Scorer<'v> = CodedScorer<'v>;

    fn scorer(&self) -> CodedScorer<'_> {
        self.query(&vec![0; self.layout.vector_bytes()])
    }

    fn has_dead(&self) -> bool {
        !self.dead.is_empty()
    }

    fn is_living(&self, row: Row) -> bool {
        !self.dead.get(row as usize).is_some_and(|is_dead| *is_dead)
    }
}

/// Threads that are started for each step.
pub struct Threads(pub usize);

impl Executor for Threads {
    fn parts(&self) -> usize {
        self.0
    }

    fn run<W: Send>(&self, workers: &mut [W], task: impl Fn(&mut W) + Sync) {
        std::thread::scope(|scope| {
            for worker in workers {
                scope.spawn(|| task(worker));
            }
        });
    }
}

/// Never breaks off.
pub fn to_the_end(_: Progress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// A graph of `rows`, whole.
pub fn build<V: Vectors>(vectors: &V, rows: &[Row], parameters: BuildParameters) -> GraphBuilder
where
    V::Error: std::fmt::Debug,
{
    let mut builder = GraphBuilder::new(parameters).unwrap();
    assert!(builder.extend(vectors, rows, &Inline, to_the_end).unwrap().is_continue());
    repair(&mut builder, vectors);
    builder
}

pub fn repair<V: Vectors>(builder: &mut GraphBuilder, vectors: &V) -> Repaired
where
    V::Error: std::fmt::Debug,
{
    match builder.repair(vectors, &Inline, to_the_end).unwrap() {
        ControlFlow::Continue(repaired) => repaired,
        ControlFlow::Break(()) => unreachable!(),
    }
}

pub fn bytes_of(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Decodes IEEE half precision: the exponent is 112 smaller, which a product makes good, for subnormals too.
fn float_of_half(half: u16) -> f32 {
    let magnitude = f32::from_bits(u32::from(half & 0x7FFF) << 13) * f32::from_bits((127 + 112) << 23);
    if half >> 15 == 1 { -magnitude } else { magnitude }
}

/// The sentence embeddings that the project is measured with.
pub struct RealData {
    pub dimension: usize,
    pub base: Vec<f32>,
    pub queries: Vec<f32>,
    /// The 100 nearest rows of each query.
    pub truth: Vec<Row>,
}

impl RealData {
    /// The data in the folder `RVF_DATA`, or in `shared/data/debian` beside the repository; `None`, said aloud, where
    /// there is none.
    pub fn load() -> Option<RealData> {
        let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/debian");
        let folder = std::env::var("RVF_DATA").unwrap_or(beside.to_owned());
        let folder = Path::new(&folder);
        let Ok(base) = std::fs::read(folder.join("base.f16")) else {
            println!("SKIPPED: no data in {}", folder.display());
            return None;
        };
        let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
        let base = base.as_chunks::<2>().0.iter().map(|bytes| float_of_half(u16::from_le_bytes(*bytes))).collect();
        let queries = read("queries.f32").as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        let truth = read("groundtruth.i32").as_chunks::<4>().0.iter().map(|bytes| Row::from_le_bytes(*bytes)).collect();
        Some(RealData { dimension: 384, base, queries, truth })
    }

    pub fn rows(&self) -> usize {
        self.base.len() / self.dimension
    }

    pub fn row(&self, row: Row) -> &[f32] {
        &self.base[row as usize * self.dimension..][..self.dimension]
    }
}
