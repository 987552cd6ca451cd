//! Tiering: the packed rows of the new file are packed once more, smaller, and those that were asked for most often are kept
//! as they were besides, next to each other.

use std::ops::Range;

use rvf_quant::Quantiser;
use rvf_types::limits::{SEGMENT_SPLIT_BYTES, TRAINING_ROWS_MIN};
use rvf_types::{Row, SegmentFlags, SegmentId, SegmentKind};
use rvf_wire::{HotHeader, QUANTISER_HEADER_BYTES, QuantHeader, id_hash};

use crate::compact::NewFile;
use crate::control::Control;
use crate::heat::Sketch;
use crate::packed::{train, wants_another};
use crate::runs::{Run, VectorRun, hot_front, packed_header};
use crate::snapshot::Snapshot;
use crate::write::Part;
use crate::{Result, RvfError};

/// Rows packed between two looks at what else the store is doing.
const CHUNK_ROWS: usize = 4_096;

/// Which of the first rows are asked for.
struct Temperature {
    /// Places among the living rows of those that are kept as they are.
    hot: Vec<u32>,
    /// Anything has been asked for at all: else nothing is known of what is cold.
    is_known: bool,
}

impl NewFile {
    /// Packs the packed ones of the living rows of a state, the first to be copied, as tiering asks; answers how many rows
    /// that were. What has been kept of hot rows goes along in any case.
    pub(super) fn copy_tiers(&mut self, snapshot: &Snapshot, rows: &[Row], control: &Control) -> Result<usize> {
        let packed = &rows[..rows.partition_point(|row| *row < snapshot.index.code_rows())];
        if snapshot.options().tiering.is_none() || packed.is_empty() {
            return Ok(0);
        }
        let temperature = self.temperature(snapshot, packed)?;
        let is_enough = packed.len() >= TRAINING_ROWS_MIN as usize || snapshot.quantisers.newest_cold().is_some();
        if !temperature.is_known || !is_enough {
            let mut hot = Vec::new();
            for (place, row) in (0..).zip(packed) {
                if snapshot.hot.contains(*row)? {
                    hot.push(place);
                }
            }
            self.copy_hot(snapshot, packed, &hot)?;
            return Ok(0);
        }
        self.copy_cold(snapshot, packed, control)?;
        self.copy_hot(snapshot, packed, &temperature.hot)?;
        Ok(packed.len())
    }

    /// The rows that were asked for most often, among those of which more is kept than a cold packing has.
    fn temperature(&self, snapshot: &Snapshot, packed: &[Row]) -> Result<Temperature> {
        let (Some(tiering), Some(heat)) = (snapshot.options().tiering, &self.store.shared.heat) else {
            return Err(RvfError::internal("a compaction of a store that counts nothing"));
        };
        let now_ns = self.store.shared.host.clock.now_ns();
        let (mut asked, mut is_known) = (Vec::new(), false);
        heat.read(snapshot, now_ns, |sketch: &Sketch| -> Result<()> {
            for (place, row) in (0u32..).zip(packed) {
                let Some(ids) = snapshot.ids.find(*row) else {
                    return Err(RvfError::internal(format!("row {row} has no id")));
                };
                let count = sketch.count(id_hash(&ids.id(*row)?, snapshot.salt));
                is_known |= count > 0;
                if count > 0 && (snapshot.hot.contains(*row)? || !snapshot.vector_run(*row)?.is_cold()) {
                    asked.push((std::cmp::Reverse(count), place));
                }
            }
            Ok(())
        })??;
        asked.sort_unstable();
        asked.truncate(tiering.hot_rows_max(packed.len() as u64) as usize);
        let mut hot: Vec<u32> = asked.into_iter().map(|(_, place)| place).collect();
        hot.sort_unstable();
        Ok(Temperature { hot, is_known })
    }

    /// Copies rows that are cold already, and packs the others likewise.
    fn copy_cold(&mut self, snapshot: &Snapshot, rows: &[Row], control: &Control) -> Result<()> {
        let Some(layout) = snapshot.quantisers.cold_layout() else {
            return Err(RvfError::internal("cold rows without a layout"));
        };
        let new = self.quantiser_for_new(snapshot, rows, control)?;
        let rows_max = (SEGMENT_SPLIT_BYTES as usize / layout.row_bytes()).max(1);
        let mut first = 0;
        while first < rows.len() {
            let quantiser = self.cold_quantiser_of(snapshot, rows[first], new.as_ref())?;
            let mut end = first + 1;
            while end < rows.len().min(first + rows_max)
                && self.cold_quantiser_of(snapshot, rows[end], new.as_ref())? == quantiser
            {
                end += 1;
            }
            let (first_row, row_count) = (first as Row, (end - first) as u32);
            let header = packed_header(layout, snapshot.options(), first_row, row_count);
            let mut bytes = QuantHeader { quantiser, ..header }.encode().to_vec();
            bytes.reserve_exact(row_count as usize * layout.row_bytes());
            for chunk in rows[first..end].chunks(CHUNK_ROWS) {
                self.rest_between_chunks(control, chunk.len(), || {
                    chunk.iter().try_for_each(|row| append_cold(snapshot, *row, new.as_ref(), &mut bytes))
                })?;
            }
            let flags = SegmentFlags::MORE_FOLLOWS.with(SegmentFlags::COLD);
            self.segment_of((SegmentKind::QUANT, flags), vec![Part::Owned(bytes)], (first_row, row_count))?;
            first = end;
        }
        Ok(())
    }

