//! What a version does with features it does not know, and with files that only look like its own.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod damage_common;

use damage_common::forger::Forger;
use damage_common::{PATH, WAIT, file_bytes, host_with, open_to_read, open_to_write, samples};
use rvf_runtime::types::{ErrorCode, Metric, feature};
use rvf_runtime::{Control, CreateOptions, Host, OnDuplicate, OpenOptions, RvfStore};
use rvf_wire::Head;

const COMPAT: usize = 0;
const RO_COMPAT: usize = 1;
const INCOMPAT: usize = 2;

/// Where a file says which features it needs.
#[derive(Clone, Copy, Debug)]
enum Place {
    Head,
    AnchoredManifest,
    ManifestInTail,
}

const PLACES: [Place; 3] = [Place::Head, Place::AnchoredManifest, Place::ManifestInTail];

fn with_feature(place: Place, mask: usize, bit: u32) -> Vec<u8> {
    let sample = samples::closed();
    let mut forger = Forger::of(&sample.bytes);
    let (at, id) = (forger.len(), forger.known.last_segment_id + 1);
    match place {
        Place::Head => {
            let mut head = forger.known.head;
            head.features[mask] |= 1 << bit;
            forger.write(0, head.encode()[..4096].to_vec());
        }
        Place::AnchoredManifest => {
            forger.plant_manifest(at, id, |manifest| manifest.features[mask] |= 1 << bit);
        }
        Place::ManifestInTail => {
            let segment = forger.manifest(at, id, |manifest| manifest.features[mask] |= 1 << bit);
            forger.write(at, segment);
        }
    }
    forger.bytes()
}

#[test]
fn a_feature_that_no_reader_may_ignore_is_refused() {
    let unknown = || (0..64).filter(|bit| feature::INCOMPAT_KNOWN >> bit & 1 == 0);
    for (place, bit) in PLACES.into_iter().flat_map(|place| unknown().map(move |bit| (place, bit))) {
        let bytes = with_feature(place, INCOMPAT, bit);
        let error = open_to_read(&bytes).err().unwrap_or_else(|| panic!("{place:?}, bit {bit}"));
        assert_eq!(error.code, ErrorCode::InvalidVersion, "{place:?}, bit {bit}: {error}");
        assert!(error.message.contains(&format!("{:#x}", 1u64 << bit)), "{error}");
        let (host, opened) = open_to_write(&bytes);
        assert_eq!(opened.err().unwrap().code, ErrorCode::InvalidVersion);
        assert_eq!(file_bytes(&host), bytes, "a file that could not be opened was changed");
    }
}

#[test]
fn a_feature_that_no_writer_may_ignore_is_read_and_not_written() {
    for (place, bit) in PLACES.into_iter().flat_map(|place| (0..64).map(move |bit| (place, bit))) {
        let bytes = with_feature(place, RO_COMPAT, bit);
        let store = open_to_read(&bytes).unwrap();
        assert!(samples::closed().expected().compare(&store).is_right(), "{place:?}, bit {bit}");
        assert_eq!(store.verify(&Control::default()).unwrap().problems, vec![]);
        let (host, opened) = open_to_write(&bytes);
        let error = opened.err().unwrap_or_else(|| panic!("{place:?}, bit {bit} was opened for writing"));
        assert_eq!(error.code, ErrorCode::ReadOnly, "{error}");
        assert!(error.message.contains("openReadonly"), "{error}");
        assert_eq!(file_bytes(&host), bytes, "a file that must not be written was changed");
    }
}

#[test]
fn a_feature_that_may_be_ignored_is_ignored_and_kept() {
    for (place, bit) in PLACES.into_iter().flat_map(|place| (0..64).map(move |bit| (place, bit))) {
        let bytes = with_feature(place, COMPAT, bit);
        assert!(samples::closed().expected().compare(&open_to_read(&bytes).unwrap()).is_right());
        let host = host_with(&bytes);
        let store = RvfStore::open(&host, PATH, &OpenOptions::default()).unwrap();
        let entry = samples::other_entry(&store);
        let batch = damage_common::expected::batch(&[entry]);
        store.ingest(batch, OnDuplicate::Replace, WAIT).unwrap();
        store.checkpoint().unwrap();
        store.compact(&Control::default()).unwrap();
        store.close().unwrap();
        let known = Forger::of(&file_bytes(&host)).known;
        let kept = known.manifest.features[COMPAT] | known.head.features[COMPAT];
        assert_eq!(kept, 1 << bit, "{place:?}, bit {bit}");
    }
}

