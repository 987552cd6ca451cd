//! What several tests of the store's behaviour share: a seeded generator, lengths of runs, batches.
#![allow(dead_code)]

pub mod child;
pub mod plain;
pub mod stamped;

use std::time::Duration;

use rvf_runtime::{Batch, PackedStrings, PageRequest, Result};

/// How long a write waits for its turn: longer than any machine needs.
pub const WAIT: Duration = Duration::from_secs(120);

/// True where the long form of the tests is asked for.
pub fn is_long() -> bool {
    std::env::var("RVF_LONG").is_ok_and(|value| value == "1")
}

/// How many times something is done, in the short form and in the long one.
pub fn times(short: u64, long: u64) -> u64 {
    if is_long() { long } else { short }
}

/// A page of rows with their vectors.
pub fn page_at(cursor: u32, limit: usize) -> PageRequest {
    PageRequest { cursor, limit, with_vectors: true }
}

/// All rows in one page, with their vectors.
pub fn all_rows() -> PageRequest {
    page_at(0, usize::MAX)
}

/// How often a call may ask for bytes before it has all it needs.
const LOADS_MAX: u32 = 10_000;

/// Plays the loader of a host whose storage is asynchronous: starts the call again for as long as it lacks bytes.
pub fn ready<T>(mut call: impl FnMut() -> Result<T>) -> Result<T> {
    for _ in 0..LOADS_MAX {
        match call() {
            Err(error) if error.not_ready.is_some() => {}
            other => return other,
        }
    }
    panic!("the call asks for bytes again and again");
}

/// A seeded generator (SplitMix64): the same numbers on every machine and with every version of every crate.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// A number from -1 to 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }
}

/// An entry to be stored: id, the vector's bytes, JSON text.
#[derive(Clone, Debug)]
pub struct NewEntry {
    pub id: String,
    pub vector: Vec<u8>,
    pub metadata: Option<String>,
}

pub fn strings<T: AsRef<str>>(strings: &[T]) -> PackedStrings {
    PackedStrings::from_strings(strings.iter().map(AsRef::as_ref))
}

/// The batch of these entries, without metadata where none has any.
pub fn batch_of(entries: &[NewEntry]) -> Batch {
    let vectors: Vec<u8> = entries.iter().flat_map(|entry| entry.vector.iter().copied()).collect();
    let has_metadata = entries.iter().any(|entry| entry.metadata.is_some());
    let texts = || PackedStrings::from_strings(entries.iter().map(|entry| entry.metadata.as_deref().unwrap_or("")));
    Batch {
        ids: PackedStrings::from_strings(entries.iter().map(|entry| entry.id.as_str())),
        vectors: vectors[..].into(),
        metadata: has_metadata.then(texts),
    }
}

/// A float vector's bytes.
pub fn floats(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(f32::to_le_bytes).collect()
}
