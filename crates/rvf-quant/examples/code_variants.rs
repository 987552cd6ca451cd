//! Ways of coding that were tried, by the recall of an exhaustive scan by codes alone: `docs/codes.md` has the tables.
//!
//! `cargo run --release -p rvf-quant --example code_variants`
//!
//! Codes that are not built are decoded to floats here and compared as such: what is compared is what a kernel for them
//! would compute, but for its rounding.

mod codes_data;

use codes_data::{DIMENSION, Data, KEPT, Recall, bytes_of};
use rvf_quant::{CodeLayout, CodeScorer, CodeTable, Scorer, TopK};
use rvf_types::{DataType, Metric};

/// Vectors and, for each, what it alone adds to a distance.
struct Decoded {
    rows: Vec<f32>,
    bias: Vec<f32>,
}

/// How wide the steps of a code are.
#[derive(Clone, Copy, PartialEq)]
enum Scale {
    /// A vector's largest magnitude has the largest code.
    Largest,
    /// As `Largest`; then the factor that brings the decoded vector nearest to the vector.
    LeastSquares,
    /// One for all vectors: what the largest of all elements needs.
    Global,
}

fn main() {
    let mut data = Data::read();
    for vector in data.rows.chunks_exact_mut(DIMENSION).chain(data.queries.chunks_exact_mut(DIMENSION)) {
        let length = dot(vector, vector).sqrt() as f32;
        vector.iter_mut().for_each(|value| *value /= length);
    }
    cosine(&data);
    squared_l2(&data);
}

fn cosine(data: &Data) {
    Recall::print_head("cosine");
    let rotation = rotation();
    let rotated = (apply(&rotation, &data.rows), apply(&rotation, &data.queries));
    let mean = mean(&data.rows);
    let centred = shifted(&data.rows, &mean, -1.0);
    let deviation = deviations(&data.rows, &mean);
    let levelled = (scaled(&data.rows, &deviation, -1), scaled(&data.queries, &deviation, 1));
    for levels in [127.0, 7.0] {
        let name = |text: &str| format!("{} levels, {text}", 2.0 * levels + 1.0);
        let run = |text: &str, rows: &[f32], queries: &[f32], scale: Scale, query_levels: f32| {
            let decoded = Decoded { rows: coded(rows, levels, scale), bias: vec![0.0; rows.len() / DIMENSION] };
            recall(&decoded, &coded(queries, query_levels, Scale::Largest), &data.truth).print(&name(text));
        };
        run("as it is", &data.rows, &data.queries, Scale::Largest, 127.0);
        run("query in f32", &data.rows, &data.queries, Scale::Largest, f32::INFINITY);
        run("least squares", &data.rows, &data.queries, Scale::LeastSquares, 127.0);
        run("one scale for all", &data.rows, &data.queries, Scale::Global, 127.0);
        run("rotated", &rotated.0, &rotated.1, Scale::Largest, 127.0);
        run("rotated, one scale for all", &rotated.0, &rotated.1, Scale::Global, 127.0);
        run("scale per dimension", &levelled.0, &levelled.1, Scale::Largest, 127.0);
        run("mean taken off", &centred, &data.queries, Scale::Largest, 127.0);
    }
}

/// Queries of the sets for `l2`, whose true neighbours must be searched first.
const L2_QUERIES: usize = 250;

