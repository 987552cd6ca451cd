//! A system that gives little - descriptors, address space, disk, permissions - makes calls fail with typed errors. The
//! process lives, and so does everything that was acknowledged.
#![allow(clippy::unwrap_used)] // clippy takes helpers of tests for the code that is shipped
#![cfg(target_os = "linux")]

mod damage_common;

use std::ffi::CString;
use std::fs::{Permissions, set_permissions};
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use damage_common::WAIT;
use damage_common::child::{in_child, skip};
use damage_common::expected::{Entry, Expected, batch};
use rvf_runtime::storage::FileStorage;
use rvf_runtime::types::{ErrorCode, Metric};
use rvf_runtime::{Control, CreateOptions, Host, OnDuplicate, OpenOptions, Outcome, Result, RvfStore, Write};

const DIMENSION: u32 = 64;

fn entry(number: u32) -> Entry {
    let vector = (0..DIMENSION).flat_map(|element| ((number + element) as f32).to_le_bytes()).collect();
    Entry { id: format!("id-{number}"), vector, metadata: Some(format!("{{\"n\":{number}}}")) }
}

fn entries(numbers: std::ops::Range<u32>) -> Vec<Entry> {
    numbers.map(entry).collect()
}

fn path_in(folder: &Path, name: &str) -> String {
    folder.join(name).to_str().unwrap().to_owned()
}

fn create(path: &str) -> Result<RvfStore> {
    RvfStore::create(&Host::native(), path, &CreateOptions::new(DIMENSION, Metric::L2))
}

fn ingest(store: &RvfStore, entries: &[Entry]) -> Result<()> {
    store.ingest(batch(entries), OnDuplicate::Replace, WAIT).map(drop)
}

/// A closed store with 100 entries.
fn make_store(path: &str) -> Expected {
    let store = create(path).unwrap();
    let mut expected = Expected::default();
    expected.put(&entries(0..100));
    ingest(&store, &expected.entries).unwrap();
    store.close().unwrap();
    expected
}

fn assert_holds(path: &str, expected: &Expected) {
    let store = RvfStore::open(&Host::native(), path, &OpenOptions::read_only()).unwrap();
    let findings = expected.compare(&store);
    assert!(findings.is_right(), "{findings:?}");
    assert_eq!(store.verify(&Control::default()).unwrap().problems, vec![]);
}

/// Sets a limit of this process and answers the one before. Never above what the system allows.
fn set_limit(resource: libc::__rlimit_resource_t, soft: u64) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is ours to write and to read.
    assert_eq!(unsafe { libc::getrlimit(resource, &mut limit) }, 0);
    let before = limit.rlim_cur;
    limit.rlim_cur = soft.min(limit.rlim_max);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::setrlimit(resource, &limit) }, 0);
    before
}

fn ignore_signal(signal: i32) {
    // SAFETY: no handler is installed, and no other thread of this process cares.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

/// Becomes a user without rights, where this is root, whom permissions do not bind.
fn become_nobody() {
    const NOBODY: u32 = 65_534;
    // SAFETY: these take numbers only, and this process does nothing else.
    unsafe {
        if libc::geteuid() == 0 {
            assert_eq!(libc::setgroups(0, std::ptr::null()), 0);
            assert_eq!(libc::setgid(NOBODY), 0);
            assert_eq!(libc::setuid(NOBODY), 0);
        }
    }
}

#[test]
fn without_descriptors_calls_fail_and_nothing_is_lost() {
    in_child("without_descriptors_calls_fail_and_nothing_is_lost", |folder| {
        let path = path_in(folder, "a.rvf");
        let mut expected = make_store(&path);
        let first_free = std::fs::File::open("/dev/null").unwrap().as_raw_fd() as u64;
        let (mut failures, mut successes) = (0, 0);
        for spare in 0..8 {
            let number = 1_000 + spare as u32;
            let before = set_limit(libc::RLIMIT_NOFILE, first_free + spare);
            let created = create(&path_in(folder, &format!("new-{spare}.rvf"))).and_then(|store| store.close());
            let attempt = RvfStore::open(&Host::native(), &path, &OpenOptions::default()).and_then(|store| {
                ingest(&store, &entries(number..number + 1))?;
                expected.put(&entries(number..number + 1));
                store.compact(&Control::default())?;
                store.close()
            });
            set_limit(libc::RLIMIT_NOFILE, before);
            println!("{spare} descriptors: {created:?}, {attempt:?}");
            for result in [created, attempt] {
                match result {
                    Ok(()) => successes += 1,
                    Err(error) => {
                        assert_eq!(error.code, ErrorCode::IoError, "{error}");
                        assert!(error.message.contains("Too many open files"), "{error}");
                        failures += 1;
                    }
                }
            }
            assert_holds(&path, &expected);
        }
        assert!(failures >= 4 && successes >= 2, "{failures} failures, {successes} successes");
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(name.ends_with(".rvf"), "{name} was left");
        }
    });
}

