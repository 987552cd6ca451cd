//! Who only reads never writes, takes no lock, and is told the truth.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped

#[path = "read_only/interrupted.rs"]
mod interrupted;
mod kit;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use interrupted::Interrupted;
use kit::{NewEntry, WAIT, batch_of, floats, stamped, strings};
use rvf_runtime::storage::{FileStorage, MemoryStorage, Storage};
use rvf_runtime::types::ErrorCode;
use rvf_runtime::{Control, CreateOptions, Host, OnDuplicate, OpenOptions, QueryOptions, RvfStore};

struct Place {
    directory: tempfile::TempDir,
    path: String,
}

impl Place {
    fn empty() -> Place {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.rvf").to_str().unwrap().to_owned();
        Place { directory, path }
    }

    /// A closed store after thirty commits.
    fn new() -> Place {
        let place = Place::empty();
        let store = RvfStore::create(&Host::native(), &place.path, &stamped::options()).unwrap();
        (1..=30).for_each(|epoch| stamped::commit(&store, epoch).unwrap());
        store.close().unwrap();
        place
    }

    fn open(&self) -> RvfStore {
        RvfStore::open(&Host::native(), &self.path, &OpenOptions::default()).unwrap()
    }

    fn reader(&self) -> RvfStore {
        RvfStore::open(&Host::native(), &self.path, &OpenOptions::read_only()).unwrap()
    }

    /// Sets the file's time back, so that any later write shows, and takes down what is there.
    fn look(&self) -> Look {
        let long_ago = SystemTime::now() - Duration::from_secs(1_000_000);
        File::options().write(true).open(&self.path).unwrap().set_modified(long_ago).unwrap();
        self.look_again()
    }

    fn look_again(&self) -> Look {
        let modified = std::fs::metadata(&self.path).unwrap().modified().unwrap();
        Look { bytes: std::fs::read(&self.path).unwrap(), modified, names: names_in(self.directory.path()) }
    }
}

/// What a directory and its store look like from outside.
#[derive(PartialEq)]
struct Look {
    bytes: Vec<u8>,
    modified: SystemTime,
    names: BTreeSet<String>,
}

fn names_in(directory: &Path) -> BTreeSet<String> {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Everything a reader can do.
fn use_all(reader: &RvfStore, epoch: u64) {
    assert!(reader.is_read_only() && reader.status().unwrap().is_read_only);
    assert_eq!(stamped::epoch_of(&reader.snapshot().unwrap()), epoch);
    stamped::query(reader).unwrap();
    let options = QueryOptions { k: 3, with_vectors: true, ..Default::default() };
    reader.query_batch(&floats([0.0; 6]), &options, None).unwrap();
    assert_eq!(reader.has(&strings(&["r0", "no"])).unwrap(), [true, false]);
    assert_eq!(reader.get(&strings(&["r0"]), true).unwrap().ids, ["r0"]);
    assert!(!reader.refresh().unwrap());
    assert!(!reader.segments().unwrap().is_empty());
    reader.export_bytes().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    reader.backup(elsewhere.path().join("backup.rvf").to_str().unwrap(), &Control::default()).unwrap();
}

#[test]
fn a_reader_of_a_clean_store_leaves_it_and_its_directory_as_they_are() {
    let place = Place::new();
    let before = place.look();
    let reader = place.reader();
    use_all(&reader, 30);
    assert_eq!(reader.verify(&Control::default()).unwrap().problems, vec![]);
    reader.close().unwrap();
    assert!(place.look_again() == before);
}

#[test]
fn a_reader_of_a_store_that_was_not_closed_mends_nothing() {
    let place = Place::new();
    let store = place.open();
    (31..=35).for_each(|epoch| stamped::commit(&store, epoch).unwrap());
    // What a crash leaves: commits behind the checkpoint, a torn one, and a compaction that got nowhere.
    let crashed = Place::empty();
    let mut bytes = std::fs::read(&place.path).unwrap();
    bytes.extend_from_slice(&[7; 1_000]);
    std::fs::write(&crashed.path, bytes).unwrap();
    std::fs::write(format!("{}.compacting", crashed.path), "a start").unwrap();
    let before = crashed.look();
    let reader = crashed.reader();
    assert_eq!(reader.status().unwrap().recovered_torn_bytes, 1_000);
    assert_eq!(reader.status().unwrap().recovered_commits, 5);
    use_all(&reader, 35);
    reader.close().unwrap();
    assert!(crashed.look_again() == before);
    // A writer does mend it, and keeps every commit.
    let store = crashed.open();
    assert_eq!(stamped::epoch_of(&store.snapshot().unwrap()), 35);
    assert!(crashed.look_again() != before);
    assert_eq!(names_in(crashed.directory.path()).len(), 1);
}

#[test]
fn opening_a_clean_store_for_writing_and_closing_it_without_a_change_writes_nothing() {
    let place = Place::new();
    let before = place.look();
    for _ in 0..3 {
        let store = place.open();
        store.close().unwrap();
    }
    assert!(place.look_again() == before, "opened and closed");
    let store = place.open();
    // Calls that could write, but have nothing to.
    store.ingest(batch_of(&[]), OnDuplicate::Replace, WAIT).unwrap();
    let stored = NewEntry { id: "r0".to_owned(), vector: floats([0.0; 3]), metadata: None };
    assert_eq!(store.ingest(batch_of(std::slice::from_ref(&stored)), OnDuplicate::Skip, WAIT).unwrap().skipped, [0]);
    let refused = store.ingest(batch_of(&[stored]), OnDuplicate::Error, WAIT);
    assert_eq!(refused.unwrap_err().code, ErrorCode::AlreadyExists);
    assert_eq!(store.delete(strings(&["no"]), WAIT).unwrap().deleted, 0);
    store.checkpoint().unwrap();
    assert_eq!(store.freeze().unwrap(), 30);
    assert!(!store.refresh().unwrap());
    store.export_bytes().unwrap();
    store.close().unwrap();
    assert!(place.look_again() == before, "used");
}

#[test]
fn what_changes_a_store_is_refused_by_a_reader_as_read_only() {
    let place = Place::new();
    let before = place.look();
    let reader = place.reader();
    let entry = NewEntry { id: "new".to_owned(), vector: floats([0.0; 3]), metadata: None };
    let errors = [
        reader.ingest(batch_of(&[entry]), OnDuplicate::Replace, WAIT).unwrap_err(),
        reader.delete(strings(&["r0"]), WAIT).unwrap_err(),
        reader.checkpoint().unwrap_err(),
        reader.freeze().unwrap_err(),
        reader.compact(&Control::default()).unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.code, ErrorCode::ReadOnly, "{error}");
    }
    reader.close().unwrap();
    reader.close().unwrap();
    for error in [reader.refresh().unwrap_err(), reader.snapshot().err().unwrap(), reader.checkpoint().unwrap_err()] {
        assert_eq!(error.code, ErrorCode::StoreClosed, "{error}");
    }
    assert!(place.look_again() == before);
}

