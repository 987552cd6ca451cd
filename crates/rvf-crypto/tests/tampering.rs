//! What somebody with write access to the file might do to the chain.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

use proptest::prelude::*;
use rvf_crypto::{BrokenLink, GENESIS_HASH, WitnessEntry, WitnessKind, shake256_32, verify_links};

/// A sound chain; `seed` makes it differ from others.
fn chain(length: u64, seed: u8) -> Vec<WitnessEntry> {
    let mut previous_hash = GENESIS_HASH;
    let entry = |number: u64| {
        let entry = WitnessEntry {
            previous_hash,
            action_hash: shake256_32(&[&[seed], &number.to_le_bytes()]),
            timestamp_ns: 1_000 + number,
            kind: WitnessKind::PROVENANCE,
        };
        previous_hash = entry.hash();
        entry
    };
    (0..length).map(entry).collect()
}

fn verify(entries: &[WitnessEntry]) -> Result<[u8; 32], BrokenLink> {
    verify_links(GENESIS_HASH, entries.iter().copied())
}

#[test]
fn a_sound_chain_ends_in_the_hash_of_its_last_entry() {
    let entries = chain(10, 0);
    assert_eq!(verify(&entries), Ok(entries[9].hash()));
    assert_eq!(verify(&[]), Ok(GENESIS_HASH));
    assert_eq!(verify_links(entries[3].hash(), entries[4..].iter().copied()), Ok(entries[9].hash()));
}

#[test]
fn omission_is_found() {
    for omitted in 0..9 {
        let mut entries = chain(10, 0);
        entries.remove(omitted);
        assert_eq!(verify(&entries), Err(BrokenLink { index: omitted as u64 }));
    }
    // The last one leaves no trace but the head.
    assert_ne!(verify(&chain(9, 0)), verify(&chain(10, 0)));
}

#[test]
fn splicing_is_found() {
    let (mut entries, other) = (chain(10, 0), chain(10, 1));
    entries[5..].copy_from_slice(&other[5..]);
    assert_eq!(verify(&entries), Err(BrokenLink { index: 5 }));
}

#[test]
fn a_repeated_entry_is_found() {
    let mut entries = chain(10, 0);
    entries.insert(4, entries[3]);
    assert_eq!(verify(&entries), Err(BrokenLink { index: 4 }));
}

proptest! {
    #[test]
    fn reordering_is_found(first in 0_usize..20, second in 0_usize..20) {
        prop_assume!(first != second);
        let mut entries = chain(20, 0);
        entries.swap(first, second);
        prop_assert_eq!(verify(&entries), Err(BrokenLink { index: first.min(second) as u64 }));
    }

    #[test]
    fn a_flipped_bit_is_found(entry in 0_usize..20, bit in 0_usize..(72 * 8)) {
        let mut entries = chain(20, 0);
        let head = verify(&entries);
        let mut bytes = entries[entry].encode();
        bytes[bit / 8] ^= 1 << (bit % 8);
        entries[entry] = WitnessEntry::decode(&bytes).unwrap();
        prop_assert_ne!(verify(&entries), head);
    }
}
