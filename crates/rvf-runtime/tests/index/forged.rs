//! Codes and graphs that no engine writes, with every checksum right: right answers or an error that tells of damage,
//! and never a panic.

use rvf_manifest::SegmentEntry;
use rvf_runtime::types::{ErrorCode, SegmentFlags, SegmentKind};
use rvf_runtime::{Control, OpenOptions, Quality, QueryOptions, Result, RvfStore};
use rvf_wire::{Extent, SegmentHeader, block_table};

use crate::damage::{check_answers, index_segments, sample};
use crate::damage_common::PATH;
use crate::damage_common::expected::is_about_damage;
use crate::damage_common::forger::Forger;
use crate::hosts::Subject;
use crate::kit::{Rng, times};
use crate::model::nearest;

/// Bytes of the header in front of what a segment holds of a layer, or of codes.
const FRONT: usize = 64;

/// A segment of the index and its data.
type Piece = (SegmentEntry, Vec<u8>);

fn pieces(bytes: &[u8]) -> Vec<Piece> {
    let piece = |entry: SegmentEntry| {
        let extent = entry.extent().unwrap();
        let start = extent.payload_offset as usize;
        (entry, bytes[start..start + extent.data_bytes as usize].to_vec())
    };
    index_segments(bytes).into_iter().map(piece).collect()
}

/// Writes a segment as the engine lays it out; answers its header and its end.
fn write_segment(forger: &mut Forger, at: u64, id: u64, kind: SegmentKind, data: &[u8]) -> (SegmentHeader, u64) {
    let extent = Extent::plan(at, kind, data.len() as u64).unwrap();
    let mut header = forger.header(kind, id, extent.payload_bytes());
    header.flags = SegmentFlags::MORE_FOLLOWS;
    header.payload_start_units = ((extent.payload_offset - at) / 64) as u16;
    header.padding_bytes = extent.padding_bytes as u32;
    let table = if extent.table_bytes > 0 { block_table(&[data]) } else { Vec::new() };
    if !table.is_empty() {
        header.flags = header.flags.with(SegmentFlags::BLOCK_TABLE);
    }
    let sealed = forger.seal(&mut header, &[if table.is_empty() { data } else { &table }]);
    forger.write(at, sealed.to_vec());
    forger.write(extent.payload_offset, [data, &table, &vec![0; extent.padding_bytes as usize]].concat());
    (header, extent.end())
}

/// The store with these segments as its index, written behind everything else, with right hashes.
fn forged(bytes: &[u8], pieces: &[Piece]) -> Forger {
    let mut forger = Forger::of(bytes);
    let (mut at, mut id) = (forger.len(), forger.known.last_segment_id + 1);
    let mut entries = Vec::new();
    for (entry, data) in pieces {
        let (header, end) = write_segment(&mut forger, at, id, entry.header.kind, data);
        entries.push(SegmentEntry { offset: at, header, ..*entry });
        (at, id) = (end, id + 1);
    }
    forger.plant_manifest(at, id, |manifest| {
        let is_index = |kind| matches!(kind, SegmentKind::QUANT | SegmentKind::INDEX);
        manifest.segments.retain(|entry| !is_index(entry.header.kind));
        manifest.segments.extend(entries);
    });
    forger
}

/// What any use of a forged index may come to: nothing wrong, or an error that tells of damage.
fn honest<T>(what: &str, result: Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error) => {
            assert!(is_about_damage(&error), "{what}: {error}");
            None
        }
    }
}

/// Uses the store in every way that touches the index. Hits may be fewer good ones, as what the graph leads to was
/// forged, but must be what they say.
fn assert_honest(what: &str, forger: &Forger, subject: &mut Subject) {
    let options = [OpenOptions::read_only(), OpenOptions::default()];
    for options in options {
        let host = forger.host();
        let Some(store) = honest(what, RvfStore::open(&host, PATH, &options)) else { continue };
        assert!(honest(what, store.status()).is_some());
        ask(what, &store, subject);
        if !options.read_only {
            honest(what, store.wait_for_index(&Control::default()));
            ask(what, &store, subject);
            honest(what, store.compact(&Control::default()));
            ask(what, &store, subject);
            honest(what, store.close());
        }
    }
}