#[test]
fn a_reader_takes_no_lock_and_needs_none() {
    let place = Place::new();
    let first = place.reader();
    let writer = place.open();
    let second = place.reader();
    stamped::commit(&writer, 31).unwrap();
    for reader in [first, second] {
        assert_eq!(stamped::epoch_of(&reader.snapshot().unwrap()), 30);
        assert!(reader.refresh().unwrap() && !reader.refresh().unwrap());
        assert_eq!(stamped::epoch_of(&reader.snapshot().unwrap()), 31);
    }
}

#[test]
fn refresh_follows_the_writer_through_checkpoints_compactions_and_new_lives() {
    let place = Place::new();
    let reader = place.reader();
    let held = reader.snapshot().unwrap();
    let mut writer = place.open();
    for epoch in 31..=130 {
        stamped::commit(&writer, epoch).unwrap();
        match epoch % 20 {
            3 => writer.checkpoint().unwrap(),
            7 => drop(writer.compact(&Control::default()).unwrap()),
            11 => {
                writer.close().unwrap();
                writer = place.open();
            }
            _ => {}
        }
        if epoch % 3 == 0 {
            assert!(reader.refresh().unwrap());
            assert_eq!(stamped::epoch_of(&reader.snapshot().unwrap()), epoch);
            assert_eq!(reader.verify(&Control::default()).unwrap().problems, vec![]);
        }
    }
    assert_eq!(stamped::epoch_of(&held), 30);
    // A compaction alone puts another file there: nothing new to see in it, but its space is the one to be read.
    writer.compact(&Control::default()).unwrap();
    assert!(reader.refresh().unwrap());
    assert_eq!(reader.status().unwrap().file_bytes, writer.status().unwrap().file_bytes);
}

/// A file as a crash left it, with commits behind the checkpoint and a torn one, in memory.
fn crashed_store() -> Arc<MemoryStorage> {
    let storage = Arc::new(MemoryStorage::new());
    let host = Host::native_over(Arc::clone(&storage) as Arc<dyn Storage>);
    let store = RvfStore::create(&host, "/store.rvf", &stamped::options()).unwrap();
    (1..=10).for_each(|epoch| stamped::commit(&store, epoch).unwrap());
    store.checkpoint().unwrap();
    (11..=14).for_each(|epoch| stamped::commit(&store, epoch).unwrap());
    drop(store);
    let file = storage.open("/store.rvf", rvf_runtime::storage::OpenMode::ReadWrite).unwrap();
    file.write_at(file.len().unwrap(), &[&[7; 5_000]]).unwrap();
    storage
}

