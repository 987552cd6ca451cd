//! T10: several processes and one file. Real processes: this program again, see `kit::child`.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped
#![cfg(unix)]

mod kit;
#[path = "processes/roles.rs"]
mod roles;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use kit::child::{Actor, role};
use kit::{stamped, strings, times};
use rvf_runtime::types::ErrorCode;
use rvf_runtime::{Control, Host, OpenOptions, RvfError, RvfStore};
use tempfile::TempDir;

/// How long the tests wait for what comes at once on an idle machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Not a test of its own: the processes that the others start do their work in it.
#[test]
fn a_child_process_plays_its_role() {
    if let Some((role, arguments)) = role() {
        roles::play(&role, &arguments);
    }
}

/// A directory with one closed store in it.
struct Place {
    directory: TempDir,
    path: String,
}

impl Place {
    fn new() -> Place {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.rvf").to_str().unwrap().to_owned();
        RvfStore::create(&Host::native(), &path, &stamped::options()).unwrap().close().unwrap();
        Place { directory, path }
    }

    fn open(&self) -> Result<RvfStore, RvfError> {
        RvfStore::open(&Host::native(), &self.path, &OpenOptions::default())
    }

    /// The error that opening for writing meets.
    fn refusal(&self) -> RvfError {
        match self.open() {
            Ok(_) => panic!("the lock was free"),
            Err(error) => error,
        }
    }

    fn names(&self) -> BTreeSet<String> {
        names_in(self.directory.path())
    }
}

