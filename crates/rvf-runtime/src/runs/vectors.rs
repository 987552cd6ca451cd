use std::sync::{Arc, OnceLock};

use rvf_manifest::StoreOptions;
use rvf_quant::PackedLayout;
use rvf_types::{DataType, Row, SegmentFlags, SegmentId, SegmentKind};
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

/// Rows as they are kept.
pub(crate) struct KeptRow<'a> {
    pub(crate) bytes: Slice<'a>,
    /// What they were packed by, and its place among the quantisers of the state; `None` where they are as they were given.
    pub(crate) quantiser: Option<(usize, &'a StoredQuantiser)>,
}

impl<'a> KeptRow<'a> {
    /// The vectors that were given, or what their packed form stands for, of a store's data type.
    pub(crate) fn vectors(self, data_type: DataType) -> Result<Slice<'a>> {
        match self.quantiser {
            None => Ok(self.bytes),
            Some((_, quantiser)) => vectors_of(data_type, &quantiser.decode(&self.bytes)?).map(Slice::Owned),
        }
    }

    /// As [`KeptRow::vectors`], as `f32` whatever the store's data type.
    pub(crate) fn floats(self, data_type: DataType) -> Result<Slice<'a>> {
        match self.quantiser {
            None => floats_of(data_type, self.bytes),
            Some(_) => self.vectors(DataType::F32),
        }
    }
}

struct Packed {
    /// Without the quantiser's number, where nobody has read it yet.
    header: QuantHeader,
    layout: PackedLayout,
    /// Packed by compaction, as seldom used rows are.
    is_cold: bool,
    quantisers: Arc<Quantisers>,
    /// Place of the quantiser among them, known once the run's own header was read.
    quantiser: OnceLock<usize>,
}

/// The header of a payload of packed rows, without the quantiser's number.
pub(crate) fn packed_header(
    layout: PackedLayout,
    options: &StoreOptions,
    first_row: Row,
    row_count: u32,
) -> QuantHeader {
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

    /// As [`VectorRun::stored`], of packed rows; those that `is_cold` says are packed as seldom used ones.
    pub(crate) fn stored_packed(
        bytes: RunBytes,
        quantisers: &Arc<Quantisers>,
        options: &StoreOptions,
        (first_row, row_count): (Row, u32),
        is_cold: bool,
    ) -> Result<VectorRun> {
        let layout = if is_cold { quantisers.cold_layout() } else { quantisers.layout() };
        let Some(layout) = layout else {
            return Err(bytes.damaged("packed rows of a store without compression, or without tiering"));
        };
        let header = packed_header(layout, options, first_row, row_count);
        if header.data_bytes() != bytes.len() {
            return Err(bytes.damaged("the length of packed rows"));
        }
        let quantisers = Arc::clone(quantisers);
        let packed = Packed { header, layout, is_cold, quantisers, quantiser: OnceLock::new() };
        Ok(VectorRun { form: Form::Packed(packed), bytes })
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
        let Some(quantiser) = quantisers.get(index) else {
            return Err(RvfError::internal("rows are packed without a quantiser"));
        };
        let layout = quantiser.layout();
        let row_count = (rows.len() / layout.row_bytes()) as u32;
        let header = QuantHeader { quantiser: quantiser.id(), ..packed_header(layout, options, first_row, row_count) };
        let bytes = RunBytes::Heap(Arc::new(AlignedBytes::concat(&[&header.encode(), rows])));
        VectorRun::stored_packed(bytes, quantisers, options, (first_row, row_count), quantiser.is_cold())
    }

    /// True where the rows are not as they were given.
    pub(crate) fn is_packed(&self) -> bool {
        matches!(self.form, Form::Packed(_))
    }

    /// True where compaction has packed the rows as seldom used ones.
    pub(crate) fn is_cold(&self) -> bool {
        matches!(&self.form, Form::Packed(packed) if packed.is_cold)
    }

    /// What the segment of such rows is, and its flags.
    pub(crate) fn kind(&self) -> (SegmentKind, SegmentFlags) {
        match &self.form {
            Form::Raw(_) => (SegmentKind::VEC, SegmentFlags::MORE_FOLLOWS),
            Form::Packed(packed) if packed.is_cold => {
                (SegmentKind::QUANT, SegmentFlags::MORE_FOLLOWS.with(SegmentFlags::COLD))
            }
            Form::Packed(_) => (SegmentKind::QUANT, SegmentFlags::MORE_FOLLOWS),
        }
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
                    let index = packed.quantisers.find(found.quantiser)?;
                    let is_alike = packed.quantisers.get(index)?.is_cold() == packed.is_cold;
                    (is_right && is_alike).then_some(index)
                });
                let index = index.ok_or_else(|| self.bytes.damaged("the QUANT header"))?;
                *packed.quantiser.get_or_init(|| index)
            }
        };
        Ok(packed.quantisers.get(index).map(|quantiser| (index, quantiser)))
    }

    fn data_type(&self) -> DataType {
        match &self.form {
            Form::Raw(header) => header.data_type,
            Form::Packed(packed) => packed.header.data_type,
        }
    }

    /// Bytes of the run's data in front of the rows.
    pub(crate) fn rows_start(&self) -> usize {
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
        self.bytes.range(self.rows_start() + index as usize * row_bytes, count as usize * row_bytes)
    }

    /// As [`VectorRun::rows`], with what they were packed by.
    pub(crate) fn kept(&self, index: u32, count: u32) -> Result<KeptRow<'_>> {
        Ok(KeptRow { bytes: self.rows(index, count)?, quantiser: self.quantiser()? })
    }

    /// One row as it is kept.
    pub(crate) fn row(&self, row: Row) -> Result<Slice<'_>> {
        self.rows(row - self.first_row(), 1)
    }

    /// The vectors of `count` rows from the run's `index`-th on: those that were given, or what their packed form stands
    /// for.
    pub(crate) fn vectors(&self, index: u32, count: u32) -> Result<Slice<'_>> {
        self.kept(index, count)?.vectors(self.data_type())
    }

    /// As [`VectorRun::vectors`], as `f32` whatever the store's data type.
    pub(crate) fn float_vectors(&self, index: u32, count: u32) -> Result<Slice<'_>> {
        self.kept(index, count)?.floats(self.data_type())
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