fn ask(what: &str, store: &RvfStore, subject: &mut Subject) {
    for query in subject.queries(6) {
        for options in [nearest(1), nearest(10), QueryOptions { quality: Quality::Fast, ..nearest(10) }] {
            if let Some(hits) = honest(what, store.query(&query, &options, None)) {
                subject.model.check(&query, &hits, options.k, None);
            }
        }
        let exact = QueryOptions { quality: Quality::Exact, ..nearest(10) };
        subject.model.ask(store, &query, &exact, None);
    }
}

fn set(data: &mut [u8], at: usize, bytes: &[u8]) {
    data[at..at + bytes.len()].copy_from_slice(bytes);
}

#[test]
fn an_index_copied_to_another_place_is_believed() {
    // The control of the tests below.
    let (bytes, mut subject) = sample();
    let forger = forged(&bytes, &pieces(&bytes));
    let store = RvfStore::open(&forger.host(), PATH, &OpenOptions::default()).unwrap();
    assert!(crate::model::walks(&store, &subject.queries(1)[0]));
    check_answers(&store, &mut subject, "copied");
    assert_eq!(store.verify(&Control::default()).unwrap().problems, []);
}

#[test]
fn forged_headers_of_codes_and_graph_are_honestly_met() {
    let (bytes, mut subject) = sample();
    let genuine = pieces(&bytes);
    for (index, (entry, _)) in genuine.iter().enumerate() {
        // Version, kind or layer, types or piece, dimension, layer bytes or row bytes and rows.
        for at in [0, 2, 4, 5, 8, 12, 16, 20] {
            for value in [1u8, 7, 0xFF] {
                let mut changed = genuine.clone();
                changed[index].1[at] ^= value;
                let what = format!("{:?} {index}, byte {at} of its header", entry.header.kind);
                assert_honest(&what, &forged(&bytes, &changed), &mut subject);
            }
        }
    }
}

#[test]
fn layers_in_a_wrong_order_missing_or_twice_are_honestly_met() {
    let (bytes, mut subject) = sample();
    let genuine = pieces(&bytes);
    let (codes, graph): (Vec<Piece>, Vec<Piece>) =
        genuine.into_iter().partition(|(entry, _)| entry.header.kind == SegmentKind::QUANT);
    let orders: [&[usize]; 6] = [&[1, 0], &[1], &[0, 0], &[1, 1], &[0, 1, 1], &[0, 0, 1]];
    for order in orders {
        let layers = order.iter().map(|index| graph[*index].clone());
        let changed: Vec<Piece> = codes.iter().cloned().chain(layers).collect();
        assert_honest(&format!("layers {order:?}"), &forged(&bytes, &changed), &mut subject);
    }
}

#[test]
fn links_out_of_range_and_garbage_are_honestly_met() {
    let (bytes, mut subject) = sample();
    let genuine = pieces(&bytes);
    let mut rng = Rng::new(3);
    for index in 0..genuine.len() {
        let kind = genuine[index].0.header.kind;
        for round in 0..times(4, 300) {
            let mut changed = genuine.clone();
            let data = &mut changed[index].1;
            let start = FRONT + rng.below((data.len() - FRONT) / 4) * 4;
            match round % 4 {
                0 => set(data, start, &u32::MAX.wrapping_sub(rng.below(2) as u32).to_le_bytes()),
                1 => set(data, start, &(rng.next() as u32 % 2_000).to_le_bytes()),
                2 => data[FRONT..].fill_with(|| rng.next() as u8),
                _ => {
                    let at = FRONT + rng.below(16) * 4;
                    set(data, at, &(rng.next() as u32).to_le_bytes());
                }
            }
            assert_honest(&format!("{kind:?} {index}, round {round}"), &forged(&bytes, &changed), &mut subject);
        }
    }
}