fn names_in(directory: &Path) -> BTreeSet<String> {
    std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Tries again until it works, far longer than it should take.
fn soon<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = attempt() {
            return value;
        }
        assert!(start.elapsed() < PATIENCE, "{what} took longer than {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Linux tells who holds a lock; other systems need not.
fn names_process(error: &RvfError, pid: u32) -> bool {
    error.code == ErrorCode::LockHeld
        && (!cfg!(target_os = "linux") || error.message.contains(&format!("process {pid};")))
}

#[test]
fn readers_in_other_processes_see_whole_commits_and_never_an_older_one() {
    let place = Place::new();
    let commits = times(600, 200_000).to_string();
    let mut writer = Actor::start("write", &[&place.path, &commits]);
    let mut readers: Vec<Actor> = (0..8).map(|_| Actor::start("read", &[&place.path, &commits])).collect();
    for actor in readers.iter_mut().chain([&mut writer]) {
        assert_eq!(actor.hear().as_deref(), Some("open"));
    }
    writer.nudge();
    for reader in readers {
        let states: u64 = reader.hear_all().last().unwrap().parse().unwrap();
        assert!(states >= 2, "a reader saw only {states} states");
    }
    writer.hear_all();
    assert_eq!(place.names().len(), 1);
}

#[test]
fn writers_that_take_turns_lose_nothing_and_never_hold_the_lock_together() {
    let place = Place::new();
    let turns = times(25, 2_000).to_string();
    let mut writers: Vec<Actor> = ["anna", "bert", "cleo", "dora"]
        .iter()
        .map(|name| Actor::start("contend", &[&place.path, name, &turns]))
        .collect();
    for writer in &mut writers {
        assert_eq!(writer.hear().as_deref(), Some("ready"));
    }
    writers.iter_mut().for_each(Actor::nudge);
    let acknowledged: Vec<String> = writers.into_iter().flat_map(Actor::hear_all).collect();
    let store = place.open().unwrap();
    assert!(store.has(&strings(&acknowledged)).unwrap().iter().all(|found| *found), "an acknowledged row was lost");
    assert_eq!(store.count().unwrap(), acknowledged.len() as u64);
    assert_eq!(store.verify(&Control::default()).unwrap().problems, vec![]);
    assert_eq!(place.names().len(), 1);
}

#[test]
fn the_error_names_the_process_that_holds_the_lock() {
    let place = Place::new();
    let mut holder = Actor::start("hold", &[&place.path]);
    assert_eq!(holder.hear().as_deref(), Some("holds 1"));
    let error = place.refusal();
    assert!(names_process(&error, holder.pid()), "{error}");
    holder.nudge();
    assert_eq!(holder.hear().as_deref(), Some("closed"));
    // Closing gives the lock back while the process lives; it is this process's turn now.
    let own = place.open().unwrap();
    let error = place.refusal();
    assert!(names_process(&error, std::process::id()), "{error}");
    own.close().unwrap();
    place.open().unwrap();
}

#[test]
fn the_lock_is_free_once_its_holder_was_killed_and_nothing_acknowledged_is_lost() {
    let place = Place::new();
    for round in 1..=times(10, 1_000) {
        let mut holder = Actor::start("hold", &[&place.path]);
        assert_eq!(holder.hear(), Some(format!("holds {round}")));
        assert!(names_process(&place.refusal(), holder.pid()));
        holder.kill();
        let store = soon("the lock of a dead process", || place.open().ok());
        assert_eq!(stamped::epoch_of(&store.snapshot().unwrap()), round);
        assert_eq!(store.status().unwrap().recovered_commits, 1);
        store.close().unwrap();
    }
    assert_eq!(place.names().len(), 1);
}

#[test]
fn a_stopped_holder_keeps_the_lock_until_it_goes_on_and_closes() {
    let place = Place::new();
    let mut holder = Actor::start("hold", &[&place.path]);
    assert_eq!(holder.hear().as_deref(), Some("holds 1"));
    holder.signal("STOP");
    let options = OpenOptions { busy_timeout_ms: 300, ..OpenOptions::default() };
    let error = RvfStore::open(&Host::native(), &place.path, &options).err().unwrap();
    assert!(names_process(&error, holder.pid()), "{error}");
    let reader = RvfStore::open(&Host::native(), &place.path, &OpenOptions::read_only()).unwrap();
    assert_eq!(stamped::epoch_of(&reader.snapshot().unwrap()), 1);
    holder.signal("CONT");
    holder.stop();
    assert_eq!(holder.hear().as_deref(), Some("closed"));
    place.open().unwrap();
}

/// A process that nobody else will end.
struct Orphan(String);

impl Orphan {
    fn is_alive(&self) -> bool {
        Command::new("kill").args(["-0", &self.0]).status().unwrap().success()
    }
}

impl Drop for Orphan {
    fn drop(&mut self) {
        drop(Command::new("kill").args(["-KILL", &self.0]).status());
    }
}

#[test]
fn a_process_that_the_holder_started_does_not_inherit_the_lock() {
    let place = Place::new();
    let mut holder = Actor::start("hold with a child", &[&place.path]);
    let child = Orphan(holder.hear().unwrap());
    holder.kill();
    let opened = soon("the lock of a process that left a child", || place.open().ok());
    assert!(child.is_alive(), "the child ended too early to prove anything");
    opened.close().unwrap();
}

#[test]
fn a_store_opened_through_a_symbolic_link_meets_the_same_lock() {
    let place = Place::new();
    let link = place.directory.path().join("link.rvf");
    let chain = place.directory.path().join("chain.rvf");
    std::os::unix::fs::symlink("store.rvf", &link).unwrap();
    std::os::unix::fs::symlink(&link, &chain).unwrap();
    let mut holder = Actor::start("hold", &[chain.to_str().unwrap()]);
    assert_eq!(holder.hear().as_deref(), Some("holds 1"));
    assert!(names_process(&place.refusal(), holder.pid()));
    let error = RvfStore::open(&Host::native(), link.to_str().unwrap(), &OpenOptions::default()).err().unwrap();
    assert!(names_process(&error, holder.pid()), "{error}");
    holder.kill();
    // Compacting through the link replaces the file and leaves the links links.
    let store =
        soon("the lock", || RvfStore::open(&Host::native(), chain.to_str().unwrap(), &OpenOptions::default()).ok());
    store.compact(&Control::default()).unwrap();
    assert!(names_process(&place.refusal(), std::process::id()));
    assert!(chain.is_symlink() && link.is_symlink() && !Path::new(&place.path).is_symlink());
    assert_eq!(place.names().len(), 3);
}

#[test]
fn reading_the_file_beside_a_held_lock_does_not_release_it() {
    let place = Place::new();
    let store = place.open().unwrap();
    // With the locks of POSIX, closing any descriptor of the file would drop this process's lock.
    let bytes = std::fs::read(&place.path).unwrap();
    assert_eq!(bytes.len() as u64, store.status().unwrap().file_bytes);
    let reader = RvfStore::open(&Host::native(), &place.path, &OpenOptions::read_only()).unwrap();
    reader.close().unwrap();
    drop(reader);
    let told = Actor::start("try", &[&place.path]).hear_all();
    assert!(told[0].starts_with("LockHeld"), "{told:?}");
    assert!(told[1].starts_with("Ok"), "{told:?}");
}

#[test]
fn a_writer_that_opens_while_compactions_replace_the_file_meets_the_lock_each_time() {
    let place = Place::new();
    let store = place.open().unwrap();
    (1..=10).for_each(|epoch| stamped::commit(&store, epoch).unwrap());
    store.close().unwrap();
    let mut compactor = Actor::start("compact for ever", &[&place.path]);
    assert_eq!(compactor.hear().as_deref(), Some("open"));
    assert_eq!(compactor.hear().as_deref(), Some("compacting"));
    let inode = |path: &str| std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(path).unwrap());
    let mut replaced = BTreeSet::new();
    for _ in 0..times(3_000, 1_000_000) {
        let error = place.refusal();
        assert_eq!(error.code, ErrorCode::LockHeld, "{error}");
        replaced.insert(inode(&place.path));
    }
    assert!(replaced.len() > 1, "no compaction replaced the file meanwhile");
    compactor.kill();
    let store = soon("the lock", || place.open().ok());
    assert_eq!(stamped::epoch_of(&store.snapshot().unwrap()), 10);
    assert_eq!(place.names().len(), 1, "what the killed compaction left");
}

#[test]
fn a_file_with_two_names_is_not_compacted() {
    let place = Place::new();
    let store = place.open().unwrap();
    (1..=10).for_each(|epoch| stamped::commit(&store, epoch).unwrap());
    store.checkpoint().unwrap();
    let other = place.directory.path().join("other.rvf");
    std::fs::hard_link(&place.path, &other).unwrap();
    let before = std::fs::read(&place.path).unwrap();
    let error = store.compact(&Control::default()).unwrap_err();
    assert_eq!(error.code, ErrorCode::Busy, "{error}");
    assert!(std::fs::read(&place.path).unwrap() == before && std::fs::read(&other).unwrap() == before);
    assert_eq!(place.names().len(), 2);
    // Both names lead to the one lock.
    let options = OpenOptions::default();
    let error = RvfStore::open(&Host::native(), other.to_str().unwrap(), &options).err().unwrap();
    assert!(names_process(&error, std::process::id()), "{error}");
    std::fs::remove_file(&other).unwrap();
    store.compact(&Control::default()).unwrap();
    assert_eq!(stamped::epoch_of(&store.snapshot().unwrap()), 10);
}

#[test]
fn what_stands_at_a_path_already_is_left_as_it_is_by_create() {
    let place = Place::new();
    let path = |name: &str| place.directory.path().join(name);
    std::fs::write(path("other"), "somebody's notes").unwrap();
    std::fs::write(path("empty"), "").unwrap();
    std::fs::create_dir(path("directory")).unwrap();
    std::os::unix::fs::symlink("store.rvf", path("link")).unwrap();
    let names = place.names();
    for name in ["store.rvf", "other", "empty", "directory", "link"] {
        let look = || {
            let metadata = std::fs::metadata(path(name)).unwrap();
            (std::fs::read(path(name)).ok(), metadata.modified().unwrap(), metadata.len())
        };
        let before = look();
        let error = RvfStore::create(&Host::native(), path(name).to_str().unwrap(), &stamped::options()).err().unwrap();
        assert_eq!(error.code, ErrorCode::AlreadyExists, "{name}: {error}");
        assert!(look() == before, "{name} was changed");
    }
    assert_eq!(place.names(), names);
}

#[test]
fn of_processes_that_create_one_path_at_once_exactly_one_wins() {
    let directory = tempfile::tempdir().unwrap();
    let text = directory.path().to_str().unwrap();
    let mut creators: Vec<(u32, Actor)> = (1..=3)
        .map(|dimension: u32| (dimension, Actor::start("create in turns", &[text, &dimension.to_string()])))
        .collect();
    for (_, creator) in &mut creators {
        assert_eq!(creator.hear().as_deref(), Some("ready"));
    }
    for round in 0..times(150, 20_000) {
        creators.iter_mut().for_each(|(_, creator)| creator.nudge());
        let told: Vec<(u32, String)> =
            creators.iter_mut().map(|(dimension, creator)| (*dimension, creator.hear().unwrap())).collect();
        let winners: Vec<u32> =
            told.iter().filter(|(_, told)| told == "created").map(|(dimension, _)| *dimension).collect();
        let losers = told.iter().filter(|(_, told)| told == "AlreadyExists" || told == "Busy").count();
        assert_eq!((winners.len(), losers), (1, 2), "round {round}: {told:?}");
        let name = format!("{round}.rvf");
        assert_eq!(names_in(directory.path()), BTreeSet::from([name.clone()]));
        let path = directory.path().join(name);
        let store = RvfStore::open(&Host::native(), path.to_str().unwrap(), &OpenOptions::default()).unwrap();
        assert_eq!(store.options().dimension, winners[0], "the winner's path holds another's file");
        store.close().unwrap();
        std::fs::remove_file(path).unwrap();
    }
}

/// Starts actors and kills them until one has left the file that a crash at the wrong moment leaves.
fn leave_behind(place: &Place, role: &str, leftover: &Path) {
    for _ in 0..1_000 {
        let mut actor = Actor::start(role, &[&place.path]);
        // A process that is alive all the while: if the file never appears, waiting for it ends in an error.
        soon("the temporary file", || leftover.exists().then_some(()));
        actor.kill();
        if leftover.exists() {
            return;
        }
    }
    panic!("no process died at the right moment");
}

#[test]
fn what_a_killed_compaction_left_is_gone_after_the_next_open() {
    let place = Place::new();
    let store = place.open().unwrap();
    (1..=10).for_each(|epoch| stamped::commit(&store, epoch).unwrap());
    store.close().unwrap();
    drop(store);
    leave_behind(&place, "compact for ever", &PathBuf::from(format!("{}.compacting", place.path)));
    // A reader leaves it alone: it may be a living compaction's.
    let reader = RvfStore::open(&Host::native(), &place.path, &OpenOptions::read_only()).unwrap();
    assert_eq!((stamped::epoch_of(&reader.snapshot().unwrap()), place.names().len()), (10, 2));
    let store = place.open().unwrap();
    assert_eq!((stamped::epoch_of(&store.snapshot().unwrap()), place.names().len()), (10, 1));
    assert_eq!(store.verify(&Control::default()).unwrap().problems, vec![]);
}

#[test]
fn what_a_killed_creation_left_is_in_nobodys_way() {
    let place = Place::new();
    let creating = PathBuf::from(format!("{}.creating", place.path));
    std::fs::remove_file(&place.path).unwrap();
    leave_behind(&place, "create for ever", &creating);
    // The process may have died between two creations, or between a creation and its removal.
    drop(std::fs::remove_file(&place.path));
    let store = RvfStore::create(&Host::native(), &place.path, &stamped::options()).unwrap();
    assert_eq!(place.names().len(), 1);
    store.close().unwrap();
    // The same beside a store that is there: nobody creates it again, so opening clears up.
    std::fs::write(&creating, "the start of a store").unwrap();
    place.open().unwrap();
    assert_eq!(place.names().len(), 1);
    // And in the way of a backup to a path where one died.
    let backup = place.directory.path().join("backup.rvf");
    std::fs::write(format!("{}.creating", backup.display()), "the start of a backup").unwrap();
    place.open().unwrap().backup(backup.to_str().unwrap(), &Control::default()).unwrap();
    assert_eq!(place.names(), BTreeSet::from(["backup.rvf".to_owned(), "store.rvf".to_owned()]));
}

/// A library that takes file locks away from the programs it is loaded into, as some network file systems do.
#[cfg(target_os = "linux")]
fn library_without_locks(directory: &Path) -> Option<PathBuf> {
    let (source, library) = (directory.join("no_locks.c"), directory.join("no_locks.so"));
    std::fs::write(
        &source,
        "#include <errno.h>\nint flock(int f, int o) { (void)f; (void)o; errno = ENOLCK; return -1; }\n",
    )
    .unwrap();
    let made = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    made.is_ok_and(|status| status.success()).then_some(library)
}

#[cfg(target_os = "linux")]
#[test]
fn a_store_on_a_path_without_locks_can_be_read_and_is_never_written() {
    let place = Place::new();
    let tools = tempfile::tempdir().unwrap();
    let Some(library) = library_without_locks(tools.path()) else {
        eprintln!("SKIPPED: no C compiler, so there is no path without locks to be had");
        return;
    };
    let before = std::fs::read(&place.path).unwrap();
    let variables = [("LD_PRELOAD", library.to_str().unwrap())];
    let told = Actor::start_with("try", &[&place.path], &variables).hear_all();
    assert!(told[0].starts_with("NotSupportedHere") && told[0].contains("no file locks"), "{told:?}");
    assert_eq!(told[1], "Ok 0");
    assert!(told[2].starts_with("NotSupportedHere"), "{told:?}");
    assert!(std::fs::read(&place.path).unwrap() == before);
    assert_eq!(place.names().len(), 1, "what a refused creation left");
}
