//! What a store costs on the disk when it is used in ways that ruin append-only files: many short lives, many small
//! commits, the same id again and again. Sizes do not depend on when things are synced, so most is not.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod kit;

use kit::{NewEntry, Rng, WAIT, batch_of, floats, strings, times};
use rvf_runtime::types::limits::RUN_REWRITE_BYTES_MAX;
use rvf_runtime::types::{ErrorCode, Metric};
use rvf_runtime::{Control, CreateOptions, Durability, Host, OnDuplicate, OpenOptions, QueryOptions, RvfStore};

/// Header and padding of a segment, and a payload's own header.
const SEGMENT_OVERHEAD_BYTES: u64 = 64 + 63 + 128;
/// Root page, and the tags of Level 1 besides the directory.
const MANIFEST_BYTES: u64 = 4_096 + 512;
const DIRECTORY_ENTRY_BYTES: u64 = 72;
const HEAD_BYTES: u64 = 12_288;

struct Place {
    _directory: tempfile::TempDir,
    path: String,
    dimension: u32,
}

impl Place {
    fn new(dimension: u32) -> Place {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.rvf").to_str().unwrap().to_owned();
        let options = CreateOptions::new(dimension, Metric::L2);
        RvfStore::create(&Host::native(), &path, &options).unwrap().close().unwrap();
        Place { _directory: directory, path, dimension }
    }

    fn open(&self) -> RvfStore {
        let options = OpenOptions { durability: Durability::None, ..OpenOptions::default() };
        RvfStore::open(&Host::native(), &self.path, &options).unwrap()
    }

    fn file_bytes(&self) -> u64 {
        std::fs::metadata(&self.path).unwrap().len()
    }

    fn entry(&self, number: u64) -> NewEntry {
        NewEntry {
            id: format!("id-{number:08}"),
            vector: floats((0..self.dimension).map(|element| (number * 31 + u64::from(element)) as f32)),
            metadata: Some(format!("{{\"n\":\"{number:08}\"}}")),
        }
    }
}

fn ingest(store: &RvfStore, entries: &[NewEntry]) {
    store.ingest(batch_of(entries), OnDuplicate::Error, WAIT).unwrap();
}

fn is_found(store: &RvfStore, entry: &NewEntry) -> bool {
    let hits = store.query(&entry.vector, &QueryOptions { k: 1, ..Default::default() }, None).unwrap();
    hits.ids == [entry.id.as_str()] && hits.distances == [0.0]
}

fn is_sound(store: &RvfStore) -> bool {
    store.verify(&Control::default()).unwrap().problems.is_empty()
}

/// Most runs that `rows` rows may be in: of each size class at most one fewer than are merged, and what has reached half
/// of `bytes_max` stays.
fn runs_max(rows: u64, fan_in: u64, run_bytes: u64, bytes_max: u64) -> u64 {
    (u64::from(rows.ilog(fan_in)) + 1) * (fan_in - 1) + 2 * run_bytes.div_ceil(bytes_max)
}

