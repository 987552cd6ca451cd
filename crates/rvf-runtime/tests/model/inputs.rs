//! Random vectors, ids, metadata and batches.

use rvf_runtime::types::Metric;
use rvf_runtime::types::limits::FINAL_FORM_FROM_BYTES;

use crate::kit::{NewEntry, Rng, floats, plain};
use crate::oracle::{Oracle, Shape};

const ODD_DIMENSIONS: [u32; 8] = [63, 64, 65, 127, 257, 384, 768, 1536];

/// Few ids, so that most batches meet stored ones and hold some twice.
pub fn all_ids() -> Vec<String> {
    let mut ids: Vec<String> = (0..20).map(|number| format!("id-{number}")).collect();
    ids.extend(["a", "b", "ключ", "日本語", "__proto__", " ", "\0", "id-1\n", "🦀"].map(str::to_owned));
    ids.push("long".repeat(256));
    ids
}

pub fn shape(rng: &mut Rng) -> Shape {
    let metric = *rng.pick(&Metric::ALL);
    let dimension = if rng.chance(85) { 1 + rng.below(40) as u32 } else { *rng.pick(&ODD_DIMENSIONS) };
    Shape { metric, dimension, is_grid: rng.chance(60), scale: *rng.pick(&[1e-3, 1.0, 1e3, 1e12]) }
}

pub fn vector(rng: &mut Rng, shape: &Shape) -> Vec<u8> {
    if shape.metric == Metric::Hamming {
        let mut bytes: Vec<u8> = (0..shape.row_bytes()).map(|_| rng.next() as u8).collect();
        if let (Some(last), used @ 1..) = (bytes.last_mut(), shape.dimension % 8) {
            *last &= (1 << used) - 1;
        }
        return bytes;
    }
    if rng.chance(3) {
        return vec![0; shape.row_bytes()];
    }
    let mut element = || {
        if shape.is_grid { (rng.below(33) as f32 - 16.0) / 2.0 } else { (rng.fraction() * shape.scale) as f32 }
    };
    floats((0..shape.dimension).map(|_| element()))
}

/// A vector that is stored, where there is one, or another.
pub fn query(rng: &mut Rng, oracle: &Oracle) -> Vec<u8> {
    let stored = oracle.in_order();
    if stored.is_empty() || rng.chance(50) {
        return vector(rng, &oracle.shape);
    }
    rng.pick(&stored).1.vector.clone()
}

/// JSON of every type, or none.
pub fn metadata(rng: &mut Rng) -> Option<String> {
    if rng.chance(60) {
        return plain::document(rng);
    }
    let text = match rng.below(9) {
        0..=2 => return None,
        3 => "{}".to_owned(),
        4 => "null".to_owned(),
        5 => format!("{{\"n\":{},\"s\":\"\\u0000 \\\"x\\\" ключ\"}}", rng.below(1_000)),
        6 => format!("[{},true,[],{{\"a\":null}}]", rng.fraction()),
        7 => format!(" {} ", rng.below(100)),
        _ => format!("\"{}\"", "text ".repeat(rng.below(300))),
    };
    Some(text)
}

fn entry(rng: &mut Rng, shape: &Shape, id: String) -> NewEntry {
    NewEntry { id, vector: vector(rng, shape), metadata: metadata(rng) }
}

/// None to a few entries.
pub fn small_batch(rng: &mut Rng, shape: &Shape, ids: &[String]) -> Vec<NewEntry> {
    let count = *rng.pick(&[0, 1, 1, 1, 2, 3, 5, 8, 13, 40]);
    let mut batch: Vec<NewEntry> = (0..count)
        .map(|_| {
            let id = rng.pick(ids).clone();
            entry(rng, shape, id)
        })
        .collect();
    // Equal vectors, so that ties are frequent.
    if batch.len() > 1 && rng.chance(50) {
        let (from, to) = (rng.below(batch.len()), rng.below(batch.len()));
        batch[to].vector = batch[from].vector.clone();
    }
    batch
}

/// Enough bytes to be written in final form: a few entries with much metadata, or many entries.
pub fn large_batch(rng: &mut Rng, shape: &Shape, ids: &[String]) -> Vec<NewEntry> {
    if rng.chance(70) {
        let mut batch: Vec<NewEntry> = (0..6)
            .map(|_| {
                let id = rng.pick(ids).clone();
                entry(rng, shape, id)
            })
            .collect();
        for entry in &mut batch {
            entry.metadata = Some(format!("{{\"much\":\"{}\"}}", "x".repeat(50_000 + rng.below(10_000))));
        }
        return batch;
    }
    // As many as it takes, so with long vectors only a few; an eighth of them twice.
    let count = FINAL_FORM_FROM_BYTES / (shape.row_bytes() + 60) + 1;
    (0..count)
        .map(|_| {
            let id = format!("{:060}", rng.below(count * 2));
            entry(rng, shape, id)
        })
        .collect()
}
