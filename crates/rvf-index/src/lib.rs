//! The graph of the vector store: which rows are near which, so that a query looks at a thousand rows and not at all.
//!
//! [`GraphBuilder`] makes it, row by row, from vectors that it knows by their distances alone. Its bytes are used where
//! they lie, by [`GraphLayers`]: a whole graph and what changed since. [`search`] walks over it, past rows that a caller refuses. Nothing here sees a file, a
//! thread or a clock.
//!
//! It is one flat layer with a fixed number of places for the neighbours of each row, pruned as DiskANN's Vamana is.
//! `docs/graph-choice.md` has the comparison with others on real data.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod build;
mod error;
mod graph;
mod limits;
mod payload;
mod search;
mod vectors;

pub use build::{BuildParameters, Executor, GraphBuilder, Inline, Progress, Repaired};
pub use error::{ParameterError, ResumeError, SearchError};
pub use graph::Graph;
pub use limits::{DEGREE_MAX, DEGREE_MIN, ENTRIES_MAX, GRAPH_ROWS_MAX, SUSPECTS_MAX};
pub use payload::{FirstLayers, GRAPH_HEADER_BYTES, GRAPH_VERSION, GraphLayers, GraphSource};
pub use search::{Among, Candidate, Effort, Request, Scratch, search};
pub use vectors::{Distances, RowDistances, Vectors};
