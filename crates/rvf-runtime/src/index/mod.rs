//! The index: codes and graph of the rows, where they lie in the file, how they are made and brought there.

mod build;
mod coarse;
mod code_run;
mod codes;
mod groups;
mod indexing;
mod packed_codes;
mod portion;
mod profile;
mod source;
mod state;
mod update;

pub(crate) use build::{Builder, build_parameters};
pub(crate) use coarse::{CoarseSource, build_coarse, wants_coarse};
pub(crate) use code_run::{CodeRun, CodeWriter, code_layout, encode_picked, encode_rows};
pub(crate) use codes::{BuildVectors, WalkCodes};
pub(crate) use indexing::{Indexing, is_worn_or_broken};
pub(crate) use profile::ProfileLayout;
pub(crate) use source::{LayerSource, StoredGraph};
pub(crate) use state::{Index, graph_error, resume_error};
pub(crate) use update::{CODE_POLICY, GraphUpdate, IndexUpdate, cut, write_index};
