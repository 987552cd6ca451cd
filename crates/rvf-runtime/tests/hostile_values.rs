//! Arguments out of their bounds are refused with an error that names the argument and the limit, and change nothing;
//! arguments at their bounds are taken and come back bit for bit.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

mod damage_common;

use damage_common::expected::{Entry, Expected, batch};
use damage_common::{PATH, WAIT, file_bytes, fixed_host, open_to_read};
use rvf_runtime::storage::AlignedBytes;
use rvf_runtime::types::{DataType, ErrorCode, Metric};
use rvf_runtime::{Batch, CreateOptions, Host, OnDuplicate, PackedStrings, QueryOptions, Result, RvfError, RvfStore};

/// A store with two entries, and its host.
fn store_of(metric: Metric, dimension: u32) -> (Host, RvfStore) {
    let host = fixed_host::in_memory();
    let store = RvfStore::create(&host, PATH, &CreateOptions::new(dimension, metric)).unwrap();
    let vector = vec![0; store.options().data_type.row_bytes(dimension)];
    let entry = |id: &str| Entry { id: id.to_owned(), vector: vector.clone(), metadata: Some("{}".to_owned()) };
    store.ingest(batch(&[entry("first"), entry("second")]), OnDuplicate::Replace, WAIT).unwrap();
    (host, store)
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn entry(id: &str, values: &[f32], metadata: Option<&str>) -> Entry {
    Entry { id: id.to_owned(), vector: floats(values), metadata: metadata.map(str::to_owned) }
}

fn one(id: &str) -> Batch {
    batch(&[entry(id, &[0.5; 4], None)])
}

fn strings(bytes: &[u8], offsets: &[u32]) -> PackedStrings {
    PackedStrings { bytes: bytes.to_vec(), offsets: offsets.to_vec() }
}

/// Runs something that must be refused: with this code, with a message that says all of this, and without effect.
fn assert_refused<T: std::fmt::Debug>(
    (host, store): &(Host, RvfStore),
    code: ErrorCode,
    says: &[&str],
    attempt: impl FnOnce(&RvfStore) -> Result<T>,
) {
    let before = (file_bytes(host), store.status().unwrap());
    let error: RvfError = attempt(store).unwrap_err();
    assert_eq!(error.code, code, "{error}");
    for part in says {
        assert!(error.message.contains(part), "{error} does not say {part:?}");
    }
    let after = (file_bytes(host), store.status().unwrap());
    assert!(before == after, "{error}, and yet something changed");
}

fn ingest(store: &RvfStore, batch: Batch) -> Result<()> {
    store.ingest(batch, OnDuplicate::Replace, WAIT).map(drop)
}

/// Stores entries, closes, and checks that the file holds them and nothing else besides the first two.
fn assert_stored((host, store): (Host, RvfStore), entries: &[Entry]) {
    ingest(&store, batch(entries)).unwrap();
    store.delete(PackedStrings::from_strings(["first", "second"]), WAIT).unwrap();
    let mut expected = Expected::default();
    expected.put(entries);
    let findings = expected.compare(&store);
    assert!(findings.is_right(), "{findings:?}");
    store.close().unwrap();
    let findings = expected.compare(&open_to_read(&file_bytes(&host)).unwrap());
    assert!(findings.is_right(), "after reopening: {findings:?}");
}

#[test]
fn ids_have_1_to_1024_bytes() {
    let opened = store_of(Metric::L2, 4);
    for len in [0, 1025, 65_536] {
        let id = "i".repeat(len);
        let says = ["ids[0]", &format!("{len} bytes"), "ID_BYTES_MAX", "1024"];
        assert_refused(&opened, ErrorCode::InvalidInput, &says, |store| ingest(store, one(&id)));
        let ids = PackedStrings::from_strings([id.as_str()]);
        assert_refused(&opened, ErrorCode::InvalidInput, &says, |store| store.delete(ids, WAIT));
    }
    let second = batch(&[entry("fine", &[0.0; 4], None), entry("", &[0.0; 4], None)]);
    assert_refused(&opened, ErrorCode::InvalidInput, &["ids[1]"], |store| ingest(store, second));
    let longest = "é".repeat(512);
    assert_stored(opened, &[entry("i", &[1.0; 4], None), entry(&longest, &[2.0; 4], Some("1"))]);
}

#[test]
fn any_text_is_an_id() {
    let ids =
        ["\0", "a\0b", " ", "\n", "__proto__", "constructor", "../../etc/passwd", "\u{202e}\u{feff}", "日本", "😀"];
    let entries: Vec<Entry> = (0u8..).zip(ids).map(|(n, id)| entry(id, &[f32::from(n); 4], Some("{}"))).collect();
    assert_stored(store_of(Metric::L2, 4), &entries);
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    let opened = store_of(Metric::L2, 4);
    for bytes in [&b"\xFF"[..], b"\xC3", b"\xED\xA0\x80", b"\xC0\x80"] {
        let broken = strings(bytes, &[0, bytes.len() as u32]);
        let ids = Batch { ids: broken.clone(), ..one("a") };
        assert_refused(&opened, ErrorCode::InvalidInput, &["ids", "UTF-8"], |store| ingest(store, ids));
        let metadata = Batch { metadata: Some(broken.clone()), ..one("a") };
        assert_refused(&opened, ErrorCode::InvalidInput, &["metadata", "UTF-8"], |store| ingest(store, metadata));
        assert_refused(&opened, ErrorCode::InvalidInput, &["ids", "UTF-8"], |store| store.get(&broken, true));
        assert_refused(&opened, ErrorCode::InvalidInput, &["ids", "UTF-8"], |store| store.has(&broken));
        assert_refused(&opened, ErrorCode::InvalidInput, &["ids", "UTF-8"], |store| store.delete(broken, WAIT));
    }
}

#[test]
fn offsets_that_do_not_cut_their_text_into_strings_are_refused() {
    let opened = store_of(Metric::L2, 4);
    let says = ["ids", "offsets"];
    for offsets in [&[][..], &[0], &[1, 4], &[0, 3], &[0, 5], &[0, u32::MAX], &[0, 3, 2, 4], &[4, 0], &[0, 2, 4]] {
        // The two bytes of é lie at 1 and 2.
        let text = "aéb".as_bytes();
        let broken = strings(text, offsets);
        let ids = Batch { ids: broken.clone(), ..one("a") };
        assert_refused(&opened, ErrorCode::InvalidInput, &says, |store| ingest(store, ids));
        assert_refused(&opened, ErrorCode::InvalidInput, &says, |store| store.get(&broken, false));
        assert_refused(&opened, ErrorCode::InvalidInput, &says, |store| store.has(&broken));
        assert_refused(&opened, ErrorCode::InvalidInput, &says, |store| store.delete(broken.clone(), WAIT));
        let metadata = Batch { metadata: Some(broken), ..one("a") };
        assert_refused(&opened, ErrorCode::InvalidInput, &["metadata", "offsets"], |store| ingest(store, metadata));
    }
}

#[test]
fn a_dimension_is_1_to_65536() {
    for metric in Metric::ALL {
        for dimension in [0, 65_537, 70_000, 1 << 31, u32::MAX] {
            let host = fixed_host::in_memory();
            let error = RvfStore::create(&host, PATH, &CreateOptions::new(dimension, metric)).err().unwrap();
            assert_eq!(error.code, ErrorCode::InvalidOptions);
            assert!(error.message.contains(&dimension.to_string()) && error.message.contains("DIMENSION_MAX (65536)"));
            assert!(host.storage.identity_at(PATH).is_err(), "a refused creation left a file");
        }
        for dimension in [1, 65_536] {
            let (host, store) = store_of(metric, dimension);
            store.close().unwrap();
            let store = open_to_read(&file_bytes(&host)).unwrap();
            assert_eq!((store.options().dimension, store.options().metric), (dimension, metric));
            assert_eq!(store.count().unwrap(), 2);
        }
    }
}

#[test]
fn other_options_out_of_their_bounds_are_refused_by_name() {
    let refuse = |code, says: &str, change: &dyn Fn(&mut CreateOptions)| {
        let mut options = CreateOptions::new(4, Metric::L2);
        change(&mut options);
        let error = RvfStore::create(&fixed_host::in_memory(), PATH, &options).err().unwrap();
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(says), "{error}");
    };
    for m in [0, 1, 257, u32::MAX] {
        refuse(ErrorCode::InvalidOptions, &format!("m is {m}"), &|options| options.store.m = m);
    }
    for ef in [0, 10_001, u32::MAX] {
        refuse(ErrorCode::InvalidOptions, &format!("efConstruction {ef}"), &|options| {
            options.store.ef_construction = ef
        });
    }
    refuse(ErrorCode::InvalidOptions, "profile is 4", &|options| options.store.profile = 4);
    refuse(ErrorCode::InvalidOptions, "embeddingModel has 1025", &|options| {
        options.store.embedding_model = Some("m".repeat(1025));
    });
    for data_type in [DataType::Bf16, DataType::U8, DataType::Binary] {
        refuse(ErrorCode::MetricUnsupported, "l2", &|options| options.store.data_type = data_type);
    }
    for data_type in [DataType::F32, DataType::F16, DataType::I8] {
        refuse(ErrorCode::MetricUnsupported, "hamming", &|options| {
            options.store.metric = Metric::Hamming;
            options.store.data_type = data_type;
        });
    }
}

