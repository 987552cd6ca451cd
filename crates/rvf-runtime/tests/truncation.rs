//! A file that was cut anywhere, or has anything behind its end, opens as one of the states that were committed, or is
//! refused with an error that tells of damage.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod damage_common;

use damage_common::expected::{Expected, batch, is_about_damage};
use damage_common::forger::Forger;
use damage_common::numbers::Numbers;
use damage_common::samples::{self, Sample};
use damage_common::{WAIT, file_bytes, is_long_run, open_to_read, open_to_write};
use rvf_runtime::types::ErrorCode;
use rvf_runtime::{Control, OnDuplicate, Result, RvfStore};

/// What must be read from a file that was cut to `len` bytes: `None` where nothing can be.
fn state_at(sample: &Sample, len: usize) -> Option<&(u64, Expected)> {
    sample.states.iter().rev().find(|(end, _)| *end <= len as u64)
}

/// Checks one outcome of opening a file of `len` bytes against the states that were committed.
fn check(sample: &Sample, len: usize, opened: &Result<RvfStore>) {
    let name = sample.name;
    match (state_at(sample, len), opened) {
        (Some((end, expected)), Ok(store)) => {
            let findings = expected.compare(store);
            assert!(findings.is_right(), "{name} cut to {len} bytes: {findings:?}");
            assert_eq!(store.status().unwrap().recovered_torn_bytes, len as u64 - end, "{name} cut to {len} bytes");
        }
        (None, Err(error)) => assert!(is_about_damage(error), "{name} cut to {len} bytes: {error}"),
        (Some(_), Err(error)) => panic!("{name} cut to {len} bytes: {error}"),
        (None, Ok(_)) => panic!("{name} cut to {len} bytes was opened"),
    }
}

fn lengths(sample: &Sample, step: usize) -> impl Iterator<Item = usize> {
    let step = if is_long_run() { 1 } else { step };
    let mut numbers = Numbers::new(sample.bytes.len() as u64);
    let len = sample.bytes.len();
    (0..=len).filter(move |cut| step == 1 || *cut == len || numbers.below(step) == 0)
}

#[test]
fn a_file_cut_at_any_length_is_its_last_whole_commit_or_an_error() {
    let large = [(samples::large_closed(), 24), (samples::large_unclosed(), 256)];
    let small = samples::small().into_iter().map(|sample| {
        let step = sample.coarseness();
        (sample, step)
    });
    for (sample, step) in small.chain(large) {
        for len in lengths(&sample, step) {
            check(&sample, len, &open_to_read(&sample.bytes[..len]));
        }
    }
}

#[test]
fn a_file_cut_below_its_anchored_manifest_says_that_it_was_cut() {
    let sample = samples::closed();
    for len in 12_288..sample.bytes.len() {
        let error = open_to_read(&sample.bytes[..len]).err().unwrap();
        assert_eq!(error.code, ErrorCode::TruncatedSegment, "{len}: {error}");
    }
}

/// The same file as its anchors never reached the disk: everything is found by walking from the start.
fn without_anchors(sample: Sample) -> Sample {
    let mut forger = Forger::of(&sample.bytes);
    forger.plant_anchors(None);
    Sample { bytes: forger.bytes(), ..sample }
}

#[test]
fn a_file_without_anchors_cut_at_any_length_is_never_a_state_that_was_not_committed() {
    for sample in samples::small().into_iter().map(without_anchors) {
        let base_end = sample.states[0].0 as usize;
        for len in lengths(&sample, sample.coarseness()) {
            let opened = open_to_read(&sample.bytes[..len]);
            if len >= base_end {
                check(&sample, len, &opened);
            } else if let Err(error) = opened {
                // Below the last checkpoint there are the earlier commits, whose states the sample does not keep.
                assert!(is_about_damage(&error), "{} cut to {len} bytes: {error}", sample.name);
            }
        }
    }
}

