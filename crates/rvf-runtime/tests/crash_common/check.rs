//! Opening what a crash left, and comparing it with the model.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use rvf_runtime::storage::{CrashChoice, FaultyStorage, MemoryStorage};
use rvf_runtime::{Control, OpenOptions, QueryOptions, RowPage, RvfStore};

use super::{DIMENSION, PATH, State, TestHost};
use crate::kit::{page_at, ready};

const PAGE_ROWS: usize = 1_000;
/// One in so many entries is asked for.
const INDEX_CHECK_STEP: usize = 16;

/// What may be found after a crash.
#[derive(Clone)]
pub struct Expected<'a> {
    pub states: &'a [Arc<State>],
    /// The epochs that may be found; `None` where the store may not be there at all, and is empty if it is.
    pub epochs: Option<RangeInclusive<u64>>,
}

/// Compares everything that a store holds, ids, vectors and metadata, with a state; an error names a difference.
pub fn compare(store: &RvfStore, expected: &State) -> Result<(), String> {
    let snapshot = store.snapshot().map_err(|error| error.to_string())?;
    let mut found = BTreeSet::new();
    let mut cursor = Some(0);
    while let Some(at) = cursor {
        let page = snapshot.rows(page_at(at, PAGE_ROWS), None).map_err(|error| format!("read rows: {error}"))?;
        compare_page(&page, expected)?;
        cursor = page.next;
        for id in page.ids {
            if let Some(twice) = found.replace(id) {
                return Err(format!("{twice} is stored twice"));
            }
        }
    }
    match expected.keys().find(|id| !found.contains(*id)) {
        Some(missing) => Err(format!("{missing} is missing; {} of {} ids are there", found.len(), expected.len())),
        None if snapshot.count() != expected.len() as u64 => Err(format!("the count is {}", snapshot.count())),
        None => Ok(()),
    }
}

/// Compares some rows. Their metadata comes as one text, so the expected one is put together in the same way.
fn compare_page(page: &RowPage, expected: &State) -> Result<(), String> {
    let row_bytes = DIMENSION as usize * 4;
    let mut texts = Vec::new();
    let vectors = page.vectors.as_deref().unwrap_or_default().chunks_exact(row_bytes);
    for ((index, id), vector) in (0..).zip(&page.ids).zip(vectors) {
        let entry = expected.get(id).ok_or_else(|| format!("{id} is there and must not be"))?;
        let is_lossy = page.lossy.binary_search(&index).is_ok();
        if entry.vector != vector && !(is_lossy && is_near(&entry.vector, vector)) {
            return Err(format!("the vector of {id} is not what was stored"));
        }
        texts.push(entry.metadata.as_deref());
    }
    let without = (0..).zip(&texts).filter(|(_, text)| text.is_none()).map(|(index, _)| index);
    let is_without_any = texts.iter().all(Option::is_none);
    let json = format!("[{}]", texts.iter().map(|text| text.unwrap_or("null")).collect::<Vec<_>>().join(","));
    let (json, without) = if is_without_any { (None, Vec::new()) } else { (Some(json), without.collect()) };
    if page.metadata != json || page.without_metadata != without {
        return Err(format!("the metadata of some of {:?} is not what was stored", page.ids));
    }
    Ok(())
}

/// True where a vector may be what packing has left of another.
fn is_near(given: &[u8], found: &[u8]) -> bool {
    let value = |bytes: &[u8; 4]| f64::from(f32::from_le_bytes(*bytes));
    let pairs = || given.as_chunks().0.iter().map(value).zip(found.as_chunks().0.iter().map(value));
    let distance: f64 = pairs().map(|(given, found)| (given - found).powi(2)).sum();
    distance <= 1e-3 * pairs().map(|(given, _)| given * given).sum::<f64>()
}

