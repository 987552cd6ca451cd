use std::sync::{Arc, OnceLock};

use rvf_manifest::StoreOptions;
use rvf_quant::{PackedLayout, PackedTable};
use rvf_types::{DataType, Row, SegmentId};
use rvf_wire::{CodeKind, QUANT_HEADER_BYTES, QuantHeader, VEC_HEADER_BYTES, VecHeader};

use crate::packed::{Quantisers, StoredQuantiser, floats_of, vectors_of};
use crate::runs::Run;
use crate::segment::{RunBytes, Slice};
use crate::storage::AlignedBytes;
use crate::{Result, RvfError};

/// Vectors of consecutive rows.
pub(crate) struct VectorRun {
    form: Form,
    bytes: RunBytes,
}

/// How the rows of a run are kept.
enum Form {
    /// As they were given.
    Raw(VecHeader),
    Packed(Packed),
}

struct Packed {
    /// Without the quantiser's number, where nobody has read it yet.
    header: QuantHeader,
    layout: PackedLayout,
    quantisers: Arc<Quantisers>,
    /// Place of the quantiser among them, known once the run's own header was read.
    quantiser: OnceLock<usize>,
}

fn packed_header(layout: PackedLayout, options: &StoreOptions, first_row: Row, row_count: u32) -> QuantHeader {
    QuantHeader {
        kind: CodeKind::Packed,
        data_type: options.data_type,
        metric: options.metric,
        dimension: options.dimension,
        row_bytes: layout.row_bytes() as u32,
        first_row,
        row_count,
        quantiser: 0,
    }
}

impl VectorRun {
    /// A run whose directory entry says which rows it has; its header is checked with the first block.
    pub(crate) fn stored(bytes: RunBytes, shape: &VecHeader, first_row: Row, row_count: u32) -> Result<VectorRun> {
        let header = VecHeader { first_row, row_count, ..*shape };
        if header.data_bytes() != bytes.len() {
            return Err(bytes.damaged("the length of vectors"));
        }
        Ok(VectorRun { form: Form::Raw(header), bytes })
    }

    /// As [`VectorRun::stored`], of packed rows.
    pub(crate) fn stored_packed(
        bytes: RunBytes,
        quantisers: &Arc<Quantisers>,
        options: &StoreOptions,
        first_row: Row,
        row_count: u32,
    ) -> Result<VectorRun> {
        let Some(layout) = quantisers.layout() else {
            return Err(bytes.damaged("packed rows of a store without compression"));
        };
        let header = packed_header(layout, options, first_row, row_count);
        if header.data_bytes() != bytes.len() {
            return Err(bytes.damaged("the length of packed rows"));
        }
        let quantisers = Arc::clone(quantisers);
        Ok(VectorRun { form: Form::Packed(Packed { header, layout, quantisers, quantiser: OnceLock::new() }), bytes })
    }

    /// A run over rows on the heap.
    pub(crate) fn build(header: VecHeader, rows: &[u8]) -> VectorRun {
        let encoded = header.encode();
        let bytes = RunBytes::Heap(Arc::new(AlignedBytes::concat(&[&encoded, rows])));
        VectorRun { form: Form::Raw(header), bytes }
    }

    /// A run over rows on the heap that a quantiser has packed.
    pub(crate) fn packed(
        quantisers: &Arc<Quantisers>,
        index: usize,
        options: &StoreOptions,
        first_row: Row,
        rows: &[u8],
    ) -> Result<VectorRun> {
        let (Some(layout), Some(quantiser)) = (quantisers.layout(), quantisers.get(index)) else {
            return Err(RvfError::internal("rows are packed without a quantiser"));
        };
        let row_count = (rows.len() / layout.row_bytes()) as u32;
        let header = QuantHeader { quantiser: quantiser.id(), ..packed_header(layout, options, first_row, row_count) };
        let bytes = RunBytes::Heap(Arc::new(AlignedBytes::concat(&[&header.encode(), rows])));
        VectorRun::stored_packed(bytes, quantisers, options, first_row, row_count)
    }