/// How much address space this process uses.
fn address_space_bytes() -> u64 {
    let pages: u64 = std::fs::read_to_string("/proc/self/statm").unwrap().split(' ').next().unwrap().parse().unwrap();
    pages * 4096
}

#[test]
fn without_address_space_for_a_mapping_the_file_is_read_by_calls() {
    in_child("without_address_space_for_a_mapping_the_file_is_read_by_calls", |folder| {
        const ROW_BYTES: usize = 4_096;
        const ROWS: usize = 10_000;
        let path = path_in(folder, "a.rvf");
        let store = RvfStore::create(&Host::native(), &path, &CreateOptions::new(1_024, Metric::L2)).unwrap();
        let vector = |number: usize| -> Vec<u8> { (number as f32).to_le_bytes().repeat(ROW_BYTES / 4) };
        for start in (0..ROWS).step_by(1_000) {
            let rows: Vec<Entry> = (start..start + 1_000)
                .map(|number| Entry { id: format!("id-{number}"), vector: vector(number), metadata: None })
                .collect();
            ingest(&store, &rows).unwrap();
        }
        store.close().unwrap();
        drop(store);
        let ask = |store: &RvfStore| {
            for number in [0, 4_567, ROWS - 1] {
                let options = rvf_runtime::QueryOptions { k: 1, ..Default::default() };
                let hits = store.query(&vector(number), &options, None).unwrap();
                assert_eq!(hits.ids, [format!("id-{number}")]);
            }
        };
        let mapped = RvfStore::open(&Host::native(), &path, &OpenOptions::read_only()).unwrap();
        ask(&mapped);
        assert!(mapped.status().unwrap().is_mapped, "the control is not mapped");
        drop(mapped);
        set_limit(libc::RLIMIT_AS, address_space_bytes() + (24 << 20));
        let store = RvfStore::open(&Host::native(), &path, &OpenOptions::default()).unwrap();
        ask(&store);
        assert!(!store.status().unwrap().is_mapped, "40 MB were mapped into 24 MB");
        ingest(&store, &[Entry { id: "more".to_owned(), vector: vector(ROWS + 1), metadata: None }]).unwrap();
        assert_eq!(store.verify(&Control::default()).unwrap().problems, vec![]);
        store.close().unwrap();
    });
}

/// How much room a disk has.
#[derive(Clone, Copy)]
enum Room {
    /// For some commits.
    Little,
    /// For nothing.
    Nothing,
    Plenty,
}

/// Fills a disk, tries everything on it, and makes room again. `folder` holds nothing but the store at `path`.
fn fill_and_make_room(path: &str, folder: &Path, make: &mut dyn FnMut(Room)) {
    let mut expected = make_store(path);
    let store = RvfStore::open(&Host::native(), path, &OpenOptions::default()).unwrap();
    make(Room::Little);
    let mut number = 1_000;
    let error = loop {
        match ingest(&store, &entries(number..number + 20)) {
            Ok(()) => expected.put(&entries(number..number + 20)),
            Err(error) => break error,
        }
        number += 20;
        assert!(number < 100_000, "the disk is never full");
    };
    assert!(number > 1_000, "there was no room for anything");
    assert_eq!(error.code, ErrorCode::DiskFull, "{error}");
    let findings = expected.compare(&store);
    assert!(findings.is_right(), "what was acknowledged can be read while the disk is full: {findings:?}");
    let again = ingest(&store, &entries(0..1)).unwrap_err();
    assert_eq!(again.code, ErrorCode::Poisoned, "{again}");
    store.close().unwrap();
    drop(store);
    assert_holds(path, &expected);
    make(Room::Nothing);
    for refused in [try_to_compact(path), try_to_back_up(path, folder), create(&path_in(folder, "new.rvf")).map(drop)] {
        let error = refused.unwrap_err();
        assert_eq!(error.code, ErrorCode::DiskFull, "{error}");
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "something was left beside the store");
    make(Room::Plenty);
    assert_holds(path, &expected);
    let store = RvfStore::open(&Host::native(), path, &OpenOptions::default()).unwrap();
    ingest(&store, &entries(5_000..5_010)).unwrap();
    expected.put(&entries(5_000..5_010));
    store.close().unwrap();
    assert_holds(path, &expected);
}

fn try_to_compact(path: &str) -> Result<()> {
    RvfStore::open(&Host::native(), path, &OpenOptions::default())?.compact(&Control::default()).map(drop)
}

fn try_to_back_up(path: &str, folder: &Path) -> Result<()> {
    let store = RvfStore::open(&Host::native(), path, &OpenOptions::read_only())?;
    store.backup(&path_in(folder, "copy.rvf"), &Control::default())
}