#[test]
fn vectors_of_another_length_are_refused() {
    let opened = store_of(Metric::L2, 4);
    for len in [0, 4, 12, 15, 17, 20, 32] {
        let says = ["dimension 4", &format!("{len}")];
        let short = Batch { vectors: AlignedBytes::zeroed(len), ..one("a") };
        assert_refused(&opened, ErrorCode::DimensionMismatch, &says, |store| ingest(store, short));
        let query = vec![0; len];
        let options = QueryOptions { k: 1, ..QueryOptions::default() };
        assert_refused(&opened, ErrorCode::DimensionMismatch, &says, |store| store.query(&query, &options, None));
        if len % 16 != 0 || len == 0 {
            let answer = |store: &RvfStore| store.query_batch(&query, &options, None);
            assert_refused(&opened, ErrorCode::DimensionMismatch, &says, answer);
        }
    }
    let many = vec![0; 16 * 100_001];
    assert_refused(&opened, ErrorCode::DimensionMismatch, &["QUERY_BATCH_MAX (100000)"], |store| {
        store.query_batch(&many, &QueryOptions { k: 1, ..QueryOptions::default() }, None)
    });
}

#[test]
fn k_is_1_to_100000() {
    let opened = store_of(Metric::L2, 4);
    let query = floats(&[0.0; 4]);
    for k in [0, 100_001, 1 << 31, usize::MAX] {
        let options = QueryOptions { k, ..QueryOptions::default() };
        let says = ["k is", &k.to_string(), "K_MAX (100000)"];
        assert_refused(&opened, ErrorCode::KTooLarge, &says, |store| store.query(&query, &options, None));
        assert_refused(&opened, ErrorCode::KTooLarge, &says, |store| store.query_batch(&query, &options, None));
    }
    for k in [1, 2, 100_000] {
        let options = QueryOptions { k, timeout_ms: u64::MAX, ..QueryOptions::default() };
        assert_eq!(opened.1.query(&query, &options, None).unwrap().ids.len(), k.min(2));
    }
    let nowhere = QueryOptions { k: 1, distance_max: Some(f32::NAN), ..QueryOptions::default() };
    assert_refused(&opened, ErrorCode::InvalidInput, &["distanceMax", "NaN"], |store| {
        store.query(&query, &nowhere, None)
    });
}

