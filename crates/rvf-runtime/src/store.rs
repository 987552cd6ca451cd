use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use parking_lot::{Condvar, Mutex};
use rvf_filter::Expression;
use rvf_index::Scratch;
use rvf_manifest::{Lineage, StoreOptions};
use rvf_types::{Epoch, ErrorCode};

use crate::create::create_file;
use crate::heat::Heat;
use crate::host::Host;
use crate::index::Indexing;
use crate::open::{Opened, Recovery, open_created, open_reader, open_writer};
use crate::options::{CreateOptions, OpenOptions};
use crate::pool::Pool;
use crate::queue::Queue;
use crate::snapshot::Snapshot;
use crate::storage::{AlignedBytes, MemoryStorage};
use crate::write::{
    Batch, DeleteOutcome, IngestOutcome, OnDuplicate, Outcome, PackedStrings, ReplaceOutcome, Target, UpdateOutcome,
    Write, Writer,
};
use crate::{Result, RvfError};

/// Name of a store that is in memory only.
pub const MEMORY_PATH: &str = ":memory:";
/// What an in-memory store's file is called in its own storage.
const MEMORY_FILE: &str = "/memory.rvf";
/// What a compaction did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompactOutcome {
    /// Segments of the old file that went into the new one, rewritten.
    pub segments_compacted: u64,
    /// How much smaller the file is now.
    pub bytes_reclaimed: u64,
    /// Epoch of the state that the new file starts with.
    pub epoch: Epoch,
}

/// An open store. Cheap to copy; all copies are one store, usable from any thread.
#[derive(Clone)]
pub struct RvfStore {
    pub(crate) shared: Arc<Shared>,
    /// `None` for the store's own threads: they do not keep it open.
    _owner: Option<Arc<Owner>>,
}

/// What all copies that callers have share: with the last of them the store is given up, as a crash would leave it.
struct Owner {
    shared: Weak<Shared>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(shared) = self.shared.upgrade() {
            RvfStore { shared, _owner: None }.give_up();
        }
    }
}

pub(crate) struct Shared {
    pub(crate) host: Host,
    pub(crate) path: String,
    pub(crate) options: OpenOptions,
    /// The newest committed state; `None` once closed, so that a closed store holds no file.
    pub(crate) snapshot: ArcSwapOption<Snapshot>,
    pub(crate) store_options: StoreOptions,
    pub(crate) lineage: Lineage,
    /// `None` in a reader, and once closed.
    pub(crate) writer: Mutex<Option<Writer>>,
    pub(crate) recovery: Mutex<Recovery>,
    /// How often entries are asked for: in a writer, where the store has tiering.
    pub(crate) heat: Option<Arc<Heat>>,
    pub(crate) is_closed: AtomicBool,
    pub(crate) is_poisoned: AtomicBool,
    pub(crate) is_compacting: AtomicBool,
    pub(crate) queue: Mutex<Queue>,
    /// Work has come, or the store is being closed.
    pub(crate) wake: Condvar,
    /// The writer thread has ended.
    pub(crate) thread_ended: Condvar,
    pub(crate) indexing: Indexing,
    pub(crate) pool: Pool,
    /// Memory of searches, for as many as there were at once.
    pub(crate) scratches: Mutex<Vec<Scratch>>,
}

impl RvfStore {
    /// Makes a new store and opens it for writing. `path` must be free; `:memory:` makes one that is gone once closed.
    pub fn create(host: &Host, path: &str, options: &CreateOptions) -> Result<RvfStore> {
        options.check()?;
        let open_options = OpenOptions { durability: options.durability, ..OpenOptions::default() };
        if path == MEMORY_PATH {
            let host = host.with_storage(Arc::new(MemoryStorage::new()));
            return RvfStore::create_resolved(&host, MEMORY_FILE, options, &open_options);
        }
        let path = host.storage.resolve(path)?;
        RvfStore::create_resolved(host, &path, options, &open_options)
    }

    fn create_resolved(
        host: &Host,
        path: &str,
        options: &CreateOptions,
        open_options: &OpenOptions,
    ) -> Result<RvfStore> {
        let created = create_file(host, path, options)?;
        let (opened, writer) = open_created(host, path, created, open_options)?;
        Ok(RvfStore::assemble(host, path, open_options, opened, Some(writer)))
    }

    /// Opens an existing store.
    pub fn open(host: &Host, path: &str, options: &OpenOptions) -> Result<RvfStore> {
        if path == MEMORY_PATH {
            return Err(RvfError::new(
                ErrorCode::ManifestNotFound,
                "':memory:' names no stored file; use create(), or openBytes() for exported bytes",
            ));
        }
        let path = host.storage.resolve(path)?;
        RvfStore::open_resolved(host, &path, options)
    }

