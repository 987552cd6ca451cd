//! A store keeps what it acknowledged, through every stage of its life.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

use std::time::Duration;

use rvf_runtime::types::Metric;
use rvf_runtime::{
    Batch, Control, CreateOptions, Host, OnDuplicate, OpenOptions, PackedStrings, QueryOptions, RvfStore,
};

const WAIT: Duration = Duration::from_secs(10);

fn batch(ids: std::ops::Range<u32>, salt: f32) -> Batch {
    let names: Vec<String> = ids.clone().map(|id| format!("id-{id}")).collect();
    let metas: Vec<String> = ids.clone().map(|id| format!("{{\"n\":{id}}}")).collect();
    let mut vectors = Vec::new();
    for id in ids {
        for d in 0..8 {
            vectors.extend_from_slice(&((id as f32 * 0.37 + d as f32 + salt).sin()).to_le_bytes());
        }
    }
    Batch {
        ids: PackedStrings::from_strings(names.iter().map(String::as_str)),
        vectors: vectors[..].into(),
        metadata: Some(PackedStrings::from_strings(metas.iter().map(String::as_str))),
    }
}

#[test]
fn everything_ingested_is_found_again_after_close_compact_and_reopen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.rvf").to_str().unwrap().to_owned();
    let host = Host::native();
    let store = RvfStore::create(&host, &path, &CreateOptions::new(8, Metric::Cosine)).unwrap();
    for i in 0..100 {
        store.ingest(batch(i * 10..i * 10 + 10, 0.0), OnDuplicate::Replace, WAIT).unwrap();
    }
    store.ingest(batch(1000..21000, 0.0), OnDuplicate::Replace, WAIT).unwrap();
    store.ingest(batch(500..600, 0.5), OnDuplicate::Replace, WAIT).unwrap();
    store.delete(PackedStrings::from_strings(["id-3", "nope", "id-20999"]), WAIT).unwrap();
    let check = |store: &RvfStore| {
        assert_eq!(store.count().unwrap(), 20998);
        let got = store.get(&PackedStrings::from_strings(["id-3", "id-550", "id-20000"]), true).unwrap();
        assert_eq!(got.ids, ["id-550", "id-20000"]);
        assert_eq!(got.metadata.as_deref(), Some("[{\"n\":550},{\"n\":20000}]"));
        assert_eq!(got.vectors.unwrap()[..32], batch(550..551, 0.5).vectors[..]);
        let hits = store
            .query(
                &batch(550..551, 0.5).vectors,
                &QueryOptions { k: 3, with_metadata: true, ..Default::default() },
                None,
            )
            .unwrap();
        assert_eq!(hits.ids.len(), 3);
        assert!(hits.distances[0].abs() < 1e-6);
        let report = store.verify(&Control::default()).unwrap();
        assert_eq!(report.problems, vec![]);
    };
    check(&store);
    store.checkpoint().unwrap();
    check(&store);
    store.close().unwrap();
    let store = RvfStore::open(&host, &path, &OpenOptions::default()).unwrap();
    check(&store);
    let out = store.compact(&Control::default()).unwrap();
    assert!(out.bytes_reclaimed > 0);
    check(&store);
    store.close().unwrap();
    let store = RvfStore::open(&host, &path, &OpenOptions::read_only()).unwrap();
    check(&store);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}
