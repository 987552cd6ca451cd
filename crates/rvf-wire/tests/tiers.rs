//! SKETCH, HOT and the header of a quantiser: their bytes, and what is said of others.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

use rvf_types::Metric;
use rvf_wire::{HotHeader, QuantiserHeader, SketchPayload, WireError, sketch_places};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn zeros(count: usize) -> String {
    "00".repeat(count)
}

fn sketch() -> SketchPayload {
    let counters = [1, 0, 0, 0x0203, 0, 0, 0, 0].to_vec();
    SketchPayload { width: 2, halved_ns: 0x0102_0304_0506_0708, counters }
}

fn hot() -> HotHeader {
    HotHeader { row_count: 2, row_bytes: 24, quantiser: 7 }
}

#[test]
fn a_sketch_has_the_bytes_that_the_format_says() {
    let front = "0100040002000000".to_owned() + "0807060504030201" + &zeros(48);
    assert_eq!(hex(&sketch().encode()), front + "0100000000000302" + &zeros(8));
    assert_eq!(SketchPayload::decode(&sketch().encode()), Ok(sketch()));
}

#[test]
fn a_key_has_the_counters_that_the_format_says() {
    // 5, and 3 more each time.
    assert_eq!(sketch_places(0x0000_0002_0000_0005, 8), [5, 8, 16 + 3, 24 + 6]);
    assert_eq!(sketch_places(u64::MAX, 4), [3, 4 + 2, 8 + 1, 12]);
}

#[test]
fn a_sketch_that_makes_no_sense_is_an_error() {
    let with = |at: usize, byte: u8| {
        let mut bytes = sketch().encode();
        bytes[at] = byte;
        SketchPayload::decode(&bytes)
    };
    assert_eq!(with(0, 2), Err(WireError::Unsupported("kind of sketch")));
    assert_eq!(with(2, 5), Err(WireError::Unsupported("kind of sketch")));
    for width in [0, 3, 6] {
        assert_eq!(with(4, width), Err(WireError::Invalid("width of a sketch")));
    }
    assert_eq!(with(4, 1), Err(WireError::Invalid("length of a sketch")));
    assert_eq!(with(7, 0x80), Err(WireError::Invalid("width of a sketch")));
    assert_eq!(with(4, 4), Err(WireError::Truncated("SKETCH")));
    for end in 0..80 {
        assert!(SketchPayload::decode(&sketch().encode()[..end]).is_err());
    }
}

#[test]
fn hot_rows_have_the_bytes_that_the_format_says() {
    let bytes = hot().encode([3, 9].into_iter());
    let front = "01000000020000001800000000000000".to_owned() + "0700000000000000" + &zeros(40);
    assert_eq!(hex(&bytes), front + "0300000009000000" + &zeros(56));
    assert_eq!(bytes.len(), hot().rows_start());
    assert_eq!(HotHeader::decode(&bytes, 128 + 48), Ok(hot()));
    assert_eq!(HotHeader::rows(&bytes[64..][..hot().list_bytes()]), Ok(vec![3, 9]));
}

#[test]
fn hot_rows_that_make_no_sense_are_an_error() {
    let bytes = hot().encode([3, 9].into_iter());
    let with = |at: usize, byte: u8| {
        let mut bytes = bytes.clone();
        bytes[at] = byte;
        HotHeader::decode(&bytes, 128 + 48)
    };
    assert_eq!(with(0, 2), Err(WireError::Unsupported("kind of HOT")));
    for (at, byte) in [(4, 0), (4, 3), (7, 0xff), (8, 0), (8, 25), (11, 0xff)] {
        assert_eq!(with(at, byte), Err(WireError::Invalid("length of HOT rows")), "byte {at}");
    }
    assert_eq!(HotHeader::decode(&bytes, 128 + 47), Err(WireError::Invalid("length of HOT rows")));
    assert_eq!(HotHeader::decode(&bytes[..63], 128 + 48), Err(WireError::Truncated("HOT")));
    for rows in [[9_u32, 3], [3, 3]] {
        let list: Vec<u8> = rows.iter().flat_map(|row| row.to_le_bytes()).collect();
        assert_eq!(HotHeader::rows(&list), Err(WireError::Invalid("order of HOT rows")));
    }
}

#[test]
fn the_header_of_a_quantiser_says_how_it_packs() {
    let header = QuantiserHeader {
        metric: Metric::Cosine,
        dimension: 384,
        packing: 2,
        bits: 8,
        subvectors: 128,
        sample_rows: 1_000,
        relative_error: 0.25,
        recall: 0.5,
    };
    let bytes = header.encode();
    assert_eq!(hex(&bytes[28..40]), "02080000".to_owned() + "80000000" + &zeros(4));
    assert_eq!(QuantiserHeader::decode(&bytes), Ok(header));
}
