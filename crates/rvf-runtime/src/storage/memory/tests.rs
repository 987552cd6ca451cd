use super::super::LockOutcome;
use super::*;

fn read(file: &dyn StorageFile, offset: u64, len: usize) -> Vec<u8> {
    let mut buffer = vec![0xEE; len];
    file.read_at(offset, &mut buffer).unwrap();
    buffer
}

fn kind<T: std::fmt::Debug>(outcome: StorageResult<T>) -> StorageErrorKind {
    outcome.unwrap_err().kind
}

#[test]
fn what_is_written_is_read_back_across_extents_and_holes() {
    let storage = MemoryStorage::new();
    let file = storage.create_exclusive("a").unwrap();
    file.write_at(0, &[b"abc", b"def"]).unwrap();
    file.write_at(10, &[b"xyz"]).unwrap();
    file.write_at(4, &[b"12345678"]).unwrap();
    assert_eq!(read(&*file, 0, 13), b"abcd12345678z");
    file.write_at(20, &[b"!"]).unwrap();
    assert_eq!(read(&*file, 12, 9), b"z\0\0\0\0\0\0\0!");
    assert_eq!(file.len().unwrap(), 21);
    assert_eq!(kind(file.read_at(20, &mut [0; 2])), StorageErrorKind::UnexpectedEnd);
}

#[test]
fn a_view_keeps_the_old_bytes_when_they_are_overwritten_or_cut_off() {
    let storage = MemoryStorage::with_file("a", b"0123456789".as_slice());
    let file = storage.open("a", OpenMode::ReadWrite).unwrap();
    let view = file.map(2, 6).unwrap();
    file.write_at(4, &[b"xx"]).unwrap();
    file.set_len(3).unwrap();
    assert_eq!(&*view, b"234567");
    assert_eq!(read(&*file, 0, 3), b"012");
    file.set_len(6).unwrap();
    assert_eq!(read(&*file, 0, 6), b"012\0\0\0");
}

#[test]
fn a_range_is_mapped_where_one_extent_holds_it_and_aligned_as_in_the_file() {
    let storage = MemoryStorage::new();
    let file = storage.create_exclusive("a").unwrap();
    file.write_at(0, &[&[1; 13]]).unwrap();
    file.write_at(13, &[&[2; 100]]).unwrap();
    assert!(file.map(10, 10).is_none());
    assert!(file.map(100, 14).is_none());
    assert!(file.map(u64::MAX, 1).is_none());
    let view = file.map(16, 64).unwrap();
    assert_eq!(&*view, [2; 64]);
    assert_eq!(view.as_ptr() as usize % 8, 0);
}

#[test]
fn writes_far_beyond_the_end_take_no_memory_for_the_gap() {
    let storage = MemoryStorage::new();
    let file = storage.create_exclusive("a").unwrap();
    let far = (1 << 53) + 1;
    file.write_at(far, &[b"far"]).unwrap();
    assert_eq!(file.len().unwrap(), far + 3);
    assert_eq!(read(&*file, far - 2, 5), b"\0\0far");
    assert_eq!(&*file.map(far, 3).unwrap(), b"far");
    assert_eq!(kind(file.write_at(u64::MAX - 1, &[b"abc"])), StorageErrorKind::DiskFull);
    assert_eq!(kind(file.read_at(u64::MAX, &mut [0; 2])), StorageErrorKind::UnexpectedEnd);
}

#[test]
fn a_replaced_or_removed_file_stays_readable_through_its_handles() {
    let storage = MemoryStorage::with_file("a", b"old".as_slice());
    let old = storage.open("a", OpenMode::Read).unwrap();
    let new = storage.create_exclusive("b").unwrap();
    new.write_at(0, &[b"new"]).unwrap();
    storage.replace("b", "a").unwrap();
    assert_eq!(storage.paths(), ["a"]);
    assert_eq!(read(&*old, 0, 3), b"old");
    assert_eq!(old.identity().unwrap().links, 0);
    assert_eq!(storage.identity_at("a").unwrap(), new.identity().unwrap(), "the path leads to the new file");
    storage.remove("a").unwrap();
    assert_eq!(read(&*new, 0, 3), b"new");
    assert_eq!(kind(storage.identity_at("a")), StorageErrorKind::NotFound);
}

#[test]
fn publish_refuses_an_existing_name() {
    let storage = MemoryStorage::with_file("a", b"old".as_slice());
    storage.create_exclusive("b").unwrap();
    assert_eq!(kind(storage.publish("b", "a")), StorageErrorKind::AlreadyExists);
    assert_eq!(kind(storage.create_exclusive("a").map(|_| ())), StorageErrorKind::AlreadyExists);
    storage.publish("b", "c").unwrap();
    assert_eq!(storage.paths(), ["a", "c"]);
    assert_eq!(storage.identity_at("c").unwrap().links, 1);
}

#[test]
fn the_lock_excludes_other_handles_until_its_handle_is_dropped() {
    let storage = MemoryStorage::with_file("a", b"a".as_slice());
    let first = storage.open("a", OpenMode::ReadWrite).unwrap();
    let second = storage.open("a", OpenMode::ReadWrite).unwrap();
    assert_eq!(first.try_lock().unwrap(), LockOutcome::Acquired);
    assert_eq!(first.try_lock().unwrap(), LockOutcome::Acquired);
    let held = LockOutcome::HeldBy(Some(std::process::id()));
    assert_eq!(second.try_lock().unwrap(), held);
    drop(first);
    assert_eq!(second.try_lock().unwrap(), LockOutcome::Acquired);
}

#[test]
fn a_handle_for_reading_refuses_to_write() {
    let storage = MemoryStorage::with_file("a", b"a".as_slice());
    let file = storage.open("a", OpenMode::Read).unwrap();
    assert_eq!(kind(file.write_at(0, &[b"b"])), StorageErrorKind::PermissionDenied);
    assert_eq!(kind(file.set_len(0)), StorageErrorKind::PermissionDenied);
}