    /// Opens a store from its bytes, in memory.
    pub fn open_bytes(host: &Host, bytes: AlignedBytes, options: &OpenOptions) -> Result<RvfStore> {
        let storage = MemoryStorage::with_file(MEMORY_FILE, bytes);
        RvfStore::open_resolved(&host.with_storage(Arc::new(storage)), MEMORY_FILE, options)
    }

    fn open_resolved(host: &Host, path: &str, options: &OpenOptions) -> Result<RvfStore> {
        let (opened, writer) = if options.read_only {
            (open_reader(host, path, options)?, None)
        } else {
            let (opened, writer) = open_writer(host, path, options)?;
            (opened, Some(writer))
        };
        Ok(RvfStore::assemble(host, path, options, opened, writer))
    }

    fn assemble(host: &Host, path: &str, options: &OpenOptions, opened: Opened, writer: Option<Writer>) -> RvfStore {
        let snapshot = match &writer {
            Some(writer) => Arc::clone(&writer.snapshot),
            None => Arc::new(opened.snapshot.clone()),
        };
        let shared = Arc::new(Shared {
            host: host.clone(),
            path: path.to_owned(),
            options: options.clone(),
            store_options: snapshot.options().clone(),
            lineage: snapshot.manifest.lineage,
            snapshot: ArcSwapOption::new(Some(snapshot)),
            recovery: Mutex::new(opened.recovery()),
            heat: writer.as_ref().and_then(|writer| writer.heat.clone()),
            writer: Mutex::new(writer),
            is_closed: AtomicBool::new(false),
            is_poisoned: AtomicBool::new(false),
            is_compacting: AtomicBool::new(false),
            queue: Mutex::new(Queue::default()),
            wake: Condvar::new(),
            thread_ended: Condvar::new(),
            indexing: Indexing::default(),
            pool: Pool::new(host),
            scratches: Mutex::default(),
        });
        let owner = Arc::new(Owner { shared: Arc::downgrade(&shared) });
        RvfStore { shared, _owner: Some(owner) }
    }

    /// A copy for a thread of the store's own.
    pub(crate) fn for_own_thread(&self) -> RvfStore {
        RvfStore { shared: Arc::clone(&self.shared), _owner: None }
    }

    /// Commits what waits and gives the lock back, without a checkpoint. Where a commit is running, its thread has the
    /// store until it ends.
    fn give_up(&self) {
        self.stop_indexing();
        if let Some(mut writer) = self.shared.writer.try_lock() {
            self.drain(&mut writer);
            *writer = None;
            self.shared.is_closed.store(true, Ordering::Release);
            self.shared.wake.notify_all();
        }
    }

    /// The newest committed state.
    pub(crate) fn current(&self) -> Result<Arc<Snapshot>> {
        if self.shared.is_closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        let snapshot = self.shared.snapshot.load_full().ok_or_else(closed)?;
        if self.shared.options.read_only && snapshot.file.len()? < snapshot.committed_end {
            return Err(RvfError::new(
                ErrorCode::TruncatedSegment,
                format!("{} has been cut below {} bytes by someone else", self.shared.path, snapshot.committed_end),
            ));
        }
        Ok(snapshot)
    }

    /// Reads and checks a filter; the store's schema says what `fieldId` in it stands for.
    pub fn filter(&self, json: &str) -> Result<Arc<Expression>> {
        let snapshot = self.shared.snapshot.load_full().ok_or_else(closed)?;
        Expression::parse(json.as_bytes(), &snapshot.schema)
            .map(Arc::new)
            .map_err(|error| RvfError::new(ErrorCode::FilterParseError, error.to_string()))
    }

    /// Stores a batch and answers once it is durable. Waits behind other writes for at most `busy_timeout`.
    pub fn ingest(&self, batch: Batch, on_duplicate: OnDuplicate, busy_timeout: Duration) -> Result<IngestOutcome> {
        let write = Write::Ingest { batch: Arc::new(batch), on_duplicate, control: None };
        match self.write(write, busy_timeout)? {
            Outcome::Ingest(outcome) => Ok(outcome),
            _ => Err(answered_otherwise()),
        }
    }

    /// Deletes ids and answers once that is durable. Waits behind other writes for at most `busy_timeout`.
    pub fn delete(&self, ids: PackedStrings, busy_timeout: Duration) -> Result<DeleteOutcome> {
        match self.write(Write::Delete(ids), busy_timeout)? {
            Outcome::Delete(outcome) => Ok(outcome),
            _ => Err(answered_otherwise()),
        }
    }

