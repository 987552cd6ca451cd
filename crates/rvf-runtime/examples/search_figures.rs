//! What a search over the graph costs through the engine: the real data are stored, indexed and searched with several
//! breadths, on one thread.
//!
//! `cargo run --release -p rvf-runtime --example search_figures -- [rows [compression]]`; the data are looked for in the
//! folder `RVF_DATA`, or in `shared/data/debian` beside the repository. Recall is that of the vectors as they were given,
//! whatever the compression: `none`, `scalar`, `scalar4`, `product` or `binary`.
#![allow(clippy::unwrap_used)] // a program for measurements

use std::path::PathBuf;
use std::time::{Duration, Instant};

use rvf_quant::{Scorer, TopK};
use rvf_runtime::storage::AlignedBytes;
use rvf_runtime::types::{Compression, DataType, Metric};
use rvf_runtime::{
    Batch, Control, CreateOptions, Host, OnDuplicate, OpenOptions, PackedStrings, Quality, QueryOptions, RvfStore,
    product_compression,
};

const DIMENSION: usize = 384;
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

fn fill(store: &RvfStore, vectors: &[u8], rows: usize) {
    for first in (0..rows).step_by(BATCH_ROWS) {
        let end = rows.min(first + BATCH_ROWS);
        let bytes = &vectors[first * DIMENSION * 4..end * DIMENSION * 4];
        let batch = Batch { ids: ids(first..end), vectors: AlignedBytes::from(bytes), metadata: None };
        store.ingest(batch, OnDuplicate::Error, Duration::MAX).unwrap();
    }
}

/// Recall and queries a second, the median of some rounds.
fn measure(store: &RvfStore, queries: &[u8], truth: &[Vec<String>], options: &QueryOptions) -> (f64, f64) {
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

fn compression(name: &str) -> Compression {
    let training_rows = Compression::TRAINING_ROWS;
    match name {
        "none" => Compression::None,
        "scalar" => Compression::Scalar { bits: 8 },
        "scalar4" => Compression::Scalar { bits: 4 },
        "product" => product_compression(DIMENSION as u32, 8, training_rows),
        "binary" => Compression::Binary { training_rows },
        other => panic!("no compression is called {other}"),
    }
}

fn main() {
    let folder = folder();
    let Ok(base) = std::fs::read(folder.join("base.f16")) else {
        println!("no data in {}", folder.display());
        return;
    };
    let base: Vec<u8> = base
        .as_chunks::<2>()
        .0
        .iter()
        .flat_map(|bytes| float_of_half(u16::from_le_bytes(*bytes)).to_le_bytes())
        .collect();
    let queries = std::fs::read(folder.join("queries.f32")).unwrap();
    let all = base.len() / DIMENSION / 4;
    let rows = std::env::args().nth(1).map_or(all, |text| text.parse().unwrap());

    let compression = compression(std::env::args().nth(2).as_deref().unwrap_or("none"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.rvf").to_str().unwrap().to_owned();
    let host = Host::native();
    let mut options = CreateOptions::new(DIMENSION as u32, Metric::Cosine);
    options.store.compression = compression;
    let store = RvfStore::create(&host, &path, &options).unwrap();
    let start = Instant::now();
    fill(&store, &base, rows);
    println!("{rows} rows stored in {:.2} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    store.wait_for_index(&Control::default()).unwrap();
    println!("indexed in {:.2} s", start.elapsed().as_secs_f64());
    if !compression.is_none() {
        let start = Instant::now();
        store.compact(&Control::default()).unwrap();
        println!("compacted in {:.2} s", start.elapsed().as_secs_f64());
        println!("{:?}", store.status().unwrap().compression.unwrap());
    }
    let start = Instant::now();
    store.close().unwrap();
    println!("closed in {:.1} ms", start.elapsed().as_secs_f64() * 1e3);

    let raw = (rows * DIMENSION * 4) as f64;
    println!("file {:.3} of the vectors", std::fs::metadata(&path).unwrap().len() as f64 / raw);
    let store = RvfStore::open(&host, &path, &OpenOptions::default()).unwrap();
    let exact = |query: &[u8]| {
        let scorer = Scorer::new(Metric::Cosine, DataType::F32, DIMENSION as u32, query).unwrap();
        let mut distances = vec![0.0; rows];
        scorer.distances(&base[..rows * DIMENSION * 4], &mut distances);
        let mut nearest = TopK::new(10);
        (0..).zip(distances).for_each(|(row, distance)| nearest.push(distance, row));
        nearest.into_sorted().into_iter().map(|(_, row)| row.to_string()).collect()
    };
    let truth: Vec<Vec<String>> = queries.chunks_exact(DIMENSION * 4).map(exact).collect();
    let start = Instant::now();
    store.query(&queries[..DIMENSION * 4], &QueryOptions { k: 10, ..QueryOptions::default() }, None).unwrap();
    println!("first query {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    println!("| breadth | recall@10 | QPS |\n|---|---|---|");
    for quality in [Quality::Fast, Quality::Balanced, Quality::Standard, Quality::Precise] {
        let options = QueryOptions { k: 10, quality, ..QueryOptions::default() };
        let (recall, rate) = measure(&store, &queries, &truth, &options);
        println!("| {quality:?} | {recall:.4} | {rate:.0} |");
    }
    let options = QueryOptions { k: 10, quality: Quality::Exact, ..QueryOptions::default() };
    let (recall, rate) = measure(&store, &queries, &truth, &options);
    println!("| Exact | {recall:.4} | {rate:.0} |");
    for breadth in [10, 16, 24, 32, 40, 64, 96, 128, 192] {
        let options = QueryOptions { k: 10, ef_search: Some(breadth), ..QueryOptions::default() };
        let (recall, rate) = measure(&store, &queries, &truth, &options);
        println!("| {breadth} | {recall:.4} | {rate:.0} |");
    }
    println!(
        "{}",
        store
            .query(&queries[..DIMENSION * 4], &QueryOptions { k: 10, with_plan: true, ..Default::default() }, None)
            .unwrap()
            .plan
            .unwrap()
            .to_json()
    );
}
