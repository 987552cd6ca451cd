//! The index: codes and graph of the rows, where they lie in the file, how they are made and brought there.

mod build;
mod code_run;
mod codes;
mod indexing;
mod source;
mod state;
mod update;

pub(crate) use build::Builder;
pub(crate) use code_run::{CodeRun, code_layout, encode_rows};
pub(crate) use codes::{BuildVectors, CodeDistances, Codes};
pub(crate) use indexing::Indexing;
pub(crate) use source::{LayerSource, StoredGraph};
pub(crate) use state::{Index, graph_error};
pub(crate) use update::{GraphUpdate, IndexUpdate, write_graph, write_index};
