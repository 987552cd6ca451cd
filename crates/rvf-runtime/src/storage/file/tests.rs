use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::super::LockOutcome;
use super::*;

/// Set for a process that only takes the lock of this file and waits to be killed.
const LOCK_PATH_VARIABLE: &str = "RVF_TEST_LOCK_PATH";

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn path_in(directory: &TempDir, name: &str) -> String {
    directory.path().join(name).to_str().unwrap().to_owned()
}

fn create(path: &str, bytes: &[u8]) -> Arc<dyn StorageFile> {
    let file = FileStorage::new().create_exclusive(path).unwrap();
    file.write_at(0, &[bytes]).unwrap();
    file
}

fn open(path: &str) -> Arc<dyn StorageFile> {
    FileStorage::new().open(path, OpenMode::ReadWrite).unwrap()
}

fn kind<T>(outcome: StorageResult<T>) -> StorageErrorKind {
    match outcome {
        Ok(_) => panic!("an error was expected"),
        Err(error) => error.kind,
    }
}

#[test]
fn parts_are_written_one_behind_the_other_and_read_back() {
    let directory = directory();
    let file = create(&path_in(&directory, "a"), b"");
    let large = vec![9_u8; 100_000];
    file.write_at(0, &[b"ab", b"", b"cd"]).unwrap();
    file.write_at(4, &[b"ef", &large]).unwrap();
    file.sync().unwrap();
    assert_eq!(file.len().unwrap(), 100_006);
    let mut head = [0; 7];
    file.read_at(0, &mut head).unwrap();
    assert_eq!(&head, b"abcdef\x09");
    let beyond = kind(file.read_at(100_000, &mut [0; 7]));
    assert_eq!(beyond, StorageErrorKind::UnexpectedEnd);
    let beyond = kind(file.read_at(u64::MAX - 3, &mut [0; 7]));
    assert_eq!(beyond, StorageErrorKind::UnexpectedEnd);
}

#[test]
fn a_mapping_sees_appended_data_and_never_what_is_not_there() {
    let directory = directory();
    let file = create(&path_in(&directory, "a"), b"first");
    let first = file.map(0, 5).unwrap();
    assert!(file.map(0, 6).is_none());
    assert!(file.map(u64::MAX, 5).is_none());
    file.write_at(5, &[b"second"]).unwrap();
    let second = file.map(5, 6).unwrap();
    assert_eq!((&*first, &*second), (&b"first"[..], &b"second"[..]));
    #[cfg(unix)]
    assert_eq!(second.as_ptr() as usize - first.as_ptr() as usize, 5, "one mapping");
}

#[cfg(unix)]
#[test]
fn a_file_that_outgrows_its_mapping_gets_a_new_one_and_old_views_stay() {
    let directory = directory();
    let file = create(&path_in(&directory, "a"), b"first");
    let first = file.map(0, 5).unwrap();
    let far = 1 << 30;
    file.write_at(far, &[b"far"]).unwrap();
    assert_eq!(&*file.map(far, 3).unwrap(), b"far");
    assert_eq!(&*first, b"first");
}

#[test]
fn without_mapping_there_are_no_views() {
    let directory = directory();
    let path = path_in(&directory, "a");
    create(&path, b"bytes");
    let storage = FileStorage::without_mapping();
    let file = storage.open(&path, OpenMode::Read).unwrap();
    assert!(file.map(0, 5).is_none());
}

#[test]
fn create_and_publish_refuse_an_existing_name() {
    let directory = directory();
    let (old, new) = (path_in(&directory, "old"), path_in(&directory, "new"));
    create(&old, b"old");
    create(&new, b"new");
    let storage = FileStorage::new();
    let taken = StorageErrorKind::AlreadyExists;
    assert_eq!(kind(storage.create_exclusive(&old)), taken);
    assert_eq!(kind(storage.publish(&new, &old)), taken);
    assert_eq!(std::fs::read(&old).unwrap(), b"old");
    let free = path_in(&directory, "free");
    storage.publish(&new, &free).unwrap();
    storage.sync_directory(&free).unwrap();
    assert_eq!(std::fs::read(&free).unwrap(), b"new");
    assert_eq!(kind(storage.open(&new, OpenMode::Read)), StorageErrorKind::NotFound);
    assert_eq!(storage.identity_at(&free).unwrap().links, 1);
}

#[cfg(unix)]
#[test]
fn a_replaced_file_stays_readable_and_mapped_through_the_old_handle() {
    let directory = directory();
    let (path, new_path) = (path_in(&directory, "a"), path_in(&directory, "b"));
    let old = create(&path, b"old");
    let new = create(&new_path, b"new");
    let storage = FileStorage::new();
    storage.replace(&new_path, &path).unwrap();
    let mut bytes = [0; 3];
    old.read_at(0, &mut bytes).unwrap();
    assert_eq!((&bytes, &*old.map(0, 3).unwrap()), (b"old", &b"old"[..]));
    assert_eq!(storage.identity_at(&path).unwrap(), new.identity().unwrap());
    assert_eq!(old.identity().unwrap().links, 0);
}

