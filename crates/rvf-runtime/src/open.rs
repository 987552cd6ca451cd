use std::sync::Arc;

use rvf_filter::Schema;
use rvf_manifest::{Manifest, ROOT_PAGE_BYTES, RecoverError, Recovered, erase_append_starts, recover};
use rvf_types::{ErrorCode, SegmentKind, feature};
use rvf_wire::{Anchor, HEADER_BYTES, sabotage};

use crate::compact::COMPACTING_SUFFIX;
use crate::create::{CREATING_SUFFIX, Created, sync};
use crate::dead_rows::DeadRows;
use crate::heat::Heat;
use crate::host::Host;
use crate::options::OpenOptions;
use crate::segment::FileSource;
use crate::snapshot::{Snapshot, base_snapshot};
use crate::storage::{LockOutcome, MemoryStorage, OpenMode, Storage, StorageError, StorageErrorKind, StorageFile};
use crate::temporary::remove_abandoned;
use crate::write::{Group, TailSize, Writer, load_base, load_dead, open_segment, replay_journal, write_anchor};
use crate::{Result, RvfError};

/// Waits between attempts to get a lock.
const LOCK_RETRY_MS: u64 = 5;
/// Attempts of a reader to see a whole state while a writer appends.
const READER_ATTEMPTS: u32 = 20;
/// How often the same error is believed to be an append in progress: a writer gets on between two looks, damage does not.
const SAME_ERROR_ATTEMPTS: u32 = 3;
/// How often in a row a file may be replaced while it is being locked: more often, it is the file system that cannot tell
/// which file is which.
const REPLACED_MAX: u32 = 1_000;
const REWRITE_CHUNK_BYTES: u64 = 1 << 20;

/// A state read from a file, with what opening learned about the file's end.
pub(crate) struct Opened {
    pub(crate) snapshot: Snapshot,
    pub(crate) recovered: Recovered,
    pub(crate) stored_dead: DeadRows,
    pub(crate) tail: TailSize,
}

/// What opening found to be unfinished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recovery {
    pub(crate) torn_bytes: u64,
    pub(crate) commits: u64,
}

impl Opened {
    pub(crate) fn recovery(&self) -> Recovery {
        Recovery { torn_bytes: self.recovered.torn_bytes, commits: self.recovered.tail.len() as u64 }
    }
}

/// Opens the file at `path`, which is resolved, for reading only.
pub(crate) fn open_reader(host: &Host, path: &str, options: &OpenOptions) -> Result<Opened> {
    let file = open_existing(host, path, OpenMode::Read)?;
    let opened = load_for_reader(host, &file, None)?;
    check_model(&opened, options)?;
    Ok(opened)
}

/// Reads the newest state of a file that a writer may be appending to. What looks like damage may be an append that was
/// half there when it was read, so it is looked at again before it is believed.
pub(crate) fn load_for_reader(host: &Host, file: &Arc<dyn StorageFile>, earlier: Option<&Snapshot>) -> Result<Opened> {
    let mut last_error = None;
    let mut same_error_count = 0;
    for _ in 1..READER_ATTEMPTS {
        let error = match load(file, earlier) {
            Err(error) if error.not_ready.is_none() && is_maybe_unfinished(error.code) => error,
            other => return other,
        };
        same_error_count = if last_error.as_ref() == Some(&error) { same_error_count + 1 } else { 1 };
        if same_error_count == SAME_ERROR_ATTEMPTS {
            return Err(error);
        }
        last_error = Some(error);
        host.clock.sleep_ms(1);
    }
    load(file, earlier)
}

fn is_maybe_unfinished(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::InvalidChecksum | ErrorCode::InvalidManifest | ErrorCode::TruncatedSegment)
}

