//! Updates of metadata: what they keep, what they refuse, and when they are no commit.

use std::sync::Arc;
use std::sync::mpsc::channel;

use rvf_runtime::storage::{MemoryStorage, OpenMode, Storage};
use rvf_runtime::types::{ErrorCode, Metric};
use rvf_runtime::{
    Control, CreateOptions, Host, OnDuplicate, OpenOptions, PageRequest, QueryOptions, RvfStore, Target, Write,
};
use serde_json::json;

use crate::kit::{NewEntry, WAIT, all_rows, batch_of, floats, page_at, strings};
use crate::subject::{Subject, everything};

fn file_bytes(storage: &dyn Storage, path: &str) -> Vec<u8> {
    let file = storage.open(path, OpenMode::Read).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

#[test]
fn an_update_keeps_the_order_of_rows_and_their_vectors() {
    let mut subject = Subject::new(1, Arc::new(MemoryStorage::new()), Metric::L2);
    let batch = subject.entries(0..100, 0);
    subject.ingest(&batch, OnDuplicate::Error);
    let before = subject.store.snapshot().unwrap().rows(all_rows(), None).unwrap();
    for round in 0..3 {
        subject.update_ids(&["id-50".to_owned(), "id-3".to_owned()], &json!({ "round": round }).to_string());
        subject.update_where(&everything(), &json!({ "all": round }).to_string());
        let after = subject.store.snapshot().unwrap().rows(all_rows(), None).unwrap();
        assert_eq!((&after.ids, &after.vectors), (&before.ids, &before.vectors));
        assert_eq!(subject.store.status().unwrap().row_count, 100, "an update needs no new row");
        subject.reopen(round == 1);
    }
}

#[test]
fn an_update_that_changes_nothing_is_no_commit_and_writes_nothing() {
    let storage = Arc::new(MemoryStorage::new());
    let subject = Subject::new(2, storage.clone(), Metric::L2);
    let entry = |id: &str, text: &str| NewEntry {
        id: id.to_owned(),
        vector: floats([0.0; 8]),
        metadata: Some(text.to_owned()),
    };
    let batch = [entry("a", r#"{ "n" : 1.0, "s" : "\u0061", "o": {"x":1} }"#), entry("b", "7"), entry("c", "{}")];
    subject.store.ingest(batch_of(&batch), OnDuplicate::Error, WAIT).unwrap();
    let before = (file_bytes(&*storage, &subject.path), subject.store.status().unwrap());
    for patch in ["{}", r#"{"n":1}"#, r#"{"s":"a","m":null}"#, r#"{"o":{"x":1,"y":null}}"#, "  {  }  "] {
        // What is not the same for all is asked for one.
        let target = || Target::Ids(strings(&["a", "not there"]));
        let outcome = subject.store.update_metadata(target(), patch.into(), WAIT).unwrap();
        assert_eq!((outcome.updated, outcome.epoch), (0, 1), "{patch}");
    }
    let nobody = subject.expression(&json!({"op": "eq", "field": "n", "value": 2}));
    let outcome = subject.store.update_metadata(Target::Where(nobody.clone()), b"{\"n\":3}".into(), WAIT).unwrap();
    assert_eq!((outcome.updated, outcome.epoch), (0, 1));
    assert_eq!(subject.store.delete_where(nobody.clone(), WAIT).unwrap().deleted, 0);
    let nothing = subject.store.replace_where(nobody, batch_of(&[]), OnDuplicate::Error, WAIT).unwrap();
    assert_eq!((nothing.deleted, nothing.ingest.accepted, nothing.ingest.epoch), (0, 0, 1));
    assert!(before == (file_bytes(&*storage, &subject.path), subject.store.status().unwrap()));
}

/// The update must fail, and nothing change.
fn refused(subject: &Subject, patch: &str, says: &str) {
    let before = subject.store.snapshot().unwrap().rows(all_rows(), None).unwrap();
    let target = Target::Where(subject.expression(&everything()));
    let error = subject.store.update_metadata(target, patch.into(), WAIT).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidInput, "{patch}: {error}");
    assert!(error.message.contains(says), "{error}");
    assert_eq!(subject.store.snapshot().unwrap().rows(all_rows(), None).unwrap(), before);
    assert_eq!(subject.store.status().unwrap().epoch, 1);
}

#[test]
fn an_update_that_one_entry_cannot_take_is_refused_as_a_whole() {
    let mut subject = Subject::new(3, Arc::new(MemoryStorage::new()), Metric::L2);
    let mut batch = subject.entries(0..3, 0);
    batch[1].metadata = Some(json!({"deep": [[1]], "long": "x".repeat(65_000)}).to_string());
    subject.ingest(&batch, OnDuplicate::Error);
    refused(&subject, &json!({"more": "y".repeat(600)}).to_string(), "METADATA_BYTES_MAX");
    refused(&subject, &format!("{{\"deep\":{}{}}}", "[".repeat(33), "]".repeat(33)), "METADATA_DEPTH_MAX");
    for patch in ["", "7", "[1]", "null", "{", "{\"a\":1}}", "{\"a\":tru}", "{a:1}"] {
        refused(&subject, patch, "patch");
    }
    // The last one has room.
    subject.update_ids(&["id-2".to_owned()], &json!({"more": "y".repeat(600)}).to_string());
}

fn with_schema() -> (Host, CreateOptions) {
    let mut options = CreateOptions::new(1, Metric::L2);
    let schema = r#"[{"field":"year","type":"number","fieldId":7},{"field":"tags","type":"string[]"}]"#;
    options.store.schema = Some(schema.to_owned());
    (Host::native_over(Arc::new(MemoryStorage::new())), options)
}

#[test]
fn a_schema_holds_for_every_change_and_outlives_checkpoints_and_compactions() {
    let (host, options) = with_schema();
    let mut store = RvfStore::create(&host, "/store.rvf", &options).unwrap();
    let entry =
        |id: &str, text: &str| NewEntry { id: id.to_owned(), vector: floats([1.0]), metadata: Some(text.to_owned()) };
    let good = [entry("a", r#"{"year":1999,"tags":["x"]}"#), entry("b", r#"{"tags":[]}"#), entry("c", "[]")];
    store.ingest(batch_of(&good), OnDuplicate::Error, WAIT).unwrap();
    for round in 0..4 {
        assert_eq!(store.options().schema, options.store.schema, "round {round}");
        let by_number = store.filter(r#"{"op":"ge","fieldId":7,"value":1990}"#).unwrap();
        assert_eq!(store.count_where(&by_number, 0, None).unwrap(), 1);
        let error = store.filter(r#"{"op":"ge","fieldId":8,"value":1990}"#).unwrap_err();
        assert_eq!(error.code, ErrorCode::FilterParseError, "{error}");
        for bad in [r#"{"year":"1999"}"#, r#"{"tags":"x"}"#, r#"{"tags":["x",1]}"#, r#"{"year":null}"#] {
            let error = store.ingest(batch_of(&[entry("d", bad)]), OnDuplicate::Replace, WAIT).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidInput, "{error}");
            let all = store.filter(&everything().to_string()).unwrap();
            let batch = batch_of(&[entry("d", bad)]);
            let error = store.replace_where(all, batch, OnDuplicate::Replace, WAIT).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidInput, "{error}");
            if bad.contains("null") {
                continue; // which takes the field away
            }
            let error = store.update_metadata(Target::Ids(strings(&["a"])), bad.into(), WAIT).unwrap_err();
            assert_eq!(error.code, ErrorCode::InvalidInput, "{error}");
        }
        assert_eq!(store.count().unwrap(), 3);
        match round {
            0 => store.checkpoint().unwrap(),
            1 => drop(store.compact(&Control::default()).unwrap()),
            _ => {
                store.close().unwrap();
                store = RvfStore::open(&host, "/store.rvf", &OpenOptions::default()).unwrap();
            }
        }
    }
}

#[test]
fn a_schema_that_is_none_is_refused() {
    for schema in ["", "{}", "[{}]", r#"[{"field":"a"}]"#, r#"[{"field":"a","type":"date"}]"#, "[1]", "[]]"] {
        let (host, mut options) = with_schema();
        options.store.schema = Some(schema.to_owned());
        let error = RvfStore::create(&host, "/store.rvf", &options).err().unwrap();
        assert_eq!(error.code, ErrorCode::InvalidOptions, "{schema}: {error}");
        assert!(host.storage.open("/store.rvf", OpenMode::Read).is_err(), "{schema}: a file was left behind");
    }
}

#[test]
fn a_cursor_of_a_list_is_good_until_the_next_compaction() {
    let mut subject = Subject::new(4, Arc::new(MemoryStorage::new()), Metric::L2);
    let batch = subject.entries(0..30, 0);
    subject.ingest(&batch, OnDuplicate::Error);
    let all = subject.expression(&everything());
    let first = subject.store.list_where(Some(&all), page_at(0, 10), None, 0, None).unwrap();
    let next = first.page.next.unwrap();
    // What comes, goes and changes meanwhile does not move a row.
    subject.delete(&["id-2".to_owned(), "id-12".to_owned()]);
    subject.update_where(&everything(), "{\"all\":1}");
    subject.store.checkpoint().unwrap();
    let second = subject.store.list_where(Some(&all), page_at(next, 10), Some(first.generation), 0, None).unwrap();
    assert_eq!(second.page.ids, (10..21).filter(|n| *n != 12).map(|n| format!("id-{n}")).collect::<Vec<_>>());
    subject.store.compact(&Control::default()).unwrap();
    let again = |cursor, generation| subject.store.list_where(Some(&all), page_at(cursor, 10), generation, 0, None);
    let error = again(next, Some(first.generation)).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidInput, "{error}");
    assert_eq!(again(0, None).unwrap().generation, first.generation + 1);
    let error = subject.store.list_where(None, page_at(0, 0), None, 0, None).unwrap_err();
    assert_eq!(error.code, ErrorCode::InvalidInput, "{error}");
    assert_eq!(again(u32::MAX, None).unwrap().page.ids.len(), 0);
}

#[test]
fn an_update_of_more_than_a_segment_holds_is_one_commit() {
    let mut subject = Subject::new(5, Arc::new(MemoryStorage::new()), Metric::L2);
    let batch = subject.entries(0..290, 60_000);
    subject.ingest(&batch, OnDuplicate::Error);
    subject.update_ids(&["id-3".to_owned()], "{\"first\":1}");
    // Two overlays: META_SPLIT_BYTES are 16 MiB.
    subject.update_where(&everything(), "{\"all\":1}");
    let overlays = |subject: &Subject| {
        let segments = subject.store.segments().unwrap();
        segments.iter().filter(|segment| segment.kind == "overlay" && segment.payload_bytes > 1 << 18).count()
    };
    assert_eq!(overlays(&subject), 2);
    subject.reopen(false);
    assert_eq!(subject.store.status().unwrap().epoch, 3);
    subject.check(1);
    subject.store.compact(&Control::default()).unwrap();
    assert_eq!(overlays(&subject), 0);
    subject.check(1);
}

#[test]
fn a_call_that_was_cancelled_answers_so_and_changes_nothing() {
    let mut subject = Subject::new(6, Arc::new(MemoryStorage::new()), Metric::L2);
    let batch = subject.entries(0..20, 0);
    subject.ingest(&batch, OnDuplicate::Error);
    let control = Arc::new(Control::default());
    control.cancel();
    let all = subject.expression(&everything());
    let (store, stop) = (&subject.store, Some(&*control));
    let options = QueryOptions { k: 1, filter: Some(all.clone()), ..QueryOptions::default() };
    let answers = [
        store.count_where(&all, 0, stop).map(drop),
        store.list_where(Some(&all), all_rows(), None, 0, stop).map(drop),
        store.query(&floats([0.0; 8]), &options, stop).map(drop),
    ];
    assert!(answers.into_iter().all(|answer| answer.unwrap_err().code == ErrorCode::Timeout));
    let (filter, stop) = (all, Some(control));
    let writes = [
        Write::DeleteWhere { filter: filter.clone(), control: stop.clone() },
        Write::Update { target: Target::Where(filter.clone()), patch: b"{\"a\":1}".into(), control: stop.clone() },
        Write::Replace { filter, batch: batch_of(&batch).into(), on_duplicate: OnDuplicate::Replace, control: stop },
    ];
    for write in writes {
        let (tell, told) = channel();
        subject.store.submit(write, Box::new(move |answer| tell.send(answer).unwrap()));
        assert_eq!(told.recv().unwrap().unwrap_err().code, ErrorCode::Timeout);
    }
    subject.check(1);
}

#[test]
fn updates_of_everything_over_and_over_leave_few_overlays() {
    let mut subject = Subject::new(12, Arc::new(MemoryStorage::new()), Metric::L2);
    let mut batch = subject.entries(0..1_000, 0);
    for entry in &mut batch {
        entry.metadata = Some(json!({ "id": entry.id, "text": "x".repeat(2_500) }).to_string());
    }
    subject.ingest(&batch, OnDuplicate::Error);
    for round in 0..60 {
        subject.update_where(&everything(), &json!({ "round": round }).to_string());
    }
    subject.store.checkpoint().unwrap();
    let segments = subject.store.segments().unwrap();
    let overlays = segments.iter().filter(|segment| segment.kind == "overlay").count();
    assert!((1..=3).contains(&overlays), "{overlays} overlays");
    let last = subject.store.filter(r#"{"op":"eq","field":"round","value":59}"#).unwrap();
    assert_eq!(subject.store.count_where(&last, 0, None).unwrap(), 1_000);
}

#[test]
fn a_page_ends_where_its_metadata_gets_too_large_for_one_answer() {
    let mut subject = Subject::new(13, Arc::new(MemoryStorage::new()), Metric::L2);
    for part in 0..5 {
        let mut batch = subject.entries(part * 250..part * 250 + 250, 0);
        for entry in &mut batch {
            entry.metadata = Some(json!("x".repeat(60_000)).to_string());
        }
        subject.ingest(&batch, OnDuplicate::Error);
    }
    let (mut cursor, mut pages, mut ids) = (0, 0, 0);
    loop {
        let request = PageRequest { cursor, limit: 100_000, with_vectors: false };
        let page = subject.store.list_where(None, request, None, 0, None).unwrap().page;
        let text_bytes = page.metadata.map_or(0, |text| text.len());
        assert!(text_bytes < 70 << 20 && !page.ids.is_empty(), "{text_bytes} bytes");
        (pages, ids) = (pages + 1, ids + page.ids.len());
        match page.next {
            Some(next) => cursor = next,
            None => break,
        }
    }
    assert_eq!((pages, ids), (2, 1_250));
}
