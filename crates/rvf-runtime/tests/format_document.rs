//! `docs/format.md` shows a whole file, byte for byte: the one the engine makes.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

use std::sync::Arc;
use std::time::Duration;

use rvf_runtime::storage::FileStorage;
use rvf_runtime::types::Metric;
use rvf_runtime::{
    Batch, Clock, Control, CreateOptions, Host, OnDuplicate, OpenOptions, PackedStrings, PageRequest, Random, RvfStore,
};

const WAIT: Duration = Duration::from_secs(10);
const NOW_NS: u64 = 1_700_000_000_000_000_000;

/// A clock that stands still, so that the file is the same each time.
struct StoppedClock;

impl Clock for StoppedClock {
    fn now_ns(&self) -> u64 {
        NOW_NS
    }

    fn monotonic_ns(&self) -> u64 {
        0
    }

    fn sleep_ms(&self, _milliseconds: u64) {}
}

/// Counts up from 0xA0: the file id is `a0 .. af`, the salt 0xB0B1B2B3.
struct CountingRandom;

impl Random for CountingRandom {
    fn fill(&self, buffer: &mut [u8]) {
        for (byte, value) in buffer.iter_mut().zip(0xA0..) {
            *byte = value;
        }
    }
}

fn batch(entries: &[(&str, [f32; 2], &str)]) -> Batch {
    let vectors: Vec<u8> =
        entries.iter().flat_map(|(_, vector, _)| vector.iter().flat_map(|value| value.to_le_bytes())).collect();
    Batch {
        ids: PackedStrings::from_strings(entries.iter().map(|(id, _, _)| *id)),
        vectors: vectors[..].into(),
        metadata: Some(PackedStrings::from_strings(entries.iter().map(|(_, _, json)| *json))),
    }
}

/// The life that the document tells: two rows, one deleted, closed, opened again, the other replaced, not closed.
fn make_file() -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("example.rvf").to_str().unwrap().to_owned();
    let host = Host {
        storage: Arc::new(FileStorage::new()),
        clock: Arc::new(StoppedClock),
        random: Arc::new(CountingRandom),
        threads: None,
    };
    let store = RvfStore::create(&host, &path, &CreateOptions::new(2, Metric::L2)).unwrap();
    store
        .ingest(batch(&[("a", [1.0, 2.0], r#"{"n":1}"#), ("b", [3.0, 4.0], r#"{"n":2}"#)]), OnDuplicate::Replace, WAIT)
        .unwrap();
    store.delete(PackedStrings::from_strings(["a"]), WAIT).unwrap();
    store.close().unwrap();
    let store = RvfStore::open(&host, &path, &OpenOptions::default()).unwrap();
    store.ingest(batch(&[("b", [5.0, 6.0], r#"{"n":3}"#)]), OnDuplicate::Replace, WAIT).unwrap();
    std::fs::read(&path).unwrap()
}

/// The file of section 16: lines of 16 bytes with their offset, zeros between them.
fn document_file() -> Vec<u8> {
    let mut file = Vec::new();
    let mut is_dump = false;
    for line in include_str!("../../../docs/format.md").lines() {
        if line.starts_with("```") {
            is_dump = line == "```hex";
        } else if is_dump {
            file.resize(usize::from_str_radix(&line[..5], 16).unwrap(), 0);
            file.extend(line[7..54].split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()));
        }
    }
    file.resize(file.len().next_multiple_of(64), 0);
    file
}

fn dump(file: &[u8]) -> String {
    let line = |(index, bytes): (usize, &[u8])| {
        let text: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        bytes.iter().any(|byte| *byte != 0).then(|| format!("{:05x}  {}", index * 16, text.join(" ")))
    };
    file.chunks(16).enumerate().filter_map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_engine_makes_the_file_that_the_document_shows() {
    let (made, shown) = (dump(&make_file()), dump(&document_file()));
    assert!(made == shown, "docs/format.md does not show the file that the engine makes, which is\n{made}");
    assert_eq!(make_file().len(), document_file().len());
}

#[test]
fn the_engine_reads_the_file_that_the_document_shows() {
    let store = RvfStore::open_bytes(&Host::native(), document_file()[..].into(), &OpenOptions::read_only()).unwrap();
    assert_eq!(store.verify(&Control::default()).unwrap().problems, vec![]);
    let page = store.snapshot().unwrap().rows(PageRequest { cursor: 0, limit: 10, with_vectors: true }, None).unwrap();
    assert_eq!(page.ids, ["b"]);
    assert_eq!(page.metadata.as_deref(), Some(r#"[{"n":3}]"#));
    assert_eq!(page.vectors.as_deref(), Some(&[0, 0, 0xA0, 0x40, 0, 0, 0xC0, 0x40][..]));
    assert_eq!(store.status().unwrap().epoch, 3);
}