/// Opens the file at `path`, which is resolved, for writing: lock, recovery, and whatever the last writer's end left to be
/// put right.
pub(crate) fn open_writer(host: &Host, path: &str, options: &OpenOptions) -> Result<(Opened, Writer)> {
    let (file, lock) = open_locked(host, path, options.busy_timeout_ms)?;
    let opened = load(&file, None)?;
    check_model(&opened, options)?;
    let masks = opened.recovered.head.features[1] | opened.recovered.manifest.features[1];
    let unknown = masks & !feature::RO_COMPAT_KNOWN;
    if unknown != 0 {
        return Err(RvfError::new(
            ErrorCode::ReadOnly,
            format!(
                "the file uses features (ro_compat bits {unknown:#x}) this version cannot write; openReadonly() it"
            ),
        ));
    }
    remove_leftovers(host, path, &*file)?;
    mend_end(&*file, &opened.recovered)?;
    let recovered = &opened.recovered;
    if recovered.manifest.previous_root_offset == 0 {
        // Whoever put the file in its place may not have come as far as making that durable. Who may not open the
        // directory is not refused the file.
        match host.storage.sync_directory(path) {
            Err(error) if error.kind == StorageErrorKind::PermissionDenied => {}
            synced => synced?,
        }
    }
    let writer = new_writer(host, path, (file, lock), &opened, options);
    Ok((opened, writer))
}

/// Opens a store that this process has just created, without reading it: where storage has to fetch what is read, the call
/// would end with `NotReady`, and asking again would find the name taken.
pub(crate) fn open_created(
    host: &Host,
    path: &str,
    created: Created,
    options: &OpenOptions,
) -> Result<(Opened, Writer)> {
    let file = open_existing(host, path, OpenMode::ReadWrite)?;
    if !is_same(&file.identity()?, &created.lock.identity()?) {
        return Err(RvfError::new(ErrorCode::Busy, format!("another file has been put at {path} meanwhile")));
    }
    remove_leftovers(host, path, &*file)?;
    let image = MemoryStorage::with_file(path, created.bytes).open(path, OpenMode::Read)?;
    let mut opened = load(&image, None)?;
    opened.snapshot.file = Arc::clone(&file);
    let writer = new_writer(host, path, (file, created.lock), &opened, options);
    Ok((opened, writer))
}

fn new_writer(
    host: &Host,
    path: &str,
    (file, lock): (Arc<dyn StorageFile>, Arc<dyn StorageFile>),
    opened: &Opened,
    options: &OpenOptions,
) -> Writer {
    let recovered = &opened.recovered;
    let newest = recovered.manifest_segment.extent;
    let newest_root = newest.payload_offset + newest.data_bytes - ROOT_PAGE_BYTES as u64;
    let newest_slot =
        recovered.anchors.iter().position(|slot| slot.is_some_and(|slot| slot.root_offset == newest_root));
    Writer {
        host: host.clone(),
        path: path.to_owned(),
        file,
        lock,
        snapshot: Arc::new(opened.snapshot.clone()),
        heat: Heat::of(&opened.snapshot),
        next_segment_id: recovered.last_segment_id + 1,
        last_timestamp_ns: recovered.manifest.modified_ns.max(newest_timestamp(recovered)),
        tail: opened.tail,
        stored_dead: opened.stored_dead.clone(),
        next_anchor: newest_slot.map_or(0, |slot| 1 - slot),
        durability: options.durability,
        is_unsynced: false,
        unsynced_bytes: 0,
        last_sync_ns: host.clock.monotonic_ns(),
        poisoned: None,
    }
}

fn newest_timestamp(recovered: &Recovered) -> u64 {
    let tail = recovered.tail.last().and_then(|transaction| transaction.segments.last());
    tail.map_or(0, |segment| segment.header.timestamp_ns)
}

fn check_model(opened: &Opened, options: &OpenOptions) -> Result<()> {
    let stored = opened.snapshot.options().embedding_model.as_deref();
    match (options.embedding_model.as_deref(), stored) {
        (Some(asked), Some(stored)) if asked != stored => Err(RvfError::new(
            ErrorCode::InvalidOptions,
            format!(
                "embeddingModel is {asked:?}, the store was created for {stored:?}: its vectors cannot be compared"
            ),
        )),
        _ => Ok(()),
    }
}

