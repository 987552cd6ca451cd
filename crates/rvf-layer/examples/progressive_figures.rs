//! Figures of the progressive layer over the real data, 63,666 sentence embeddings:
//! `cargo run --release -p rvf-layer --example progressive_figures`
//!
//! The data lies in the folder `RVF_DATA`, or in `shared/data/debian` beside the repository.
//! `docs/progressive-layer.md` has what this printed.

#[path = "../tests/common/mod.rs"]
mod common;

use std::error::Error;
use std::time::Instant;

use common::real::RealData;
use common::{Counting, bytes_of};
use rvf_layer::{Budget, ProgressiveReader};

/// Requests and kilobytes for opening the file, before the layer is read: head, root page, manifest.
const OPENING_REQUESTS: u32 = 4;
const OPENING_BYTES: u64 = 40_000;

/// Requests and kilobytes in all.
const BUDGETS: [(u32, u64); 11] = [
    (8, 500_000),
    (8, 1_000_000),
    (8, 1_500_000),
    (12, 500_000),
    (12, 1_000_000),
    (12, 1_500_000),
    (12, 3_000_000),
    (16, 1_500_000),
    (32, 1_500_000),
    (69, 1_500_000),
    (69, u64::MAX),
];

fn main() -> Result<(), Box<dyn Error>> {
    let data = RealData::load().ok_or("no data")?;
    let start = Instant::now();
    let payload = data.rows.build();
    let raw = data.rows.vectors.len();
    println!(
        "built in {:.2} s: {} bytes, {:.4} of the vectors",
        start.elapsed().as_secs_f64(),
        payload.len(),
        payload.len() as f64 / raw as f64
    );
    println!(
        "\n| requests | bytes at most | recall@10 | nearest found | requests read | bytes read | rows read | ms |\n|---|---|---|---|---|---|---|---|"
    );
    for (requests, bytes) in BUDGETS {
        row(&data, &payload, requests, bytes)?;
    }
    Ok(())
}

fn row(data: &RealData, payload: &[u8], requests: u32, bytes: u64) -> Result<(), Box<dyn Error>> {
    let source = Counting::new(payload);
    let reader = ProgressiveReader::open(&source)?;
    let opened = reader.opened();
    let budget = Budget {
        requests_max: requests - OPENING_REQUESTS - opened.requests,
        bytes_max: bytes - OPENING_BYTES - opened.bytes,
    };
    let (mut ten, mut one, mut rows, mut queries) = (0, 0, 0, 0);
    let (mut most_requests, mut most_bytes) = (0, 0);
    let start = Instant::now();
    for (query, truth) in data.queries() {
        let answer = reader.search(&bytes_of(query), 10, &budget, &|_| false)?;
        let found = |row: &u32| answer.hits.iter().any(|hit| hit.row == *row);
        ten += truth[..10].iter().filter(|row| found(row)).count();
        one += usize::from(found(&truth[0]));
        rows += answer.rows_read as usize;
        most_requests = most_requests.max(answer.cost.requests + OPENING_REQUESTS + opened.requests);
        most_bytes = most_bytes.max(answer.cost.bytes + OPENING_BYTES + opened.bytes);
        queries += 1;
    }
    let milliseconds = start.elapsed().as_secs_f64() * 1e3 / queries as f64;
    let share = |count: usize| count as f64 / queries as f64;
    println!(
        "| {requests} | {bytes} | {:.4} | {:.4} | {most_requests} | {most_bytes} | {:.0} | {milliseconds:.1} |",
        share(ten) / 10.0,
        share(one),
        share(rows)
    );
    Ok(())
}
