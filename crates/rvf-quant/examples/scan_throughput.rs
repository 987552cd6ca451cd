//! Scan throughput of each kernel: one query against 63,666 rows of 384 dimensions (random data, fixed seed).
//!
//! `cargo run --release -p rvf-quant --example scan_throughput [rows] [dimension]`
//!
//! Candidates take turns, so that a busy machine slows all of them; each figure is the median of all rounds.

use half::f16;
use rvf_quant::{Isa, Kernel, Scorer};
use rvf_types::{DataType, Metric};
use simsimd::{BinarySimilarity, SpatialSimilarity};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 15;

/// Fills in the distances of all rows.
type Scan<'a> = Box<dyn FnMut(&mut [f32]) + 'a>;

/// One way to score all rows.
struct Candidate<'a> {
    name: String,
    run: Scan<'a>,
    seconds: Vec<f64>,
}

impl<'a> Candidate<'a> {
    fn new(name: impl Into<String>, run: impl FnMut(&mut [f32]) + 'a) -> Candidate<'a> {
        Candidate { name: name.into(), run: Box::new(run), seconds: Vec::new() }
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<usize>().expect("a number"));
    let row_count = arguments.next().unwrap_or(63_666);
    let dimension = arguments.next().unwrap_or(384);
    let floats = random_floats((row_count + 1) * dimension);
    let (query, rows) = floats.split_at(dimension);

    println!("{row_count} rows of {dimension} dimensions, medians of {ROUNDS} alternating rounds");
    for metric in [Metric::L2, Metric::DotProduct, Metric::Cosine] {
        float_metric(metric, query, rows);
        let halves = |floats: &[f32]| floats.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect();
        narrow(metric, DataType::F16, halves(query), halves(rows));
        let bytes = |floats: &[f32]| floats.iter().map(|value| (*value * 127.0) as i8 as u8).collect();
        narrow(metric, DataType::I8, bytes(query), bytes(rows));
    }
    bits(query, rows);
}

fn float_metric(metric: Metric, query: &[f32], rows: &[f32]) {
    let dimension = query.len();
    let (query_bytes, row_bytes) = (bytes_of(query), bytes_of(rows));
    let mut candidates = ours(metric, DataType::F32, dimension as u32, query_bytes, row_bytes);
    let theirs = match metric {
        Metric::L2 => f32::sqeuclidean,
        Metric::DotProduct => f32::inner,
        _ => f32::cosine,
    };
    candidates.push(Candidate::new("simsimd", |out: &mut [f32]| {
        for (slot, row) in out.iter_mut().zip(rows.chunks_exact(dimension)) {
            *slot = theirs(query, row).unwrap_or(f64::NAN) as f32;
        }
    }));
    candidates.push(Candidate::new("read only", |out: &mut [f32]| {
        let words = row_bytes.as_chunks::<64>().0;
        let mut sums = [0_u64; 8];
        for line in words {
            for (sum, word) in sums.iter_mut().zip(line.as_chunks::<8>().0) {
                *sum ^= u64::from_le_bytes(*word);
            }
        }
        out[0] = sums.iter().fold(0, |all, sum| all ^ sum) as f32;
    }));
    report(metric.name(), candidates, rows.len() / dimension, row_bytes.len());
}

fn narrow(metric: Metric, data_type: DataType, query: Vec<u8>, rows: Vec<u8>) {
    let dimension = query.len() / data_type.row_bytes(1);
    let candidates = ours(metric, data_type, dimension as u32, &query, &rows);
    report(&format!("{}, {data_type:?}", metric.name()), candidates, rows.len() / query.len(), rows.len());
}

fn bits(query: &[f32], rows: &[f32]) {
    let dimension = query.len() * 32;
    let (query_bytes, row_bytes) = (bytes_of(query), bytes_of(rows));
    let mut candidates = ours(Metric::Hamming, DataType::Binary, dimension as u32, query_bytes, row_bytes);
    candidates.push(Candidate::new("simsimd", |out: &mut [f32]| {
        for (slot, row) in out.iter_mut().zip(row_bytes.chunks_exact(query_bytes.len())) {
            *slot = u8::hamming(query_bytes, row).unwrap_or(f64::NAN) as f32;
        }
    }));
    report(&format!("hamming, {dimension} bits"), candidates, rows.len() / query.len(), row_bytes.len());
}

fn ours<'a>(metric: Metric, data_type: DataType, dimension: u32, query: &[u8], rows: &'a [u8]) -> Vec<Candidate<'a>> {
    let mut candidates = Vec::new();
    for kernel in Isa::ALL.into_iter().filter_map(Kernel::of) {
        let scorer = Scorer::with_kernel(kernel, metric, data_type, dimension, query).expect("a valid query");
        let single = Scorer::with_kernel(kernel, metric, data_type, dimension, query).expect("a valid query");
        let name = format!("{:?}", kernel.isa());
        candidates.push(Candidate::new(name.clone(), move |out: &mut [f32]| scorer.distances(rows, out)));
        candidates.push(Candidate::new(name + ", row by row", move |out: &mut [f32]| {
            for (slot, row) in out.iter_mut().zip(rows.chunks_exact(single.row_bytes())) {
                *slot = single.distance(row);
            }
        }));
    }
    candidates
}

fn report(title: &str, mut candidates: Vec<Candidate<'_>>, row_count: usize, data_bytes: usize) {
    println!("\n{title}");
    let mut out = vec![0.0_f32; row_count];
    for _ in 0..ROUNDS {
        for candidate in &mut candidates {
            let start = Instant::now();
            (candidate.run)(black_box(&mut out));
            candidate.seconds.push(start.elapsed().as_secs_f64());
        }
    }
    for mut candidate in candidates {
        candidate.seconds.sort_by(f64::total_cmp);
        let median = candidate.seconds[ROUNDS / 2];
        let gigabytes_per_second = data_bytes as f64 / median / 1e9;
        println!(
            "  {:<24} {gigabytes_per_second:6.2} GB/s  {:8.3} ms  {:6.1} ns/row",
            candidate.name,
            median * 1e3,
            median * 1e9 / row_count as f64
        );
    }
}

/// The floats as the bytes a file would hold on this machine.
fn bytes_of(floats: &[f32]) -> &[u8] {
    // SAFETY: every byte of a float is initialised, and bytes need no alignment.
    unsafe { std::slice::from_raw_parts(floats.as_ptr().cast(), size_of_val(floats)) }
}

/// Floats in [-1, 1) from xorshift64.
fn random_floats(count: usize) -> Vec<f32> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}
