use std::collections::BTreeSet;
use std::sync::Arc;

use rvf_manifest::SegmentEntry;
use rvf_types::limits::RUN_REWRITE_BYTES_MAX;
use rvf_types::{ErrorCode, Row};
use rvf_wire::{IdsBuilder, MetaBuilder, VecHeader, id_hash};

use crate::runs::{IdRun, MetaRun, OverlayRun, Run, VectorRun, join_on_heap};
use crate::segment::{CheckedSegment, RunBytes};
use crate::snapshot::Snapshot;
use crate::write::Applied;
use crate::{Result, RvfError};

/// A snapshot that transactions are being added to, one behind the other. Rows of small ones are collected and become runs
/// once for all of them: what a commit costs does not depend on how many share its append.
pub(crate) struct Group {
    snapshot: Snapshot,
    ids: IdsBuilder,
    meta: MetaBuilder,
    vectors: Vec<u8>,
    /// Hash and row of the collected ids.
    fresh: BTreeSet<(u64, Row)>,
    /// The segments' bytes come from this process, so they need no check.
    is_written: bool,
    /// Some of them are not in the file yet.
    has_unwritten: bool,
}

impl Group {
    pub(crate) fn new(snapshot: Snapshot, is_written: bool) -> Group {
        Group {
            ids: IdsBuilder::new(snapshot.next_row),
            meta: MetaBuilder::new(snapshot.next_row),
            vectors: Vec::new(),
            fresh: BTreeSet::new(),
            snapshot,
            is_written,
            has_unwritten: false,
        }
    }

    /// True where rows of the state cannot be read before the group is written.
    pub(crate) fn has_unwritten(&self) -> bool {
        self.has_unwritten
    }

    /// The state so far; its runs lack the rows that are still being collected, until [`Group::make_runs`].
    pub(crate) fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The row that holds an id now.
    pub(crate) fn find(&self, hash: u64, id: &[u8]) -> Result<Option<Row>> {
        let fresh = self.fresh.range((hash, 0)..=(hash, Row::MAX)).map(|(_, row)| *row);
        let mut holders = fresh.filter(|row| self.snapshot.is_alive(*row) && self.ids.id(*row) == Some(id));
        match holders.next() {
            Some(row) => Ok(Some(row)),
            None => self.snapshot.find_hashed(hash, id),
        }
    }

    /// Adds a transaction. An error leaves the group in a state that must not be used.
    pub(crate) fn apply(&mut self, applied: Applied) -> Result<()> {
        if !applied.is_small() {
            self.make_runs()?;
        }
        let snapshot = &mut self.snapshot;
        let first_row = snapshot.next_row;
        let end_row = first_row
            .checked_add(applied.row_count)
            .ok_or_else(|| RvfError::new(ErrorCode::InvalidManifest, "the row numbers of a commit overflow"))?;
        for row in &applied.killed {
            if *row >= first_row || !snapshot.dead.insert(*row) {
                return Err(RvfError::new(
                    ErrorCode::InvalidManifest,
                    format!("a commit kills row {row}, which is not alive"),
                ));
            }
        }
        snapshot.next_row = end_row;
        snapshot.vector_count = (snapshot.vector_count + u64::from(applied.row_count))
            .checked_sub(applied.killed.len() as u64)
            .ok_or_else(|| RvfError::new(ErrorCode::InvalidManifest, "a commit kills more rows than there are"))?;
        snapshot.epoch = applied.epoch;
        snapshot.witness_head = applied.witness_head;
        snapshot.witness_count += 1;
        self.push_overlays(&applied, first_row)?;
        if applied.is_small() { self.collect(applied) } else { self.push_stored(applied, first_row) }
    }

    fn collect(&mut self, applied: Applied) -> Result<()> {
        let Some(ids) = &applied.ids else { return Ok(()) };
        self.fresh.extend(ids.entries());
        self.ids.absorb(ids);
        if let Some(meta) = &applied.meta {
            self.meta.absorb(meta);
        }
        self.vectors.extend_from_slice(&applied.heap_vectors);
        Ok(())
    }

    /// Takes over the runs of a transaction in final form.
    fn push_stored(&mut self, applied: Applied, first_row: Row) -> Result<()> {
        self.has_unwritten = self.is_written;
        let shape = self.snapshot.shape();
        for entry in &applied.vectors {
            let run = VectorRun::stored(self.open(entry)?, &shape, entry.first_row, entry.row_count)?;
            self.snapshot.vectors.push(run);
        }
        for entry in &applied.stored_meta {
            let run = MetaRun::stored(self.open(entry)?, entry.first_row, entry.row_count);
            self.snapshot.meta.push(run);
        }
        for entry in &applied.stored_ids {
            let run = IdRun::stored(self.open(entry)?, entry.first_row, entry.row_count);
            self.snapshot.ids.push(run);
        }
        if let Some(ids) = applied.ids {
            push_ids(&mut self.snapshot, IdRun::build(first_row, ids))?;
        }
        self.restart();
        Ok(())
    }