#[test]
fn a_writer_goes_on_behind_the_last_whole_commit_of_a_cut_file() {
    for sample in samples::small() {
        for len in lengths(&sample, 5 * sample.coarseness()) {
            let (host, opened) = open_to_write(&sample.bytes[..len]);
            let Some((end, expected)) = state_at(&sample, len) else {
                assert!(opened.is_err(), "{} cut to {len} bytes", sample.name);
                assert_eq!(file_bytes(&host), &sample.bytes[..len], "an unreadable file was changed");
                continue;
            };
            let store = opened.unwrap();
            assert_eq!(file_bytes(&host), &sample.bytes[..*end as usize], "{} cut to {len} bytes", sample.name);
            let mut expected = expected.clone();
            let entry = samples::other_entry(&store);
            store.ingest(batch(std::slice::from_ref(&entry)), OnDuplicate::Replace, WAIT).unwrap();
            expected.put(&[entry]);
            // Not closed: the next opening finds the new commit behind the old ones.
            drop(store);
            let store = open_to_read(&file_bytes(&host)).unwrap();
            let findings = expected.compare(&store);
            assert!(findings.is_right(), "{} cut to {len} bytes: {findings:?}", sample.name);
            assert_eq!(store.verify(&Control::default()).unwrap().problems, vec![]);
        }
    }
}

/// Bytes to stand behind a file's end.
fn garbage(sample: &Sample, kind: usize, len: usize, numbers: &mut Numbers) -> Vec<u8> {
    match kind {
        0 => numbers.bytes(len),
        1 => vec![0; len],
        2 => vec![0xFF; len],
        // The file's own bytes, as a file system shows them that gives old blocks to new files.
        3 => {
            let from = numbers.below(sample.bytes.len() / 64) * 64;
            sample.bytes.iter().cycle().skip(from).take(len).copied().collect()
        }
        // The same, from where a segment starts.
        _ => {
            let segments = open_to_read(&sample.bytes).unwrap().segments().unwrap();
            let from = segments[numbers.below(segments.len())].offset as usize;
            sample.bytes[from..].iter().take(len).copied().collect()
        }
    }
}

#[test]
fn anything_behind_the_end_of_a_file_is_no_part_of_it() {
    let step = if is_long_run() { 1 } else { 23 };
    for sample in samples::small() {
        let mut numbers = Numbers::new(7);
        for len in (1..=4096).step_by(step).chain([4096, sample.bytes.len()]) {
            for kind in 0..5 {
                let garbage = garbage(&sample, kind, len, &mut numbers);
                let bytes = [&sample.bytes[..], &garbage].concat();
                let store = open_to_read(&bytes)
                    .unwrap_or_else(|error| panic!("{} and {len} bytes of kind {kind}: {error}", sample.name));
                let findings = sample.expected().compare(&store);
                assert!(findings.is_right(), "{} and {len} bytes of kind {kind}: {findings:?}", sample.name);
                assert_eq!(store.status().unwrap().recovered_torn_bytes, garbage.len() as u64);
                assert_eq!(store.verify(&Control::default()).unwrap().problems, vec![]);
            }
        }
    }
}

#[test]
fn a_writer_takes_away_what_stands_behind_the_end_before_it_appends() {
    for sample in samples::small() {
        let mut numbers = Numbers::new(8);
        for kind in 0..5 {
            let bytes = [&sample.bytes[..], &garbage(&sample, kind, 3_000, &mut numbers)].concat();
            let (host, opened) = open_to_write(&bytes);
            let store = opened.unwrap();
            assert_eq!(file_bytes(&host), sample.bytes, "{}, kind {kind}", sample.name);
            store.close().unwrap();
            let store = open_to_read(&file_bytes(&host)).unwrap();
            assert!(sample.expected().compare(&store).is_right(), "{}, kind {kind}", sample.name);
        }
    }
}

#[test]
fn a_stale_tail_behind_a_shorter_rewrite_never_comes_back() {
    // The tail of one life of the file behind the base that both have, cut at every commit, behind other commits.
    let sample = samples::unclosed();
    let base_end = sample.states[0].0 as usize;
    let (host, opened) = open_to_write(&sample.bytes[..base_end]);
    let store = opened.unwrap();
    let mut expected = sample.states[0].1.clone();
    let entry = samples::other_entry(&store);
    store.ingest(batch(std::slice::from_ref(&entry)), OnDuplicate::Replace, WAIT).unwrap();
    expected.put(&[entry]);
    drop(store);
    let rewritten = file_bytes(&host);
    let mut bytes = sample.bytes.clone();
    bytes[..rewritten.len()].copy_from_slice(&rewritten);
    for (start, _) in &sample.states {
        let stale = [&rewritten[..], &sample.bytes[*start as usize..]].concat();
        for bytes in [&bytes, &stale] {
            match open_to_read(bytes) {
                Ok(store) => {
                    let findings = expected.compare(&store);
                    assert!(findings.is_right(), "stale bytes from {start}: {findings:?}");
                }
                Err(error) => assert!(is_about_damage(&error), "stale bytes from {start}: {error}"),
            }
        }
    }
}