#[test]
fn numbers_that_are_not_finite_are_refused_wherever_they_stand() {
    let not_finite = [0x7FC0_0000, 0x7F80_0001, 0xFFC0_0000, 0x7FFF_FFFF, 0x7F80_0000, 0xFF80_0000].map(f32::from_bits);
    for metric in [Metric::L2, Metric::Cosine, Metric::DotProduct] {
        let opened = store_of(metric, 4);
        for (value, element) in not_finite.into_iter().flat_map(|value| (0..4).map(move |element| (value, element))) {
            let mut bad = [0.5; 4];
            bad[element] = value;
            let place = format!("element {element}");
            let entries = [entry("a", &[0.5; 4], None), entry("b", &bad, None)];
            assert_refused(&opened, ErrorCode::InvalidInput, &["vectors[1]", &place, "finite"], |store| {
                ingest(store, batch(&entries))
            });
            let options = QueryOptions { k: 1, ..QueryOptions::default() };
            assert_refused(&opened, ErrorCode::InvalidInput, &["vector[0]", &place, "finite"], |store| {
                store.query(&floats(&bad), &options, None)
            });
        }
    }
}

#[test]
fn every_finite_number_is_kept_bit_for_bit_and_has_a_distance() {
    let extremes = [0.0, -0.0, 1e-45, -1e-45, f32::MIN_POSITIVE, 1.0, f32::MAX, f32::MIN, 1e19, -1e-20];
    for metric in [Metric::L2, Metric::Cosine, Metric::DotProduct] {
        let opened = store_of(metric, 2);
        let pairs = extremes.into_iter().flat_map(|left| extremes.map(|right| [left, right]));
        let entries: Vec<Entry> = pairs.enumerate().map(|(n, pair)| entry(&format!("{n}"), &pair, None)).collect();
        ingest(&opened.1, batch(&entries)).unwrap();
        opened.1.checkpoint().unwrap();
        let ids = PackedStrings::from_strings(entries.iter().map(|entry| entry.id.as_str()));
        let stored = opened.1.get(&ids, true).unwrap().vectors.unwrap();
        assert_eq!(stored, entries.iter().flat_map(|entry| entry.vector.clone()).collect::<Vec<u8>>());
        for asked in &entries {
            let options = QueryOptions { k: 1_000, with_vectors: true, ..QueryOptions::default() };
            let hits = opened.1.query(&asked.vector, &options, None).unwrap();
            assert_eq!(hits.ids.len(), entries.len() + 2, "{metric:?}: an entry has no distance from {asked:?}");
            assert!(hits.distances.is_sorted(), "{metric:?} {asked:?}: {:?}", hits.distances);
        }
    }
}