/// The embeddings, and what is made of them to be hard for codes.
fn squared_l2(data: &Data) {
    let mut random = random();
    let queries = &data.queries[..L2_QUERIES * DIMENSION];
    l2_set("l2", &data.rows, queries);
    let lengthened = data.rows.chunks(DIMENSION).flat_map(|row| {
        let length = (random() * 3.0).exp2();
        row.iter().map(move |value| value * length)
    });
    l2_set("l2, lengths 1/8 to 8", &lengthened.collect::<Vec<f32>>(), queries);
    for offset in [1.0, 10.0] {
        let title = format!("l2, {offset} added to each element");
        l2_set(&title, &shifted(&data.rows, &[offset; DIMENSION], 1.0), &shifted(queries, &[offset; DIMENSION], 1.0));
    }
    let mut near =
        |rows: &[f32], width: f32| -> Vec<f32> { rows.iter().map(|value| value + random() * width).collect() };
    let centres: Vec<f32> = data.rows.iter().copied().cycle().take(600 * DIMENSION).collect();
    let clusters: Vec<f32> = centres.iter().copied().cycle().take(data.rows.len()).collect();
    l2_set("l2, 600 clusters, 0.005 wide in each element", &near(&clusters, 0.005), &near(queries, 0.005));
    let flat = |vectors: Vec<f32>| -> Vec<f32> {
        vectors.iter().enumerate().map(|(index, value)| if index % DIMENSION < 2 { *value } else { 0.0 }).collect()
    };
    let zeros = vec![0.0; data.rows.len()];
    l2_set("l2, 2 dimensions", &flat(near(&zeros, 1.0)), &flat(near(&zeros[..queries.len()], 1.0)));
}

fn l2_set(title: &str, rows: &[f32], queries: &[f32]) {
    Recall::print_head(title);
    let bytes = bytes_of(rows);
    let mut distances = vec![0.0; rows.len() / DIMENSION];
    let mut true_rows = |query: &[f32]| -> Vec<u32> {
        let scorer = Scorer::new(Metric::L2, DataType::F32, DIMENSION as u32, &bytes_of(query)).expect("a query");
        scorer.distances(&bytes, &mut distances);
        smallest(&distances, 100).into_iter().map(|(_, row)| row).collect()
    };
    let truth: Vec<Vec<u32>> = queries.chunks(DIMENSION).map(&mut true_rows).collect();
    let mean = mean(rows);
    as_built(&bytes, queries, &truth).print("as built: scale per vector, decoded norm");
    let centred = bytes_of(&shifted(rows, &mean, -1.0));
    as_built(&centred, &shifted(queries, &mean, -1.0), &truth).print("as built, mean taken off");
    for (text, scale, decoded_norm) in [
        ("scale per vector, norm of the vector", Scale::Largest, false),
        ("one scale for all, decoded norm", Scale::Global, true),
    ] {
        let coded_rows = coded(rows, 127.0, scale);
        let bias = half_norms(if decoded_norm { &coded_rows } else { rows });
        recall(&Decoded { rows: coded_rows, bias }, &coded(queries, 127.0, Scale::Largest), &truth).print(text);
    }
}

/// The codes of this crate.
fn as_built(rows: &[u8], queries: &[f32], truth: &[Vec<u32>]) -> Recall {
    let layout = CodeLayout::new(Metric::L2, DataType::F32, DIMENSION as u32).expect("a valid layout");
    let mut codes = vec![0; rows.len() / layout.vector_bytes() * layout.row_bytes()];
    layout.encode(rows, &mut codes).expect("whole vectors");
    let table = CodeTable::new(layout, &codes).expect("a table");
    let all: Vec<u32> = (0..table.rows()).collect();
    let mut distances = vec![0.0; all.len()];
    let mut recall = Recall::default();
    for (query, truth) in queries.chunks_exact(DIMENSION).zip(truth) {
        let scorer = CodeScorer::new(layout, &bytes_of(query)).expect("a query");
        scorer.distances(&table, &all, &mut distances).expect("rows of the table");
        recall.add(truth, &smallest(&distances, KEPT));
    }
    recall
}

/// Each vector coded and decoded. `levels` is the largest code.
fn coded(vectors: &[f32], levels: f32, scale: Scale) -> Vec<f32> {
    if levels.is_infinite() {
        return vectors.to_vec();
    }
    let largest = |values: &[f32]| values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let global = largest(vectors);
    let code = |vector: &[f32]| -> Vec<f32> {
        let step = if scale == Scale::Global { global } else { largest(vector) } / levels;
        let codes: Vec<f32> = vector.iter().map(|value| (value / step).round_ties_even()).collect();
        let step = if scale == Scale::LeastSquares { (dot(&codes, vector) / dot(&codes, &codes)) as f32 } else { step };
        codes.into_iter().map(|code| code * step).collect()
    };
    vectors.chunks_exact(DIMENSION).flat_map(code).collect()
}

