//! What a search over the graph costs through the engine: the real data are stored, indexed and searched with several
//! breadths, on one thread.
//!
//! `cargo run --release -p rvf-runtime --example search_figures -- [rows [compression]]`; the data are looked for in the
//! folder `RVF_DATA`, or in `shared/data/debian` beside the repository. Recall is that of the vectors as they were given,
//! whatever the compression: `none`, `scalar`, `scalar4`, `product` or `binary`.
#![allow(clippy::unwrap_used)] // a program for measurements

#[path = "figures/data.rs"]
mod data;

use std::time::Instant;

use rvf_runtime::types::{Compression, Metric};
use rvf_runtime::{Control, CreateOptions, Host, OpenOptions, Quality, QueryOptions, RvfStore, product_compression};

use data::{DIMENSION, fill, measure, nearest, read};

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
    let Some((base, queries)) = read() else { return };
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
    let truth: Vec<Vec<String>> =
        queries.chunks_exact(DIMENSION * 4).map(|query| nearest(&base[..rows * DIMENSION * 4], query)).collect();
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
