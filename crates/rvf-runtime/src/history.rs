//! Earlier states, which the file holds until it is compacted.

use rvf_manifest::read_head;
use rvf_types::Epoch;

use crate::Result;
use crate::segment::FileSource;
use crate::snapshot::{Snapshot, base_snapshot};
use crate::write::{Group, load_base, load_dead, open_segment, replay_journal};

/// The state at an epoch that is not above this one's; `None` where a compaction has dropped it. It has the rows of that
/// time, under the numbers they have now.
pub(crate) fn state_at(now: &Snapshot, epoch: Epoch) -> Result<Option<Snapshot>> {
    if epoch == now.epoch {
        return Ok(Some(now.clone()));
    }
    let source = FileSource(&*now.file);
    let (head, _) = read_head(&source)?;
    let newest = (&*now.manifest, now.manifest_segment);
    let Some(earlier) = rvf_manifest::state_at(&source, &head, newest, epoch, now.committed_end)? else {
        return Ok(None);
    };
    let dead = load_dead(&*now.file, &earlier.manifest)?;
    let runs = load_base(&earlier.manifest, |entry| open_segment(&now.file, Some(now), entry))?;
    let located = (earlier.manifest, earlier.manifest_segment);
    let snapshot = base_snapshot((&now.file, now.salt), &now.schema, located, now.committed_end, dead, runs);
    let mut group = Group::new(snapshot, false);
    for transaction in &earlier.tail {
        let applied = replay_journal(group.snapshot(), transaction)?;
        group.apply(applied)?;
    }
    group.finish().map(Some)
}
