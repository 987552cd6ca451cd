use std::sync::Arc;

use roaring::RoaringBitmap;
use rvf_manifest::{Compaction, LocatedSegment, Manifest, ROOT_PAGE_BYTES, SegmentEntry};
use rvf_types::{Epoch, SegmentFlags, SegmentKind};
use rvf_wire::{Anchor, WITNESS_ENTRY_BYTES, WitnessRun};

use crate::compact::NewFile;
use crate::compact::history::{ENTRIES_PER_SEGMENT, witness_entries};
use crate::control::Control;
use crate::dead_rows::DeadRows;
use crate::segment::CheckedSegment;
use crate::snapshot::{Snapshot, base_snapshot};
use crate::store::RvfStore;
use crate::write::{Part, TailSize, Writer, load_base, load_dead, write_anchor, write_tombstones};
use crate::{Result, RvfError};

impl RvfStore {
    /// The last part, with commits held up: what was committed meanwhile, history, manifest, fsync, and the new file in
    /// the place of the old one.
    pub(super) fn swap(
        &self,
        writer: &mut Writer,
        mut new_file: NewFile,
        temporary: &str,
        control: &Control,
    ) -> Result<Epoch> {
        let snapshot = Arc::clone(&writer.snapshot);
        new_file.copy_new_rows(&snapshot, control)?;
        new_file.skip_to_segment(writer.next_segment_id);
        new_file.write_history(&snapshot)?;
        new_file.carry_opaque(&snapshot)?;
        new_file.write_dead(&snapshot)?;
        new_file.write_sketch(&snapshot)?;
        let (entry, manifest) = new_file.write_manifest(&snapshot)?;
        new_file.finish(&entry, &manifest, snapshot.salt)?;
        let (compacted, dead) = new_file.open(&snapshot, &entry, manifest)?;
        let storage = &self.shared.host.storage;
        storage.replace(temporary, &writer.path)?;
        // From here on the path names the new file, whatever happens.
        install(writer, new_file, compacted, dead);
        if let Some(heat) = &writer.heat {
            heat.note_stored();
        }
        self.shared.snapshot.store(Some(Arc::clone(&writer.snapshot)));
        let synced = storage.sync_directory(&writer.path);
        let result = synced.map_err(|error| writer.poison(error.into()));
        self.note_health(writer);
        result.map(|()| writer.snapshot.epoch)
    }
}

impl NewFile {
    /// Segment numbers never go back: what follows is numbered behind everything the old file has.
    fn skip_to_segment(&mut self, next_segment_id: u64) {
        self.append.raise_segment_id(next_segment_id);
    }

    fn write_history(&mut self, snapshot: &Snapshot) -> Result<()> {
        let entries = witness_entries(snapshot)?;
        for (index, chunk) in entries.chunks(ENTRIES_PER_SEGMENT * WITNESS_ENTRY_BYTES).enumerate() {
            let run = WitnessRun { first_index: (index * ENTRIES_PER_SEGMENT) as u64, entries: chunk };
            self.segment(SegmentKind::WITNESS, run.encode(), (0, 0))?;
        }
        Ok(())
    }

    /// Segments that refer to no rows and no offsets go along byte for byte, whatever they hold.
    fn carry_opaque(&mut self, snapshot: &Snapshot) -> Result<()> {
        for entry in snapshot.manifest.segments.iter().filter(|entry| entry.header.kind.is_opaque()) {
            let segment = CheckedSegment::new(Arc::clone(&snapshot.file), *entry)?;
            let bytes = segment.range(0, segment.data_bytes() as usize)?.to_vec();
            self.segment(entry.header.kind, bytes, (0, 0))?;
        }
        Ok(())
    }

    /// Rows that died after they had been copied.
    fn write_dead(&mut self, snapshot: &Snapshot) -> Result<()> {
        let mut dead = RoaringBitmap::new();
        for (new_row, old_row) in (0u32..).zip(&self.copied) {
            if snapshot.dead.contains(old_row) {
                dead.insert(new_row);
            }
        }
        let written = write_tombstones(&*self.file, Vec::new(), dead, &mut self.append)?;
        self.entries.extend(written);
        self.append.flush(&*self.file)
    }

