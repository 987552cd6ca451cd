use rvf_types::Row;
use thiserror::Error;

use crate::{DEGREE_MAX, DEGREE_MIN, GRAPH_ROWS_MAX};

/// A graph could not be searched or built. `E` is the error of the place that codes and links come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SearchError<E> {
    /// Codes or links could not be had.
    #[error(transparent)]
    Source(E),
    /// The graph's bytes contradict themselves.
    #[error("{0} of the graph is not valid")]
    Damaged(&'static str),
    /// The caller asked to stop.
    #[error("the search was stopped")]
    Stopped,
    /// More rows were scored than the caller allows.
    #[error("the rows that are allowed are too far from where the walk leads")]
    TooFar,
    /// A row cannot be in a graph.
    #[error("row {0} cannot be in a graph: rows end below {GRAPH_ROWS_MAX} (GRAPH_ROWS_MAX)")]
    RowOutOfRange(Row),
    /// So much differs from the earlier state that a delta cannot hold it.
    #[error("too many links differ for a delta: write the whole graph")]
    LongDelta,
}

/// Parameters of a build were refused.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum ParameterError {
    /// A row cannot have so many neighbours.
    #[error("degree {0} is outside {DEGREE_MIN}..={DEGREE_MAX} (DEGREE_MIN, DEGREE_MAX)")]
    Degree(usize),
    /// Nothing would be found.
    #[error("breadth must be at least 1")]
    Breadth,
    /// Rows could be cut off from their nearest.
    #[error("alpha {0} must be a finite number of at least 1")]
    Alpha(f32),
    /// A graph that is there cannot change its number of places.
    #[error("the graph has degree {found}, and degree {asked} was asked for")]
    OtherDegree {
        /// What was asked for.
        asked: usize,
        /// What the graph has.
        found: usize,
    },
}

/// A build could not go on from a graph that was written.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum ResumeError<E> {
    /// The parameters were refused.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
    /// The graph cannot be read.
    #[error(transparent)]
    Graph(SearchError<E>),
}