/// A real file with these bytes, which must be refused and stay as it is.
fn assert_left_alone(name: &str, bytes: &[u8], code: ErrorCode) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file.rvf").to_str().unwrap().to_owned();
    std::fs::write(&path, bytes).unwrap();
    let host = Host::native();
    for options in [OpenOptions::read_only(), OpenOptions::default()] {
        let error = RvfStore::open(&host, &path, &options).err().unwrap_or_else(|| panic!("{name} was opened"));
        assert_eq!(error.code, code, "{name}: {error}");
    }
    let created = RvfStore::create(&host, &path, &CreateOptions::new(4, Metric::L2));
    assert_eq!(created.err().unwrap().code, ErrorCode::AlreadyExists, "{name}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "{name} was changed");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{name}: something was left beside it");
}

#[test]
fn files_that_only_look_like_ours_are_refused_and_left_alone() {
    let padded = |start: &[u8]| {
        let mut bytes = start.to_vec();
        bytes.resize(20_000, 0x20);
        bytes
    };
    assert_left_alone("an empty file", b"", ErrorCode::InvalidMagic);
    let others = [
        ("SQLite", &b"SQLite format 3\0"[..]),
        ("RVF", b"RVF\0"),
        ("redb", b"redb"),
        ("RFE1", b"RFE1"),
        ("JSON", b"{\"a\":1}"),
        ("ELF", b"\x7fELF"),
        ("zip", b"PK\x03\x04"),
        ("our magic backwards", b"RVFS"),
        ("a text", b"hello"),
    ];
    for (name, start) in others {
        assert_left_alone(name, start, ErrorCode::InvalidMagic);
        assert_left_alone(name, &padded(start), ErrorCode::InvalidMagic);
    }
    for len in [1, 3] {
        assert_left_alone("a part of our magic", &b"SFVR"[..len], ErrorCode::InvalidMagic);
    }
    let published = [&b"SFVR\x01\x01"[..], &[0; 58]].concat();
    assert_left_alone("a published package's file", &published, ErrorCode::InvalidVersion);
    assert_left_alone("a published package's file, longer", &padded(&published), ErrorCode::InvalidVersion);
    for len in [4, 64, 4096, 12_287] {
        let head = &samples::closed().bytes[..len];
        assert_left_alone("a part of our head", head, ErrorCode::TruncatedSegment);
    }
    let mut numbers = damage_common::numbers::Numbers::new(5);
    for len in [1, 64, 5_000, 50_000] {
        assert_left_alone("noise", &numbers.bytes(len), ErrorCode::InvalidMagic);
    }
}

#[test]
fn a_head_without_a_store_behind_it_is_no_store() {
    let head = Head { file_id: Default::default(), salt: 1, created_ns: 1, features: [0; 3] }.encode();
    assert_left_alone("a head", &head, ErrorCode::ManifestNotFound);
    let noise = damage_common::numbers::Numbers::new(6).bytes(10_000);
    assert_left_alone("a head and noise", &[&head[..], &noise].concat(), ErrorCode::ManifestNotFound);
}

#[test]
fn a_directory_is_no_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("folder.rvf").to_str().unwrap().to_owned();
    std::fs::create_dir(&path).unwrap();
    for options in [OpenOptions::read_only(), OpenOptions::default()] {
        let error = RvfStore::open(&Host::native(), &path, &options).err().unwrap();
        assert_eq!(error.code, ErrorCode::IoError, "{error}");
        assert!(error.message.contains("directory"), "{error}");
    }
    let created = RvfStore::create(&Host::native(), &path, &CreateOptions::new(4, Metric::L2));
    assert_eq!(created.err().unwrap().code, ErrorCode::AlreadyExists);
    let missing = folder.path().join("absent.rvf").to_str().unwrap().to_owned();
    let error = RvfStore::open(&Host::native(), &missing, &OpenOptions::default()).err().unwrap();
    assert!(error.message.contains("does not exist") && error.message.contains("create()"), "{error}");
}
