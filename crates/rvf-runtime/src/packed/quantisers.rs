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
    let packing = match options.compression {
        Compression::None => return Ok(None),
        Compression::Scalar { bits } => Packing::Scalar { bits },
        Compression::Product { subvectors, bits, .. } => Packing::Product { subvectors, bits },
        Compression::Binary { .. } => Packing::Binary,
    };
    PackedLayout::new(packing, options.metric, options.dimension).map(Some).map_err(of_packed)
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

    fn load(&self) -> Result<&(QuantiserHeader, Quantiser)> {
        if let Some(loaded) = self.loaded.get() {
            return Ok(loaded);
        }
        let bytes = self.segment.range(0, self.segment.data_bytes() as usize)?;
        let entry = self.segment.entry();
        let header =
            QuantiserHeader::decode(&bytes).map_err(|error| RvfError::segment(error, entry.offset, entry.id()))?;
        if header.metric != self.layout.metric() || header.dimension != self.layout.dimension() {
            return Err(self.segment.damaged("the shape of a quantiser"));
        }
        let quantiser = Quantiser::from_bytes(self.layout, &bytes[QUANTISER_HEADER_BYTES..])
            .map_err(|_| self.segment.damaged("a quantiser"))?;
        Ok(self.loaded.get_or_init(|| (header, quantiser)))
    }
}

/// The quantisers that a state's rows were packed by, oldest first. New rows are packed by the newest.
#[derive(Default)]
pub(crate) struct Quantisers {
    layout: Option<PackedLayout>,
    stored: Vec<StoredQuantiser>,
}

impl Quantisers {
    /// The quantisers in some segments, in order; nothing is read.
    pub(crate) fn new(layout: Option<PackedLayout>, segments: Vec<Arc<CheckedSegment>>) -> Quantisers {
        let stored = segments
            .into_iter()
            .filter_map(|segment| layout.map(|layout| StoredQuantiser { segment, layout, loaded: OnceLock::new() }));
        Quantisers { layout, stored: stored.collect() }
    }

    /// How rows are packed; `None` where they are not.
    pub(crate) fn layout(&self) -> Option<PackedLayout> {
        self.layout
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
        self.stored.len().checked_sub(1).map(|last| (last, &self.stored[last]))
    }
}

/// Keeps the quantisers that rows still need, and the newest, and adds a new one, as a payload.
pub(crate) fn write_quantisers(
    quantisers: &Quantisers,
    is_used: impl Fn(usize) -> bool,
    new: Option<Vec<u8>>,
    append: &mut Append,
) -> Result<Vec<SegmentEntry>> {
    let newest = quantisers.len().saturating_sub(1);
    let is_kept = |index: usize| is_used(index) || (index == newest && new.is_none());
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
