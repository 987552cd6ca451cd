//! One portion of the work on the index: codes, or packed rows and what they are packed by, then the graph, each brought
//! into the file by a checkpoint.

use std::sync::Arc;

use rvf_quant::PackedLayout;
use rvf_types::Row;

use crate::Result;
use crate::index::build::Effort;
use crate::index::{Builder, GraphUpdate, IndexUpdate, build_coarse, code_layout, encode_rows, wants_coarse};
use crate::packed::{pack_rows, train, wants_another};
use crate::snapshot::Snapshot;
use crate::store::RvfStore;

/// Rows of the first portion of a large build.
const PORTION_ROWS_MIN: Row = 163_840;
/// A portion has at most so many times the rows that are indexed already: what is rewritten stays a fixed share of all
/// that is written, and what is done is of use before everything is.
const PORTION_GROWTH: Row = 3;
/// Codes brought into the file by one checkpoint, which holds commits up.
const CODE_APPEND_BYTES: usize = 128 << 20;

impl RvfStore {
    /// Brings one portion of rows into the index and into the file.
    pub(super) fn index_portion(
        &self,
        builder: &mut Builder,
        snapshot: Arc<Snapshot>,
        effort: &Effort<'_>,
    ) -> Result<()> {
        let done = snapshot.index.row_count();
        let portion = PORTION_ROWS_MIN.max(done.saturating_mul(PORTION_GROWTH));
        let end = snapshot.next_row.min(done.saturating_add(portion));
        let Some(snapshot) = self.write_codes(builder, snapshot, end, effort)? else {
            builder.clear();
            return Ok(());
        };
        if snapshot.index.code_rows() < end {
            return Ok(());
        }
        match builder.grow(&snapshot, end, effort) {
            Ok(Some(graph)) => self.install_graph(builder, &snapshot, graph, effort),
            Ok(None) => Ok(()),
            // The next turn makes it anew.
            Err(error) if error.is_damage() => {
                snapshot.index.set_broken();
                builder.clear();
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn install_graph(
        &self,
        builder: &mut Builder,
        snapshot: &Snapshot,
        graph: GraphUpdate,
        effort: &Effort<'_>,
    ) -> Result<()> {
        let (is_whole, row_count) = (graph.kept_layers == 0, graph.row_count);
        let update = IndexUpdate { graph: Some(graph), ..IndexUpdate::default() };
        let Some(snapshot) = self.install_index(snapshot, update)? else {
            builder.clear();
            return Ok(());
        };
        builder.note_stored();
        // Closing leaves an older one as it is: what it says of its rows stays true.
        if !is_whole || !effort.may_rebuild || !wants_coarse(snapshot.options(), row_count) {
            return Ok(());
        }
        match build_coarse(&snapshot, row_count, |row| row) {
            Ok(coarse) => self.install_index(&snapshot, IndexUpdate { coarse, ..IndexUpdate::default() }).map(drop),
            // Vectors or ids are damaged, which is for whoever asks for them to hear.
            Err(error) if error.is_damage() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Writes the codes that rows below `end` lack, or packs those rows, some at a time, until the effort ends; the newest
    /// state, `None` where the index is another by now.
    fn write_codes(
        &self,
        builder: &mut Builder,
        snapshot: Arc<Snapshot>,
        end: Row,
        effort: &Effort<'_>,
    ) -> Result<Option<Arc<Snapshot>>> {
        if snapshot.index.is_broken() {
            let update = IndexUpdate { is_reset: true, ..IndexUpdate::default() };
            return self.install_index(&snapshot, update).map(|_| None);
        }
        let mut snapshot = snapshot;
        let packed = snapshot.quantisers.layout();
        if packed.is_some() {
            // While vectors are there as they were given; and damage met here is that of rows, which no other graph would mend.
            builder.code_rows(&snapshot, end)?;
        }
        if let Some(layout) = packed.filter(|_| snapshot.index.code_rows() < end) {
            match self.renew_quantiser(snapshot, layout, end, effort)? {
                Some(newest) => snapshot = newest,
                None => return Ok(None),
            }
        }
        let layout = code_layout(snapshot.options())?;
        let row_bytes = packed.map_or(layout.row_bytes(), |packed| packed.row_bytes());
        let rows_max = (CODE_APPEND_BYTES / row_bytes).max(1) as Row;
        while snapshot.index.code_rows() < end && !(effort.should_stop)() {
            let first = snapshot.index.code_rows();
            let rows = first..end.min(first.saturating_add(rows_max));
            let update = match packed {
                Some(_) => IndexUpdate { packed: pack_rows(&snapshot, rows)?, ..IndexUpdate::default() },
                None => IndexUpdate { codes: encode_rows(&snapshot, rows)?, ..IndexUpdate::default() },
            };
            match self.install_index(&snapshot, update)? {
                Some(newest) => snapshot = newest,
                None => return Ok(None),
            }
        }
        Ok(Some(snapshot))
    }

    /// Learns another quantiser where the rows that are to be packed need one; the newest state, `None` where the index is
    /// another by now, or it was stopped.
    fn renew_quantiser(
        &self,
        snapshot: Arc<Snapshot>,
        layout: PackedLayout,
        end: Row,
        effort: &Effort<'_>,
    ) -> Result<Option<Arc<Snapshot>>> {
        // Closing should be short.
        let is_hurried = !effort.may_rebuild && snapshot.quantisers.newest().is_some();
        let rows = snapshot.index.code_rows()..end;
        if is_hurried
            || !wants_another(&snapshot, snapshot.quantisers.newest().map(|(_, newest)| newest), rows.clone())?
        {
            return Ok(Some(snapshot));
        }
        let rows_max = snapshot.options().compression.training_rows() as usize;
        match train(&snapshot, layout, rows_max, rows.start, effort.should_stop)? {
            Some(quantiser) => {
                self.install_index(&snapshot, IndexUpdate { quantiser: Some(quantiser), ..IndexUpdate::default() })
            }
            None => Ok(None),
        }
    }

    /// Makes a checkpoint with something new of the index, made from a state; `None` where the index is another by now: a
    /// compaction came between, or damage was met and it was dropped.
    pub(super) fn install_index(&self, made_from: &Snapshot, update: IndexUpdate) -> Result<Option<Arc<Snapshot>>> {
        let mut guard = self.shared.writer.lock();
        self.drain(&mut guard);
        let writer = self.writer_of(&mut guard)?;
        let current = &writer.snapshot;
        // A compaction would not have rows that are packed from now on, and wants packed rows in front of all others.
        let is_too_late = self.is_compacting() && (!update.packed.is_empty() || update.quantiser.is_some());
        let is_same = !is_too_late
            && current.manifest.compaction.count == made_from.manifest.compaction.count
            && (update.is_reset || current.index.is_same(&made_from.index));
        if !is_same {
            return Ok(None);
        }
        let result = writer.checkpoint_with(update);
        self.note_health(writer);
        result?;
        self.shared.snapshot.store(Some(Arc::clone(&writer.snapshot)));
        Ok(Some(Arc::clone(&writer.snapshot)))
    }
}
