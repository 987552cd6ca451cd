//! A flipped bit anywhere in a file is found by `verify()`, and no question about the file gets a wrong answer because of
//! it: the answer is right, or it is an error that tells of damage.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod damage_common;

use std::ops::Range;

use damage_common::expected::is_about_damage;
use damage_common::numbers::Numbers;
use damage_common::samples::{self, Sample};
use damage_common::{file_bytes, is_long_run, open_to_read, open_to_write};
use rvf_runtime::{Control, RvfStore};

/// Which bit of which byte is flipped.
#[derive(Clone, Copy, Debug)]
struct Flip {
    offset: usize,
    bit: u32,
}

/// One bit of each `step`-th byte, and of fewer bytes among the vectors of large segments; in the long run, all bits of
/// all bytes.
fn flips(sample: &Sample, step: usize) -> Vec<Flip> {
    let mut numbers = Numbers::new(sample.bytes.len() as u64);
    let is_long = is_long_run();
    let bulk = bulk(sample);
    let mut flips = Vec::new();
    for offset in 0..sample.bytes.len() {
        let step = if bulk.iter().any(|range| range.contains(&offset)) { step * 32 } else { step };
        let is_looked_at = is_long || numbers.below(step) == 0;
        let chosen = numbers.below(8) as u32;
        let bits = if is_long { 0..8 } else { chosen..chosen + 1 };
        flips.extend(bits.filter(|_| is_looked_at).map(|bit| Flip { offset, bit }));
    }
    flips
}

/// Where there is nothing but vectors for many blocks: one byte is as good as another.
fn bulk(sample: &Sample) -> Vec<Range<usize>> {
    let segments = open_to_read(&sample.bytes).unwrap().segments().unwrap();
    let large = segments.iter().filter(|segment| segment.kind == "vec" && segment.payload_bytes > 65_536);
    large.map(|segment| segment.offset as usize + 8192..segment.offset as usize + 65_536).collect()
}

fn flipped(sample: &Sample, flip: Flip) -> Vec<u8> {
    let mut bytes = sample.bytes.clone();
    bytes[flip.offset] ^= 1 << flip.bit;
    bytes
}

/// What is wrong with the way a flipped bit was dealt with by somebody who only reads.
fn complaint_of_reader(sample: &Sample, flip: Flip) -> Option<String> {
    let bytes = flipped(sample, flip);
    let store = match open_to_read(&bytes) {
        Ok(store) => store,
        Err(error) if is_about_damage(&error) => return None,
        Err(error) => return Some(format!("open failed with {error}")),
    };
    let report = store.verify(&Control::default()).unwrap();
    if let Some(rolled_back) = rolled_back(sample, flip, &store) {
        return rolled_back.err();
    }
    if report.problems.is_empty() {
        return Some("verify() found nothing".to_owned());
    }
    let findings = sample.expected().compare(&store);
    (!findings.wrong.is_empty()).then(|| findings.wrong.join("; "))
}

/// `Some` where opening left commits out. That is right only inside the last append of a file that was not closed, only
/// for the commit with the flipped bit and those behind it, and only if the store says so.
fn rolled_back(sample: &Sample, flip: Flip, store: &RvfStore) -> Option<Result<(), String>> {
    let status = store.status().unwrap();
    let len = sample.bytes.len() as u64;
    if status.recovered_torn_bytes == 0 {
        return None;
    }
    let kept_end = len - status.recovered_torn_bytes;
    let kept = sample.states.iter().rposition(|(end, _)| *end <= flip.offset as u64);
    let Some(kept) = kept.filter(|_| flip.offset as u64 >= sample.last_append_start) else {
        return Some(Err(format!("rolled back to {kept_end} of {len} bytes")));
    };
    let (end, expected) = &sample.states[kept];
    if *end != kept_end {
        return Some(Err(format!("rolled back to {kept_end} instead of {end}")));
    }
    let findings = expected.compare(store);
    Some(if findings.is_right() { Ok(()) } else { Err(format!("after a roll-back: {findings:?}")) })
}

fn assert_no_complaints(sample: &Sample, step: usize, complaint: fn(&Sample, Flip) -> Option<String>) {
    let flips = flips(sample, step);
    assert!(!flips.is_empty());
    for flip in flips {
        if let Some(complaint) = complaint(sample, flip) {
            panic!("{}, {flip:?}: {complaint}", sample.name);
        }
    }
}

#[test]
fn the_samples_are_whole_before_any_bit_is_flipped() {
    for sample in samples::small().into_iter().chain([samples::large_closed(), samples::large_unclosed()]) {
        let store = open_to_read(&sample.bytes).unwrap();
        assert_eq!(store.verify(&Control::default()).unwrap().problems, vec![], "{}", sample.name);
        let findings = sample.expected().compare(&store);
        assert!(findings.is_right(), "{}: {findings:?}", sample.name);
        assert_eq!(store.status().unwrap().recovered_torn_bytes, 0);
    }
}

#[test]
fn a_flipped_bit_in_a_closed_file_is_found_and_answers_stay_right() {
    assert_no_complaints(&samples::closed(), 1, complaint_of_reader);
}

