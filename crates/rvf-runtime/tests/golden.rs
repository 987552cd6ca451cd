//! Files that every later version must read: committed beside this test, with what they hold. Today's code reads them bit
//! for bit and, since clock and randomness can be held still, writes them byte for byte.
//!
//! A change of the writer that is meant to change bytes needs new files beside these, never instead of them:
//! `cargo test -p rvf-runtime --test golden -- --ignored`.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod damage_common;

use std::path::PathBuf;

use damage_common::expected::{Entry, Expected};
use damage_common::forger::Forger;
use damage_common::samples::{self, Sample};
use damage_common::{file_bytes, open_to_read, open_to_write};
use rvf_runtime::types::{ErrorCode, SegmentKind};
use rvf_runtime::{Control, RvfStore};
use rvf_wire::{Head, SegmentHeader, content_hash};
use serde_json::{Value, json};

fn path_of(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Too large to be committed: what is kept of these is their hash.
fn large() -> [Sample; 2] {
    [samples::large_closed(), samples::large_unclosed()]
}

/// What a golden file holds, for readers in any language.
fn description(sample: &Sample) -> Value {
    let store = open_to_read(&sample.bytes).unwrap();
    let options = store.options();
    let status = store.status().unwrap();
    let entries = sample
        .expected()
        .entries
        .iter()
        .map(|entry| json!({ "id": entry.id, "vector": hex(&entry.vector), "metadata": entry.metadata }));
    json!({
        "file": format!("{}.rvf", sample.name),
        "fileId": store.lineage().file_id.to_string(),
        "dimension": options.dimension,
        "metric": options.metric.name(),
        "m": options.m,
        "efConstruction": options.ef_construction,
        "epoch": status.epoch,
        "witnessEntries": status.witness_count,
        "commitsBehindCheckpoint": status.recovered_commits,
        "entries": entries.collect::<Vec<_>>(),
    })
}

fn large_hashes() -> Value {
    let hashes = large().map(
        |sample| json!({ "name": sample.name, "bytes": sample.bytes.len(), "xxh3": hex(&content_hash(&sample.bytes)) }),
    );
    Value::from(hashes.to_vec())
}

fn read_json(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(path_of(name)).unwrap()).unwrap()
}

/// The committed files with their descriptions.
fn committed() -> Vec<(String, Vec<u8>, Value)> {
    samples::small()
        .iter()
        .map(|sample| {
            let bytes = std::fs::read(path_of(&format!("{}.rvf", sample.name))).unwrap();
            (sample.name.to_owned(), bytes, read_json(&format!("{}.json", sample.name)))
        })
        .collect()
}

fn expected_of(description: &Value) -> Expected {
    let entries = description["entries"].as_array().unwrap().iter().map(|entry| Entry {
        id: entry["id"].as_str().unwrap().to_owned(),
        vector: from_hex(entry["vector"].as_str().unwrap()),
        metadata: entry["metadata"].as_str().map(str::to_owned),
    });
    Expected { entries: entries.collect() }
}

fn assert_is_as_described(name: &str, store: &RvfStore, description: &Value) {
    let findings = expected_of(description).compare(store);
    assert!(findings.is_right(), "{name}: {findings:?}");
    let options = store.options();
    let status = store.status().unwrap();
    assert_eq!(description["fileId"], store.lineage().file_id.to_string(), "{name}");
    assert_eq!(description["dimension"], options.dimension, "{name}");
    assert_eq!(description["metric"], options.metric.name(), "{name}");
    assert_eq!(description["m"], options.m, "{name}");
    assert_eq!(description["efConstruction"], options.ef_construction, "{name}");
    assert_eq!(description["epoch"], status.epoch, "{name}");
    assert_eq!(description["witnessEntries"], status.witness_count, "{name}");
}

/// Writes the files anew. Only for a writer that is meant to write other bytes, see above.
#[test]
#[ignore = "writes the golden files"]
fn write_golden_files() {
    std::fs::create_dir_all(path_of("")).unwrap();
    for sample in samples::small() {
        std::fs::write(path_of(&format!("{}.rvf", sample.name)), &sample.bytes).unwrap();
        let text = serde_json::to_string_pretty(&description(&sample)).unwrap();
        std::fs::write(path_of(&format!("{}.json", sample.name)), text + "\n").unwrap();
    }
    let text = serde_json::to_string_pretty(&large_hashes()).unwrap();
    std::fs::write(path_of("large.json"), text + "\n").unwrap();
}

#[test]
fn golden_files_are_small() {
    for (name, bytes, _) in committed() {
        assert!(bytes.len() < 65_536, "{name} has {} bytes", bytes.len());
    }
}