    /// True where the rows are not as they were given.
    pub(crate) fn is_packed(&self) -> bool {
        matches!(self.form, Form::Packed(_))
    }

    /// The quantiser of packed rows, and its place among those of the state; `None` where rows are as they were given.
    pub(crate) fn quantiser(&self) -> Result<Option<(usize, &StoredQuantiser)>> {
        let Form::Packed(packed) = &self.form else { return Ok(None) };
        let index = match packed.quantiser.get() {
            Some(index) => *index,
            None => {
                let found = QuantHeader::decode(&self.bytes.range(0, QUANT_HEADER_BYTES)?, self.bytes.len());
                let index = found.ok().and_then(|found| {
                    let is_right = QuantHeader { quantiser: 0, ..found } == packed.header;
                    packed.quantisers.find(found.quantiser).filter(|_| is_right)
                });
                let index = index.ok_or_else(|| self.bytes.damaged("the QUANT header"))?;
                *packed.quantiser.get_or_init(|| index)
            }
        };
        Ok(packed.quantisers.get(index).map(|quantiser| (index, quantiser)))
    }

    fn header_bytes(&self) -> usize {
        match &self.form {
            Form::Raw(_) => VEC_HEADER_BYTES,
            Form::Packed(_) => QUANT_HEADER_BYTES,
        }
    }

    /// Bytes of a row as it is kept.
    pub(crate) fn stored_row_bytes(&self) -> usize {
        match &self.form {
            Form::Raw(header) => header.row_bytes(),
            Form::Packed(packed) => packed.layout.row_bytes(),
        }
    }

