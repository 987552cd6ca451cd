use std::sync::Arc;
use std::time::Duration;

use rvf_runtime::storage::AlignedBytes;
use rvf_runtime::{
    Batch, Control, Expression, Host, OnDuplicate, OpenOptions, PackedStrings, PageRequest, QueryOptions, Result,
    RvfError, RvfStore, Target,
};
use rvf_types::ErrorCode;

use crate::host::{PATH, with_file};
use crate::reseal::reseal;
use crate::script::edited;

const WAIT: Duration = Duration::from_secs(10);
const NEW_ID: &str = "written by the fuzzer";
const FILTERS: [&str; 3] = [
    r#"{"op":"eq","field":"tag","value":"red"}"#,
    r#"{"op":"not","expr":{"op":"range","field":"n","low":2,"high":7}}"#,
    r#"{"op":"or","exprs":[{"op":"exists","field":"seen"},{"op":"startsWith","field":"tag","value":"gr"}]}"#,
];
/// Rows of a page; a file may have many that are dead.
const PAGE_ROWS: usize = 256;

fn first_page() -> PageRequest {
    PageRequest { cursor: 0, limit: PAGE_ROWS, with_vectors: true }
}

/// Opens a file that was edited as `data` says, for reading and for writing, and uses it in every way.
///
/// # Panics
/// A promise of the engine is broken: a bug is reported as such, a file that was opened for writing, written to and
/// closed does not open again or lost what was written.
pub fn open(data: &[u8]) {
    let mut file = edited(data);
    if file.is_resealed {
        reseal(&mut file.bytes);
    }
    let host = with_file(&file.bytes);
    check(read(&host));
    check(write(&host));
}

/// An error is a right answer, unless it says that the engine is at fault.
fn check<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(answer) => Some(answer),
        Err(RvfError { code: ErrorCode::Internal, message, .. }) => panic!("a bug: {message}"),
        Err(_) => None,
    }
}

fn read(host: &Host) -> Result<()> {
    let store = RvfStore::open(host, PATH, &OpenOptions::read_only())?;
    ask(&store);
    check(store.verify(&Control::default()));
    if let Some(bytes) = check(store.export_bytes()) {
        let copy = RvfStore::open_bytes(host, AlignedBytes::from(&bytes[..]), &OpenOptions::read_only());
        assert!(copy.is_ok(), "an exported copy does not open: {:?}", copy.err());
    }
    Ok(())
}

/// Asks everything; each answer may be an error of its own.
fn ask(store: &RvfStore) {
    check(store.status());
    check(store.segments());
    let ids = PackedStrings::from_strings(["id-0", "id-7", "id-20", "absent"]);
    check(store.has(&ids));
    check(store.get(&ids, true));
    check(store.snapshot().and_then(|snapshot| snapshot.rows(first_page(), None)));
    let options = store.options();
    let query = vec![0; options.data_type.row_bytes(options.dimension)];
    let asked = QueryOptions { k: 5, with_metadata: true, with_vectors: true, ..QueryOptions::default() };
    check(store.query(&query, &asked, None));
    for filter in FILTERS {
        if let Some(filter) = check(store.filter(filter)) {
            ask_by_metadata(store, &query, &filter);
        }
    }
    let epoch = check(store.status()).map_or(0, |status| status.epoch);
    for since in [0, epoch / 2, epoch.saturating_sub(1)] {
        check(store.changes(since, None, PAGE_ROWS, true));
    }
}

/// What goes by metadata must be told the same by all who tell it.
fn ask_by_metadata(store: &RvfStore, query: &[u8], filter: &Arc<Expression>) {
    let count = check(store.count_where(filter, 0, None));
    let listed = check(store.list_where(Some(filter), first_page(), None, 0, None));
    let plan = check(store.explain(filter));
    if let (Some(count), Some(listed)) = (count, listed) {
        let all = usize::try_from(count).unwrap_or(usize::MAX);
        assert_eq!(listed.page.ids.len(), all.min(PAGE_ROWS), "count and list differ");
    }
    if let (Some(count), Some(plan)) = (count, plan) {
        assert_eq!(count, plan.matched, "count and plan differ");
    }
    let asked =
        QueryOptions { k: PAGE_ROWS, filter: Some(Arc::clone(filter)), with_plan: true, ..QueryOptions::default() };
    check(store.query(query, &asked, None));
}

fn write(host: &Host) -> Result<()> {
    let store = RvfStore::open(host, PATH, &OpenOptions::default())?;
    ask(&store);
    let options = store.options();
    let batch = Batch {
        ids: PackedStrings::from_strings([NEW_ID]),
        vectors: AlignedBytes::zeroed(options.data_type.row_bytes(options.dimension)),
        metadata: Some(PackedStrings::from_strings(["{}"])),
    };
    let ingested = check(store.ingest(batch, OnDuplicate::Replace, WAIT)).is_some();
    check(store.delete(PackedStrings::from_strings(["id-0"]), WAIT));
    if let Some(filter) = check(store.filter(FILTERS[0])) {
        check(store.update_metadata(Target::Where(Arc::clone(&filter)), b"{\"tag\":\"blue\"}".into(), WAIT));
        check(store.delete_where(filter, WAIT));
    }
    check(store.checkpoint());
    check(store.compact(&Control::default()));
    check(store.close());
    if ingested {
        let store = RvfStore::open(host, PATH, &OpenOptions::read_only());
        let store = store.unwrap_or_else(|error| panic!("what was written and closed does not open: {error}"));
        let found = check(store.has(&PackedStrings::from_strings([NEW_ID])));
        assert!(found.is_none_or(|found| found == [true]), "what was written is gone");
    }
    Ok(())
}