#[test]
fn golden_files_are_read_bit_for_bit() {
    for (name, bytes, description) in committed() {
        let store = open_to_read(&bytes).unwrap();
        assert_eq!(store.verify(&Control::default()).unwrap().problems, vec![], "{name}");
        assert_is_as_described(&name, &store, &description);
        assert_eq!(description["commitsBehindCheckpoint"], store.status().unwrap().recovered_commits, "{name}");
    }
}

#[test]
fn golden_files_can_be_opened_for_writing_and_compacted() {
    for (name, bytes, description) in committed() {
        let (host, opened) = open_to_write(&bytes);
        let store = opened.unwrap();
        assert_is_as_described(&name, &store, &description);
        store.compact(&Control::default()).unwrap();
        assert_is_as_described(&name, &store, &description);
        store.close().unwrap();
        assert_is_as_described(&name, &open_to_read(&file_bytes(&host)).unwrap(), &description);
    }
}

#[test]
fn a_golden_file_that_was_closed_is_not_changed_by_opening_and_closing_it() {
    for (name, bytes, description) in committed() {
        if description["commitsBehindCheckpoint"] == 0 {
            let (host, opened) = open_to_write(&bytes);
            opened.unwrap().close().unwrap();
            assert_eq!(file_bytes(&host), bytes, "{name}");
        }
    }
}

#[test]
fn todays_writer_makes_the_golden_files_byte_for_byte() {
    for (sample, (name, bytes, description_of_file)) in samples::small().iter().zip(committed()) {
        let at = sample.bytes.iter().zip(&bytes).position(|(today, golden)| today != golden);
        assert!(
            sample.bytes == bytes,
            "{name}: {} bytes instead of {}, the first other one at {at:?}",
            sample.bytes.len(),
            bytes.len()
        );
        assert_eq!(description(sample), description_of_file, "{name}");
    }
}

#[test]
fn todays_writer_makes_large_files_with_the_same_hash() {
    assert_eq!(large_hashes(), read_json("large.json"));
}

/// The file with the header of one segment saying another format version, its CRC right.
fn with_version(bytes: &[u8], offset: usize, version: u8) -> Vec<u8> {
    let salt = if offset == 0 { 0 } else { Head::decode(bytes).unwrap().salt };
    let mut bytes = bytes.to_vec();
    let header = &mut bytes[offset..offset + 64];
    header[4] = version;
    let mut unhashed = header.to_vec();
    unhashed[0x24..0x38].fill(0);
    header[0x24..0x28].copy_from_slice(&crc32c(salt, &unhashed).to_le_bytes());
    assert_eq!(SegmentHeader::decode(header, salt), Err(rvf_wire::WireError::Version(u16::from(version))));
    bytes
}

/// CRC32C, bit by bit, continued from `start`.
fn crc32c(start: u32, bytes: &[u8]) -> u32 {
    let mut state = !start;
    for byte in bytes {
        state ^= u32::from(*byte);
        for _ in 0..8 {
            state = if state & 1 == 1 { state >> 1 ^ 0x82F6_3B78 } else { state >> 1 };
        }
    }
    !state
}

#[test]
fn a_file_of_a_newer_version_is_refused_wherever_its_version_stands() {
    for (name, bytes, _) in committed() {
        let known = Forger::of(&bytes).known;
        let newest = known.tail.last().map_or(known.manifest_segment, |commit| commit.segments[0]).extent.offset;
        for offset in [0, known.manifest_segment.extent.offset, newest] {
            for version in [0, 3, 4, 255] {
                let newer = with_version(&bytes, offset as usize, version);
                let error = open_to_read(&newer).err().unwrap();
                assert_eq!(error.code, ErrorCode::InvalidVersion, "{name}, offset {offset}, {version}: {error}");
                let (host, opened) = open_to_write(&newer);
                assert_eq!(opened.err().unwrap().code, ErrorCode::InvalidVersion, "{name}, offset {offset}");
                assert_eq!(file_bytes(&host), newer, "{name}: a file of a newer version was changed");
            }
        }
    }
}

#[test]
fn a_file_of_the_published_packages_is_told_by_its_name() {
    // Their files start with a segment of format version 1 that is no head; its header has no CRC at our place.
    let mut bytes = vec![0; 20_000];
    bytes[..8].copy_from_slice(b"SFVR\x01\x01\0\0");
    let error = open_to_read(&bytes).err().unwrap();
    assert_eq!(error.code, ErrorCode::InvalidVersion);
    assert!(error.message.contains("0.1 and 0.2"), "{error}");
    assert_ne!(bytes[5], SegmentKind::HEAD.0);
}