#[test]
fn bits_behind_a_binary_dimension_are_refused() {
    for dimension in [1u32, 7, 9, 15] {
        let opened = store_of(Metric::Hamming, dimension);
        let row_bytes = dimension.div_ceil(8) as usize;
        for bit in dimension % 8..8 {
            let mut vector = vec![0; row_bytes];
            vector[row_bytes - 1] |= 1 << bit;
            let bad = Entry { id: "a".to_owned(), vector: vector.clone(), metadata: None };
            let says = ["bits", "behind its dimension"];
            assert_refused(&opened, ErrorCode::InvalidInput, &says, |store| ingest(store, batch(&[bad])));
            let options = QueryOptions { k: 1, ..QueryOptions::default() };
            assert_refused(&opened, ErrorCode::InvalidInput, &says, |store| store.query(&vector, &options, None));
        }
    }
}

#[test]
fn metadata_is_json_of_bounded_length_and_depth() {
    let opened = store_of(Metric::L2, 4);
    let with = |text: &str| batch(&[entry("a", &[0.0; 4], None), entry("b", &[0.0; 4], Some(text))]);
    let not_json = [
        " ",
        "{",
        "}",
        "[",
        "{\"a\":1",
        "{\"a\":1}}",
        "{'a':1}",
        "{a:1}",
        "[1,]",
        "{\"a\":1,}",
        "NaN",
        "undefined",
        "01",
        "+1",
        "1 2",
        "{}{}",
        "\"a",
        "\"\0\"",
        "\"\n\"",
        "\u{feff}{}",
        "/**/{}",
        "\"\\x\"",
        "tru",
        "-",
        "1e",
        ".5",
    ];
    for text in not_json {
        assert_refused(&opened, ErrorCode::InvalidInput, &["metadata[1]", "JSON"], |store| ingest(store, with(text)));
    }
    for depth in [33, 1_000, 30_000] {
        let text = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let says = ["metadata[1]", &format!("depth {depth}"), "METADATA_DEPTH_MAX 32"];
        assert_refused(&opened, ErrorCode::InvalidInput, &says, |store| ingest(store, with(&text)));
    }
    for len in [65_537, 1 << 20] {
        let text = format!("\"{}\"", "x".repeat(len - 2));
        let says = ["metadata[1]", &format!("{len} bytes"), "METADATA_BYTES_MAX is 65536"];
        assert_refused(&opened, ErrorCode::InvalidInput, &says, |store| ingest(store, with(&text)));
    }
    for count in [0usize, 1, 3] {
        let metadata = Some(PackedStrings::from_strings(std::iter::repeat_n("{}", count)));
        let unmatched = Batch { metadata, ..with("{}") };
        let says = ["2 entries", &format!("{count} metadata")];
        assert_refused(&opened, ErrorCode::InvalidInput, &says, |store| ingest(store, unmatched));
    }
}