    /// `count` rows from the run's `index`-th on, as they are kept.
    pub(crate) fn rows(&self, index: u32, count: u32) -> Result<Slice<'_>> {
        let row_bytes = self.stored_row_bytes();
        if u64::from(index) + u64::from(count) > u64::from(self.row_count()) {
            return Err(RvfError::internal("rows outside their run"));
        }
        self.bytes.range(self.header_bytes() + index as usize * row_bytes, count as usize * row_bytes)
    }

    /// One row as it is kept.
    pub(crate) fn row(&self, row: Row) -> Result<Slice<'_>> {
        self.rows(row - self.first_row(), 1)
    }

    /// The vectors of `count` rows from the run's `index`-th on: those that were given, or what their packed form stands
    /// for.
    pub(crate) fn vectors(&self, index: u32, count: u32) -> Result<Slice<'_>> {
        match &self.form {
            Form::Raw(_) => self.rows(index, count),
            Form::Packed(packed) => vectors_of(packed.header.data_type, &self.decoded(index, count)?).map(Slice::Owned),
        }
    }

    /// What packed rows stand for.
    fn decoded(&self, index: u32, count: u32) -> Result<Vec<f32>> {
        let Some((_, quantiser)) = self.quantiser()? else {
            return Err(RvfError::internal("rows as they were given are not decoded"));
        };
        let (rows, quantiser) = (self.rows(index, count)?, quantiser.quantiser()?);
        let layout = quantiser.layout();
        let mut values = vec![0.0; count as usize * layout.dimension() as usize];
        quantiser.decode(&rows, &mut values).map_err(|error| RvfError::internal(error.to_string()))?;
        Ok(values)
    }

    /// As [`VectorRun::vectors`], as `f32` whatever the store's data type.
    pub(crate) fn float_vectors(&self, index: u32, count: u32) -> Result<Slice<'_>> {
        match &self.form {
            Form::Raw(header) => floats_of(header.data_type, self.rows(index, count)?),
            Form::Packed(_) => vectors_of(DataType::F32, &self.decoded(index, count)?).map(Slice::Owned),
        }
    }

    /// The packed rows where they lie: mapped or in memory. Those that are used must be [touched](Self::touch).
    pub(crate) fn table(&self) -> Result<Option<PackedTable<'_>>> {
        let Form::Packed(packed) = &self.form else { return Ok(None) };
        self.quantiser()?;
        let rows = &self.bytes.resident()?[QUANT_HEADER_BYTES..];
        PackedTable::new(packed.layout, rows).map(Some).map_err(|error| RvfError::internal(error.to_string()))
    }

    /// Checks some rows of the run, by their index in it, if this is their first touch.
    pub(crate) fn touch(&self, indexes: std::ops::Range<u32>) -> Result<()> {
        let row_bytes = self.stored_row_bytes();
        self.bytes.touch(self.header_bytes() + indexes.start as usize * row_bytes, indexes.len() * row_bytes)
    }

    /// The header of a payload with rows that are kept as these are, packed ones by the quantiser in the segment of a
    /// number.
    pub(crate) fn header(&self, first_row: Row, row_count: u32, quantiser: SegmentId) -> Vec<u8> {
        match &self.form {
            Form::Raw(header) => VecHeader { first_row, row_count, ..*header }.encode().to_vec(),
            Form::Packed(packed) => QuantHeader { first_row, row_count, quantiser, ..packed.header }.encode().to_vec(),
        }
    }

    /// One run with the rows of several that follow each other and are kept alike, as a payload.
    pub(crate) fn join_all(runs: &[Arc<VectorRun>]) -> Result<Vec<u8>> {
        let row_count: u32 = runs.iter().map(|run| run.row_count()).sum();
        let quantiser = runs[0].quantiser()?.map_or(0, |(_, quantiser)| quantiser.id());
        let mut bytes = runs[0].header(runs[0].first_row(), row_count, quantiser);
        bytes.reserve_exact(row_count as usize * runs[0].stored_row_bytes());
        for run in runs {
            bytes.extend_from_slice(&run.rows(0, run.row_count())?);
        }
        Ok(bytes)
    }

    /// One run with the rows of two that follow each other and are kept alike.
    pub(crate) fn join(&self, behind: &VectorRun) -> Result<VectorRun> {
        let Form::Raw(header) = &self.form else { return Err(RvfError::internal("packed rows on the heap")) };
        let header = VecHeader { row_count: header.row_count + behind.row_count(), ..*header };
        let (left, right) = (self.rows(0, self.row_count())?, behind.rows(0, behind.row_count())?);
        let encoded = header.encode();
        let bytes = RunBytes::Heap(Arc::new(AlignedBytes::concat(&[&encoded, &left, &right])));
        Ok(VectorRun { form: Form::Raw(header), bytes })
    }

    /// The rows from `first_row` on, on the heap.
    pub(crate) fn cut_front(&self, first_row: Row) -> Result<VectorRun> {
        let Form::Raw(header) = &self.form else { return Err(RvfError::internal("packed rows are not cut")) };
        let row_count = self.end_row() - first_row;
        let rows = self.rows(first_row - self.first_row(), row_count)?;
        Ok(VectorRun::build(VecHeader { first_row, row_count, ..*header }, &rows))
    }
}

impl Run for VectorRun {
    fn first_row(&self) -> Row {
        match &self.form {
            Form::Raw(header) => header.first_row,
            Form::Packed(packed) => packed.header.first_row,
        }
    }

    fn row_count(&self) -> u32 {
        match &self.form {
            Form::Raw(header) => header.row_count,
            Form::Packed(packed) => packed.header.row_count,
        }
    }

    fn bytes(&self) -> &RunBytes {
        &self.bytes
    }

    fn follows(&self, before: &VectorRun) -> bool {
        let place = |run: &VectorRun| run.quantiser().map(|found| found.map(|(index, _)| index)).ok();
        before.end_row() == self.first_row() && place(self).is_some() && place(self) == place(before)
    }
}
