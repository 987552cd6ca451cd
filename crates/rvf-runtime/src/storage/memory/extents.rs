use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::super::{AlignedBytes, MappedBytes};

/// Addresses and file offsets agree modulo this, so that what is aligned in the file is aligned in memory.
const ALIGNMENT: u64 = 8;

/// Bytes that never change, or a part of them.
#[derive(Clone)]
pub(in super::super) struct Extent {
    bytes: Arc<AlignedBytes>,
    range: Range<usize>,
}

impl Extent {
    /// A copy of the parts, one behind the other, for a place at this offset of a file.
    pub fn concat(offset: u64, parts: &[&[u8]]) -> Extent {
        let lead = (offset % ALIGNMENT) as usize;
        let mut placed: Vec<&[u8]> = Vec::with_capacity(parts.len() + 1);
        placed.push(&[0; ALIGNMENT as usize][..lead]);
        placed.extend_from_slice(parts);
        let bytes = AlignedBytes::concat(&placed);
        let range = lead..bytes.len();
        Extent { bytes: Arc::new(bytes), range }
    }

    /// All of these bytes, for a place at the start of a file.
    pub fn whole(bytes: AlignedBytes) -> Extent {
        let range = 0..bytes.len();
        Extent { bytes: Arc::new(bytes), range }
    }

    pub fn len(&self) -> usize {
        self.range.len()
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[self.range.clone()]
    }

    /// The same bytes, less what lies outside `part`.
    pub fn slice(&self, part: Range<usize>) -> Extent {
        Extent { bytes: self.bytes.clone(), range: self.range.start + part.start..self.range.start + part.end }
    }

    fn view(&self, part: Range<usize>) -> Option<MappedBytes> {
        MappedBytes::of(self.bytes.clone(), self.slice(part).range)
    }
}

/// The content of a file: a length, and extents by offset that never overlap. Between them are holes, which read as
/// zeros. Overwriting puts new extents between what remains of the old ones, so views of the old bytes stay valid.
#[derive(Clone, Default)]
pub(in super::super) struct Extents {
    runs: BTreeMap<u64, Extent>,
    len: u64,
}

impl Extents {
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Puts the bytes at `offset`, over whatever is there.
    pub fn write(&mut self, offset: u64, extent: Extent) {
        if extent.len() == 0 {
            return;
        }
        let end = offset + extent.len() as u64;
        self.carve(offset..end);
        self.runs.insert(offset, extent);
        self.len = self.len.max(end);
    }

    /// Cuts or lengthens; answers what was cut off, by offset.
    pub fn set_len(&mut self, len: u64) -> Vec<(u64, Extent)> {
        let removed = if len < self.len { self.carve(len..self.len) } else { Vec::new() };
        self.len = len;
        removed
    }

    /// Fills the buffer; false where the file ends before that.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> bool {
        let Some(end) = offset.checked_add(buffer.len() as u64) else {
            return false;
        };
        if end > self.len && !buffer.is_empty() {
            return false;
        }
        buffer.fill(0);
        for (at, piece) in self.pieces(offset..end) {
            let start = (at - offset) as usize;
            buffer[start..start + piece.len()].copy_from_slice(piece.as_slice());
        }
        true
    }

    /// A view of the range, where one extent holds it.
    pub fn view(&self, offset: u64, len: usize) -> Option<MappedBytes> {
        let (at, run) = self.runs.range(..=offset).next_back()?;
        let start = usize::try_from(offset - at).ok()?;
        let end = start.checked_add(len)?;
        if end > run.len() {
            return None;
        }
        run.view(start..end)
    }

    /// What is stored in the range, by offset, cut to it.
    pub fn pieces(&self, range: Range<u64>) -> Vec<(u64, Extent)> {
        if range.is_empty() {
            return Vec::new();
        }
        self.runs
            .range(self.first_touched(range.start)..range.end)
            .map(|(at, run)| {
                let start = range.start.max(*at);
                let end = range.end.min(at + run.len() as u64);
                (start, run.slice((start - at) as usize..(end - at) as usize))
            })
            .collect()
    }

    /// Makes the range a hole; answers what was in it.
    fn carve(&mut self, range: Range<u64>) -> Vec<(u64, Extent)> {
        let removed = self.pieces(range.clone());
        let touched: Vec<u64> =
            self.runs.range(self.first_touched(range.start)..range.end).map(|(at, _)| *at).collect();
        for at in touched {
            let Some(run) = self.runs.remove(&at) else {
                continue;
            };
            let end = at + run.len() as u64;
            if at < range.start {
                self.runs.insert(at, run.slice(0..(range.start - at) as usize));
            }
            if end > range.end {
                let rest = (range.end - at) as usize..run.len();
                self.runs.insert(range.end, run.slice(rest));
            }
        }
        removed
    }

    /// Where the first run starts that reaches beyond `offset`, or `offset`.
    fn first_touched(&self, offset: u64) -> u64 {
        match self.runs.range(..offset).next_back() {
            Some((at, run)) if at + run.len() as u64 > offset => *at,
            _ => offset,
        }
    }
}