    /// Counters go on: they are by ids, not by rows.
    fn write_sketch(&mut self, snapshot: &Snapshot) -> Result<()> {
        let Some(heat) = self.store.shared.heat.clone() else { return Ok(()) };
        let payload = heat.payload(snapshot, self.store.shared.host.clock.now_ns())?;
        self.segment(SegmentKind::SKETCH, payload, (0, 0)).map(drop)
    }

    fn write_manifest(&mut self, snapshot: &Snapshot) -> Result<(SegmentEntry, Manifest)> {
        let old = &*snapshot.manifest;
        let manifest = Manifest {
            modified_ns: self.append.timestamp_ns(),
            epoch: snapshot.epoch,
            vector_count: snapshot.vector_count,
            next_row: self.next_new_row,
            next_segment_id: self.append.next_segment_id() + 1,
            witness_head: snapshot.witness_head,
            witness_count: snapshot.witness_count,
            dead_count: u64::from(self.next_new_row) - snapshot.vector_count,
            previous_root_offset: 0,
            compaction: Compaction { count: old.compaction.count + 1, epoch: snapshot.epoch },
            segments: self.entries.clone(),
            lineage: old.lineage,
            options: old.options.clone(),
            features: old.features,
            created_ns: old.created_ns,
        };
        let payload = manifest.encode(self.append.end(), snapshot.salt);
        let entry =
            self.append.segment(SegmentKind::MANIFEST, SegmentFlags::NONE, vec![Part::Owned(payload)], (0, 0))?;
        self.append.flush(&*self.file)?;
        Ok((entry, manifest))
    }

    /// Makes the file durable, anchors included: once it has its name, opening it must not depend on anything unsynced.
    /// Both slots, since without an anchor the whole file would have to be taken for one append and read.
    fn finish(&self, entry: &SegmentEntry, manifest: &Manifest, salt: u32) -> Result<()> {
        self.sync()?;
        let extent = entry.extent().map_err(|error| RvfError::segment(error, entry.offset, entry.id()))?;
        let anchor = Anchor {
            root_offset: extent.payload_offset + extent.data_bytes - ROOT_PAGE_BYTES as u64,
            epoch: manifest.epoch,
        };
        for slot in 0..2 {
            write_anchor(&*self.file, slot, anchor, salt)?;
        }
        self.sync()
    }

    /// The state in this file, and its dead rows: everything that can fail, before the file is put in place.
    fn open(&self, old: &Snapshot, entry: &SegmentEntry, manifest: Manifest) -> Result<(Snapshot, DeadRows)> {
        let extent = entry.extent().map_err(|error| RvfError::segment(error, entry.offset, entry.id()))?;
        let runs = load_base(&manifest, |entry| CheckedSegment::written(Arc::clone(&self.file), *entry).map(Arc::new))?;
        let dead = load_dead(&*self.file, &manifest)?;
        let located = (manifest, LocatedSegment { header: entry.header, extent });
        let file = (&self.file, old.salt);
        let snapshot = base_snapshot(file, &old.schema, located, self.append.end(), dead.clone(), runs);
        Ok((snapshot, dead))
    }
}

/// Lets the writer go on in the new file.
fn install(writer: &mut Writer, new_file: NewFile, snapshot: Snapshot, dead: DeadRows) {
    let NewFile { file, lock, append, .. } = new_file;
    writer.snapshot = Arc::new(snapshot);
    writer.stored_dead = dead;
    writer.file = file;
    writer.lock = lock;
    writer.next_segment_id = append.next_segment_id();
    writer.last_timestamp_ns = writer.last_timestamp_ns.max(append.timestamp_ns());
    writer.tail = TailSize::default();
    writer.next_anchor = 1;
    writer.is_unsynced = false;
    writer.unsynced_bytes = 0;
}
