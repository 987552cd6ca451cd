//! Root page, Level-1 directory, and how the newest committed state of a file is found and proved.
//!
//! Pure functions over bytes. [`recover`] reads through [`ByteSource`], which the runtime implements over its storage.
#![no_std]

extern crate alloc;

mod compression;
mod directory;
mod history;
mod manifest;
mod recover;
mod root;
mod source;
mod tear;
mod tiering;
mod tlv;
mod transaction;
mod walk;

pub use directory::SegmentEntry;
pub use history::{EarlierState, state_at};
pub use manifest::{Compaction, Lineage, Manifest, StoreOptions};
pub use recover::{Recovered, recover};
pub use root::{ROOT_PAGE_BYTES, RootPage};
pub use source::{ByteSource, Damage, RecoverError, check_segment, read_head};
pub use tear::erase_append_starts;
pub use transaction::{LocatedSegment, Transaction, witness_summary};