#[test]
fn a_limit_on_the_size_of_files_is_a_full_disk() {
    in_child("a_limit_on_the_size_of_files_is_a_full_disk", |folder| {
        ignore_signal(libc::SIGXFSZ);
        let unlimited = set_limit(libc::RLIMIT_FSIZE, u64::MAX);
        fill_and_make_room(&path_in(folder, "a.rvf"), folder, &mut |room| {
            let bytes = match room {
                Room::Little => 150_000,
                // Less than the head and the living rows.
                Room::Nothing => 10_000,
                Room::Plenty => unlimited,
            };
            set_limit(libc::RLIMIT_FSIZE, bytes);
        });
    });
}

/// Mounts a disk of this size on a folder, seen by this thread alone.
fn mount_small_disk(folder: &Path, bytes: u64) -> std::result::Result<(), String> {
    let text = |text: &str| CString::new(text).unwrap();
    let (root, kind, options) = (text("/"), text("tmpfs"), text(&format!("size={bytes}")));
    let target = text(folder.to_str().unwrap());
    // SAFETY: all strings live until the calls return; the mount is seen in this thread's namespace only.
    let outcome = unsafe {
        libc::unshare(libc::CLONE_NEWNS) == 0
            && libc::mount(
                std::ptr::null(),
                root.as_ptr(),
                std::ptr::null(),
                libc::MS_REC | libc::MS_PRIVATE,
                std::ptr::null(),
            ) == 0
            && libc::mount(kind.as_ptr(), target.as_ptr(), kind.as_ptr(), 0, options.as_ptr().cast()) == 0
    };
    if outcome { Ok(()) } else { Err(std::io::Error::last_os_error().to_string()) }
}

#[test]
fn a_disk_of_four_megabytes_fills_up_and_nothing_is_lost() {
    in_child("a_disk_of_four_megabytes_fills_up_and_nothing_is_lost", |folder| {
        let folder = folder.join("small-disk");
        std::fs::create_dir(&folder).unwrap();
        if let Err(why) = mount_small_disk(&folder, 4 << 20) {
            return skip(&format!("no disk of four megabytes can be mounted here: {why}"));
        }
        let stores = folder.join("stores");
        std::fs::create_dir(&stores).unwrap();
        let (large, small) = (folder.join("large"), folder.join("small"));
        fill_and_make_room(&path_in(&stores, "a.rvf"), &stores, &mut |room| match room {
            Room::Little => std::fs::write(&large, vec![1; 3 << 20]).unwrap(),
            Room::Nothing => {
                std::fs::write(&small, vec![1; 4 << 20]).unwrap_err();
            }
            Room::Plenty => {
                std::fs::remove_file(&large).unwrap();
                std::fs::remove_file(&small).unwrap();
            }
        });
    });
}

#[test]
fn permissions_are_typed_errors_and_a_store_that_may_not_be_written_can_be_read() {
    in_child("permissions_are_typed_errors_and_a_store_that_may_not_be_written_can_be_read", |folder| {
        set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
        let closed_folder = folder.join("closed");
        std::fs::create_dir(&closed_folder).unwrap();
        let mut expected = make_store(&path_in(&closed_folder, "writable.rvf"));
        for (name, mode) in [("writable.rvf", 0o666), ("readable.rvf", 0o444), ("secret.rvf", 0o000)] {
            if name != "writable.rvf" {
                std::fs::copy(closed_folder.join("writable.rvf"), closed_folder.join(name)).unwrap();
            }
            set_permissions(closed_folder.join(name), Permissions::from_mode(mode)).unwrap();
        }
        set_permissions(&closed_folder, Permissions::from_mode(0o555)).unwrap();
        become_nobody();

        let error = create(&path_in(&closed_folder, "new.rvf")).err().unwrap();
        assert_eq!(error.code, ErrorCode::IoError, "{error}");
        assert!(error.message.contains("ermission"), "{error}");

        let readable = path_in(&closed_folder, "readable.rvf");
        let error = RvfStore::open(&Host::native(), &readable, &OpenOptions::default()).err().unwrap();
        assert_eq!(error.code, ErrorCode::ReadOnly, "{error}");
        assert!(error.message.contains("openReadonly()"), "{error}");
        assert_holds(&readable, &expected);

        let secret = path_in(&closed_folder, "secret.rvf");
        let error = RvfStore::open(&Host::native(), &secret, &OpenOptions::read_only()).err().unwrap();
        assert_eq!(error.code, ErrorCode::IoError, "{error}");

        let writable = path_in(&closed_folder, "writable.rvf");
        let store = RvfStore::open(&Host::native(), &writable, &OpenOptions::default()).unwrap();
        ingest(&store, &entries(500..510)).unwrap();
        expected.put(&entries(500..510));
        let error = store.compact(&Control::default()).unwrap_err();
        assert_eq!(error.code, ErrorCode::IoError, "{error}");
        let error = store.backup(&path_in(&closed_folder, "copy.rvf"), &Control::default()).unwrap_err();
        assert_eq!(error.code, ErrorCode::IoError, "{error}");
        ingest(&store, &entries(510..520)).unwrap();
        expected.put(&entries(510..520));
        store.close().unwrap();
        assert_holds(&writable, &expected);
        assert_eq!(std::fs::read_dir(&closed_folder).unwrap().count(), 3);
    });
}

