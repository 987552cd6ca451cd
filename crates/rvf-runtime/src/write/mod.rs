//! Commits: from a checked batch to one append, one fsync and a new snapshot.

mod append;
mod apply;
mod base;
mod batch;
mod checkpoint;
mod commit;
mod filtered;
mod group;
mod plan;
mod tombstones;
mod transaction;
mod writer;

pub use batch::{Batch, OnDuplicate, PackedStrings};
pub use commit::{DeleteOutcome, Done, IngestOutcome, Outcome, ReplaceOutcome, Target, UpdateOutcome, Write};

pub(crate) use append::{Append, Part};
pub(crate) use apply::{Applied, replay_journal};
pub(crate) use base::{BaseRuns, load_base, open_segment};
pub(crate) use batch::check_vectors;
pub(crate) use checkpoint::{write_anchor, write_runs};
pub(crate) use commit::Pending;
pub(crate) use group::Group;
pub(crate) use tombstones::{is_tombstones, load_dead, write_tombstones};
pub(crate) use writer::{TailSize, Writer};