    /// Number that the quantiser of a row's cold packing has in the new file.
    fn cold_quantiser_of(&self, snapshot: &Snapshot, row: Row, new: Option<&ForNew>) -> Result<SegmentId> {
        let run = snapshot.vector_run(row)?;
        let id = match run.quantiser()? {
            Some((index, quantiser)) if quantiser.is_cold() => self.quantisers.get(index).copied(),
            _ => new.map(|new| new.id),
        };
        id.ok_or_else(|| RvfError::internal("a cold row without a quantiser"))
    }

    /// What rows that are not cold yet are packed by: the newest, or another where they are unlike those it was learned
    /// from. `None` where all rows are cold.
    fn quantiser_for_new(&mut self, snapshot: &Snapshot, rows: &[Row], control: &Control) -> Result<Option<ForNew>> {
        let Some(layout) = snapshot.quantisers.cold_layout() else { return Ok(None) };
        let Some(range) = rows_not_cold(snapshot, rows)? else { return Ok(None) };
        let newest = snapshot.quantisers.newest_cold();
        if let Some((index, newest)) = newest
            && !wants_another(snapshot, Some(newest), range.clone())?
        {
            let id = self.quantisers.get(index).copied();
            let id = id.ok_or_else(|| RvfError::internal("a quantiser that was not copied"))?;
            return Ok(Some(ForNew { id, quantiser: newest.quantiser()?.clone() }));
        }
        let rows_max = snapshot.options().tiering.map_or(0, |tiering| tiering.cold.training_rows()) as usize;
        let store = self.store.clone();
        let should_stop = || control.is_cancelled() || store.is_closed();
        let Some(payload) = train(snapshot, layout, rows_max, range.start, &should_stop)? else {
            control.check()?;
            return self.store.current().map(|_| None);
        };
        let quantiser = Quantiser::from_bytes(layout, &payload[QUANTISER_HEADER_BYTES..])
            .map_err(|error| RvfError::internal(error.to_string()))?;
        let flags = SegmentFlags::MORE_FOLLOWS.with(SegmentFlags::COLD);
        let entry = self.segment_of((SegmentKind::QUANT, flags), vec![Part::Owned(payload)], (0, 0))?;
        Ok(Some(ForNew { id: entry.id(), quantiser }))
    }

    /// Copies what is kept of hot rows, given by their places among all, which are their numbers in the new file.
    fn copy_hot(&mut self, snapshot: &Snapshot, rows: &[Row], hot: &[u32]) -> Result<()> {
        let mut rest = hot;
        while let Some(first) = rest.first() {
            let kept = snapshot.kept_row(rows[*first as usize])?;
            let Some((index, quantiser)) = kept.quantiser.filter(|(_, quantiser)| !quantiser.is_cold()) else {
                return Err(RvfError::internal("a hot row that is not packed"));
            };
            let row_bytes = quantiser.layout().row_bytes();
            let rows_max = SEGMENT_SPLIT_BYTES as usize / (row_bytes + size_of::<Row>());
            let mut bytes = Vec::new();
            let mut count = 0;
            while count < rest.len().min(rows_max.max(1)) {
                let kept = snapshot.kept_row(rows[rest[count] as usize])?;
                if kept.quantiser.map(|(index, _)| index) != Some(index) {
                    break;
                }
                bytes.extend_from_slice(&kept.bytes);
                count += 1;
            }
            let id = self.quantisers.get(index).copied();
            let quantiser = id.ok_or_else(|| RvfError::internal("a quantiser that was not copied"))?;
            let header = HotHeader { row_count: count as u32, row_bytes: row_bytes as u32, quantiser };
            let (front, range) = hot_front(header, &rest[..count]);
            let parts = vec![Part::Owned(front), Part::Owned(bytes)];
            self.segment_of((SegmentKind::HOT, SegmentFlags::MORE_FOLLOWS), parts, range)?;
            rest = &rest[count..];
        }
        Ok(())
    }
}

/// What rows that are not cold yet are packed by, and its number in the new file.
struct ForNew {
    id: SegmentId,
    quantiser: Quantiser,
}

/// From the first to the last of some rows that are not cold yet.
fn rows_not_cold(snapshot: &Snapshot, rows: &[Row]) -> Result<Option<Range<Row>>> {
    let is_new =
        |row: &&Row| snapshot.vectors.find(**row).is_some_and(|run: &std::sync::Arc<VectorRun>| !run.is_cold());
    let (first, last) = (rows.iter().find(is_new), rows.iter().rfind(is_new));
    Ok(first.zip(last).map(|(first, last)| *first..last + 1))
}

fn append_cold(snapshot: &Snapshot, row: Row, new: Option<&ForNew>, bytes: &mut Vec<u8>) -> Result<()> {
    let run = snapshot.vector_run(row)?;
    if run.is_cold() {
        bytes.extend_from_slice(&run.row(row)?);
        return Ok(());
    }
    let Some(ForNew { quantiser, .. }) = new else {
        return Err(RvfError::internal("a cold row without a quantiser"));
    };
    let vector = run.float_vectors(row - run.first_row(), 1)?;
    let start = bytes.len();
    bytes.resize(start + quantiser.layout().row_bytes(), 0);
    quantiser.encode(&vector, &mut bytes[start..]).map_err(|error| RvfError::internal(error.to_string()))
}
