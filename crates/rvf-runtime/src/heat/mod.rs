//! How often entries are asked for, in a store with `tiering` that may be written: counted with each answer, kept in the
//! file by checkpoints, and asked by compactions (`docs/temperature.md`).

mod sketch;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::RwLock;
use rvf_types::SegmentKind;
use rvf_wire::{SketchPayload, id_hash};
use std::sync::Arc;

use crate::Result;
use crate::segment::CheckedSegment;
use crate::snapshot::Snapshot;
use crate::store::RvfStore;

pub(crate) use sketch::Sketch;

/// The counters of an open store.
#[derive(Default)]
pub(crate) struct Heat {
    /// Read from the file with the first access.
    sketch: OnceLock<RwLock<Sketch>>,
    /// Answers that were counted; those that the file knows of; those that what is being written knows of.
    counted: AtomicU64,
    stored: AtomicU64,
    writing: AtomicU64,
}

impl Heat {
    /// Counters for a store that may be written; `None` where it has no tiering.
    pub(crate) fn of(snapshot: &Snapshot) -> Option<Arc<Heat>> {
        snapshot.options().tiering.map(|_| Arc::default())
    }

    /// Asks the counters as of now.
    pub(crate) fn read<T>(&self, snapshot: &Snapshot, now_ns: u64, ask: impl FnOnce(&Sketch) -> T) -> Result<T> {
        let sketch = self.open(snapshot, now_ns)?;
        if sketch.read().is_due(snapshot.vector_count, now_ns) {
            sketch.write().update(snapshot.vector_count, now_ns);
        }
        Ok(ask(&sketch.read()))
    }

    /// Counts an answer.
    fn count(&self, snapshot: &Snapshot, now_ns: u64, ids: &[String]) -> Result<()> {
        if ids.is_empty() {
            return Ok(());
        }
        self.read(snapshot, now_ns, |sketch| {
            ids.iter().for_each(|id| sketch.add(id_hash(id.as_bytes(), snapshot.salt)));
        })?;
        self.counted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn open(&self, snapshot: &Snapshot, now_ns: u64) -> Result<&RwLock<Sketch>> {
        if let Some(sketch) = self.sketch.get() {
            return Ok(sketch);
        }
        let sketch = match stored_sketch(snapshot) {
            Ok(Some(payload)) => Sketch::of(payload),
            Ok(None) => Sketch::blank(now_ns),
            Err(error) if error.not_ready.is_some() => return Err(error),
            // Counters are no more than a hint: whatever is wrong with them, they begin anew.
            Err(_) => Sketch::blank(now_ns),
        };
        Ok(self.sketch.get_or_init(|| RwLock::new(sketch)))
    }

    /// True where more has been counted than the file says.
    pub(crate) fn has_news(&self) -> bool {
        self.counted.load(Ordering::Relaxed) != self.stored.load(Ordering::Relaxed)
    }

    /// The payload of a SKETCH segment, for [`Heat::note_stored`] to follow once it is in the file.
    pub(crate) fn payload(&self, snapshot: &Snapshot, now_ns: u64) -> Result<Vec<u8>> {
        self.writing.store(self.counted.load(Ordering::Relaxed), Ordering::Relaxed);
        self.read(snapshot, now_ns, |sketch| sketch.payload().encode())
    }

    pub(crate) fn note_stored(&self) {
        self.stored.store(self.writing.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

fn stored_sketch(snapshot: &Snapshot) -> Result<Option<SketchPayload>> {
    let is_sketch = |entry: &&rvf_manifest::SegmentEntry| entry.header.kind == SegmentKind::SKETCH;
    let Some(entry) = snapshot.manifest.segments.iter().find(is_sketch) else { return Ok(None) };
    let segment = CheckedSegment::new(Arc::clone(&snapshot.file), *entry)?;
    let bytes = segment.range(0, segment.data_bytes() as usize)?;
    SketchPayload::decode(&bytes).map(Some).map_err(|_| segment.damaged("a sketch"))
}

impl RvfStore {
    /// Counts the entries of an answer, where the store does.
    pub(crate) fn count_access(&self, snapshot: &Snapshot, ids: &[String]) -> Result<()> {
        match &self.shared.heat {
            Some(heat) => heat.count(snapshot, self.shared.host.clock.now_ns(), ids),
            None => Ok(()),
        }
    }
}