/// Each life of the store adds a journal, the runs that its checkpoint writes, and a manifest. Of the runs, each row of
/// vectors and metadata is in one of every size class (a factor of 8) at most, and each id in one of every factor of 2;
/// the manifest names as many runs as may stand. So the file grows as n log n, with a manifest for each life.
#[test]
fn a_thousand_lives_that_insert_one_row_each_leave_a_small_file_of_few_segments() {
    let place = Place::new(8);
    let lives = times(1_000, 10_000);
    for number in 0..lives {
        let store = place.open();
        assert_eq!(store.count().unwrap(), number);
        ingest(&store, &[place.entry(number)]);
        store.close().unwrap();
    }
    let store = place.open();
    let (vector_bytes, text_bytes) = (8 * 4, 11 + 16);
    let runs = 2 * runs_max(lives, 8, lives * vector_bytes, RUN_REWRITE_BYTES_MAX) + runs_max(lives, 2, 0, 1);
    let status = store.status().unwrap();
    assert!(status.segment_count <= runs + 2, "{} segments, {runs} runs promised", status.segment_count);
    let (eights, twos) = (u64::from(lives.ilog(8)) + 1, u64::from(lives.ilog2()) + 1);
    let journal = SEGMENT_OVERHEAD_BYTES + 200;
    let rewritten = eights * (vector_bytes + text_bytes) + twos * (text_bytes + 40) + 3 * SEGMENT_OVERHEAD_BYTES;
    // Codes of 24 bytes and 32 links of 4 bytes for each row, and what is written again when lists change.
    let index = 3 * (24 + 32 * 4);
    let manifest = SEGMENT_OVERHEAD_BYTES + MANIFEST_BYTES + runs * DIRECTORY_ENTRY_BYTES;
    let bytes_max = HEAD_BYTES + lives * (journal + rewritten + manifest + index);
    assert!(place.file_bytes() <= bytes_max, "{} bytes, at most {bytes_max} promised", place.file_bytes());
    assert!(is_sound(&store));
    for number in (0..lives).step_by(37) {
        assert!(is_found(&store, &place.entry(number)));
    }
    // A compaction leaves the rows, their history, and next to nothing else.
    store.compact(&Control::default()).unwrap();
    let needed = lives * (vector_bytes + text_bytes + 12 + 16 + 8 + 73 + 24 + 32 * 4);
    assert!(place.file_bytes() <= HEAD_BYTES + MANIFEST_BYTES + needed + needed / 4, "{}", place.file_bytes());
    assert_eq!(store.count().unwrap(), lives);
}

#[test]
fn six_hundred_and_forty_handles_that_add_a_hundred_rows_each_keep_all_rows_in_few_runs() {
    let place = Place::new(384);
    let handles = times(640, 6_400);
    for handle in 0..handles {
        let store = place.open();
        let entries: Vec<NewEntry> = (handle * 100..(handle + 1) * 100).map(|number| place.entry(number)).collect();
        ingest(&store, &entries);
        store.close().unwrap();
    }
    let rows = handles * 100;
    let vector_bytes = rows * 384 * 4;
    let store = place.open();
    assert_eq!(store.count().unwrap(), rows);
    assert!(is_sound(&store));
    for number in (0..rows).step_by(9_973) {
        assert!(is_found(&store, &place.entry(number)));
    }
    let runs = runs_max(rows, 8, vector_bytes, RUN_REWRITE_BYTES_MAX)
        + runs_max(rows, 8, rows * 24, RUN_REWRITE_BYTES_MAX)
        + runs_max(rows, 2, 0, 1);
    let status = store.status().unwrap();
    assert!(status.segment_count <= runs + 2, "{} segments, {runs} runs promised", status.segment_count);
    // Each vector is written to the journal, to its own run, and with runs of its size to one of half the largest size.
    let manifests = handles * (MANIFEST_BYTES + runs * DIRECTORY_ENTRY_BYTES);
    // Codes are written for few rows, and twice in larger runs; of the graph, lists that change are written again and again.
    let index_bytes = rows * (3 * (384 + 8) + 10 * 32 * 4);
    let bytes_max = 3 * vector_bytes + rows * 500 + manifests + index_bytes;
    assert!(place.file_bytes() <= bytes_max, "{} bytes, at most {bytes_max} promised", place.file_bytes());
}

#[test]
fn an_id_that_is_deleted_and_inserted_a_thousand_times_is_there_each_time() {
    let place = Place::new(4);
    let mut store = place.open();
    let neighbour = place.entry(1_000_000);
    ingest(&store, std::slice::from_ref(&neighbour));
    for cycle in 0..times(1_000, 20_000) {
        let entry = NewEntry { id: "again".to_owned(), ..place.entry(cycle) };
        ingest(&store, std::slice::from_ref(&entry));
        assert!(is_found(&store, &entry), "cycle {cycle}");
        match cycle % 50 {
            10 => store.checkpoint().unwrap(),
            20 | 45 => {
                store.close().unwrap();
                store = place.open();
            }
            30 => drop(store.compact(&Control::default()).unwrap()),
            _ => {}
        }
        let got = store.get(&strings(&["again"]), true).unwrap();
        assert_eq!((got.metadata, got.vectors), (entry.metadata.map(|text| format!("[{text}]")), Some(entry.vector)));
        assert_eq!(store.delete(strings(&["again"]), WAIT).unwrap().deleted, 1, "cycle {cycle}");
        assert_eq!(store.has(&strings(&["again", &neighbour.id])).unwrap(), [false, true]);
        assert_eq!(store.count().unwrap(), 1);
    }
    assert!(is_found(&store, &neighbour));
    assert!(is_sound(&store));
    store.compact(&Control::default()).unwrap();
    assert_eq!(store.status().unwrap().row_count, 1);
}

