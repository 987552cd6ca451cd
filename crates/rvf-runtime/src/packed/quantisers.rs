use std::sync::{Arc, OnceLock};

use rvf_manifest::{SegmentEntry, StoreOptions};
use rvf_quant::{PackedLayout, Packing, QuantError, Quantiser};
use rvf_types::{Compression, SegmentFlags, SegmentId, SegmentKind};
use rvf_wire::{QUANTISER_HEADER_BYTES, QuantiserHeader};

use crate::segment::CheckedSegment;
use crate::write::{Append, Part};
use crate::{Result, RvfError};

/// How the rows of a store are packed; `None` where they are kept as they were given.
pub(crate) fn packed_layout(options: &StoreOptions) -> Result<Option<PackedLayout>> {
    layout_of(options.compression, options)
}

/// How a compaction packs rows that are seldom asked for; `None` where it leaves them as they are.
pub(crate) fn cold_layout(options: &StoreOptions) -> Result<Option<PackedLayout>> {
    layout_of(options.tiering.map_or(Compression::None, |tiering| tiering.cold), options)
}

fn layout_of(compression: Compression, options: &StoreOptions) -> Result<Option<PackedLayout>> {
    let packing = match compression {
        Compression::None => return Ok(None),
        Compression::Scalar { bits } => Packing::Scalar { bits },
        Compression::Product { subvectors, bits, .. } => Packing::Product { subvectors, bits },
        Compression::Binary { .. } => Packing::Binary,
    };
    PackedLayout::new(packing, options.metric, options.dimension).map(Some).map_err(of_packed)
}

/// What a quantiser's header says of its packing: kind of compression, bits and parts.
pub(super) fn packing_numbers(layout: PackedLayout) -> (u8, u8, u32) {
    match layout.packing() {
        Packing::Scalar { bits } => (1, bits, 0),
        Packing::Product { subvectors, bits } => (2, bits, subvectors),
        Packing::Binary => (3, 1, 0),
    }
}

pub(super) fn of_packed(error: QuantError) -> RvfError {
    RvfError::internal(error.to_string())
}

/// A quantiser where it lies in the file; read with the first touch.
pub(crate) struct StoredQuantiser {
    segment: Arc<CheckedSegment>,
    layout: PackedLayout,
    loaded: OnceLock<(QuantiserHeader, Quantiser)>,
}

impl StoredQuantiser {
    /// Number of its segment, by which packed rows name it.
    pub(crate) fn id(&self) -> SegmentId {
        self.segment.entry().id()
    }

    pub(crate) fn segment(&self) -> &Arc<CheckedSegment> {
        &self.segment
    }

    /// What it was learned from, and what it costs.
    pub(crate) fn header(&self) -> Result<&QuantiserHeader> {
        self.load().map(|(header, _)| header)
    }

    pub(crate) fn quantiser(&self) -> Result<&Quantiser> {
        self.load().map(|(_, quantiser)| quantiser)
    }

    /// What rows packed by it look like.
    pub(crate) fn layout(&self) -> PackedLayout {
        self.layout
    }

    /// True where compaction has packed seldom used rows by it.
    pub(crate) fn is_cold(&self) -> bool {
        is_cold(self.segment.entry())
    }

    /// The vectors that packed rows stand for, one behind the other.
    pub(crate) fn decode(&self, rows: &[u8]) -> Result<Vec<f32>> {
        let count = rows.len() / self.layout.row_bytes();
        let mut values = vec![0.0; count * self.layout.dimension() as usize];
        self.quantiser()?.decode(rows, &mut values).map_err(of_packed)?;
        Ok(values)
    }

    fn load(&self) -> Result<&(QuantiserHeader, Quantiser)> {
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let bytes = self.segment.range(0, self.segment.data_bytes() as usize)?;
        let entry = self.segment.entry();
        let header =
            QuantiserHeader::decode(&bytes).map_err(|error| RvfError::segment(error, entry.offset, entry.id()))?;
        let is_right = header.metric == self.layout.metric()
            && header.dimension == self.layout.dimension()
            && (header.packing, header.bits, header.subvectors) == packing_numbers(self.layout);
        if !is_right {
            return Err(self.segment.damaged("the shape of a quantiser"));
        }
        let quantiser = Quantiser::from_bytes(self.layout, &bytes[QUANTISER_HEADER_BYTES..])
            .map_err(|_| self.segment.damaged("a quantiser"))?;
        Ok(self.loaded.get_or_init(|| (header, quantiser)))
    }
}

