//! The real data, as the programs that measure with them store them.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rvf_quant::{Scorer, TopK};
use rvf_runtime::storage::AlignedBytes;
use rvf_runtime::types::{DataType, Metric};
use rvf_runtime::{Batch, OnDuplicate, PackedStrings, QueryOptions, RvfStore};

pub const DIMENSION: usize = 384;
const BATCH_ROWS: usize = 1_000;
const ROUNDS: usize = 3;

fn float_of_half(half: u16) -> f32 {
    let magnitude = f32::from_bits(u32::from(half & 0x7FFF) << 13) * f32::from_bits((127 + 112) << 23);
    if half >> 15 == 1 { -magnitude } else { magnitude }
}

fn folder() -> PathBuf {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/debian");
    std::env::var("RVF_DATA").unwrap_or(beside.to_owned()).into()
}

fn ids(rows: std::ops::Range<usize>) -> PackedStrings {
    let mut packed = PackedStrings { bytes: Vec::new(), offsets: vec![0] };
    for row in rows {
        packed.bytes.extend_from_slice(format!("{row}").as_bytes());
        packed.offsets.push(packed.bytes.len() as u32);
    }
    packed
}

/// Stores the first rows, under their numbers as ids.
pub fn fill(store: &RvfStore, vectors: &[u8], rows: usize) {
    for first in (0..rows).step_by(BATCH_ROWS) {
        let end = rows.min(first + BATCH_ROWS);
        let bytes = &vectors[first * DIMENSION * 4..end * DIMENSION * 4];
        let batch = Batch { ids: ids(first..end), vectors: AlignedBytes::from(bytes), metadata: None };
        store.ingest(batch, OnDuplicate::Error, Duration::MAX).unwrap();
    }
}

/// Vectors and queries, as bytes of `f32`; `None`, and a word about it, where there are none.
pub fn read() -> Option<(Vec<u8>, Vec<u8>)> {
    let folder = folder();
    let Ok(base) = std::fs::read(folder.join("base.f16")) else {
        println!("no data in {}", folder.display());
        return None;
    };
    let float = |bytes: &[u8; 2]| float_of_half(u16::from_le_bytes(*bytes)).to_le_bytes();
    let base = base.as_chunks::<2>().0.iter().flat_map(float).collect();
    Some((base, std::fs::read(folder.join("queries.f32")).unwrap()))
}

/// Ids of the ten vectors nearest to a query.
pub fn nearest(vectors: &[u8], query: &[u8]) -> Vec<String> {
    let scorer = Scorer::new(Metric::Cosine, DataType::F32, DIMENSION as u32, query).unwrap();
    let mut distances = vec![0.0; vectors.len() / DIMENSION / 4];
    scorer.distances(vectors, &mut distances);
    let mut nearest = TopK::new(10);
    (0..).zip(distances).for_each(|(row, distance)| nearest.push(distance, row));
    nearest.into_sorted().into_iter().map(|(_, row)| row.to_string()).collect()
}

/// Recall and queries a second, the median of some rounds.
pub fn measure(store: &RvfStore, queries: &[u8], truth: &[Vec<String>], options: &QueryOptions) -> (f64, f64) {
    let mut rates = Vec::new();
    let mut found = 0;
    for _ in 0..ROUNDS {
        found = 0;
        let start = Instant::now();
        for (query, truth) in queries.chunks_exact(DIMENSION * 4).zip(truth) {
            let hits = store.query(query, options, None).unwrap();
            found += hits.ids.iter().filter(|id| truth.contains(id)).count();
        }
        rates.push(truth.len() as f64 / start.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    (found as f64 / (truth.len() * options.k) as f64, rates[ROUNDS / 2])
}
