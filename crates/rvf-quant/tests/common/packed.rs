//! What the tests of packed rows share.
#![allow(dead_code)] // each test crate uses its own part

use super::{bytes_of, random_floats};
use rvf_quant::{PackedLayout, PackedScorer, PackedTable, Packing, Quantiser};
use rvf_types::Metric;

pub const METRICS: [Metric; 3] = [Metric::L2, Metric::Cosine, Metric::DotProduct];
pub const SCALAR: Packing = Packing::Scalar { bits: 8 };
pub const SCALAR_4: Packing = Packing::Scalar { bits: 4 };

/// Every packing of vectors of this dimension.
pub fn packings(dimension: usize) -> [Packing; 3] {
    [SCALAR, Packing::default_product(dimension as u32), Packing::Binary]
}

pub fn layout(packing: Packing, metric: Metric, dimension: usize) -> PackedLayout {
    PackedLayout::new(packing, metric, dimension as u32).expect("a valid layout")
}

pub fn trained(layout: PackedLayout, vectors: &[f32]) -> Quantiser {
    Quantiser::train(layout, &bytes_of(vectors), &|| false).expect("whole vectors").expect("nobody stopped it")
}

pub fn encode(quantiser: &Quantiser, vectors: &[f32]) -> Vec<u8> {
    let count = vectors.len() / quantiser.layout().dimension() as usize;
    let mut rows = vec![0xAA; count * quantiser.layout().row_bytes()];
    quantiser.encode(&bytes_of(vectors), &mut rows).expect("whole vectors");
    rows
}

pub fn decode(quantiser: &Quantiser, rows: &[u8]) -> Vec<f32> {
    let count = rows.len() / quantiser.layout().row_bytes();
    let mut vectors = vec![f32::NAN; count * quantiser.layout().dimension() as usize];
    quantiser.decode(rows, &mut vectors).expect("whole rows");
    vectors
}

pub fn distances_of(quantiser: &Quantiser, query: &[f32], rows: &[u8]) -> Vec<f32> {
    let mut out = vec![f32::NAN; rows.len() / quantiser.layout().row_bytes()];
    let scorer = PackedScorer::new(quantiser, &bytes_of(query)).expect("a query");
    scorer.distances_of(rows, &mut out).expect("whole rows");
    out
}

pub fn quick_distances(quantiser: &Quantiser, query: &[f32], rows: &[u8]) -> Vec<f32> {
    let table = PackedTable::new(quantiser.layout(), rows).expect("a table");
    let picked: Vec<u32> = (0..table.rows()).collect();
    let mut out = vec![f32::NAN; picked.len()];
    let scorer = PackedScorer::new(quantiser, &bytes_of(query)).expect("a query");
    scorer.prefetch(&table, &picked);
    scorer.distances(&table, &picked, &mut out).expect("rows of the table");
    out
}

/// Vectors around `clusters` random centres, in turn.
pub fn clustered(dimension: usize, count: usize, clusters: usize, width: f32, seed: u64) -> Vec<f32> {
    let centres = random_floats(dimension * clusters, seed);
    let noise = random_floats(dimension * count, seed + 1);
    let centre = |index: usize| &centres[index % clusters * dimension..][..dimension];
    let rows = noise.chunks(dimension).enumerate();
    rows.flat_map(|(row, noise)| centre(row).iter().zip(noise).map(|(value, noise)| value + width * noise)).collect()
}
