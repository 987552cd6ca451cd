use alloc::format;
use alloc::vec::Vec;

use rvf_types::limits::FILE_BYTES_MAX;
use rvf_types::{Epoch, ErrorCode, SegmentId, SegmentKind, feature};
use rvf_wire::{ANCHOR_OFFSETS, Anchor, Extent, HEAD_BYTES, Head, SegmentHeader, WireError};

use crate::source::{read_head, read_header};
use crate::walk::{Base, Walk, walk};
use crate::{
    ByteSource, Damage, LocatedSegment, Manifest, ROOT_PAGE_BYTES, RecoverError, RootPage, Transaction, check_segment,
};

/// The newest committed state of a file, and what opening has to know about its end.
#[derive(Clone, Debug)]
pub struct Recovered {
    /// Identity of the file.
    pub head: Head,
    /// Newest manifest.
    pub manifest: Manifest,
    /// Segment that holds it.
    pub manifest_segment: LocatedSegment,
    /// Commits after the manifest, in order.
    pub tail: Vec<Transaction>,
    /// First byte behind the last committed segment.
    pub committed_end: u64,
    /// First byte of what the last append wrote.
    pub last_append_start: u64,
    /// Number of the last committed segment.
    pub last_segment_id: SegmentId,
    /// Epoch of the newest commit.
    pub epoch: Epoch,
    /// Hash of the newest witness entry.
    pub witness_head: [u8; 32],
    /// Number of witness entries.
    pub witness_count: u64,
    /// Bytes behind the committed end: the rest of an interrupted append.
    pub torn_bytes: u64,
    /// True where the last manifest is durable for sure and nothing follows it.
    pub closed_cleanly: bool,
    /// Anchor slots as found; a damaged one counts as empty.
    pub anchors: [Option<Anchor>; 2],
    /// True where an anchor slot holds neither an anchor nor zeros.
    pub anchor_damaged: bool,
}

/// Finds the newest committed state: best anchor, its root, then forward over whole transactions. Bytes are never searched
/// for a root. What stands behind the last whole transaction is a tear or damage, see `docs/format.md`.
pub fn recover<S: ByteSource>(source: &S) -> Result<Recovered, RecoverError<S::Error>> {
    let (head, head_bytes) = read_head(source)?;
    check_features(&head.features, 0)?;
    let file_bytes = source.len().map_err(RecoverError::Source)?;
    if file_bytes > FILE_BYTES_MAX {
        let message = format!("the file has {file_bytes} bytes, FILE_BYTES_MAX is {FILE_BYTES_MAX}");
        return Err(Damage::new(ErrorCode::SegmentTooLarge, 0, None, message).into());
    }
    let (anchors, anchor_damaged) = read_anchors(&head_bytes, head.salt);
    let mut best = anchors.iter().flatten().max_by_key(|anchor| anchor.root_offset).copied();
    if rvf_wire::sabotage::is("scan-for-root") {
        best = scan_for_root(source, &head, file_bytes).map_err(RecoverError::Source)?.or(best);
    }
    let anchored = match best {
        Some(anchor) => Some(read_manifest(source, &head, anchor.root_offset, file_bytes)?),
        None => None,
    };
    let has_anchor = anchored.is_some();
    let walk = walk(source, &head, anchored, file_bytes)?;
    let closed_cleanly = has_anchor && walk.transactions.is_empty() && walk.torn_bytes == 0;
    assemble(head, walk, closed_cleanly, anchors, anchor_damaged)
}

/// What this code must never do; here so that the tests can be seen to notice it (`rvf_wire::sabotage`).
fn scan_for_root<S: ByteSource>(source: &S, head: &Head, file_bytes: u64) -> Result<Option<Anchor>, S::Error> {
    let bytes = source.read(0, file_bytes as usize)?;
    let roots = (0..bytes.len()).step_by(64).filter_map(|at| {
        let page = bytes.get(at..at + ROOT_PAGE_BYTES)?;
        let root = RootPage::decode(page, head.salt).ok()?;
        Some(Anchor { root_offset: at as u64, epoch: root.epoch })
    });
    Ok(roots.max_by_key(|anchor| (anchor.epoch, anchor.root_offset)))
}

pub(crate) fn check_features(features: &[u64; 3], offset: u64) -> Result<(), Damage> {
    let unknown = features[2] & !feature::INCOMPAT_KNOWN;
    if unknown != 0 {
        let message = format!("the file uses features (incompat bits {unknown:#x}) that need a newer version");
        return Err(Damage::new(ErrorCode::InvalidVersion, offset, None, message));
    }
    Ok(())
}