#[test]
fn the_lock_excludes_other_handles_and_names_the_process() {
    let directory = directory();
    let path = path_in(&directory, "a");
    let first = create(&path, b"a");
    let second = open(&path);
    assert_eq!(first.try_lock().unwrap(), LockOutcome::Acquired);
    assert_eq!(first.try_lock().unwrap(), LockOutcome::Acquired);
    let expected = cfg!(target_os = "linux").then(std::process::id);
    assert_eq!(second.try_lock().unwrap(), LockOutcome::HeldBy(expected));
    drop(open(&path));
    assert_ne!(second.try_lock().unwrap(), LockOutcome::Acquired);
    drop(first);
    assert_eq!(second.try_lock().unwrap(), LockOutcome::Acquired);
}

#[test]
fn a_view_that_outlives_its_handle_does_not_keep_the_lock() {
    let directory = directory();
    let path = path_in(&directory, "a");
    let first = create(&path, b"bytes");
    assert_eq!(first.try_lock().unwrap(), LockOutcome::Acquired);
    let view = first.map(0, 5).unwrap();
    drop(first);
    assert_eq!(open(&path).try_lock().unwrap(), LockOutcome::Acquired);
    assert_eq!(&*view, b"bytes");
}

#[test]
fn a_locked_file_can_be_read_through_other_handles() {
    let directory = directory();
    let path = path_in(&directory, "a");
    let writer = create(&path, b"bytes");
    assert_eq!(writer.try_lock().unwrap(), LockOutcome::Acquired);
    assert_eq!(std::fs::read(&path).unwrap(), b"bytes");
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_resolves_to_the_file_and_its_lock() {
    let directory = directory();
    let (path, link) = (path_in(&directory, "a"), path_in(&directory, "link"));
    let holder = create(&path, b"a");
    std::os::unix::fs::symlink("a", &link).unwrap();
    let storage = FileStorage::new();
    assert_eq!(storage.resolve(&link).unwrap(), storage.resolve(&path).unwrap());
    assert_eq!(holder.try_lock().unwrap(), LockOutcome::Acquired);
    assert_ne!(open(&link).try_lock().unwrap(), LockOutcome::Acquired);
}

#[cfg(unix)]
#[test]
fn what_does_not_exist_yet_resolves_to_where_its_links_lead() {
    let directory = directory();
    std::fs::create_dir(directory.path().join("real")).unwrap();
    let link = |target: &str, name: &str| {
        std::os::unix::fs::symlink(target, directory.path().join(name)).unwrap();
    };
    link("real", "linked");
    link("linked/a", "dangling");
    link("loop", "loop");
    let storage = FileStorage::new();
    let root = std::fs::canonicalize(directory.path()).unwrap();
    let expected = root.join("real/a").to_str().unwrap().to_owned();
    for name in ["real/a", "linked/a", "dangling", "linked/../real/a"] {
        let resolved = storage.resolve(&path_in(&directory, name)).unwrap();
        assert_eq!(resolved, expected, "{name}");
    }
    assert!(Path::new(&storage.resolve("absent.rvf").unwrap()).is_absolute());
    assert!(storage.resolve(&path_in(&directory, "loop")).is_err());
    assert!(storage.resolve("").is_err());
    let lost = storage.resolve(&path_in(&directory, "absent/a"));
    assert_eq!(kind(lost), StorageErrorKind::NotFound);
}

#[cfg(unix)]
#[test]
fn directories_pipes_and_devices_are_refused_at_once() {
    let directory = directory();
    let pipe = path_in(&directory, "pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let storage = FileStorage::new();
    for path in [directory.path().to_str().unwrap(), &pipe, "/dev/zero"] {
        for mode in [OpenMode::Read, OpenMode::ReadWrite] {
            assert_eq!(kind(storage.open(path, mode)), StorageErrorKind::Other, "{path}");
        }
    }
}

/// The other process of the next test; nothing by itself.
#[test]
fn hold_a_lock_until_killed() {
    if let Ok(path) = std::env::var(LOCK_PATH_VARIABLE) {
        let file = open(&path);
        println!("\n{:?}", file.try_lock().unwrap());
        std::thread::sleep(Duration::from_secs(60));
    }
}

fn start_lock_holder(path: &str) -> Child {
    let module = module_path!().split_once("::").unwrap().1;
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::hold_a_lock_until_killed"), "--nocapture"])
        .env(LOCK_PATH_VARIABLE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "Acquired"));
    child
}

#[test]
fn the_lock_of_another_process_names_it_and_is_free_once_it_is_killed() {
    let directory = directory();
    let path = path_in(&directory, "a");
    let file = create(&path, b"a");
    let mut holder = start_lock_holder(&path);
    let expected = cfg!(target_os = "linux").then_some(holder.id());
    assert_eq!(file.try_lock().unwrap(), LockOutcome::HeldBy(expected));
    holder.kill().unwrap();
    holder.wait().unwrap();
    let killed = Instant::now();
    while file.try_lock().unwrap() != LockOutcome::Acquired {
        assert!(killed.elapsed() < Duration::from_millis(100));
    }
}