    /// Takes over newer metadata of rows below `end_row`.
    fn push_overlays(&mut self, applied: &Applied, end_row: Row) -> Result<()> {
        for entry in &applied.overlays {
            let bytes = match &applied.heap_overlay {
                Some(payload) => RunBytes::heap(payload),
                None => {
                    self.has_unwritten = self.is_written;
                    self.open(entry)?
                }
            };
            let is_readable = bytes.is_heap() || !self.is_written;
            let run = OverlayRun::stored(bytes, entry.first_row, entry.row_count, end_row);
            if is_readable {
                push_overlay(&mut self.snapshot, run);
            } else {
                self.snapshot.overlays.push(run);
            }
        }
        Ok(())
    }

    fn open(&self, entry: &SegmentEntry) -> Result<RunBytes> {
        let file = Arc::clone(&self.snapshot.file);
        let checked =
            if self.is_written { CheckedSegment::written(file, *entry) } else { CheckedSegment::new(file, *entry) };
        checked.map(|segment| RunBytes::Segment(Arc::new(segment)))
    }

    fn restart(&mut self) {
        self.ids = IdsBuilder::new(self.snapshot.next_row);
        self.meta = MetaBuilder::new(self.snapshot.next_row);
        self.vectors = Vec::new();
        self.fresh.clear();
    }

    /// Makes runs of the collected rows, so that the snapshot has all of the state.
    pub(crate) fn make_runs(&mut self) -> Result<()> {
        let row_count = self.ids.row_count();
        if row_count == 0 {
            return Ok(());
        }
        let first_row = self.snapshot.next_row - row_count;
        let ids = std::mem::replace(&mut self.ids, IdsBuilder::new(0));
        let meta = std::mem::replace(&mut self.meta, MetaBuilder::new(0));
        let header = VecHeader { first_row, row_count, ..self.snapshot.shape() };
        push_vectors(&mut self.snapshot, VectorRun::build(header, &self.vectors))?;
        push_ids(&mut self.snapshot, IdRun::build(first_row, ids))?;
        if !meta.is_blank() {
            push_meta(&mut self.snapshot, MetaRun::build(first_row, meta))?;
        }
        self.restart();
        Ok(())
    }

    /// The snapshot with everything that was added.
    pub(crate) fn finish(mut self) -> Result<Snapshot> {
        self.make_runs()?;
        Ok(self.snapshot)
    }
}

/// Runs of the tail are joined like the digits of a binary counter: each row is copied a logarithmic number of times and
/// there are a logarithmic number of runs.
fn is_due<T: Run>(last: Option<&Arc<T>>, new: &T) -> bool {
    last.is_some_and(|last| {
        last.bytes().is_heap() && last.row_count() <= new.row_count() && last.end_row() == new.first_row()
    })
}

fn push_vectors(snapshot: &mut Snapshot, mut run: VectorRun) -> Result<()> {
    while is_due(snapshot.vectors.last_of_tail(), &run) {
        if let Some(last) = snapshot.vectors.pop_tail() {
            run = last.join(&run)?;
        }
    }
    snapshot.vectors.push(run);
    Ok(())
}

fn push_ids(snapshot: &mut Snapshot, mut run: IdRun) -> Result<()> {
    while is_due(snapshot.ids.last_of_tail(), &run) {
        let Some(last) = snapshot.ids.pop_tail() else { break };
        let mut builder = IdsBuilder::new(last.first_row());
        for part in [&*last, &run] {
            let rows = part.first_row()..part.end_row();
            part.append_to(&mut builder, rows, |row| snapshot.is_alive(row), |id| id_hash(id, snapshot.salt))?;
        }
        run = IdRun::build(last.first_row(), builder);
    }
    snapshot.ids.push(run);
    Ok(())
}

fn push_meta(snapshot: &mut Snapshot, mut run: MetaRun) -> Result<()> {
    while is_due(snapshot.meta.last_of_tail(), &run) {
        let Some(last) = snapshot.meta.pop_tail() else { break };
        let mut builder = MetaBuilder::new(last.first_row());
        for part in [&*last, &run] {
            part.append_to(&mut builder, |row| snapshot.is_alive(row))?;
        }
        run = MetaRun::build(last.first_row(), builder);
    }
    snapshot.meta.push(run);
    Ok(())
}

/// Overlays are short, and joined by the same rule however they lie: a look-up of metadata asks them all.
fn push_overlay(snapshot: &mut Snapshot, run: OverlayRun) {
    snapshot.overlays.push(run);
    while let Some(newer) = snapshot.overlays.pop_tail() {
        let is_due = snapshot.overlays.last_of_tail().is_some_and(|older| {
            let bytes = older.bytes().len() + newer.bytes().len();
            older.row_count() <= newer.row_count() && bytes <= RUN_REWRITE_BYTES_MAX
        });
        let older = if is_due { snapshot.overlays.pop_tail() } else { None };
        let Some(older) = older else {
            snapshot.overlays.push_shared(newer);
            return;
        };
        match join_on_heap(&older, &newer, |row| snapshot.is_alive(row)) {
            Ok(joined) => joined.into_iter().for_each(|joined| snapshot.overlays.push(joined)),
            // A damaged overlay is an error to who reads it, and not to the changes of others.
            Err(_) => {
                snapshot.overlays.push_shared(older);
                snapshot.overlays.push_shared(newer);
                return;
            }
        }
    }
}
