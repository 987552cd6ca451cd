use super::super::StorageErrorKind;
use super::*;

fn read_all(storage: &dyn Storage, path: &str) -> Vec<u8> {
    let file = storage.open(path, OpenMode::Read).unwrap();
    let mut bytes = vec![0; file.len().unwrap() as usize];
    file.read_at(0, &mut bytes).unwrap();
    bytes
}

/// A storage with one durable file `a` of these bytes, and its handle.
fn storage_with(bytes: &[u8]) -> (FaultyStorage, Arc<dyn StorageFile>) {
    let storage = FaultyStorage::over(MemoryStorage::with_file("a", bytes));
    let file = storage.open("a", OpenMode::ReadWrite).unwrap();
    (storage, file)
}

fn after_crash(storage: &FaultyStorage, choice: &CrashChoice) -> Vec<u8> {
    let log = storage.log();
    read_all(&log.crash_image(log.len(), choice), "a")
}

/// The contents that some seed finds.
fn contents_by_seed(storage: &FaultyStorage) -> Vec<Vec<u8>> {
    (0..2_000).map(|seed| after_crash(storage, &CrashChoice::Seeded(seed))).collect()
}

fn fault(at: u64, kind: FaultKind, forever: bool) -> Option<Fault> {
    Some(Fault { at, kind, forever })
}

#[test]
fn a_crash_drops_unsynced_writes_and_keeps_synced_ones() {
    let (storage, file) = storage_with(b"base");
    file.write_at(4, &[b" synced"]).unwrap();
    let before_sync = storage.log_position();
    file.sync().unwrap();
    file.write_at(11, &[b" unsynced"]).unwrap();
    assert_eq!(after_crash(&storage, &CrashChoice::DropAll), b"base synced");
    assert_eq!(after_crash(&storage, &CrashChoice::KeepAll), b"base synced unsynced");
    let image = storage.log().crash_image(before_sync, &CrashChoice::DropAll);
    assert_eq!(read_all(&image, "a"), b"base");
    for content in contents_by_seed(&storage) {
        assert!(content.starts_with(b"base synced"));
    }
}

#[test]
fn a_subset_says_which_pending_changes_survive() {
    let (storage, file) = storage_with(b"");
    file.write_at(0, &[b"one"]).unwrap();
    file.write_at(3, &[b"two"]).unwrap();
    file.set_len(5).unwrap();
    let log = storage.log();
    assert_eq!(log.pending_changes(log.len()), 3);
    assert_eq!(log.pending_changes(1), 1);
    let outcome = |answers: &[bool]| after_crash(&storage, &CrashChoice::Subset(answers.to_vec()));
    assert_eq!(outcome(&[true, true, true]), b"onetw");
    assert_eq!(outcome(&[false, true]), b"\0\0\0two");
    assert_eq!(outcome(&[true]), b"one");
}

#[test]
fn seeds_tear_reorder_and_grow_and_each_does_the_same_again() {
    let (storage, file) = storage_with(b"");
    let bytes = vec![7_u8; 10_000];
    file.write_at(0, &[&bytes]).unwrap();
    file.write_at(10_000, &[&bytes]).unwrap();
    let contents = contents_by_seed(&storage);
    assert_eq!(contents, contents_by_seed(&storage));
    let zeros = |content: &[u8]| content.iter().filter(|byte| **byte == 0).count();
    let found = |wanted: &dyn Fn(&Vec<u8>) -> bool| contents.iter().any(wanted);
    assert!(found(&|content| content.is_empty()));
    assert!(found(&|content| content.len() == 20_000 && zeros(content) == 0));
    assert!(found(&|content| content.len() == 20_000 && zeros(content) == 20_000));
    assert!(found(&|content| content.len() == 20_000 && content[0] == 0 && content[19_999] == 7));
    assert!(found(&|content| content.len() % 512 != 0 && content.len() < 10_000));
    for sector in [512, 4096] {
        let hole_behind_first = |content: &Vec<u8>| {
            content.len() > 2 * sector
                && zeros(&content[..sector]) == 0
                && zeros(&content[sector..2 * sector]) == sector
                && content[2 * sector] == 7
        };
        assert!(found(&hole_behind_first), "{sector}");
    }
}