#[test]
fn a_single_insert_grows_the_file_by_its_payload_and_at_most_512_bytes() {
    for dimension in [1, 3, 8, 100, 384, 1536] {
        let place = Place::new(dimension);
        let store = place.open();
        let mut rng = Rng::new(u64::from(dimension));
        let mut before = place.file_bytes();
        let mut grow = |payload: usize, what: &str| {
            let now = place.file_bytes();
            let grown = now - before;
            before = now;
            assert!(grown <= payload as u64 + 512, "{what} of {payload} bytes grew the file by {grown}");
        };
        for number in 0..times(250, 2_000) {
            let metadata = rng.chance(50).then(|| format!("\"{}\"", "x".repeat(rng.below(2_000))));
            let id = format!("{number}{}", "i".repeat(rng.below(200)));
            let entry = NewEntry { id, metadata, ..place.entry(number) };
            ingest(&store, std::slice::from_ref(&entry));
            grow(entry.vector.len() + entry.id.len() + entry.metadata.map_or(0, |text| text.len()), "an insert");
            if rng.chance(30) {
                store.delete(strings(&[entry.id]), WAIT).unwrap();
                grow(0, "a deletion");
            }
        }
        assert!(store.status().unwrap().tail_bytes > 0, "a checkpoint came, which this test does not count");
    }
}

#[test]
fn thousands_of_single_commits_through_one_handle_cost_a_bounded_number_of_checkpoints() {
    let place = Place::new(8);
    let store = place.open();
    let rows = times(8_150, 100_000);
    let entries: Vec<NewEntry> = (0..rows).map(|number| place.entry(number)).collect();
    ingest(&store, &entries);
    let before = place.file_bytes();
    for entry in &entries {
        assert_eq!(store.delete(strings(&[&entry.id]), WAIT).unwrap().deleted, 1);
    }
    // A checkpoint at every 4,032 commits at the latest; it writes less than the commits did.
    let grown = place.file_bytes() - before;
    assert!(grown <= rows * 2 * 512, "{} deletions grew the file by {grown}", rows);
    store.close().unwrap();
    let store = place.open();
    assert_eq!(store.count().unwrap(), 0);
    assert!(is_sound(&store));
    store.compact(&Control::default()).unwrap();
    assert!(place.file_bytes() <= HEAD_BYTES + 2 * MANIFEST_BYTES + (rows + 1) * 73 * 5 / 4);
    assert!(store.status().unwrap().segment_count <= 4);
}

#[test]
fn a_batch_that_names_one_id_a_hundred_thousand_times_is_one_row() {
    let place = Place::new(1);
    let store = place.open();
    let entries: Vec<NewEntry> =
        (0..100_000).map(|number| NewEntry { id: "same".into(), ..place.entry(number) }).collect();
    let skipping = store.ingest(batch_of(&entries), OnDuplicate::Skip, WAIT).unwrap();
    assert_eq!((skipping.accepted, skipping.skipped.len()), (1, 99_999));
    assert!(is_found(&store, &entries[0]));
    let replacing = store.ingest(batch_of(&entries), OnDuplicate::Replace, WAIT).unwrap();
    assert_eq!((replacing.accepted, store.status().unwrap().row_count), (100_000, 2));
    assert!(is_found(&store, &entries[99_999]));
    assert!(store.ingest(batch_of(&entries), OnDuplicate::Error, WAIT).is_err());
    assert_eq!(store.count().unwrap(), 1);
}