fn open_existing(host: &Host, path: &str, mode: OpenMode) -> Result<Arc<dyn StorageFile>> {
    host.storage.open(path, mode).map_err(|error| match error.kind {
        StorageErrorKind::NotFound => {
            RvfError::new(ErrorCode::IoError, format!("{path} does not exist; create() makes a new store"))
        }
        StorageErrorKind::PermissionDenied if mode == OpenMode::ReadWrite => RvfError::new(
            ErrorCode::ReadOnly,
            format!("{path} may not be written ({}); openReadonly() reads it", error.message),
        ),
        _ => error.into(),
    })
}

/// Opens and locks a file, and makes sure that the path still names it: a compaction may have put another one there.
fn open_locked(host: &Host, path: &str, busy_timeout_ms: u64) -> Result<(Arc<dyn StorageFile>, Arc<dyn StorageFile>)> {
    let give_up_ns = host.clock.monotonic_ns().saturating_add(busy_timeout_ms.saturating_mul(1_000_000));
    let mut replaced_count = 0;
    loop {
        let lock = open_existing(host, path, OpenMode::ReadWrite)?;
        let outcome = if sabotage::is("no-lock") { LockOutcome::Acquired } else { lock.try_lock()? };
        match outcome {
            LockOutcome::Acquired => {
                let file = open_existing(host, path, OpenMode::ReadWrite)?;
                let named = host.storage.identity_at(path)?;
                if is_same(&named, &lock.identity()?) && is_same(&named, &file.identity()?) {
                    return Ok((file, lock));
                }
                replaced_count += 1;
                if replaced_count == REPLACED_MAX {
                    return Err(RvfError::new(
                        ErrorCode::NotSupportedHere,
                        format!("{path} is another file at every look; move it to a local disk, or openReadonly() it"),
                    ));
                }
            }
            LockOutcome::HeldBy(holder) => {
                if host.clock.monotonic_ns() >= give_up_ns {
                    let who = holder.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
                    return Err(RvfError::new(
                        ErrorCode::LockHeld,
                        format!(
                            "{path} is open for writing in {who}; close it there, wait with busyTimeoutMs, or openReadonly()"
                        ),
                    ));
                }
                host.clock.sleep_ms(LOCK_RETRY_MS);
            }
        }
    }
}

pub(crate) fn is_same(left: &crate::storage::FileIdentity, right: &crate::storage::FileIdentity) -> bool {
    (left.device, left.inode) == (right.device, right.inode)
}

/// Takes away what a crashed creation or compaction of this store left beside it.
fn remove_leftovers(host: &Host, path: &str, file: &dyn StorageFile) -> Result<()> {
    remove_if_there(host, &format!("{path}{COMPACTING_SUFFIX}"))?;
    let creating = format!("{path}{CREATING_SUFFIX}");
    match host.storage.identity_at(&creating) {
        Ok(identity) if is_same(&identity, &file.identity()?) => remove_if_there(host, &creating),
        Ok(_) => remove_abandoned(host, &creating).map(drop),
        Err(_) => Ok(()),
    }
}

pub(crate) fn remove_if_there(host: &Host, path: &str) -> Result<()> {
    match host.storage.remove(path) {
        Err(StorageError { kind: StorageErrorKind::NotFound, .. }) => Ok(()),
        other => Ok(other?),
    }
}

/// Puts the end of the file right before anything is appended. Bytes behind the committed end go, durably, so that they
/// can never be taken for later ones. Where the last writer did not close, its last append is written again as it is: the
/// system may show bytes that an fsync failed to bring to the disk. A damaged anchor is written anew.
fn mend_end(file: &dyn StorageFile, recovered: &Recovered) -> Result<()> {
    if recovered.torn_bytes > 0 {
        clear_torn_bytes(file, recovered)?;
        file.set_len(recovered.committed_end)?;
    }
    if !recovered.closed_cleanly {
        let mut offset = recovered.last_append_start;
        while offset < recovered.committed_end {
            let take = (recovered.committed_end - offset).min(REWRITE_CHUNK_BYTES);
            let mut bytes = vec![0; take as usize];
            file.read_at(offset, &mut bytes)?;
            file.write_at(offset, &[&bytes])?;
            offset += take;
        }
        sync(file)?;
    }
    if recovered.anchor_damaged {
        let extent = recovered.manifest_segment.extent;
        let anchor = Anchor {
            root_offset: extent.payload_offset + extent.data_bytes - ROOT_PAGE_BYTES as u64,
            epoch: recovered.manifest.epoch,
        };
        for slot in (0..2).filter(|slot| recovered.anchors[*slot].is_none()) {
            write_anchor(file, slot, anchor, recovered.head.salt)?;
        }
    }
    Ok(())
}

