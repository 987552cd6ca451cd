//! Fixed bytes: a change here is a change of the file format. The hashes were made with Python's `hashlib.shake_256`.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

use rvf_crypto::{ActionSummary, WitnessEntry, WitnessError, WitnessKind, action_hash, shake256_16, shake256_32};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn shake256_of_nothing_and_abc() {
    assert_eq!(hex(&shake256_32(&[])), "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f");
    assert_eq!(
        hex(&shake256_32(&[b"a", b"", b"bc"])),
        "483366601360a8771c6863080cc4114d8db44530f8f1e1ee4f94ea37e78b5739"
    );
    assert_eq!(hex(&shake256_16(&[b"abc"])), "483366601360a8771c6863080cc4114d");
}

#[test]
fn entry_bytes_and_hash() {
    let entry = WitnessEntry {
        previous_hash: std::array::from_fn(|index| index as u8),
        action_hash: std::array::from_fn(|index| 32 + index as u8),
        timestamp_ns: 0x0102_0304_0506_0708,
        kind: WitnessKind::ATTESTATION,
    };
    let mut bytes: Vec<u8> = (0..64).collect();
    bytes.extend([8, 7, 6, 5, 4, 3, 2, 1, 5]);
    assert_eq!(entry.encode().as_slice(), bytes);
    assert_eq!(WitnessEntry::decode(&entry.encode()), Ok(entry));
    assert_eq!(hex(&entry.hash()), "c58c6e6ba8db57864bec449357ee79d6371d1437aef339c2cf9fc8d406303aff");
}

#[test]
fn action_hashes() {
    let content_hashes = [[0x11; 16], [0x22; 16]];
    let summary = ActionSummary { operation: 7, epoch: 9, upserts: 1000, deletes: 3, content_hashes: &content_hashes };
    assert_eq!(hex(&action_hash(summary)), "eee63280b2003c7b55e33753f149e13a77203047d1c60c89e2f1a10032b0902f");
    let nothing = ActionSummary { operation: 0, epoch: 0, upserts: 0, deletes: 0, content_hashes: &[] };
    assert_eq!(hex(&action_hash(nothing)), "5ba70d6daf115d3eceb604c17ec86050fcc9f605467ed556543a8e07b353d730");
}

#[test]
fn kinds_known_and_unknown() {
    let known = |value: u8| (1..=5).contains(&value) || (9..=0x10).contains(&value);
    for value in 0..=255 {
        let mut bytes = [0; 73];
        bytes[72] = value;
        match WitnessEntry::decode(&bytes) {
            Ok(entry) => {
                assert!(known(value), "{value}");
                assert_eq!(entry.kind.as_u8(), value);
                assert_eq!(entry.kind.is_lineage(), (9..=0x0D).contains(&value));
                assert_eq!(entry.kind.is_copy_on_write(), (0x0E..=0x10).contains(&value));
                assert_eq!(entry.encode(), bytes);
            }
            Err(error) => {
                assert!(!known(value), "{value}");
                assert_eq!(error, WitnessError::UnknownKind { value });
            }
        }
    }
}
