use rvf_runtime::storage::AlignedBytes;
use rvf_runtime::{
    Batch, Control, Host, OnDuplicate, OpenOptions, PackedStrings, QueryOptions, Result, RvfError, RvfStore,
};
use rvf_types::ErrorCode;
use std::time::Duration;

use crate::host::{PATH, with_file};
use crate::reseal::reseal;
use crate::script::edited;

const WAIT: Duration = Duration::from_secs(10);
const NEW_ID: &str = "written by the fuzzer";
/// Rows of a page; a file may have many that are dead.
const PAGE_ROWS: usize = 256;

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
    check(store.snapshot().and_then(|snapshot| snapshot.rows(0, PAGE_ROWS, true)));
    let options = store.options();
    let query = vec![0; options.data_type.row_bytes(options.dimension)];
    let asked = QueryOptions { k: 5, with_metadata: true, with_vectors: true, ..QueryOptions::default() };
    check(store.query(&query, &asked, None));
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