#[test]
fn metadata_comes_back_as_it_was_given() {
    let deepest = format!("{}0{}", "[".repeat(32), "]".repeat(32));
    let longest = format!("\"{}\"", "é".repeat((65_536 - 2) / 2));
    let texts = [
        "{}",
        "null",
        "0",
        "\"\"",
        "[]",
        " { \"a\" : 1 } ",
        "{\"__proto__\":{\"polluted\":true}}",
        "{\"constructor\":{\"prototype\":{}}}",
        "{\"a\":1,\"a\":2}",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "1e400",
        "-0",
        "123456789012345678901234567890",
        "\"]},{[\"",
        &deepest,
        &longest,
    ];
    let entries: Vec<Entry> =
        (0u8..).zip(texts).map(|(n, text)| entry(&format!("id-{n}"), &[f32::from(n); 4], Some(text))).collect();
    assert_stored(store_of(Metric::L2, 4), &entries);
}

#[test]
fn a_batch_that_is_too_large_is_refused_before_it_is_read() {
    let opened = store_of(Metric::L2, 4);
    let many = Batch { ids: strings(b"", &vec![0; 4_000_002]), ..Batch::default() };
    let says = ["4000001 entries", "BATCH_ENTRIES_MAX is 4000000", "split"];
    assert_refused(&opened, ErrorCode::SegmentTooLarge, &says, |store| ingest(store, many));
    let heavy = Batch { vectors: AlignedBytes::zeroed((1 << 30) + 16), ..one("a") };
    let says = ["BATCH_BYTES_MAX", "1073741824", "split"];
    assert_refused(&opened, ErrorCode::SegmentTooLarge, &says, |store| ingest(store, heavy));
}

#[test]
fn nothing_to_do_writes_nothing() {
    let (host, store) = store_of(Metric::L2, 4);
    let before = (file_bytes(&host), store.status().unwrap());
    let nothing = Batch { ids: PackedStrings::from_strings([]), ..Batch::default() };
    let outcome = store.ingest(nothing, OnDuplicate::Error, WAIT).unwrap();
    assert_eq!((outcome.accepted, outcome.epoch), (0, before.1.epoch));
    assert_eq!(store.delete(PackedStrings::from_strings([]), WAIT).unwrap().deleted, 0);
    assert_eq!(store.delete(PackedStrings::from_strings(["absent"]), WAIT).unwrap().deleted, 0);
    let again = entry("first", &[9.0; 4], None);
    let skipped = store.ingest(batch(&[again]), OnDuplicate::Skip, WAIT).unwrap();
    assert_eq!((skipped.accepted, &skipped.skipped[..]), (0, &[0][..]));
    assert!(before == (file_bytes(&host), store.status().unwrap()));
}

#[test]
fn an_id_twice_in_a_batch_is_dealt_with_as_asked() {
    let twice =
        batch(&[entry("a", &[1.0; 4], Some("1")), entry("b", &[2.0; 4], None), entry("a", &[3.0; 4], Some("3"))]);
    let opened = store_of(Metric::L2, 4);
    assert_refused(&opened, ErrorCode::AlreadyExists, &["ids[2]", "\"a\"", "onDuplicate"], |store| {
        store.ingest(twice.clone(), OnDuplicate::Error, WAIT)
    });
    let winner = |on_duplicate| {
        let (_, store) = store_of(Metric::L2, 4);
        let outcome = store.ingest(twice.clone(), on_duplicate, WAIT).unwrap();
        let got = store.get(&PackedStrings::from_strings(["a"]), true).unwrap();
        assert_eq!(store.count().unwrap(), 4);
        (outcome.accepted, outcome.skipped, got.metadata.unwrap(), got.vectors.unwrap())
    };
    assert_eq!(winner(OnDuplicate::Replace), (3, vec![], "[3]".to_owned(), floats(&[3.0; 4])));
    assert_eq!(winner(OnDuplicate::Skip), (2, vec![2], "[1]".to_owned(), floats(&[1.0; 4])));
}