/// Ids of one batch that are together larger than the largest segment.
#[test]
fn more_ids_than_one_segment_holds_are_committed_at_once_and_survive_checkpoint_and_compaction() {
    let place = Place::new(1);
    let store = place.open();
    let rows = times(150_000, 2_500_000);
    let entries: Vec<NewEntry> = (0..rows)
        .map(|number| NewEntry { id: format!("{number:0>900}"), metadata: None, ..place.entry(number) })
        .collect();
    ingest(&store, &entries);
    let ids: Vec<&str> = entries.iter().step_by(9_999).map(|entry| entry.id.as_str()).collect();
    let is_whole = |store: &RvfStore| {
        let found = store.get(&strings(&ids), true).unwrap();
        let vectors: Vec<u8> = entries.iter().step_by(9_999).flat_map(|entry| entry.vector.clone()).collect();
        store.count().unwrap() == rows && found.ids == ids && found.vectors == Some(vectors)
    };
    assert!(is_whole(&store));
    store.checkpoint().unwrap();
    assert!(is_whole(&store));
    store.compact(&Control::default()).unwrap();
    assert!(is_whole(&store));
    // Closing would index the rows first, which is not what this is about.
    drop(store);
    let store = place.open();
    assert!(is_whole(&store) && is_sound(&store));
}

#[test]
fn a_store_whose_checkpoints_fail_refuses_writes_before_it_cannot_be_opened_any_more() {
    let place = Place::new(8_000);
    for number in 0..7 {
        let store = place.open();
        ingest(&store, &[place.entry(number)]);
        store.close().unwrap();
    }
    // Seven small runs of metadata; one is damaged, and the next checkpoint that merges them meets it.
    let bytes = std::fs::read(&place.path).unwrap();
    let text = place.entry(0).metadata.unwrap();
    let at = bytes.windows(text.len()).rposition(|window| window == text.as_bytes()).unwrap();
    let file = std::fs::File::options().write(true).open(&place.path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"?", at as u64 + 7).unwrap();
    let store = place.open();
    let mut number = 7;
    let error = loop {
        let entries: Vec<NewEntry> = (number..number + 7).map(|number| place.entry(number)).collect();
        match store.ingest(batch_of(&entries), OnDuplicate::Error, WAIT) {
            Ok(_) => number += 7,
            Err(error) => break error,
        }
        assert!(place.file_bytes() < 300 << 20, "the journal grows for ever");
    };
    assert_eq!(error.code, ErrorCode::InvalidChecksum, "{error}");
    // Everything acknowledged is there, before and after.
    assert_eq!(store.count().unwrap(), number);
    assert_eq!(store.close().unwrap_err().code, ErrorCode::InvalidChecksum);
    let store = place.open();
    assert_eq!(store.count().unwrap(), number);
    assert!(is_found(&store, &place.entry(number - 1)));
    assert!(!is_sound(&store));
}

#[test]
fn one_large_batch_is_opened_again_and_costs_little_more_than_its_bytes() {
    let place = Place::new(768);
    let store = place.open();
    let rows = times(24, 256) << 20 >> 12;
    let entries: Vec<NewEntry> = (0..rows).map(|number| place.entry(number)).collect();
    ingest(&store, &entries);
    let data_bytes: usize = entries.iter().map(|entry| entry.vector.len() + 27).sum();
    assert!(place.file_bytes() <= HEAD_BYTES + data_bytes as u64 * 105 / 100);
    // Without closing, so that the tail is replayed; then closed.
    drop(store);
    for _ in 0..2 {
        let store = place.open();
        assert_eq!(store.count().unwrap(), rows);
        assert!(is_found(&store, &entries[entries.len() / 2]));
        store.checkpoint().unwrap();
    }
    assert!(place.file_bytes() <= HEAD_BYTES + data_bytes as u64 * 110 / 100, "vectors are adopted, not written again");
}