/// What is cut off may show again where a later append tears. So nothing in it may look like a later append, as stored
/// vectors can. The torn append's own first header stays: without it a crash in between would not look like a tear.
fn clear_torn_bytes(file: &dyn StorageFile, recovered: &Recovered) -> Result<()> {
    let end = recovered.committed_end + recovered.torn_bytes;
    let mut offset = recovered.committed_end + HEADER_BYTES as u64;
    let mut is_changed = false;
    while offset < end {
        let take = (end - offset).min(REWRITE_CHUNK_BYTES);
        let mut bytes = vec![0; take as usize];
        file.read_at(offset, &mut bytes)?;
        if erase_append_starts(&mut bytes, recovered.head.salt) {
            file.write_at(offset, &[&bytes])?;
            is_changed = true;
        }
        offset += take;
    }
    if is_changed { sync(file) } else { Ok(()) }
}

/// Finds the newest state of a file and opens its runs. No vector, id or metadata is read, but for the tail's. Segments
/// that an earlier snapshot of the same file has open are taken from there, with what was checked of them.
pub(crate) fn load(file: &Arc<dyn StorageFile>, earlier: Option<&Snapshot>) -> Result<Opened> {
    let recovered = recover(&FileSource(&**file)).map_err(error_of)?;
    let manifest = &recovered.manifest;
    let stored_dead = load_dead(&**file, manifest)?;
    let runs = load_base(manifest, |entry| open_segment(file, earlier, entry))?;
    let located = (manifest.clone(), recovered.manifest_segment);
    let schema = Arc::new(schema_of(manifest)?);
    let salted = (file, recovered.head.salt);
    let snapshot = base_snapshot(salted, &schema, located, recovered.committed_end, stored_dead.clone(), runs);
    let mut tail = TailSize::default();
    let mut group = Group::new(snapshot, false);
    for transaction in &recovered.tail {
        let applied = replay_journal(group.snapshot(), transaction)?;
        group.apply(applied)?;
        for segment in &transaction.segments {
            tail.segments += 1;
            tail.batches += u32::from(segment.header.kind == SegmentKind::VEC);
            if TailSize::is_on_heap(segment.header.kind) {
                tail.heap_bytes += segment.header.payload_bytes;
            }
        }
    }
    let mut snapshot = group.finish()?;
    for transaction in &recovered.tail {
        note_tail_segments(&mut snapshot, transaction);
    }
    Ok(Opened { snapshot, recovered, stored_dead, tail })
}

fn schema_of(manifest: &Manifest) -> Result<Schema> {
    let Some(json) = &manifest.options.schema else { return Ok(Schema::default()) };
    Schema::parse(json.as_bytes())
        .map_err(|error| RvfError::new(ErrorCode::InvalidManifest, format!("the store's schema: {error}")))
}

fn note_tail_segments(snapshot: &mut Snapshot, transaction: &rvf_manifest::Transaction) {
    let entries = transaction.segments.iter().map(|segment| rvf_manifest::SegmentEntry {
        offset: segment.extent.offset,
        header: segment.header,
        first_row: 0,
        row_count: 0,
    });
    snapshot.tail_segments.lock().extend(entries);
    snapshot.tail_segment_count += transaction.segments.len();
}

fn error_of(error: RecoverError<StorageError>) -> RvfError {
    match error {
        // A store file never ends where this version says it must go on, so a short read is damage, not trouble.
        RecoverError::Source(error) if error.kind == StorageErrorKind::UnexpectedEnd => {
            RvfError::new(ErrorCode::TruncatedSegment, error.message)
        }
        other => other.into(),
    }
}