#[test]
fn without_threads_commits_are_made_where_they_are_asked_for() {
    in_child("without_threads_commits_are_made_where_they_are_asked_for", |folder| {
        set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
        become_nobody();
        let path = path_in(folder, "a.rvf");
        let mut expected = make_store(&path);
        let store = RvfStore::open(&Host::native(), &path, &OpenOptions::default()).unwrap();
        set_limit(libc::RLIMIT_NPROC, 0);
        if std::thread::Builder::new().spawn(|| ()).is_ok() {
            return skip("threads can be started here in spite of the limit");
        }
        for number in 200..210 {
            let (sender, receiver) = std::sync::mpsc::channel();
            let write = Write::Ingest {
                batch: batch(&entries(number..number + 1)).into(),
                on_duplicate: OnDuplicate::Replace,
                control: None,
            };
            store.submit(write, Box::new(move |result: Result<Outcome>| sender.send(result).unwrap()));
            receiver.recv_timeout(WAIT).unwrap().unwrap();
            expected.put(&entries(number..number + 1));
        }
        store.close().unwrap();
        assert_holds(&path, &expected);
    });
}

/// Cuts or fills a file behind the back of an open store, and answers what the store says to every question.
fn change_behind(
    path: &str,
    host: &Host,
    options: &OpenOptions,
    is_touched: bool,
    change: impl Fn(&str),
) -> Vec<ErrorCode> {
    let expected = make_store(path);
    let store = RvfStore::open(host, path, options).unwrap();
    if is_touched {
        assert!(expected.compare(&store).is_right());
    }
    change(path);
    let findings = expected.compare(&store);
    assert!(findings.wrong.is_empty(), "{:?}", findings.wrong);
    let mut codes: Vec<ErrorCode> = findings.errors.iter().map(|error| error.code).collect();
    match store.verify(&Control::default()) {
        Ok(report) => codes.extend(report.problems.first().map(|problem| problem.code)),
        Err(error) => codes.push(error.code),
    }
    drop(store);
    std::fs::remove_file(path).unwrap();
    codes
}

#[test]
fn a_file_cut_under_an_open_reader_is_an_error() {
    in_child("a_file_cut_under_an_open_reader_is_an_error", |folder| {
        let path = path_in(folder, "a.rvf");
        let cut = |len: u64| {
            move |path: &str| std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(len).unwrap()
        };
        let mapped = Host::native();
        let unmapped = Host::native_over(std::sync::Arc::new(FileStorage::without_mapping()));
        for len in [0, 1, 4_096, 20_000, 40_000] {
            for (host, is_touched) in [(&mapped, false), (&mapped, true), (&unmapped, false), (&unmapped, true)] {
                let codes = change_behind(&path, host, &OpenOptions::read_only(), is_touched, cut(len));
                assert!(
                    !codes.is_empty() && codes.iter().all(|code| *code == ErrorCode::TruncatedSegment),
                    "{codes:?}"
                );
            }
        }
    });
}

#[test]
fn a_file_cut_under_a_writer_that_has_not_touched_it_is_an_error() {
    in_child("a_file_cut_under_a_writer_that_has_not_touched_it_is_an_error", |folder| {
        let path = path_in(folder, "a.rvf");
        let cut = |path: &str| std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(13_000).unwrap();
        let codes = change_behind(&path, &Host::native(), &OpenOptions::default(), false, cut);
        assert!(!codes.is_empty() && codes.iter().all(|code| *code == ErrorCode::TruncatedSegment), "{codes:?}");
    });
}

#[test]
fn a_file_overwritten_under_an_open_reader_is_an_error() {
    in_child("a_file_overwritten_under_an_open_reader_is_an_error", |folder| {
        let path = path_in(folder, "a.rvf");
        let overwrite = |path: &str| {
            let len = std::fs::metadata(path).unwrap().len() as usize;
            std::fs::write(path, vec![0xA5; len]).unwrap();
        };
        let codes = change_behind(&path, &Host::native(), &OpenOptions::read_only(), false, overwrite);
        assert!(codes.contains(&ErrorCode::InvalidChecksum), "{codes:?}");
    });
}