fn recall(decoded: &Decoded, queries: &[f32], truth: &[Vec<u32>]) -> Recall {
    let mut recall = Recall::default();
    let bytes = bytes_of(&decoded.rows);
    for (query, truth) in queries.chunks_exact(DIMENSION).zip(truth) {
        recall.add(truth, &nearest(decoded, &bytes, query));
    }
    recall
}

/// The [`KEPT`] rows of smallest bias less dot product.
fn nearest(decoded: &Decoded, bytes: &[u8], query: &[f32]) -> Vec<(f32, u32)> {
    let scorer = Scorer::new(Metric::DotProduct, DataType::F32, DIMENSION as u32, &bytes_of(query)).expect("a query");
    let mut distances = vec![0.0; decoded.bias.len()];
    scorer.distances(bytes, &mut distances);
    distances.iter_mut().zip(&decoded.bias).for_each(|(distance, bias)| *distance += bias);
    smallest(&distances, KEPT)
}

fn smallest(distances: &[f32], count: usize) -> Vec<(f32, u32)> {
    let mut top = TopK::new(count);
    for (distance, row) in distances.iter().zip(0..) {
        top.push(*distance, row);
    }
    top.into_sorted()
}

fn dot(left: &[f32], right: &[f32]) -> f64 {
    left.iter().zip(right).map(|(left, right)| f64::from(*left) * f64::from(*right)).sum()
}

fn half_norms(vectors: &[f32]) -> Vec<f32> {
    vectors.chunks_exact(DIMENSION).map(|vector| (dot(vector, vector) / 2.0) as f32).collect()
}

fn mean(vectors: &[f32]) -> Vec<f32> {
    let mut sums = vec![0.0_f64; DIMENSION];
    for vector in vectors.chunks_exact(DIMENSION) {
        sums.iter_mut().zip(vector).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    sums.iter().map(|sum| (sum * DIMENSION as f64 / vectors.len() as f64) as f32).collect()
}

/// The standard deviation of each dimension; a little where there is none.
fn deviations(vectors: &[f32], mean: &[f32]) -> Vec<f32> {
    let squares: Vec<f32> = shifted(vectors, mean, -1.0).iter().map(|value| value * value).collect();
    self::mean(&squares).iter().map(|variance| variance.sqrt().max(1e-3)).collect()
}

fn shifted(vectors: &[f32], offset: &[f32], sign: f32) -> Vec<f32> {
    vectors.iter().zip(offset.iter().cycle()).map(|(value, offset)| value + sign * offset).collect()
}

fn scaled(vectors: &[f32], factors: &[f32], power: i32) -> Vec<f32> {
    vectors.iter().zip(factors.iter().cycle()).map(|(value, factor)| value * factor.powi(power)).collect()
}

/// A random rotation: random vectors made orthogonal, one after the other.
fn rotation() -> Vec<f32> {
    let mut random = random();
    let mut axes: Vec<f32> = Vec::new();
    while axes.len() < DIMENSION * DIMENSION {
        let mut axis: Vec<f32> = (0..DIMENSION).map(|_| (0..12).map(|_| random()).sum()).collect();
        for other in axes.chunks_exact(DIMENSION) {
            let along = dot(&axis, other) as f32;
            axis.iter_mut().zip(other).for_each(|(value, other)| *value -= along * other);
        }
        let length = dot(&axis, &axis).sqrt() as f32;
        axes.extend(axis.iter().map(|value| value / length));
    }
    axes
}

fn apply(rotation: &[f32], vectors: &[f32]) -> Vec<f32> {
    let axes = bytes_of(rotation);
    let mut out = vec![0.0; vectors.len()];
    for (vector, out) in vectors.chunks_exact(DIMENSION).zip(out.chunks_exact_mut(DIMENSION)) {
        let scorer = Scorer::new(Metric::DotProduct, DataType::F32, DIMENSION as u32, &bytes_of(vector));
        scorer.expect("a vector").distances(&axes, out);
    }
    out
}

/// Numbers in [-1, 1) from xorshift64.
fn random() -> impl FnMut() -> f32 {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    }
}
