//! The engine: a vector store in one file. The only crate that touches storage, through one trait.

mod backup;
mod compact;
mod control;
mod create;
mod dead_rows;
mod error;
mod heat;
mod history;
mod host;
mod index;
#[cfg(not(target_family = "wasm"))]
mod native;
mod open;
mod options;
mod packed;
mod pool;
mod queue;
mod read;
mod refresh;
mod runs;
mod segment;
mod snapshot;
mod status;
pub mod storage;
mod store;
mod temporary;
mod verify;
mod write;

pub use control::Control;
pub use error::{NotReady, Result, RvfError};
pub use host::{Clock, Host, Random, Threads};
pub use options::{CreateOptions, Durability, OpenOptions, SYNC_INTERVAL_MS};
pub use packed::product_compression;
pub use read::{
    Changes, ChangesPosition, CoarseBudget, ConditionBounds, FilterPlan, FilteredPage, Hits, PageRequest, Quality,
    QueryOptions, QueryPlan, RowPage, StoreSnapshot, Strategy,
};
pub use rvf_filter::Expression;
pub use rvf_manifest::StoreOptions;
pub use rvf_types as types;
pub use status::{CompressionStatus, Measured, SegmentInfo, Status, TieringStatus};
pub use store::{CompactOutcome, RvfStore};
pub use verify::{Problem, VerifyReport};
pub use write::{
    Batch, DeleteOutcome, Done, IngestOutcome, OnDuplicate, Outcome, PackedStrings, ReplaceOutcome, Target,
    UpdateOutcome, Write,
};
