use std::ops::Range;
use std::sync::{Arc, OnceLock};

use rvf_manifest::StoreOptions;
use rvf_quant::{CodeLayout, CodePrecision};
use rvf_types::Row;
use rvf_types::limits::SEGMENT_SPLIT_BYTES;
use rvf_wire::{CodeKind, QUANT_HEADER_BYTES, QuantHeader};

use crate::index::ProfileLayout;
use crate::runs::Run;
use crate::segment::RunBytes;
use crate::snapshot::Snapshot;
use crate::storage::AlignedBytes;
use crate::{Result, RvfError};

/// Vectors coded at once; their bytes are still in the cache when they are.
const ENCODE_ROWS: u32 = 256;

/// Codes of consecutive rows.
pub(crate) struct CodeRun {
    header: QuantHeader,
    is_checked: OnceLock<()>,
    bytes: RunBytes,
}

/// How the rows of a store are coded: as its profile says, and finely where packed rows are built a graph of, whose codes are
/// not kept.
pub(crate) fn code_layout(options: &StoreOptions) -> Result<CodeLayout> {
    let layout = CodeLayout::new(options.metric, options.data_type, options.dimension)
        .map_err(|error| RvfError::internal(error.to_string()))?;
    let is_kept = options.compression.is_none();
    Ok(layout.with_precision(if is_kept { ProfileLayout::of(options).precision } else { CodePrecision::Int8 }))
}

fn header_of(layout: CodeLayout, first_row: Row, row_count: u32) -> QuantHeader {
    QuantHeader {
        kind: match layout.precision() {
            CodePrecision::Int8 => CodeKind::Int8,
            CodePrecision::Int4 => CodeKind::Int4,
        },
        data_type: layout.data_type(),
        metric: layout.metric(),
        dimension: layout.dimension(),
        row_bytes: layout.row_bytes() as u32,
        first_row,
        row_count,
        quantiser: 0,
    }
}

impl CodeRun {
    /// A run whose directory entry says which rows it has; its header is read with the first touch.
    pub(crate) fn stored(bytes: RunBytes, layout: CodeLayout, first_row: Row, row_count: u32) -> Result<CodeRun> {
        let header = header_of(layout, first_row, row_count);
        if header.data_bytes() != bytes.len() {
            return Err(bytes.damaged("the length of codes"));
        }
        Ok(CodeRun { header, is_checked: OnceLock::new(), bytes })
    }

    /// The codes of all rows where they lie: mapped or in memory. Those that are used must be [touched](Self::touch).
    pub(crate) fn codes(&self) -> Result<&[u8]> {
        if self.is_checked.get().is_none() {
            let found = QuantHeader::decode(&self.bytes.range(0, QUANT_HEADER_BYTES)?, self.bytes.len());
            if found != Ok(self.header) {
                return Err(self.bytes.damaged("the QUANT header"));
            }
            let _ = self.is_checked.set(());
        }
        Ok(&self.bytes.resident()?[QUANT_HEADER_BYTES..])
    }

    /// Checks the codes of some rows of the run, by their index in it, if this is their first touch.
    pub(crate) fn touch(&self, indexes: Range<u32>) -> Result<()> {
        let row_bytes = self.header.row_bytes as usize;
        self.bytes.touch(QUANT_HEADER_BYTES + indexes.start as usize * row_bytes, indexes.len() * row_bytes)
    }

    /// One run with the rows of several that follow each other, as a payload.
    pub(crate) fn join(runs: &[Arc<CodeRun>]) -> Result<(Vec<u8>, (Row, u32))> {
        let row_count = runs.iter().map(|run| run.row_count()).sum();
        let header = QuantHeader { row_count, ..runs[0].header };
        let mut bytes = Vec::with_capacity(header.data_bytes() as usize);
        bytes.extend_from_slice(&header.encode());
        for run in runs {
            run.touch(0..run.row_count())?;
            bytes.extend_from_slice(run.codes()?);
        }
        Ok((bytes, (header.first_row, row_count)))
    }
}

/// Codes rows of a state, as runs on the heap that each fit into a segment.
pub(crate) fn encode_rows(snapshot: &Snapshot, rows: Range<Row>) -> Result<Vec<CodeRun>> {
    let layout = code_layout(snapshot.options())?;
    let rows_per_run = (SEGMENT_SPLIT_BYTES as usize / layout.row_bytes()).max(1);
    rows.clone()
        .step_by(rows_per_run)
        .map(|first| encode_run(snapshot, layout, first..rows.end.min(first.saturating_add(rows_per_run as u32))))
        .collect()
}

