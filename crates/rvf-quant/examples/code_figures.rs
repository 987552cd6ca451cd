//! Codes on real embeddings: how near their order comes to the true one, and what a comparison costs.
//!
//! `cargo run --release -p rvf-quant --example code_figures`
//!
//! Rows are compared 32 at a time, picked at random, as a walk through a graph does. Candidates take turns, so that a
//! busy machine slows all of them; each figure is the median of all rounds. `docs/codes.md` has what came out.

mod codes_data;

use codes_data::{DIMENSION, Data, KEPT, Recall, bytes_of};
use rvf_quant::{CodeIsa, CodeKernel, CodeLayout, CodeScorer, CodeTable, Scorer, TopK};
use rvf_types::{DataType, Metric};
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 15;

/// Rows asked for together: the neighbours of one node.
const BATCH: usize = 32;

/// Batches of one round.
const BATCHES: usize = 8_000;

fn main() {
    let data = Data::read();
    let rows = bytes_of(&data.rows);
    let layout = CodeLayout::new(Metric::Cosine, DataType::F32, DIMENSION as u32).expect("a valid layout");
    let codes = timed_encode(layout, &rows);

    Recall::print_head("cosine");
    recall(layout, &codes, &data).print("255 levels");

    println!("\n| rows | candidate | ns a comparison |\n|---|---|---|");
    let query = bytes_of(&data.queries[..DIMENSION]);
    for count in [1_000, 63_666, 1_000_000] {
        let wanted = |bytes: &[u8], row_bytes: usize| -> Vec<u8> {
            bytes.iter().copied().cycle().take(count * row_bytes).collect()
        };
        let (rows, codes) = (wanted(&rows, layout.vector_bytes()), wanted(&codes, layout.row_bytes()));
        throughput(layout, &query, &rows, &codes);
    }
}

fn timed_encode(layout: CodeLayout, rows: &[u8]) -> Vec<u8> {
    let count = rows.len() / layout.vector_bytes();
    let mut codes = vec![0; count * layout.row_bytes()];
    let mut seconds = Vec::new();
    for _ in 0..ROUNDS {
        let start = Instant::now();
        layout.encode(rows, black_box(&mut codes)).expect("whole vectors");
        seconds.push(start.elapsed().as_secs_f64());
    }
    println!("{count} vectors coded in {:.1} ms, {} bytes each", median(seconds) * 1e3, layout.row_bytes());
    codes
}

fn recall(layout: CodeLayout, codes: &[u8], data: &Data) -> Recall {
    let table = CodeTable::new(layout, codes).expect("a table");
    let rows: Vec<u32> = (0..table.rows()).collect();
    let mut distances = vec![0.0; rows.len()];
    let mut recall = Recall::default();
    for (query, truth) in data.queries.chunks_exact(DIMENSION).zip(&data.truth) {
        let scorer = CodeScorer::new(layout, &bytes_of(query)).expect("a query");
        scorer.distances(&table, &rows, &mut distances).expect("rows of the table");
        let mut top = TopK::new(KEPT);
        for (distance, row) in distances.iter().zip(0..) {
            top.push(*distance, row);
        }
        recall.add(truth, &top.into_sorted());
    }
    recall
}

/// Compares a batch of rows.
type Compare<'a> = Box<dyn Fn(&[u32], &mut [f32]) + 'a>;

fn throughput(layout: CodeLayout, query: &[u8], rows: &[u8], codes: &[u8]) {
    let table = CodeTable::new(layout, codes).expect("a table");
    let scorer = Scorer::new(Metric::Cosine, DataType::F32, DIMENSION as u32, query).expect("a query");
    let row_bytes = scorer.row_bytes();
    let mut candidates: Vec<(String, Compare<'_>)> = vec![(
        "f32".into(),
        Box::new(|picked: &[u32], out: &mut [f32]| {
            for (slot, row) in out.iter_mut().zip(picked) {
                *slot = scorer.distance(&rows[*row as usize * row_bytes..][..row_bytes]);
            }
        }),
    )];
    for kernel in CodeIsa::ALL.into_iter().filter_map(CodeKernel::of) {
        for asks_first in [false, true] {
            let scorer = CodeScorer::with_kernel(kernel, layout, query).expect("a query");
            let compare = move |picked: &[u32], out: &mut [f32]| {
                if asks_first {
                    scorer.prefetch(&table, picked);
                }
                scorer.distances(&table, picked, out).expect("rows of the table");
            };
            let suffix = if asks_first { ", prefetched" } else { "" };
            candidates.push((format!("{:?}{suffix}", kernel.isa()), Box::new(compare)));
        }
    }
    let mut random = random();
    let batches: Vec<[u32; BATCH]> =
        (0..BATCHES).map(|_| std::array::from_fn(|_| (random() % u64::from(table.rows())) as u32)).collect();
    let mut seconds = vec![Vec::new(); candidates.len()];
    for _ in 0..ROUNDS {
        for ((_, compare), seconds) in candidates.iter().zip(&mut seconds) {
            let start = Instant::now();
            for batch in &batches {
                compare(batch, black_box(&mut [0.0; BATCH]));
            }
            seconds.push(start.elapsed().as_secs_f64());
        }
    }
    for ((name, _), seconds) in candidates.iter().zip(seconds) {
        let nanoseconds = median(seconds) * 1e9 / (BATCH * BATCHES) as f64;
        println!("| {} | {name} | {nanoseconds:.1} |", table.rows());
    }
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}

/// Numbers from xorshift64.
fn random() -> impl FnMut() -> u64 {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}