/// True for packed rows, and quantisers, of the layout of seldom used rows.
pub(crate) fn is_cold(entry: &SegmentEntry) -> bool {
    entry.header.flags.contains(SegmentFlags::COLD)
}

/// The quantisers that a state's rows were packed by, oldest first. New rows are packed by the newest that is not cold.
#[derive(Default)]
pub(crate) struct Quantisers {
    layout: Option<PackedLayout>,
    cold_layout: Option<PackedLayout>,
    stored: Vec<StoredQuantiser>,
}

impl Quantisers {
    /// The quantisers in some segments, in order; nothing is read.
    pub(crate) fn new(
        layout: Option<PackedLayout>,
        cold_layout: Option<PackedLayout>,
        segments: Vec<Arc<CheckedSegment>>,
    ) -> Quantisers {
        let stored = segments.into_iter().filter_map(|segment| {
            let layout = if is_cold(segment.entry()) { cold_layout } else { layout };
            layout.map(|layout| StoredQuantiser { segment, layout, loaded: OnceLock::new() })
        });
        Quantisers { layout, cold_layout, stored: stored.collect() }
    }

    /// How new rows are packed; `None` where they are not.
    pub(crate) fn layout(&self) -> Option<PackedLayout> {
        self.layout
    }

    /// How compaction packs seldom used rows; `None` where it does not.
    pub(crate) fn cold_layout(&self) -> Option<PackedLayout> {
        self.cold_layout
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &StoredQuantiser> {
        self.stored.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.stored.len()
    }

    pub(crate) fn get(&self, index: usize) -> Option<&StoredQuantiser> {
        self.stored.get(index)
    }

    /// Place of the quantiser in a segment of this number.
    pub(crate) fn find(&self, id: SegmentId) -> Option<usize> {
        self.stored.iter().position(|stored| stored.id() == id)
    }

    /// The one that new rows are packed by, and its place.
    pub(crate) fn newest(&self) -> Option<(usize, &StoredQuantiser)> {
        self.stored.iter().enumerate().rfind(|(_, stored)| !stored.is_cold())
    }

    /// The one that compaction packed seldom used rows by last, and its place.
    pub(crate) fn newest_cold(&self) -> Option<(usize, &StoredQuantiser)> {
        self.stored.iter().enumerate().rfind(|(_, stored)| stored.is_cold())
    }
}

/// Keeps the quantisers that rows still need, and the newest, and adds a new one, as a payload.
pub(crate) fn write_quantisers(
    quantisers: &Quantisers,
    is_used: impl Fn(usize) -> bool,
    new: Option<Vec<u8>>,
    append: &mut Append,
) -> Result<Vec<SegmentEntry>> {
    let newest = quantisers.newest().filter(|_| new.is_none()).map(|(index, _)| index);
    let is_kept = |index: usize| is_used(index) || Some(index) == newest;
    let kept = quantisers.iter().enumerate().filter(|(index, _)| is_kept(*index));
    let mut entries: Vec<SegmentEntry> = kept.map(|(_, stored)| *stored.segment.entry()).collect();
    if let Some(payload) = new {
        let data = vec![Part::Owned(payload)];
        entries.push(append.segment(SegmentKind::QUANT, SegmentFlags::MORE_FOLLOWS, data, (0, 0))?);
    }
    Ok(entries)
}

/// Product quantisation with as many parts as suit the dimension (`docs/packed.md`).
pub fn product_compression(dimension: u32, bits: u8, training_rows: u32) -> Compression {
    match Packing::default_product(dimension) {
        Packing::Product { subvectors, .. } => Compression::Product { subvectors, bits, training_rows },
        _ => Compression::Scalar { bits },
    }
}