fn encode_run(snapshot: &Snapshot, layout: CodeLayout, rows: Range<Row>) -> Result<CodeRun> {
    let header = header_of(layout, rows.start, rows.len() as u32);
    let mut bytes = AlignedBytes::zeroed(header.data_bytes() as usize);
    let (front, codes) = bytes.as_mut_slice().split_at_mut(QUANT_HEADER_BYTES);
    front.copy_from_slice(&header.encode());
    let mut next = rows.start;
    while next < rows.end {
        let Some(run) = snapshot.vectors.find(next) else {
            return Err(RvfError::internal(format!("row {next} has no vector")));
        };
        let end = run.end_row().min(rows.end).min(next.saturating_add(ENCODE_ROWS));
        let vectors = run.vectors(next - run.first_row(), end - next)?;
        let at = |row: Row| (row - rows.start) as usize * layout.row_bytes();
        layout
            .encode(&vectors, &mut codes[at(next)..at(end)])
            .map_err(|error| RvfError::internal(error.to_string()))?;
        next = end;
    }
    let bytes = RunBytes::Heap(Arc::new(bytes));
    CodeRun::stored(bytes, layout, rows.start, rows.len() as u32)
}

/// Codes some rows of a state as a run on the heap, in which they are numbered from 0 on.
pub(crate) fn encode_picked(snapshot: &Snapshot, rows: &[Row]) -> Result<CodeRun> {
    let layout = code_layout(snapshot.options())?;
    let header = header_of(layout, 0, rows.len() as u32);
    let mut bytes = AlignedBytes::zeroed(header.data_bytes() as usize);
    let (front, codes) = bytes.as_mut_slice().split_at_mut(QUANT_HEADER_BYTES);
    front.copy_from_slice(&header.encode());
    for (row, code) in rows.iter().zip(codes.chunks_exact_mut(layout.row_bytes())) {
        layout.encode(&snapshot.vector(*row)?, code).map_err(|error| RvfError::internal(error.to_string()))?;
    }
    CodeRun::stored(RunBytes::Heap(Arc::new(bytes)), layout, 0, rows.len() as u32)
}

/// Codes of rows that come one by one, as payloads that each fit into a segment.
pub(crate) struct CodeWriter {
    layout: CodeLayout,
    first_row: Row,
    codes: Vec<u8>,
}

impl CodeWriter {
    pub(crate) fn new(layout: CodeLayout) -> CodeWriter {
        CodeWriter { layout, first_row: 0, codes: Vec::new() }
    }

    /// Adds the code that a row of a state has.
    pub(crate) fn push(&mut self, snapshot: &Snapshot, row: Row) -> Result<()> {
        let Some(run) = snapshot.index.codes().find(row) else {
            return Err(RvfError::internal(format!("row {row} has no code")));
        };
        let index = row - run.first_row();
        run.touch(index..index + 1)?;
        let row_bytes = self.layout.row_bytes();
        self.codes.extend_from_slice(&run.codes()?[index as usize * row_bytes..][..row_bytes]);
        Ok(())
    }

    /// True where there are as many as one segment has.
    pub(crate) fn is_full(&self) -> bool {
        (self.codes.len() + self.layout.row_bytes()) as u64 > SEGMENT_SPLIT_BYTES
    }

    /// A payload of what was added since the last one, and its rows.
    pub(crate) fn take(&mut self) -> (Vec<u8>, (Row, u32)) {
        let rows = (self.first_row, (self.codes.len() / self.layout.row_bytes()) as u32);
        let mut bytes = Vec::with_capacity(QUANT_HEADER_BYTES + self.codes.len());
        bytes.extend_from_slice(&header_of(self.layout, rows.0, rows.1).encode());
        bytes.append(&mut self.codes);
        self.first_row += rows.1;
        (bytes, rows)
    }
}

impl Run for CodeRun {
    fn first_row(&self) -> Row {
        self.header.first_row
    }

    fn row_count(&self) -> u32 {
        self.header.row_count
    }

    fn bytes(&self) -> &RunBytes {
        &self.bytes
    }
}
