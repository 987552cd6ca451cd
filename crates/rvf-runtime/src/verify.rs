use std::collections::BTreeMap;
use std::ops::Bound;

use rvf_manifest::{ByteSource, Damage, LocatedSegment, Manifest, SegmentEntry, check_segment, read_head};
use rvf_types::{ErrorCode, SegmentId, SegmentKind};
use rvf_wire::{ANCHOR_OFFSETS, Anchor, Extent, HEAD_BYTES, HEADER_BYTES, Journal, SegmentHeader};

use crate::control::Control;
use crate::segment::FileSource;
use crate::snapshot::Snapshot;
use crate::store::RvfStore;
use crate::write::is_tombstones;
use crate::{Result, RvfError};

const PROBLEMS_MAX: usize = 1_000;

/// Something in the file that is not what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The error a reader of these bytes would get.
    pub code: ErrorCode,
    /// The segment, 0 where it is not known.
    pub segment: SegmentId,
    /// Offset in the file.
    pub offset: u64,
    /// What is wrong.
    pub message: String,
}

/// What re-reading the whole file found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Segments read, dead ones included.
    pub segments: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Everything that is wrong, in file order; at most 1,000 of them are named.
    pub problems: Vec<Problem>,
}

impl RvfStore {
    /// Re-reads every committed byte of the file, padding included, and compares it with its hash. An error is trouble
    /// with reading; damage is in the report.
    pub fn verify(&self, control: &Control) -> Result<VerifyReport> {
        let snapshot = self.current()?;
        control.set_total(snapshot.committed_end);
        let mut check = Check {
            snapshot: &snapshot,
            source: FileSource(&*snapshot.file),
            control,
            report: VerifyReport::default(),
            live: snapshot.segments().into_iter().map(|entry| (entry.offset, entry)).collect(),
        };
        check.head()?;
        check.segments()?;
        Ok(check.report)
    }
}

struct Check<'a> {
    snapshot: &'a Snapshot,
    source: FileSource<'a>,
    control: &'a Control,
    report: VerifyReport,
    /// Segments the state depends on that the walk has not met yet, by offset.
    live: BTreeMap<u64, SegmentEntry>,
}

impl Check<'_> {
    fn note(&mut self, damage: Damage) {
        if self.report.problems.len() < PROBLEMS_MAX {
            self.report.problems.push(Problem {
                code: damage.code,
                segment: damage.segment.unwrap_or(0),
                offset: damage.offset,
                message: damage.message,
            });
        }
    }

    fn head(&mut self) -> Result<()> {
        match read_head(&self.source) {
            Ok((head, bytes)) => {
                for offset in ANCHOR_OFFSETS {
                    let block = &bytes[offset as usize..offset as usize + 4096];
                    if let Err(error) = Anchor::decode(block, head.salt) {
                        self.note(Damage::from_wire(error, offset, Some(1)));
                    }
                }
            }
            Err(rvf_manifest::RecoverError::Damage(damage)) => self.note(damage),
            Err(rvf_manifest::RecoverError::Source(error)) => return Err(error.into()),
        }
        self.report.segments += 1;
        self.report.bytes += HEAD_BYTES as u64;
        Ok(())
    }

    /// Walks from header to header. A header that cannot be read hides what follows up to the next segment that the state
    /// knows of; the walk goes on there.
    fn segments(&mut self) -> Result<()> {
        let mut offset = HEAD_BYTES as u64;
        while offset < self.snapshot.committed_end {
            self.control.check()?;
            let next = match self.segment(offset)? {
                Some(end) => end,
                None => match self.next_known(offset) {
                    Some(next) => next,
                    None => break,
                },
            };
            self.report.bytes += next - offset;
            self.control.add_done(next - offset);
            offset = next;
        }
        self.report_missing();
        Ok(())
    }

    /// Checks the segment at `offset` and answers where it ends, `None` where that cannot be told.
    fn segment(&mut self, offset: u64) -> Result<Option<u64>> {
        if offset + HEADER_BYTES as u64 > self.snapshot.committed_end {
            let error = rvf_wire::WireError::Truncated("segment header");
            self.note(Damage::from_wire(error, offset, None));
            return Ok(None);
        }
        let bytes = self.source.read(offset, HEADER_BYTES)?;
        let located = SegmentHeader::decode(&bytes, self.snapshot.salt)
            .and_then(|header| Extent::of(offset, &header).map(|extent| LocatedSegment { header, extent }));
        let located = match located {
            Ok(located) if located.extent.end() <= self.snapshot.committed_end => located,
            Ok(_) => {
                let error = rvf_wire::WireError::Truncated("segment");
                self.note(Damage::from_wire(error, offset, None));
                return Ok(None);
            }
            Err(error) => {
                self.note(Damage::from_wire(error, offset, None));
                return Ok(None);
            }
        };
        self.report.segments += 1;
        match check_segment(&self.source, &located)? {
            Some(damage) => self.note(damage),
            None => self.contents(&located)?,
        }
        self.meet(&located);
        Ok(Some(located.extent.end()))
    }

    /// Reads what a whole segment says; its hash has been checked.
    fn contents(&mut self, located: &LocatedSegment) -> Result<()> {
        let extent = &located.extent;
        let entry = SegmentEntry { offset: extent.offset, header: located.header, first_row: 0, row_count: 0 };
        let is_journal = located.header.kind == SegmentKind::JOURNAL && !is_tombstones(&entry);
        if !is_journal && located.header.kind != SegmentKind::MANIFEST {
            return Ok(());
        }
        let payload = self.source.read(extent.payload_offset, extent.data_bytes as usize)?;
        let result = if is_journal {
            Journal::decode(&payload).and_then(|journal| journal.counts(self.snapshot.row_bytes())).map(drop)
        } else {
            Manifest::decode(&payload, extent.offset, self.snapshot.salt).map(drop)
        };
        if let Err(error) = result {
            self.note(Damage::from_wire(error, extent.offset, Some(located.header.id)));
        }
        Ok(())
    }

    /// A segment the state depends on must be the one it was told of.
    fn meet(&mut self, located: &LocatedSegment) {
        let Some(entry) = self.live.remove(&located.extent.offset) else { return };
        if entry.header != located.header {
            let message = "the segment is not the one that the manifest names";
            let damage = Damage::new(ErrorCode::InvalidChecksum, entry.offset, Some(entry.id()), message);
            self.note(damage);
        }
    }

    fn next_known(&self, offset: u64) -> Option<u64> {
        self.live.range((Bound::Excluded(offset), Bound::Unbounded)).next().map(|(known, _)| *known)
    }

    fn report_missing(&mut self) {
        for entry in std::mem::take(&mut self.live).into_values() {
            let message = "a segment of the newest state cannot be found at its offset";
            self.note(Damage::new(ErrorCode::InvalidChecksum, entry.offset, Some(entry.id()), message));
        }
    }
}

impl From<Problem> for RvfError {
    fn from(problem: Problem) -> RvfError {
        RvfError::new(problem.code, format!("{} (offset {})", problem.message, problem.offset))
    }
}
