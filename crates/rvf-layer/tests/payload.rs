//! The layer's bytes: what the table says is what is written, and bytes that are wrong are errors.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod common;

use common::{Counting, EVERYTHING, Random, Rows, bytes_of, search};
use proptest::prelude::*;
use rvf_layer::payload::{DIRECTORY_ENTRY_BYTES, LAYER_HEADER_BYTES};
use rvf_layer::{Budget, LayerError, ProgressiveReader};
use rvf_types::{Metric, Row};

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

fn float(bytes: &[u8], at: usize) -> f64 {
    f64::from(f32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()))
}

/// A varint of less than four bytes.
fn varint(bytes: &mut &[u8]) -> usize {
    let length = bytes.iter().position(|byte| byte < &0x80).unwrap() + 1;
    let value = bytes[..length].iter().rev().fold(0, |value, byte| value << 7 | usize::from(byte & 0x7F));
    *bytes = &bytes[length..];
    value
}

/// Row, id, and squared distance of `query` by decoded codes, of all rows: a second reader of `l2`, by the tables in the
/// documentation.
fn read_all(payload: &[u8], query: &[f32]) -> Vec<(Row, Vec<u8>, f64)> {
    let [blocks, centres, dimension] = [12, 16, 20].map(|at| number(payload, at));
    let code_bytes = 8 + dimension.next_multiple_of(16);
    let directory = &payload[LAYER_HEADER_BYTES..][..blocks * DIRECTORY_ENTRY_BYTES];
    let codes = &payload[LAYER_HEADER_BYTES + directory.len()..];
    let decoded = |index: usize| -> Vec<f64> {
        let code = &codes[index * code_bytes..];
        (0..dimension).map(|element| float(code, 0) * (f64::from(code[8 + element]) - 128.0)).collect()
    };
    let mut rest = &codes[(centres + 1) * code_bytes..];
    let mut all = Vec::new();
    for entry in directory.chunks_exact(DIRECTORY_ENTRY_BYTES) {
        let [rows, bytes, centre] = [0, 4, 8].map(|at| number(entry, at));
        let direction: Vec<f64> = (0..dimension)
            .map(|element| f64::from(query[element]) - decoded(0)[element] - decoded(1 + centre)[element])
            .collect();
        let quarter = dimension.div_ceil(4);
        let mut ids = &rest[rows * (8 + quarter)..bytes];
        let (mut row, mut id) = (0, Vec::new());
        for code in rest.chunks_exact(8 + quarter).take(rows) {
            let level =
                |element: usize| f64::from(code[8 + element % quarter] >> (2 * (element / quarter)) & 3) * 2.0 - 3.0;
            let dot: f64 = (0..dimension).map(|element| direction[element] * level(element)).sum();
            let squared: f64 = direction.iter().map(|value| value * value).sum();
            row += varint(&mut ids);
            id.truncate(varint(&mut ids));
            let following = varint(&mut ids);
            id.extend_from_slice(&ids[..following]);
            ids = &ids[following..];
            all.push((row as Row, id.clone(), squared + float(code, 4) - 2.0 * float(code, 0) * dot));
        }
        assert!(ids.is_empty());
        rest = &rest[bytes..];
    }
    assert!(rest.is_empty());
    all
}

fn rows_of_l2(count: usize) -> Rows {
    let mut rows = Rows::of_floats(Metric::L2, 6, &Random(6).normals(count * 6));
    (rows.first_row, rows.step) = (1_000, 2);
    rows
}

#[test]
fn a_second_reader_finds_the_same_rows_ids_and_distances() {
    let payload = rows_of_l2(2_000).build();
    let query = Random(7).normals(6);
    let mut expected = read_all(&payload, &query);
    expected.sort_by(|left, right| left.2.total_cmp(&right.2));
    let hits = search(&payload, &bytes_of(&query), 2_000, &EVERYTHING).hits;
    assert_eq!(hits.len(), expected.len());
    for (hit, (_, _, distance)) in hits.iter().zip(&expected) {
        assert!((f64::from(hit.distance) - distance).abs() < 1e-4, "{} {distance}", hit.distance);
    }
    let pairs = |mut pairs: Vec<(Row, Vec<u8>)>| {
        pairs.sort_unstable();
        pairs
    };
    let found = pairs(hits.into_iter().map(|hit| (hit.row, hit.id)).collect());
    assert_eq!(found, pairs(expected.into_iter().map(|(row, id, _)| (row, id)).collect()));
}

