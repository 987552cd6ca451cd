//! Packed vectors on real embeddings: what is found of the true neighbours from packed rows alone, and what it costs.
//!
//! `cargo run --release -p rvf-quant --example packed_figures`
//!
//! Each figure of time is the median of all rounds. `docs/packed.md` has what came out.

mod codes_data;

use codes_data::{DIMENSION, Data, KEPT, Recall, bytes_of};
use rvf_quant::{Isa, PackedKernel, PackedLayout, PackedScorer, PackedTable, Packing, Quantiser, TopK};
use rvf_types::Metric;
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: usize = 9;

/// Rows asked for together, as of one node of a graph.
const BATCH: usize = 32;

/// Vectors to train with.
const SAMPLE_ROWS: usize = 16_384;

fn main() {
    let data = Data::read();
    let rows = bytes_of(&data.rows);
    let trained: Vec<(Quantiser, Vec<u8>)> =
        packings().into_iter().map(|packing| pack(packing, Metric::Cosine, &rows)).collect();

    for title in ["distances_of", "distances"] {
        Recall::print_head(title);
        for (quantiser, packed) in &trained {
            let scan = |query: &[u8], out: &mut [f32]| scan(quantiser, packed, title == "distances", query, out);
            recall(&data, packed.len() / quantiser.layout().row_bytes(), scan)
                .print(&format!("{:?}", quantiser.layout().packing()));
        }
    }

    // At length 1 all metrics have the same neighbours.
    let unit = Data { rows: at_length_1(data.rows), queries: at_length_1(data.queries), truth: data.truth };
    let unit_rows = bytes_of(&unit.rows);
    for metric in [Metric::L2, Metric::DotProduct] {
        let packings = [Packing::Scalar { bits: 8 }, Packing::default_product(DIMENSION as u32), Packing::Binary];
        let packed: Vec<(Quantiser, Vec<u8>)> =
            packings.into_iter().map(|packing| pack(packing, metric, &unit_rows)).collect();
        Recall::print_head(&format!("{metric:?} at length 1, distances_of"));
        for (quantiser, packed) in &packed {
            let scan = |query: &[u8], out: &mut [f32]| scan(quantiser, packed, false, query, out);
            recall(&unit, packed.len() / quantiser.layout().row_bytes(), scan)
                .print(&format!("{:?}", quantiser.layout().packing()));
        }
    }

    println!("\n| packing | kernel | query, µs | a row, `distances`, ns | a row, `distances_of`, ns |");
    println!("|---|---|---|---|---|");
    for (quantiser, packed) in &trained {
        for kernel in Isa::ALL.into_iter().filter_map(PackedKernel::of) {
            costs(kernel, quantiser, packed, &bytes_of(&unit.queries[..DIMENSION]));
        }
    }
}

fn at_length_1(mut vectors: Vec<f32>) -> Vec<f32> {
    for vector in vectors.chunks_exact_mut(DIMENSION) {
        let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
        vector.iter_mut().for_each(|value| *value /= length);
    }
    vectors
}

fn packings() -> Vec<Packing> {
    let mut packings = vec![Packing::Scalar { bits: 8 }];
    packings.extend([96, 128, 144, 152, 192].map(|subvectors| Packing::Product { subvectors, bits: 8 }));
    packings.push(Packing::Binary);
    packings
}

/// Trains and packs, and says what that took.
fn pack(packing: Packing, metric: Metric, rows: &[u8]) -> (Quantiser, Vec<u8>) {
    let layout = PackedLayout::new(packing, metric, DIMENSION as u32).expect("a valid layout");
    let start = Instant::now();
    let count = rows.len() / layout.vector_bytes();
    let sample: Vec<u8> = (0..SAMPLE_ROWS)
        .flat_map(|index| &rows[index * count / SAMPLE_ROWS * layout.vector_bytes()..][..layout.vector_bytes()])
        .copied()
        .collect();
    let quantiser = Quantiser::train(layout, &sample, &|| false).expect("a sample").expect("nobody stopped it");
    let trained = start.elapsed().as_secs_f64();
    let mut packed = vec![0; count * layout.row_bytes()];
    quantiser.encode(rows, &mut packed).expect("whole vectors");
    let seconds = start.elapsed().as_secs_f64() - trained;
    println!(
        "{packing:?}: {} bytes a row, {} of the quantiser, trained in {trained:.2} s, {count} rows packed in {seconds:.2} s, \
         relative error {:.4}",
        layout.row_bytes(),
        quantiser.to_bytes().len(),
        quantiser.relative_error(&sample).expect("whole vectors")
    );
    (quantiser, packed)
}

/// Distances of all rows.
fn scan(quantiser: &Quantiser, packed: &[u8], is_quick: bool, query: &[u8], out: &mut [f32]) {
    let scorer = PackedScorer::new(quantiser, query).expect("a query");
    if is_quick {
        let table = PackedTable::new(quantiser.layout(), packed).expect("a table");
        let picked: Vec<u32> = (0..table.rows()).collect();
        scorer.distances(&table, &picked, out).expect("rows of the table");
    } else {
        scorer.distances_of(packed, out).expect("whole rows");
    }
}

fn recall(data: &Data, count: usize, scan: impl Fn(&[u8], &mut [f32])) -> Recall {
    let mut distances = vec![0.0; count];
    let mut recall = Recall::default();
    for (query, truth) in data.queries.chunks_exact(DIMENSION).zip(&data.truth) {
        scan(&bytes_of(query), &mut distances);
        let mut top = TopK::new(KEPT);
        for (distance, row) in distances.iter().zip(0..) {
            top.push(*distance, row);
        }
        recall.add(truth, &top.into_sorted());
    }
    recall
}

fn costs(kernel: PackedKernel, quantiser: &Quantiser, packed: &[u8], query: &[u8]) {
    let layout = quantiser.layout();
    let quantiser = quantiser.clone().with_kernel(kernel);
    let table = PackedTable::new(layout, packed).expect("a table");
    let preparing = median(|| {
        for _ in 0..100 {
            black_box(PackedScorer::new(&quantiser, black_box(query)).expect("a query"));
        }
    }) / 100.0;
    let scorer = PackedScorer::new(&quantiser, query).expect("a query");
    // Anywhere in the table, as a walk does.
    let picked: Vec<u32> =
        (0..64_000_u64).map(|index| (index * 2_654_435_761 % u64::from(table.rows())) as u32).collect();
    let mut out = [0.0; BATCH];
    let quick = median(|| {
        for batch in picked.chunks_exact(BATCH) {
            scorer.prefetch(&table, batch);
            scorer.distances(&table, batch, black_box(&mut out)).expect("rows of the table");
        }
    }) / picked.len() as f64;
    let mut all = vec![0.0; table.rows() as usize];
    let precise =
        median(|| scorer.distances_of(packed, black_box(&mut all)).expect("whole rows")) / f64::from(table.rows());
    println!(
        "| {:?} | {:?} | {:.1} | {:.1} | {:.1} |",
        layout.packing(),
        kernel.isa(),
        preparing * 1e6,
        quick * 1e9,
        precise * 1e9
    );
}

/// Seconds that `work` takes.
fn median(mut work: impl FnMut()) -> f64 {
    let mut seconds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed().as_secs_f64()
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    seconds[ROUNDS / 2]
}