    /// Deletes what fits a filter and answers once that is durable.
    pub fn delete_where(&self, filter: Arc<Expression>, busy_timeout: Duration) -> Result<DeleteOutcome> {
        match self.write(Write::DeleteWhere { filter, control: None }, busy_timeout)? {
            Outcome::Delete(outcome) => Ok(outcome),
            _ => Err(answered_otherwise()),
        }
    }

    /// Deletes what fits a filter and stores a batch, as one commit, and answers once that is durable.
    pub fn replace_where(
        &self,
        filter: Arc<Expression>,
        batch: Batch,
        on_duplicate: OnDuplicate,
        busy_timeout: Duration,
    ) -> Result<ReplaceOutcome> {
        let write = Write::Replace { filter, batch: Arc::new(batch), on_duplicate, control: None };
        match self.write(write, busy_timeout)? {
            Outcome::Replace(outcome) => Ok(outcome),
            _ => Err(answered_otherwise()),
        }
    }

    /// Applies a JSON merge patch, an object, to metadata and answers once that is durable.
    pub fn update_metadata(&self, target: Target, patch: Vec<u8>, busy_timeout: Duration) -> Result<UpdateOutcome> {
        match self.write(Write::Update { target, patch, control: None }, busy_timeout)? {
            Outcome::Update(outcome) => Ok(outcome),
            _ => Err(answered_otherwise()),
        }
    }

    /// Puts everything committed into the base, as closing does.
    pub fn checkpoint(&self) -> Result<()> {
        let mut guard = self.shared.writer.lock();
        self.drain(&mut guard);
        let writer = self.writer_of(&mut guard)?;
        if writer.has_news() {
            let result = writer.checkpoint();
            self.note_health(writer);
            result?;
            self.shared.snapshot.store(Some(Arc::clone(&writer.snapshot)));
        }
        Ok(())
    }

    /// Makes everything acknowledged durable, whatever the store's durability, and answers the epoch.
    pub fn freeze(&self) -> Result<Epoch> {
        let mut guard = self.shared.writer.lock();
        self.drain(&mut guard);
        let writer = self.writer_of(&mut guard)?;
        writer.check_writable()?;
        if writer.is_unsynced {
            let synced = writer.sync();
            let result = synced.map_err(|error| writer.poison(error));
            self.note_health(writer);
            result?;
        }
        Ok(writer.snapshot.epoch)
    }

    pub(crate) fn writer_of<'a>(&self, writer: &'a mut Option<Writer>) -> Result<&'a mut Writer> {
        if self.shared.is_closed.load(Ordering::Acquire) {
            return Err(closed());
        }
        writer
            .as_mut()
            .ok_or_else(|| RvfError::new(ErrorCode::ReadOnly, "the store was opened read-only; open() it to write"))
    }

    /// Commits what waits, makes a checkpoint if anything changed, and gives the lock back. Closing twice is closing once.
    /// Snapshots that are still held stay readable.
    pub fn close(&self) -> Result<()> {
        self.close_with(true)
    }

    /// As [`RvfStore::close`], without the index's share of the work: for a process that is about to end.
    pub fn close_at_exit(&self) -> Result<()> {
        self.close_with(false)
    }

    fn close_with(&self, indexes: bool) -> Result<()> {
        let mut guard = self.shared.writer.lock();
        if self.is_closed() {
            return Ok(());
        }
        self.drain(&mut guard);
        self.stop_indexing();
        if indexes && guard.as_ref().is_some_and(|writer| writer.poisoned.is_none()) {
            drop(guard);
            // What fails here is work for the next writer: the rows themselves are durable.
            if let Err(error) = self.index_before_close()
                && error.not_ready.is_some()
            {
                self.resume_indexing();
                return Err(error);
            }
            guard = self.shared.writer.lock();
            self.drain(&mut guard);
        }
        let result = match guard.as_mut() {
            Some(writer) if writer.poisoned.is_none() && writer.has_news() => writer.checkpoint(),
            _ => Ok(()),
        };
        if result.as_ref().is_err_and(|error| error.not_ready.is_some()) {
            self.resume_indexing();
            return result;
        }
        self.shared.is_closed.store(true, Ordering::Release);
        *guard = None;
        self.shared.snapshot.store(None);
        drop(guard);
        // Changes submitted since find no writer and are told so.
        self.drain(&mut self.shared.writer.lock());
        self.end_writer_thread();
        self.end_indexing();
        result
    }

    /// True once closed.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed.load(Ordering::Acquire)
    }
}

fn answered_otherwise() -> RvfError {
    RvfError::internal("a change was answered by another kind of outcome")
}

pub(crate) fn closed() -> RvfError {
    RvfError::new(ErrorCode::StoreClosed, "the store is closed; open() it again")
}