fn read_anchors(head_bytes: &[u8], salt: u32) -> ([Option<Anchor>; 2], bool) {
    let mut damaged = false;
    let anchors = ANCHOR_OFFSETS.map(|offset| {
        let block = &head_bytes[offset as usize..offset as usize + 4096];
        Anchor::decode(block, salt).unwrap_or_else(|_| {
            damaged = true;
            None
        })
    });
    (anchors, damaged)
}

/// The state whose root page an anchor, or a later manifest, points at. Both are written only after that manifest was
/// durable, so a root that is not whole is damage, and there is no way back to an older one.
pub(crate) fn read_manifest<S: ByteSource>(
    source: &S,
    head: &Head,
    root_offset: u64,
    file_bytes: u64,
) -> Result<Base, RecoverError<S::Error>> {
    let at = |error| Damage::from_wire(error, root_offset, None);
    let root_end = root_offset.saturating_add(ROOT_PAGE_BYTES as u64);
    if root_end > file_bytes || root_offset < HEAD_BYTES as u64 {
        let message = format!("the file has {file_bytes} bytes, its root page ends at {root_end}");
        return Err(Damage::new(ErrorCode::TruncatedSegment, root_offset, None, message).into());
    }
    let page = source.read(root_offset, ROOT_PAGE_BYTES).map_err(RecoverError::Source)?;
    let root = RootPage::decode(&page, head.salt).map_err(at)?;
    let offset = root.manifest_offset;
    if offset < HEAD_BYTES as u64 || offset >= root_offset || root.file_id != head.file_id {
        return Err(at(WireError::Invalid("the root page")).into());
    }
    let header = read_header(source, offset, head.salt)
        .map_err(RecoverError::Source)?
        .map_err(|error| Damage::from_wire(error, offset, None))?;
    let segment = locate(offset, header, file_bytes)?;
    if header.kind != SegmentKind::MANIFEST || segment.extent.payload_offset + segment.extent.data_bytes != root_end {
        return Err(at(WireError::Invalid("the root page")).into());
    }
    if let Some(damage) = check_segment(source, &segment).map_err(RecoverError::Source)? {
        return Err(damage.into());
    }
    let payload =
        source.read(segment.extent.payload_offset, segment.extent.data_bytes as usize).map_err(RecoverError::Source)?;
    let manifest = Manifest::decode(&payload, offset, head.salt).map_err(at)?;
    Ok((manifest, segment))
}

fn locate(offset: u64, header: SegmentHeader, file_bytes: u64) -> Result<LocatedSegment, Damage> {
    let extent = Extent::of(offset, &header).map_err(|error| Damage::from_wire(error, offset, Some(header.id)))?;
    if extent.end() > file_bytes {
        let message = format!("segment {} ends at {}, the file has {file_bytes} bytes", header.id, extent.end());
        return Err(Damage::new(ErrorCode::TruncatedSegment, offset, Some(header.id), message));
    }
    Ok(LocatedSegment { header, extent })
}

fn assemble<E>(
    head: Head,
    walk: Walk,
    closed_cleanly: bool,
    anchors: [Option<Anchor>; 2],
    anchor_damaged: bool,
) -> Result<Recovered, RecoverError<E>> {
    let chain = walk.chain().map_err(|(error, offset)| Damage::from_wire(error, offset, None))?;
    let (committed_end, last_append_start) = (walk.end(), walk.last_append_start());
    let torn_bytes = walk.torn_bytes;
    let (base, tail) = walk.into_base_and_tail();
    let Some((manifest, manifest_segment)) = base else {
        let message = "the file holds no committed state";
        return Err(Damage::new(ErrorCode::ManifestNotFound, HEAD_BYTES as u64, None, message).into());
    };
    check_features(&manifest.features, manifest_segment.extent.offset)?;
    if manifest.lineage.file_id != head.file_id {
        let error = WireError::Invalid("file id of the root page");
        return Err(Damage::from_wire(error, manifest_segment.extent.offset, Some(manifest_segment.header.id)).into());
    }
    Ok(Recovered {
        head,
        manifest,
        manifest_segment,
        tail,
        committed_end,
        last_append_start,
        last_segment_id: chain.last_segment_id,
        epoch: chain.epoch,
        witness_head: chain.witness_head,
        witness_count: chain.witness_count,
        torn_bytes,
        closed_cleanly,
        anchors,
        anchor_damaged,
    })
}
