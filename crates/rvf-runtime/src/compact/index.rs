use std::ops::ControlFlow;
use std::sync::Arc;

use rvf_index::{GraphBuilder, Progress};
use rvf_types::{NO_ROW, Row, SegmentFlags, SegmentKind};

use crate::Result;
use crate::compact::NewFile;
use crate::control::Control;
use crate::dead_rows::DeadRows;
use crate::index::{
    BuildVectors, CodeRun, CodeWriter, build_coarse, build_parameters, code_layout, cut, encode_picked, graph_error,
    resume_error, wants_coarse,
};
use crate::runs::RunList;
use crate::segment::{CheckedSegment, RunBytes};
use crate::snapshot::Snapshot;

impl NewFile {
    /// Brings codes and graph of the rows copied from a state along: rows have new numbers, and are linked past those that
    /// go. What cannot be read of them is left to be made anew.
    pub(super) fn copy_index(&mut self, snapshot: &Snapshot, control: &Control) -> Result<()> {
        match self.copy_readable_index(snapshot, control) {
            Err(error) if error.is_damage() => {
                snapshot.index.set_broken();
                let has_codes = snapshot.quantisers.layout().is_none();
                self.entries.retain(|entry| match entry.header.kind {
                    SegmentKind::INDEX | SegmentKind::COARSE => false,
                    SegmentKind::QUANT => !has_codes,
                    _ => true,
                });
                Ok(())
            }
            outcome => outcome,
        }
    }

    fn copy_readable_index(&mut self, snapshot: &Snapshot, control: &Control) -> Result<()> {
        let parameters = build_parameters(snapshot.options());
        // One that a version with another number of links has made is left to be made anew.
        let Some(graph) = snapshot.index.graph()?.filter(|graph| graph.degree() == parameters.degree) else {
            return Ok(());
        };
        let end = snapshot.index.row_count();
        let mut new_rows = vec![NO_ROW; end as usize];
        for (new_row, old_row) in (0..).zip(self.copied.range(..end)) {
            new_rows[old_row as usize] = new_row;
        }
        let row_count = self.copied.range_cardinality(..end) as Row;
        if row_count == 0 {
            return Ok(());
        }
        let codes = match snapshot.quantisers.layout() {
            None => self.copy_codes(snapshot, end)?,
            Some(_) => {
                let rows: Vec<Row> = self.copied.range(..end).collect();
                RunList::new(vec![Arc::new(encode_picked(snapshot, &rows)?)])
            }
        };
        let none_dead = DeadRows::default();
        let vectors = BuildVectors::of_runs(code_layout(snapshot.options())?, &codes, &none_dead)?;
        let store = self.store.clone();
        let executor = store.shared.pool.most();
        let mut watch = |_: Progress| match control.is_cancelled() || store.is_closed() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        };
        let new_row_of = |row: Row| new_rows.get(row as usize).copied().filter(|row| *row != NO_ROW);
        let renumbered = GraphBuilder::renumbered(graph, parameters, new_row_of, &vectors, &executor, &mut watch);
        let ControlFlow::Continue(mut builder) = renumbered.map_err(resume_error)? else {
            return self.stopped(control);
        };
        if builder.repair(&vectors, &executor, &mut watch).map_err(graph_error)?.is_break() {
            return self.stopped(control);
        }
        self.layer(SegmentKind::INDEX, builder.write(), row_count)?;
        if !wants_coarse(snapshot.options(), row_count) {
            return Ok(());
        }
        let old_rows: Vec<Row> = self.copied.range(..end).collect();
        match build_coarse(snapshot, row_count, |row| old_rows[row as usize])? {
            Some((layer, row_count)) => self.layer(SegmentKind::COARSE, layer, row_count),
            None => Ok(()),
        }
    }

    fn layer(&mut self, kind: SegmentKind, bytes: Vec<u8>, row_count: Row) -> Result<()> {
        for parts in cut(0, bytes) {
            self.segment_of((kind, SegmentFlags::MORE_FOLLOWS), parts, (0, row_count))?;
        }
        Ok(())
    }

    fn stopped(&self, control: &Control) -> Result<()> {
        control.check()?;
        self.store.current().map(drop)
    }

    /// Copies the codes of rows below `end`; they are read from the new file from now on.
    fn copy_codes(&mut self, snapshot: &Snapshot, end: Row) -> Result<RunList<CodeRun>> {
        let layout = code_layout(snapshot.options())?;
        let rows: Vec<Row> = self.copied.range(..end).collect();
        let mut writer = CodeWriter::new(layout);
        let mut runs = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            writer.push(snapshot, *row)?;
            if writer.is_full() || index + 1 == rows.len() {
                let (bytes, (first_row, row_count)) = writer.take();
                let entry = self.segment(SegmentKind::QUANT, bytes, (first_row, row_count))?;
                let bytes = RunBytes::Segment(Arc::new(CheckedSegment::written(Arc::clone(&self.file), entry)?));
                runs.push(Arc::new(CodeRun::stored(bytes, layout, first_row, row_count)?));
            }
        }
        Ok(RunList::new(runs))
    }
}