/// What a writer may do while a reader is between two looks at the file.
fn write(host: &Host, what: &str) {
    let store = RvfStore::open(host, "/store.rvf", &OpenOptions::default()).unwrap();
    // Opening has cut the torn bytes off.
    match what {
        "nothing more" => return,
        "commits" => (15..=17).for_each(|epoch| stamped::commit(&store, epoch).unwrap()),
        "a checkpoint" => store.checkpoint().unwrap(),
        "a compaction" => drop(store.compact(&Control::default()).unwrap()),
        other => panic!("{other}"),
    }
    stamped::commit(&store, store.status().unwrap().epoch + 1).unwrap();
}

/// Lets the event happen in front of every call that `read` makes, one after the other.
fn interrupt_everywhere(what: &'static str, read: impl Fn(&Host)) {
    for at in 0.. {
        let storage = crashed_store();
        let host = Host::native_over(Arc::clone(&storage) as Arc<dyn Storage>);
        let interrupted = Arc::new(Interrupted::new(&storage, at, move || write(&host, what)));
        read(&Host::native_over(Arc::clone(&interrupted) as Arc<dyn Storage>));
        if !interrupted.has_happened() {
            assert!(at > 20, "only {at} calls");
            return;
        }
    }
}

#[test]
fn a_reader_that_opens_while_a_writer_mends_commits_or_compacts_sees_a_whole_state() {
    for what in ["nothing more", "commits", "a checkpoint", "a compaction"] {
        interrupt_everywhere(what, |host| {
            let reader = RvfStore::open(host, "/store.rvf", &OpenOptions::read_only()).unwrap();
            let epoch = stamped::epoch_of(&reader.snapshot().unwrap());
            assert!((14..=18).contains(&epoch), "{what}: epoch {epoch}");
            assert_eq!(reader.verify(&Control::default()).unwrap().problems, vec![], "{what}");
            reader.refresh().unwrap();
            assert!(stamped::epoch_of(&reader.snapshot().unwrap()) >= epoch);
        });
    }
}

#[test]
fn a_reader_whose_file_is_removed_keeps_what_it_has_and_is_told_at_refresh() {
    let place = Place::new();
    let reader = place.reader();
    std::fs::remove_file(&place.path).unwrap();
    assert_eq!(reader.refresh().unwrap_err().code, ErrorCode::IoError);
    assert_eq!(stamped::epoch_of(&reader.snapshot().unwrap()), 30);
    let error = RvfStore::open(&Host::native(), &place.path, &OpenOptions::read_only()).err().unwrap();
    assert_eq!(error.code, ErrorCode::IoError, "{error}");
    assert!(names_in(place.directory.path()).is_empty());
}

#[test]
fn a_reader_whose_file_is_cut_says_so() {
    let place = Place::new();
    // Without mapping: a file that shrinks under a mapping is a signal, on every system.
    let host = Host::native_over(Arc::new(FileStorage::without_mapping()));
    let reader = RvfStore::open(&host, &place.path, &OpenOptions::read_only()).unwrap();
    let len = std::fs::metadata(&place.path).unwrap().len();
    File::options().write(true).open(&place.path).unwrap().set_len(len - 64).unwrap();
    assert_eq!(reader.snapshot().err().unwrap().code, ErrorCode::TruncatedSegment);
    assert_eq!(stamped::query(&reader).unwrap_err().code, ErrorCode::TruncatedSegment);
    assert_eq!(reader.refresh().unwrap_err().code, ErrorCode::TruncatedSegment);
}

#[test]
fn vectors_of_another_model_than_the_stores_are_refused_at_open() {
    let place = Place::empty();
    let mut options: CreateOptions = stamped::options();
    options.store.embedding_model = Some("model-a".to_owned());
    RvfStore::create(&Host::native(), &place.path, &options).unwrap().close().unwrap();
    let before = place.look();
    let open = |model: Option<&str>, read_only: bool| {
        let options = OpenOptions { read_only, embedding_model: model.map(str::to_owned), ..Default::default() };
        RvfStore::open(&Host::native(), &place.path, &options)
    };
    for read_only in [false, true] {
        let error = open(Some("model-b"), read_only).err().unwrap();
        assert_eq!(error.code, ErrorCode::InvalidOptions, "{error}");
        assert!(error.message.contains("model-a") && error.message.contains("model-b"), "{error}");
        // The refusal holds no lock; the right name, and no name at all, are welcome.
        for model in [Some("model-a"), None] {
            let store = open(model, read_only).unwrap();
            assert_eq!(store.options().embedding_model.as_deref(), Some("model-a"));
            store.close().unwrap();
        }
    }
    assert!(place.look_again() == before);
    // The name outlives commits, checkpoints and compaction.
    let store = open(None, false).unwrap();
    stamped::commit(&store, 1).unwrap();
    store.compact(&Control::default()).unwrap();
    store.close().unwrap();
    assert_eq!(open(Some("model-b"), false).err().unwrap().code, ErrorCode::InvalidOptions);
    // A store that names none takes every name.
    let nameless = Place::new();
    let options = OpenOptions { embedding_model: Some("model-b".to_owned()), ..OpenOptions::default() };
    RvfStore::open(&Host::native(), &nameless.path, &options).unwrap();
}
