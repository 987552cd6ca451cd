use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use rvf_index::{ResumeError, SearchError};
use rvf_manifest::SegmentEntry;
use rvf_types::{ErrorCode, Row};

use crate::index::{CodeRun, LayerSource, StoredGraph};
use crate::runs::{Run, RunList};
use crate::segment::CheckedSegment;
use crate::{Result, RvfError};

/// Codes and graph of a state. Opening a store reads nothing of them.
pub(crate) struct Index {
    codes: RunList<CodeRun>,
    /// First row that has no code, or is not packed.
    code_rows: Row,
    /// INDEX segments, in the order of the directory.
    segments: Vec<Arc<CheckedSegment>>,
    /// COARSE segments, in order.
    coarse: Vec<Arc<CheckedSegment>>,
    /// Rows below this one are in the graph, unless they were dead when their turn came.
    row_count: Row,
    graph: OnceLock<StoredGraph>,
    /// Reading it has met damage: answers are found without it, and the writer makes it anew.
    is_broken: AtomicBool,
}

/// The engine's error for one of searching or building.
pub(crate) fn graph_error(error: SearchError<RvfError>) -> RvfError {
    match error {
        SearchError::Source(error) => error,
        SearchError::Stopped => RvfError::new(ErrorCode::Timeout, "the search was stopped"),
        other => RvfError::new(ErrorCode::InvalidChecksum, format!("the graph: {other}; run verify()")),
    }
}

/// The engine's error for one of going on with a graph.
pub(crate) fn resume_error(error: ResumeError<RvfError>) -> RvfError {
    match error {
        ResumeError::Graph(error) => graph_error(error),
        ResumeError::Parameters(error) => RvfError::internal(error.to_string()),
    }
}

impl Index {
    /// The index of stored runs and segments, and of packed rows below `packed_end`; nothing is read.
    pub(crate) fn new(
        codes: Vec<Arc<CodeRun>>,
        packed_end: Row,
        segments: Vec<Arc<CheckedSegment>>,
        coarse: Vec<Arc<CheckedSegment>>,
    ) -> Index {
        let code_rows = codes.last().map_or(packed_end, |run| run.end_row());
        let graph_rows = segments.iter().map(|segment| segment.entry().row_count).max().unwrap_or(0);
        Index {
            codes: RunList::new(codes),
            code_rows,
            segments,
            coarse,
            row_count: graph_rows.min(code_rows),
            graph: OnceLock::new(),
            is_broken: AtomicBool::new(false),
        }
    }

    /// Codes of the first rows, without a gap; none where rows are packed.
    pub(crate) fn codes(&self) -> &RunList<CodeRun> {
        &self.codes
    }

    /// First row that has no code, or is not packed.
    pub(crate) fn code_rows(&self) -> Row {
        self.code_rows
    }

    /// Rows below this one are in the graph; all others are to be compared one by one.
    pub(crate) fn row_count(&self) -> Row {
        if self.is_broken() { 0 } else { self.row_count }
    }

    /// The graph, opened with the first touch; `None` where there is none.
    pub(crate) fn graph(&self) -> Result<Option<&StoredGraph>> {
        if self.row_count() == 0 {
            return Ok(None);
        }
        if let Some(graph) = self.graph.get() {
            self.segments.iter().try_for_each(|segment| segment.settle())?;
            return Ok(Some(graph));
        }
        for segment in self.segments.iter().filter(|segment| !segment.is_mapped()) {
            segment.resident()?;
        }
        let graph = StoredGraph::open(LayerSource::layers(&self.segments)?).map_err(graph_error)?;
        if graph.row_count() > self.row_count {
            return Err(graph_error(SearchError::Damaged("the number of rows")));
        }
        Ok(Some(self.graph.get_or_init(|| graph)))
    }

    /// The directory's entries of the graph's first `layers` layers.
    pub(crate) fn layer_entries(&self, layers: usize) -> Result<Vec<SegmentEntry>> {
        let sources = LayerSource::layers(&self.segments)?;
        Ok(sources.iter().take(layers).flat_map(LayerSource::entries).collect())
    }

    /// INDEX segments.
    pub(crate) fn segments(&self) -> &[Arc<CheckedSegment>] {
        &self.segments
    }

    /// True where codes and graph are those of another state's index, and can be built on.
    pub(crate) fn is_same(&self, other: &Index) -> bool {
        let entries = |index: &Index| index.segments.iter().map(|segment| *segment.entry()).collect::<Vec<_>>();
        !self.is_broken() && self.code_rows() == other.code_rows() && entries(self) == entries(other)
    }

    /// COARSE segments.
    pub(crate) fn coarse_segments(&self) -> &[Arc<CheckedSegment>] {
        &self.coarse
    }

    /// True where reading it has met damage.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    /// Answers are found without the index from now on.
    pub(crate) fn set_broken(&self) {
        self.is_broken.store(true, Ordering::Relaxed);
    }

    /// Layers that the graph is stored in; 0 where none can be read.
    pub(crate) fn layer_count(&self) -> Result<u32> {
        match self.graph() {
            Ok(graph) => Ok(graph.map_or(0, |graph| graph.layer_count() as u32)),
            Err(error) if error.not_ready.is_some() => Err(error),
            Err(_) => Ok(0),
        }
    }

    /// Bytes of codes, graph and progressive layer in the file.
    pub(crate) fn bytes(&self) -> u64 {
        let codes: u64 = self.codes.iter().map(|run| run.bytes().len()).sum();
        let layers = self.segments.iter().chain(&self.coarse);
        codes + layers.map(|segment| segment.data_bytes()).sum::<u64>()
    }
}