/// Opens for writing what a crash left and looks at everything: the state is one that may be found, the file is whole and
/// alone, a reader sees the same, and so does the next one who opens it, also after a crash in the middle of the recovery
/// or right after it. Answers the storage with the recovered store closed by a crash, and the epoch; `None` where there
/// is no store, and there need be none.
pub fn check_recovery(
    image: MemoryStorage,
    life: u64,
    expected: &Expected<'_>,
) -> Result<Option<(Arc<FaultyStorage>, u64)>, String> {
    let storage = Arc::new(FaultyStorage::over(image));
    if expected.epochs.is_none() && !storage.paths().iter().any(|path| path == PATH) {
        return Ok(None);
    }
    let host = TestHost::new(storage.clone(), life);
    let reader = open(&host, true)?;
    let read = check_state(&reader, expected)?;
    let writer = open(&host, false)?;
    let epoch = check_state(&writer, expected)?;
    if epoch != read {
        return Err(format!("a reader found epoch {read}, the writer epoch {epoch}"));
    }
    check_file(&writer)?;
    if storage.paths() != [PATH] {
        return Err(format!("the directory holds {:?}", storage.paths()));
    }
    drop(writer);
    let exactly = Expected { states: expected.states, epochs: Some(epoch..=epoch) };
    check_opens(storage.clone(), life + 1, &exactly).map_err(|error| format!("recovering twice: {error}"))?;
    check_crashes_of_recovery(&storage, life + 1, expected, &exactly)?;
    Ok(Some((storage, epoch)))
}

/// Crashes at every step of a recovery that `storage` has recorded.
fn check_crashes_of_recovery(
    storage: &FaultyStorage,
    life: u64,
    expected: &Expected<'_>,
    exactly: &Expected<'_>,
) -> Result<(), String> {
    let log = storage.log();
    for position in 1..=log.len() {
        let is_over = position == log.len();
        for choice in [CrashChoice::DropAll, CrashChoice::Seeded(life * 1_000 + position as u64)] {
            let image = Arc::new(FaultyStorage::over(log.crash_image(position, &choice)));
            let allowed = if is_over { exactly } else { expected };
            check_opens(image, life, allowed)
                .map_err(|error| format!("crash {position} of {} of the recovery, {choice:?}: {error}", log.len()))?;
        }
    }
    Ok(())
}

/// Opens the store for writing and compares its state; answers the epoch.
pub fn check_opens(storage: Arc<FaultyStorage>, life: u64, expected: &Expected<'_>) -> Result<u64, String> {
    let host = TestHost::new(storage, life);
    let store = open(&host, false)?;
    check_state(&store, expected)
}

fn open(host: &TestHost, read_only: bool) -> Result<RvfStore, String> {
    let options = OpenOptions { read_only, ..OpenOptions::default() };
    RvfStore::open(&host.host, PATH, &options).map_err(|error| format!("open (read_only {read_only}): {error}"))
}

/// Compares everything the store holds with the model; answers the epoch.
pub fn check_state(store: &RvfStore, expected: &Expected<'_>) -> Result<u64, String> {
    let epoch = ready(|| store.status()).map_err(|error| error.to_string())?.epoch;
    let epochs = expected.epochs.clone().unwrap_or(0..=0);
    if !epochs.contains(&epoch) {
        return Err(format!("found epoch {epoch}, may be {epochs:?}"));
    }
    let state = &expected.states[epoch as usize];
    compare(store, state).map_err(|error| format!("epoch {epoch}: {error}"))?;
    check_index(store, state).map_err(|error| format!("epoch {epoch}, the index: {error}"))?;
    Ok(epoch)
}

/// The graph is there as a whole or not at all, and leads to rows that are stored. Walks as narrow as they can be, so that
/// they are taken in stores of few rows.
fn check_index(store: &RvfStore, state: &State) -> Result<(), String> {
    for (id, entry) in state.iter().step_by(INDEX_CHECK_STEP) {
        let options = QueryOptions { k: 1, ef_search: Some(1), ..QueryOptions::default() };
        let hits =
            ready(|| store.query(&entry.vector, &options, None)).map_err(|error| format!("query {id}: {error}"))?;
        if hits.ids.len() != 1 || !state.contains_key(&hits.ids[0]) {
            return Err(format!("{id}: {hits:?}"));
        }
    }
    let status = ready(|| store.status()).map_err(|error| error.to_string())?;
    let has_graph = status.unindexed_rows < status.row_count;
    if status.needs_rebuild || has_graph != (status.index_layers > 0) {
        return Err(format!("{status:?}"));
    }
    Ok(())
}

/// Re-reads the whole file.
pub fn check_file(store: &RvfStore) -> Result<(), String> {
    let report = store.verify(&Control::default()).map_err(|error| format!("verify: {error}"))?;
    match report.problems.first() {
        Some(problem) => Err(format!("verify found {} problems, first {problem:?}", report.problems.len())),
        None => Ok(()),
    }
}
