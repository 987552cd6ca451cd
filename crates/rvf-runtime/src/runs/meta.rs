use std::sync::OnceLock;

use rvf_types::Row;
use rvf_types::limits::METADATA_BYTES_MAX;
use rvf_wire::{META_HEADER_BYTES, MetaBuilder, MetaLayout};

use crate::Result;
use crate::runs::Run;
use crate::runs::columns::{StoredColumns, columns_of};
use crate::segment::{RunBytes, Slice};

/// Metadata of consecutive rows, or, as a part of an [`OverlayRun`](crate::runs::OverlayRun), of rows it lists.
pub(crate) struct MetaRun {
    first_row: Row,
    row_count: u32,
    layout: OnceLock<MetaLayout>,
    bytes: RunBytes,
}

impl MetaRun {
    /// A run whose directory entry, or builder, says which rows it has; its header is read with the first touch.
    pub(crate) fn stored(bytes: RunBytes, first_row: Row, row_count: u32) -> MetaRun {
        MetaRun { first_row, row_count, layout: OnceLock::new(), bytes }
    }

    /// A run on the heap from a builder's payload.
    pub(crate) fn build(first_row: Row, builder: MetaBuilder) -> MetaRun {
        let row_count = builder.row_count();
        MetaRun::stored(RunBytes::heap(&builder.finish(None)), first_row, row_count)
    }

    pub(super) fn layout(&self) -> Result<&MetaLayout> {
        if let Some(layout) = self.layout.get() {
            return Ok(layout);
        }
        let damaged = || self.bytes.damaged("the META header");
        let header = self.bytes.range(0, META_HEADER_BYTES)?;
        let directory_bytes = MetaLayout::directory_bytes(&header).map_err(|_| damaged())?;
        let directory = self.bytes.range(0, directory_bytes)?;
        let layout = MetaLayout::decode(&directory, self.bytes.len()).map_err(|_| damaged())?;
        if (layout.first_row, layout.row_count) != (self.first_row, self.row_count) {
            return Err(damaged());
        }
        Ok(self.layout.get_or_init(|| layout))
    }

    /// The JSON text of a row, empty where it has no metadata.
    pub(crate) fn text(&self, row: Row) -> Result<Slice<'_>> {
        self.text_at(row - self.first_row)
    }

    /// The `index`-th text.
    pub(crate) fn text_at(&self, index: u32) -> Result<Slice<'_>> {
        let layout = self.layout()?;
        let at = layout.text_offsets_start + index as usize * 4;
        let (start, end) = (self.bytes.read_u32(at)? as usize, self.bytes.read_u32(at + 4)? as usize);
        if start > end || end > layout.text_bytes || end - start > METADATA_BYTES_MAX {
            return Err(self.bytes.damaged("a text offset of META"));
        }
        self.bytes.range(layout.text_start + start, end - start)
    }

    /// The columns made of the texts, where there are any.
    pub(crate) fn columns(&self) -> Result<Option<StoredColumns<'_>>> {
        Ok(self.layout()?.columns.map(|range| StoredColumns::new(&self.bytes, range)))
    }

    /// Adds this run's rows to a builder, dead ones without their metadata.
    pub(crate) fn append_to(&self, builder: &mut MetaBuilder, is_alive: impl Fn(Row) -> bool) -> Result<()> {
        for row in self.first_row..self.end_row() {
            if is_alive(row) {
                builder.push(&self.text(row)?);
            } else {
                builder.push(&[]);
            }
        }
        Ok(())
    }
}

/// The payload of a META segment, columns included.
pub(crate) fn encode_meta(builder: MetaBuilder) -> Vec<u8> {
    let columns = columns_of(builder.first_row(), builder.row_count(), builder.texts());
    builder.finish(columns.as_deref())
}

impl Run for MetaRun {
    fn first_row(&self) -> Row {
        self.first_row
    }

    fn row_count(&self) -> u32 {
        self.row_count
    }

    fn bytes(&self) -> &RunBytes {
        &self.bytes
    }
}