#[test]
fn golden_bytes() {
    let mut rows = Rows::of_floats(Metric::L2, 1, &[1.0, 3.0]);
    (rows.first_row, rows.step) = (200, 100);
    let payload = rows.build();
    let words: Vec<usize> = (0..32).step_by(4).map(|at| number(&payload, at)).collect();
    // One in `f32` is the mean of the squared distances of 1 and 3 from 2, up to what the codes of 2 and 0 lose.
    assert_eq!(words[..7], [1, 2, 301, 1, 1, 1, 0]);
    assert!((float(&payload, 28) - 1.0).abs() < 1e-6);
    assert_eq!(payload[32..64], [0; 32]);
    // Two rows of 9 bytes; row 200, id `row-200`; 100 more, 4 bytes as before and `300`.
    assert_eq!([64, 68, 72].map(|at| number(&payload, at)), [2, 18 + 11 + 6, 0]);
    let ids = &payload[payload.len() - 17..];
    assert_eq!(ids, [&[0xC8, 1, 0, 7][..], b"row-200", &[100, 4, 3], b"300"].concat());
    assert_eq!(payload.len(), 64 + 12 + 2 * 24 + 35);
}

#[test]
fn bytes_that_are_cut_or_longer_are_an_error() {
    let payload = rows_of_l2(40).build();
    let open = |bytes: &[u8]| ProgressiveReader::open(&Counting::new(bytes)).err();
    for length in 0..payload.len() {
        assert!(matches!(open(&payload[..length]), Some(LayerError::Damaged(_))), "{length}");
    }
    assert!(matches!(open(&[&payload[..], &[0]].concat()), Some(LayerError::Damaged(_))));
    assert_eq!(open(&payload), None);
}

#[test]
fn a_row_that_is_there_twice_is_an_error() {
    // Two blocks of the same rows: the directory of one is told to have two, and the bytes of its block come twice.
    let payload = rows_of_l2(40).build();
    let (head, block) = payload.split_at(64 + 12 + 2 * 24);
    let mut twice = [&head[..64], &head[64..76], &head[64..76], &head[76..], block, block].concat();
    twice[4..8].copy_from_slice(&80_u32.to_le_bytes());
    twice[12..16].copy_from_slice(&2_u32.to_le_bytes());
    let source = Counting::new(&twice);
    let reader = ProgressiveReader::open(&source).unwrap();
    let answer = reader.search(&[0; 24], 10, &EVERYTHING, &|_| false);
    assert_eq!(answer, Err(LayerError::Damaged("a row number")));
}

#[test]
fn row_numbers_and_ids_of_a_block_that_contradict_themselves_are_errors() {
    let mut rows = Rows::of_floats(Metric::L2, 1, &[1.0, 3.0]);
    (rows.first_row, rows.step) = (200, 100);
    let payload = rows.build();
    let search = |from_end: usize, byte: u8| {
        let mut damaged = payload.clone();
        damaged[payload.len() - from_end] = byte;
        let source = Counting::new(&damaged);
        ProgressiveReader::open(&source).unwrap().search(&[0; 4], 10, &EVERYTHING, &|_| false).err()
    };
    // As `golden_bytes` has them: 17 bytes, the second row begins 6 from the end.
    assert_eq!(search(17, 0xC8), None);
    assert_eq!(search(17, 0xCA), Some(LayerError::Damaged("a row number")), "above the highest");
    assert_eq!(search(6, 0), Some(LayerError::Damaged("a row number")), "the same once more");
    assert_eq!(search(15, 1), Some(LayerError::Damaged("an id")), "in common with none");
    assert_eq!(search(5, 8), Some(LayerError::Damaged("an id")), "in common with more than there is");
    assert_eq!(search(4, 4), Some(LayerError::Damaged("an id")), "past the end");
    assert_eq!(search(4, 2), Some(LayerError::Damaged("the length of a block")), "bytes left over");
}

/// Opens and searches; what comes is an answer or an error.
fn use_all(bytes: &[u8]) {
    let source = Counting::new(bytes);
    let Ok(reader) = ProgressiveReader::open(&source) else { return };
    for budget in [EVERYTHING, Budget { requests_max: 2, bytes_max: 4_000 }] {
        for query in [[0.0; 6], [f32::MAX; 6], [f32::NAN; 6]] {
            if let Ok(answer) = reader.search(&bytes_of(&query), 25, &budget, &|row| row % 3 == 0) {
                assert!(answer.hits.len() <= 25 && answer.hits.iter().all(|hit| !hit.distance.is_nan()));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_bytes_never_panic(seed in any::<u64>(), changes in 1_usize..20) {
        static PAYLOAD: std::sync::LazyLock<Vec<u8>> = std::sync::LazyLock::new(|| rows_of_l2(500).build());
        let mut bytes = PAYLOAD.clone();
        let mut numbers = Random(seed);
        // In the header most of them end at once, so most payloads have none there.
        let first = if numbers.below(4) == 0 { 0 } else { 64 };
        for _ in 0..changes {
            let end = if numbers.below(2) == 0 { 200 } else { bytes.len() };
            let at = first + numbers.below(end - first);
            bytes[at] = if numbers.below(2) == 0 { numbers.next() as u8 } else { bytes[at] ^ 1 << numbers.below(8) };
        }
        use_all(&bytes);
    }
}