#[test]
fn data_that_is_too_short_or_too_long_is_honestly_met() {
    let (bytes, mut subject) = sample();
    let genuine = pieces(&bytes);
    for index in 0..genuine.len() {
        for len in [0, 1, 63, 64, 65, 128, 200] {
            let mut changed = genuine.clone();
            changed[index].1.truncate(len);
            assert_honest(&format!("segment {index} of {len} bytes"), &forged(&bytes, &changed), &mut subject);
        }
        let mut changed = genuine.clone();
        changed[index].1.extend_from_slice(&[0; 640]);
        assert_honest(&format!("segment {index} with zeros behind it"), &forged(&bytes, &changed), &mut subject);
        // A layer that says that it is as long as its data.
        if genuine[index].0.header.kind == SegmentKind::INDEX {
            for cut in [4, 64, 4_096] {
                let mut changed = genuine.clone();
                let data = &mut changed[index].1;
                data.truncate(data.len() - cut);
                let layer_bytes = (data.len() - FRONT) as u64;
                set(data, 16, &layer_bytes.to_le_bytes());
                assert_honest(&format!("layer {index} cut by {cut}"), &forged(&bytes, &changed), &mut subject);
            }
        }
    }
}

/// Something untrue of a segment of the directory.
type Lie = (&'static str, SegmentKind, fn(&mut SegmentEntry));

#[test]
fn directories_of_codes_with_gaps_and_of_a_graph_that_is_longer_are_refused() {
    let (bytes, _) = sample();
    let cases: [Lie; 5] = [
        ("codes that begin behind the first row", SegmentKind::QUANT, |entry| entry.first_row += 1),
        ("codes of no row", SegmentKind::QUANT, |entry| entry.row_count = 0),
        ("codes of more rows than there are", SegmentKind::QUANT, |entry| entry.row_count += 5_000),
        ("a graph of more rows than have codes", SegmentKind::INDEX, |entry| entry.row_count += 5_000),
        ("a graph of as many rows as can be", SegmentKind::INDEX, |entry| entry.row_count = u32::MAX),
    ];
    for (what, kind, change) in cases {
        let mut forger = Forger::of(&bytes);
        let (at, id) = (forger.len(), forger.known.last_segment_id + 1);
        forger.plant_manifest(at, id, |manifest| {
            let found = manifest.segments.iter_mut().find(|entry| entry.header.kind == kind);
            change(found.unwrap());
        });
        for options in [OpenOptions::read_only(), OpenOptions::default()] {
            let error = RvfStore::open(&forger.host(), PATH, &options).map(drop).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidManifest, "{what}: {error}");
        }
    }
}

#[test]
fn a_directory_that_lacks_codes_between_others_is_refused() {
    let (bytes, _) = sample();
    let genuine = pieces(&bytes);
    let codes = genuine.iter().filter(|(entry, _)| entry.header.kind == SegmentKind::QUANT).count();
    // All codes gone, and a graph over them left.
    let changed: Vec<Piece> = genuine[codes..].to_vec();
    let error = RvfStore::open(&forged(&bytes, &changed).host(), PATH, &OpenOptions::default()).map(drop).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidManifest, "{error}");
    // The rows of one run of codes as two with a row missing between them.
    let (entry, data) = &genuine[0];
    let (first, second) = (entry.row_count / 2, entry.row_count / 2 - 1);
    let mut front = (SegmentEntry { row_count: first, ..*entry }, data.clone());
    let row_bytes = (data.len() - FRONT) / entry.row_count as usize;
    front.1.truncate(FRONT + first as usize * row_bytes);
    let mut behind = (SegmentEntry { first_row: first + 1, row_count: second, ..*entry }, data.clone());
    behind.1.truncate(FRONT + second as usize * row_bytes);
    let changed: Vec<Piece> = [front, behind].into_iter().chain(genuine[1..].iter().cloned()).collect();
    let error = RvfStore::open(&forged(&bytes, &changed).host(), PATH, &OpenOptions::default()).map(drop).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidManifest, "{error}");
}
