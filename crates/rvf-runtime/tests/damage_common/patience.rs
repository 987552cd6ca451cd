//! Uses a hostile file in every way there is, and bounds what that may cost.

use std::time::{Duration, Instant};

use rvf_runtime::types::ErrorCode;
use rvf_runtime::{Control, OnDuplicate, OpenOptions, PackedStrings, QueryOptions, Result, RvfError, RvfStore};

use super::expected::{batch, is_about_damage};
use super::forger::Forger;
use super::peak_memory::peak_of;
use super::{PATH, WAIT, page_at, samples};

/// What a hostile file may make the engine hold.
pub const BYTES_MAX: u64 = 64 << 20;
/// Far above what a bomb takes on a busy machine, far below a hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// Opens for reading and for writing, and asks everything. Answers the first error.
fn use_everything(forger: &Forger) -> Result<()> {
    let reader =
        RvfStore::open(&forger.host(), PATH, &OpenOptions::read_only()).and_then(|store| ask_everything(&store));
    let host = forger.host();
    let writer = RvfStore::open(&host, PATH, &OpenOptions::default()).and_then(|store| {
        ask_everything(&store)?;
        let entry = samples::other_entry(&store);
        store.ingest(batch(&[entry]), OnDuplicate::Replace, WAIT)?;
        store.checkpoint()?;
        store.compact(&Control::default())?;
        store.close()
    });
    reader.and(writer)
}

fn ask_everything(store: &RvfStore) -> Result<()> {
    store.status()?;
    store.segments()?;
    store.snapshot()?.rows(page_at(0, 1_000), None)?;
    let options = store.options();
    let query = vec![0; options.data_type.row_bytes(options.dimension)];
    let asked = QueryOptions { k: 10, with_metadata: true, with_vectors: true, ..QueryOptions::default() };
    store.query(&query, &asked, None)?;
    store.get(&PackedStrings::from_strings(["id-0", "id-3"]), true)?;
    ask_by_metadata(store, &query)?;
    if let Some(problem) = store.verify(&Control::default())?.problems.into_iter().next() {
        return Err(problem.into());
    }
    if store.status()?.file_bytes < BYTES_MAX {
        store.export_bytes()?;
    }
    Ok(())
}

fn ask_by_metadata(store: &RvfStore, query: &[u8]) -> Result<()> {
    let filters = [samples::RED, r#"{"op":"not","expr":{"op":"range","field":"n","low":3,"high":9}}"#];
    for filter in filters {
        let filter = store.filter(filter)?;
        store.count_where(&filter, 0, None)?;
        store.list_where(Some(&filter), page_at(0, 3), None, 0, None)?;
        store.explain(&filter)?;
        store.query(query, &QueryOptions { k: 3, filter: Some(filter), ..QueryOptions::default() }, None)?;
    }
    let epoch = store.status()?.epoch;
    for since in [0, epoch / 2, epoch.saturating_sub(1)] {
        match store.changes(since, None, 1_000, true) {
            Err(error) if error.code == ErrorCode::GenerationStale => {}
            answer => drop(answer?),
        }
    }
    Ok(())
}

/// Runs a file through everything; answers the first error, `None` where there was none.
pub fn outcome(name: &str, forger: &Forger) -> Option<RvfError> {
    let started = Instant::now();
    let (result, peak_bytes) = peak_of(|| use_everything(forger));
    assert!(started.elapsed() < PATIENCE, "{name} took {:?}", started.elapsed());
    assert!(peak_bytes < BYTES_MAX, "{name} took {peak_bytes} bytes of memory");
    result.err()
}

/// The file must be refused, at open or at the question that meets the lie.
pub fn assert_refused(name: &str, forger: &Forger) {
    match outcome(name, forger) {
        Some(error) => assert!(is_about_damage(&error), "{name}: {error}"),
        None => panic!("{name} was believed"),
    }
}

/// The file must be refused at open, before anything of it is used.
pub fn assert_not_opened(name: &str, forger: &Forger) {
    for options in [OpenOptions::read_only(), OpenOptions::default()] {
        match RvfStore::open(&forger.host(), PATH, &options) {
            Ok(_) => panic!("{name} was opened"),
            Err(error) => assert!(is_about_damage(&error), "{name}: {error}"),
        }
    }
    assert_refused(name, forger);
}

/// The file may be believed, as what it holds is not impossible, but must not hurt.
pub fn assert_harmless(name: &str, forger: &Forger) {
    if let Some(error) = outcome(name, forger) {
        assert!(is_about_damage(&error), "{name}: {error}");
    }
}