#[test]
fn a_flipped_bit_in_a_file_that_was_not_closed_is_found_and_takes_at_most_the_last_commit() {
    assert_no_complaints(&samples::unclosed(), 1, complaint_of_reader);
}

#[test]
fn a_flipped_bit_in_commits_that_were_written_without_syncs_takes_at_most_the_commits_from_there_on() {
    assert_no_complaints(&samples::unsynced(), 1, complaint_of_reader);
}

#[test]
fn a_flipped_bit_in_a_compacted_file_is_found_and_answers_stay_right() {
    assert_no_complaints(&samples::compacted(), 1, complaint_of_reader);
}

#[test]
fn a_flipped_bit_in_overlays_columns_or_a_schema_is_found_and_answers_stay_right() {
    assert_no_complaints(&samples::updated(), 12, complaint_of_reader);
}

#[test]
fn a_flipped_bit_in_a_file_with_block_tables_is_found_and_answers_stay_right() {
    assert_no_complaints(&samples::large_closed(), 4, complaint_of_reader);
}

#[test]
fn a_flipped_bit_in_a_large_batch_behind_the_last_checkpoint_is_found_and_answers_stay_right() {
    assert_no_complaints(&samples::large_unclosed(), 48, complaint_of_reader);
}

/// What is wrong with the way a flipped bit was dealt with by somebody who opens the file for writing, which puts its end
/// right, closes it and opens it again.
fn complaint_of_writer(sample: &Sample, flip: Flip) -> Option<String> {
    let bytes = flipped(sample, flip);
    let (host, opened) = open_to_write(&bytes);
    let store = match opened {
        Ok(store) => store,
        Err(error) if !is_about_damage(&error) => return Some(format!("open failed with {error}")),
        Err(_) if file_bytes(&host) != bytes => return Some("a file that could not be opened was changed".to_owned()),
        Err(_) => return None,
    };
    let expected = match rolled_back(sample, flip, &store) {
        Some(Err(complaint)) => return Some(complaint),
        Some(Ok(())) => {
            let kept = sample.states.iter().rposition(|(end, _)| *end <= flip.offset as u64).unwrap();
            &sample.states[kept].1
        }
        None => sample.expected(),
    };
    if let Err(error) = store.close() {
        // What a checkpoint has to read may be what is damaged.
        return (!is_about_damage(&error)).then(|| format!("close failed with {error}"));
    }
    let mended = file_bytes(&host);
    let store = match open_to_read(&mended) {
        Ok(store) => store,
        Err(error) => return Some(format!("after being opened for writing: {error}")),
    };
    let findings = expected.compare(&store);
    (!findings.wrong.is_empty()).then(|| findings.wrong.join("; "))
}

#[test]
fn opening_a_damaged_file_for_writing_takes_nothing_that_was_committed() {
    for sample in samples::small() {
        assert_no_complaints(&sample, 5 * sample.coarseness(), complaint_of_writer);
    }
}

#[test]
fn a_damaged_anchor_is_written_anew_by_the_next_writer() {
    for sample in samples::small() {
        for offset in rvf_wire::ANCHOR_OFFSETS {
            for at in [0, 9, 17, 20, 4095] {
                let (host, opened) = open_to_write(&flipped(&sample, Flip { offset: offset as usize + at, bit: 3 }));
                opened.unwrap().close().unwrap();
                let store = open_to_read(&file_bytes(&host)).unwrap();
                assert_eq!(
                    store.verify(&Control::default()).unwrap().problems,
                    vec![],
                    "{} {offset}+{at}",
                    sample.name
                );
                assert!(sample.expected().compare(&store).is_right());
            }
        }
    }
}

#[test]
fn random_flips_all_over_a_file_are_found() {
    let sample = samples::closed();
    let count = if is_long_run() { 1_000_000 } else { 20_000 };
    for seed in 0..count {
        let mut numbers = Numbers::new(seed);
        let mut bytes = sample.bytes.clone();
        for _ in 0..1 + numbers.below(20) {
            let at = numbers.below(bytes.len());
            bytes[at] = numbers.next() as u8;
        }
        if bytes == sample.bytes {
            continue;
        }
        let Ok(store) = open_to_read(&bytes) else { continue };
        let findings = sample.expected().compare(&store);
        assert!(findings.wrong.is_empty(), "seed {seed}: {:?}", findings.wrong);
        assert!(!store.verify(&Control::default()).unwrap().problems.is_empty(), "seed {seed}");
    }
}

#[test]
fn a_flipped_bit_in_ten_megabytes_is_found() {
    let sample = samples::ten_megabytes();
    let count = if is_long_run() { 1_000_000 } else { 40 };
    for seed in 0..count {
        let mut numbers = Numbers::new(seed);
        let flip = Flip { offset: numbers.below(sample.bytes.len()), bit: numbers.below(8) as u32 };
        if let Some(complaint) = complaint_of_reader(&sample, flip) {
            panic!("seed {seed}, {flip:?}: {complaint}");
        }
    }
}
