//! The fuzz targets on the committed corpus and on mutations of it: no panic, bounded memory. A short look at what the
//! fuzzer does for hours (`cargo +nightly fuzz run open`).
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

#[path = "../../../crates/rvf-runtime/tests/damage_common/numbers.rs"]
#[allow(dead_code)]
mod numbers;
#[path = "../../../crates/rvf-runtime/tests/damage_common/peak_memory.rs"]
mod peak_memory;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use numbers::Numbers;
use peak_memory::{CountingAllocator, peak_of};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

/// What one input may make a target hold.
const BYTES_MAX: u64 = 64 << 20;

fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(target);
    let mut inputs: Vec<(String, Vec<u8>)> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty(), "{} is empty", folder.display());
    inputs
}

/// Runs one input; on a failure, says which, so that it can be run again.
fn run(target: fn(&[u8]), what: &str, input: &[u8]) {
    let (outcome, peak_bytes) = peak_of(|| catch_unwind(AssertUnwindSafe(|| target(input))));
    assert!(outcome.is_ok(), "{what} panicked: {input:02x?}");
    assert!(peak_bytes < BYTES_MAX, "{what} took {peak_bytes} bytes of memory: {input:02x?}");
}

fn mutate(input: &mut Vec<u8>, others: &[(String, Vec<u8>)], numbers: &mut Numbers) {
    for _ in 0..1 + numbers.below(6) {
        let place = numbers.below(input.len() + 1);
        match numbers.below(6) {
            0 => input.insert(place, numbers.next() as u8),
            1 => input.truncate(place),
            2 => {
                let len = numbers.below(16);
                input.extend(numbers.bytes(len));
            }
            3 => {
                let other = &others[numbers.below(others.len())].1;
                input.extend_from_slice(&other[numbers.below(other.len() + 1).min(other.len())..]);
            }
            4 => {
                let len = numbers.below(9).min(input.len() - place);
                input.drain(place..place + len);
            }
            _ => {
                if let Some(byte) = input.get_mut(place) {
                    *byte = [numbers.next() as u8, 0, 0xFF, *byte ^ 1 << numbers.below(8)][numbers.below(4)];
                }
            }
        }
    }
    input.truncate(4096);
}

fn replay_and_mutate(name: &str, target: fn(&[u8]), rounds: u64) {
    let corpus = corpus(name);
    for (file, input) in &corpus {
        run(target, &format!("corpus/{name}/{file}"), input);
    }
    let rounds = if std::env::var_os("RVF_LONG").is_some_and(|value| value == "1") { rounds * 500 } else { rounds };
    for seed in 0..rounds {
        let mut numbers = Numbers::new(seed);
        let mut input = corpus[numbers.below(corpus.len())].1.clone();
        mutate(&mut input, &corpus, &mut numbers);
        run(target, &format!("{name}, seed {seed}"), &input);
    }
}

#[test]
fn opening_a_hostile_file_never_panics_and_takes_little_memory() {
    replay_and_mutate("open", rvf_fuzz_targets::open, 2_000);
}

#[test]
fn reading_a_hostile_structure_never_panics_and_takes_little_memory() {
    replay_and_mutate("segment", rvf_fuzz_targets::segment, 20_000);
}

#[test]
fn the_corpus_is_small() {
    for target in ["open", "segment"] {
        let total: usize = corpus(target).iter().map(|(_, input)| input.len()).sum();
        assert!(total < 64 << 10, "corpus/{target} has {total} bytes");
    }
}
