//! What tiering does on the real data: questions near a tenth of the entries, some far more often than others, are asked;
//! then the store is compacted. Compared are the size of the file, recall and speed of such questions and of questions to all
//! entries, and how much of the file a fresh process that answers such questions brings into memory.
//!
//! `cargo run --release -p rvf-runtime --example tiering_figures -- [rows [colds]]`, `colds` being those of `without`,
//! `product` and `binary` that are to be tried, with commas between. Where the data are: see `search_figures`.
#![allow(clippy::unwrap_used)] // a program for measurements

#[path = "figures/data.rs"]
mod data;

use std::path::Path;
use std::process::Command;

use rvf_runtime::types::{Compression, Metric, Tiering};
use rvf_runtime::{Control, CreateOptions, Host, OpenOptions, QueryOptions, RvfStore, product_compression};

use data::{DIMENSION, fill, measure, nearest, read};

const VECTOR_BYTES: usize = DIMENSION * 4;
/// Questions asked before the compaction, and those measured with.
const ASKED_BEFORE: usize = 20_000;
const MEASURED: usize = 1_000;
/// How far a question is from the entry it is near to, as a share of the entry's length.
const DISTANCE: f32 = 0.4;
/// First argument of the process that answers questions and says what that brought into memory.
const ANSWER: &str = "answer";

/// Numbers that come out the same in every run (xorshift64*, Vigna 2016).
struct Numbers(u64);

impl Numbers {
    fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.fraction() * bound as f64) as usize
    }
}

/// Questions near entries of a tenth of all, the n-th of which is asked for as often as 1 / n says (Zipf).
fn questions(base: &[u8], count: usize, seed: u64) -> Vec<u8> {
    let rows = base.len() / VECTOR_BYTES;
    // Which entries these are does not depend on the seed.
    let mut places = Numbers(7);
    let tenth: Vec<usize> = (0..rows / 10).map(|_| places.below(rows)).collect();
    let mut sum = 0.0;
    let sums: Vec<f64> = (1..=tenth.len()).map(|rank| (sum += 1.0 / rank as f64, sum).1).collect();
    let mut numbers = Numbers(seed);
    let mut bytes = Vec::with_capacity(count * VECTOR_BYTES);
    for _ in 0..count {
        let at = numbers.fraction() * sum;
        let row = tenth[sums.partition_point(|sum| *sum < at).min(tenth.len() - 1)];
        let values: Vec<f32> = base[row * VECTOR_BYTES..][..VECTOR_BYTES]
            .as_chunks::<4>()
            .0
            .iter()
            .map(|bytes| f32::from_le_bytes(*bytes))
            .collect();
        let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
        // Of so many numbers from -1 to 1 the squares have a mean of a third.
        let step = DISTANCE * length / (DIMENSION as f32 / 3.0).sqrt();
        for value in values {
            let off = (2.0 * numbers.fraction() - 1.0) as f32;
            bytes.extend_from_slice(&(value + step * off).to_le_bytes());
        }
    }
    bytes
}

fn options() -> QueryOptions {
    QueryOptions { k: 10, ..QueryOptions::default() }
}

fn tiering(cold: &str) -> Option<Tiering> {
    let training_rows = Compression::TRAINING_ROWS;
    let cold = match cold {
        "without" => return None,
        "product" => product_compression(DIMENSION as u32, 8, training_rows),
        "binary" => Compression::Binary { training_rows },
        other => panic!("no cold packing is called {other}"),
    };
    Some(Tiering { hot_share_per_mille: Tiering::HOT_SHARE_PER_MILLE, cold })
}

/// Answers the questions of a file in this process; prints the KiB of the store's mappings that are in memory then.
fn answer(store: &str, questions: &str) {
    let questions = std::fs::read(questions).unwrap();
    let open = RvfStore::open(&Host::native(), store, &OpenOptions::read_only()).unwrap();
    for question in questions.chunks_exact(VECTOR_BYTES) {
        open.query(question, &options(), None).unwrap();
    }
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
    let (mut is_store, mut resident_kib) = (false, 0);
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("Rss:") if is_store => resident_kib += words.next().unwrap().parse::<u64>().unwrap(),
            Some(first) if !first.ends_with(':') => is_store = line.ends_with(store),
            _ => {}
        }
    }
    println!("{resident_kib}");
}

fn resident_mib(store: &Path, questions: &Path) -> f64 {
    let program = std::env::current_exe().unwrap();
    let output = Command::new(program).arg(ANSWER).arg(store).arg(questions).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim().parse::<f64>().unwrap() / 1_024.0
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == ANSWER) {
        return answer(&arguments[1], &arguments[2]);
    }
    let Some((base, all)) = read() else { return };
    let rows = arguments.first().map_or(base.len() / VECTOR_BYTES, |text| text.parse().unwrap());
    let colds = arguments.get(1).map_or("without,product,binary", String::as_str);
    let base = &base[..rows * VECTOR_BYTES];
    let usual = questions(base, MEASURED, 11);
    let truth = |questions: &[u8]| questions.chunks_exact(VECTOR_BYTES).map(|query| nearest(base, query)).collect();
    let (usual_truth, all_truth): (Vec<_>, Vec<_>) = (truth(&usual), truth(&all));
    let directory = tempfile::tempdir().unwrap();
    let asked = directory.path().join("questions");
    std::fs::write(&asked, &usual).unwrap();
    println!("{rows} rows, the first recall and rate of questions near a tenth of them, the second of any\n");
    println!(
        "| tiering | MB | recall@10 | QPS | recall@10 | QPS | MiB in memory | hot rows |\n|---|---|---|---|---|---|---|---|"
    );
    for cold in colds.split(',') {
        let path = directory.path().join(cold);
        let mut create = CreateOptions::new(DIMENSION as u32, Metric::Cosine);
        create.store.compression = Compression::Scalar { bits: 8 };
        create.store.tiering = tiering(cold);
        let store = RvfStore::create(&Host::native(), path.to_str().unwrap(), &create).unwrap();
        fill(&store, base, rows);
        store.wait_for_index(&Control::default()).unwrap();
        store.query_batch(&questions(base, ASKED_BEFORE, 13), &options(), None).unwrap();
        store.compact(&Control::default()).unwrap();
        let hot_rows = store.status().unwrap().tiering.map_or(0, |tiering| tiering.hot_rows);
        store.close().unwrap();
        let megabytes = std::fs::metadata(&path).unwrap().len() as f64 / 1e6;
        let resident = resident_mib(&path, &asked);
        let store = RvfStore::open(&Host::native(), path.to_str().unwrap(), &OpenOptions::read_only()).unwrap();
        let (usual_recall, usual_rate) = measure(&store, &usual, &usual_truth, &options());
        let (recall, rate) = measure(&store, &all, &all_truth, &options());
        println!(
            "| {cold} | {megabytes:.1} | {usual_recall:.4} | {usual_rate:.0} | {recall:.4} | {rate:.0} | {resident:.1} | {hot_rows} |"
        );
    }
}