#[test]
fn bytes_of_an_earlier_life_show_where_a_file_grows_without_data() {
    let (storage, file) = storage_with(b"base stale");
    file.set_len(4).unwrap();
    file.sync().unwrap();
    file.write_at(4, &[b"-fresh"]).unwrap();
    let contents = contents_by_seed(&storage);
    for expected in ["base", "base-fresh", "base stale", "base\0\0\0\0\0\0", "base-ftale"] {
        let shown = expected.escape_debug();
        assert!(contents.iter().any(|content| content == expected.as_bytes()), "{shown}");
    }
}

#[test]
fn what_a_failed_sync_covered_is_readable_and_then_lost_unless_it_is_written_again() {
    let (storage, file) = storage_with(b"base");
    file.write_at(4, &[b"lost"]).unwrap();
    storage.set_fault(fault(1, FaultKind::SyncError, false));
    assert!(file.sync().is_err());
    assert_eq!(read_all(&storage, "a"), b"baselost");
    file.sync().unwrap();
    assert_eq!(after_crash(&storage, &CrashChoice::KeepAll), b"base\0\0\0\0");
    file.write_at(4, &[b"lost"]).unwrap();
    file.sync().unwrap();
    assert_eq!(after_crash(&storage, &CrashChoice::DropAll), b"baselost");
}

#[test]
fn names_survive_in_order_and_for_certain_once_their_directory_is_synced() {
    let storage = FaultyStorage::new();
    let file = storage.create_exclusive("d/temporary").unwrap();
    file.write_at(0, &[b"x"]).unwrap();
    file.sync().unwrap();
    storage.publish("d/temporary", "d/final").unwrap();
    let log = storage.log();
    let names = |choice| log.crash_image(log.len(), &choice).paths();
    assert!(names(CrashChoice::DropAll).is_empty());
    assert_eq!(names(CrashChoice::KeepAll), ["d/final"]);
    let by_seed: Vec<_> = (0..200).map(|seed| names(CrashChoice::Seeded(seed))).collect();
    assert!(by_seed.contains(&vec!["d/temporary".to_owned()]));
    assert!(by_seed.contains(&vec!["d/final".to_owned(), "d/temporary".to_owned()]));
    storage.sync_directory("d/final").unwrap();
    let log = storage.log();
    let image = log.crash_image(log.len(), &CrashChoice::DropAll);
    assert_eq!(image.paths(), ["d/final"]);
    assert_eq!(read_all(&image, "d/final"), b"x");
}

#[test]
fn a_replace_that_is_not_synced_may_be_undone_whole() {
    let (storage, _) = storage_with(b"old");
    let new = storage.create_exclusive("b").unwrap();
    storage.sync_directory("b").unwrap();
    new.write_at(0, &[b"new"]).unwrap();
    new.sync().unwrap();
    storage.replace("b", "a").unwrap();
    assert_eq!(after_crash(&storage, &CrashChoice::DropAll), b"old");
    assert_eq!(after_crash(&storage, &CrashChoice::KeepAll), b"new");
}

#[test]
fn the_nth_call_fails_once_or_from_then_on() {
    let (storage, file) = storage_with(b"base");
    storage.set_fault(fault(2, FaultKind::Any, false));
    file.len().unwrap();
    assert_eq!(file.len().unwrap_err().kind, StorageErrorKind::Other);
    file.len().unwrap();
    storage.set_fault(fault(2, FaultKind::WriteError, true));
    assert_eq!(storage.fault_hit(), None);
    file.write_at(4, &[b"ok"]).unwrap();
    file.len().unwrap();
    assert!(file.write_at(6, &[b"no"]).is_err());
    assert_eq!(storage.fault_hit(), Some(3));
    assert!(file.set_len(0).is_err());
    assert!(storage.remove("a").is_err());
    assert_eq!(storage.faults_injected(), 4);
    storage.set_fault(None);
    assert_eq!(read_all(&storage, "a"), b"baseok");
}

#[test]
fn a_short_write_puts_down_its_first_half_and_a_full_disk_nothing() {
    let (storage, file) = storage_with(b"");
    storage.set_fault(fault(1, FaultKind::ShortWrite, false));
    let error = file.write_at(0, &[b"half", b"gone"]).unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::DiskFull);
    assert_eq!(read_all(&storage, "a"), b"half");
    storage.set_fault(fault(1, FaultKind::DiskFull, false));
    let error = file.write_at(4, &[b"gone"]).unwrap_err();
    assert_eq!(error.kind, StorageErrorKind::DiskFull);
    assert_eq!(read_all(&storage, "a"), b"half");
}
