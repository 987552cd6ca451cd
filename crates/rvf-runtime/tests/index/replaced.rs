//! A store whose rows were replaced finds as much as one that was filled at once.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rvf_runtime::storage::MemoryStorage;
use rvf_runtime::types::Metric;

use crate::hosts::{PATH, Subject, without_threads};
use crate::kit::{Rng, floats, is_long};
use crate::model::{Stored, nearest};

const DIMENSION: usize = 384;
const PORTIONS: usize = 10;
const QUERIES: usize = 150;

fn rows() -> usize {
    if is_long() { 10_000 } else { 3_000 }
}

/// Where the embeddings are: in `RVF_DATA`, or in `shared/data/debian` beside the repository.
fn data_folder() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/debian");
    let named = std::env::var_os("RVF_DATA").map(PathBuf::from);
    Some(named.unwrap_or(beside)).filter(|folder| folder.join("base.f16").exists())
}

/// An IEEE half as a float.
fn widened(half: u16) -> f32 {
    let sign = if half & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(half >> 10 & 0x1F), f32::from(half & 0x3FF) / 1024.0);
    let size = if exponent == 0 { fraction * 2f32.powi(-14) } else { (1.0 + fraction) * 2f32.powi(exponent - 15) };
    sign * size
}

/// The first embeddings of the file.
fn embeddings(folder: &Path, count: usize) -> Vec<Vec<u8>> {
    let mut bytes = vec![0; count * DIMENSION * 2];
    File::open(folder.join("base.f16")).unwrap().read_exact(&mut bytes).unwrap();
    let element = |half: &[u8]| widened(u16::from_le_bytes([half[0], half[1]]));
    bytes.chunks_exact(DIMENSION * 2).map(|row| floats(row.chunks_exact(2).map(element))).collect()
}

fn put(subject: &mut Subject, entries: Vec<(String, Stored)>) {
    let batch = subject.model.put(entries);
    let (on_duplicate, wait) = (rvf_runtime::OnDuplicate::Replace, crate::kit::WAIT);
    subject.store.ingest(crate::kit::batch_of(&batch), on_duplicate, wait).unwrap();
}

fn empty() -> Subject {
    Subject::new(without_threads(Arc::new(MemoryStorage::new())), PATH, Metric::Cosine, DIMENSION as u32, 1)
}

#[test]
fn replacing_half_of_the_rows_costs_no_recall() {
    let Some(folder) = data_folder() else {
        eprintln!("SKIPPED: no embeddings; RVF_DATA names the folder that has base.f16");
        return;
    };
    let count = rows();
    let vectors = embeddings(&folder, count * 3 / 2 + QUERIES);
    let (stored, queries) = vectors.split_at(count * 3 / 2);
    let mut replaced = empty();
    let entry = |id: usize, vector: &Vec<u8>| (format!("id-{id}"), Stored { vector: vector.clone(), group: 0 });
    put(&mut replaced, (0..count).map(|id| entry(id, &stored[id])).collect());
    replaced.wait_for_index();
    let mut order: Vec<usize> = (0..count).collect();
    let mut rng = Rng::new(2);
    (1..count).rev().for_each(|at| order.swap(at, rng.below(at + 1)));
    let half = &order[..count / 2];
    for (portion, ids) in half.chunks(half.len().div_ceil(PORTIONS)).enumerate() {
        let first = count + portion * half.len().div_ceil(PORTIONS);
        put(&mut replaced, ids.iter().zip(first..).map(|(id, at)| entry(*id, &stored[at])).collect());
        replaced.wait_for_index();
    }
    let mut fresh = empty();
    let entries = replaced.model.entries.clone().into_iter().collect();
    put(&mut fresh, entries);
    fresh.wait_for_index();
    let recalls = [&replaced, &fresh].map(|subject| subject.model.recall(&subject.store, queries, &nearest(10)));
    eprintln!(
        "recall@10 of {count} rows, half of them replaced: {:.4}, of a fresh store: {:.4}",
        recalls[0], recalls[1]
    );
    assert!(recalls[0] >= recalls[1] - 0.01, "replaced {}, fresh {}", recalls[0], recalls[1]);
    assert!(crate::model::walks(&replaced.store, &queries[0]));
}
