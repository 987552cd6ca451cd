use rvf_types::limits::K_MAX;

/// How much of the rows a query looks at, in exchange for what it finds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// At least 0.70 of the k nearest.
    Fast,
    /// At least 0.90.
    Balanced,
    /// At least 0.95, what a caller gets who asks for nothing.
    #[default]
    Standard,
    /// At least 0.99.
    Precise,
    /// All of them: every vector is compared.
    Exact,
}

impl Quality {
    /// Rows that a walk keeps in sight for k neighbours; `None` where every vector is to be compared.
    pub(crate) fn breadth(self, k: usize) -> Option<usize> {
        // At least so many, and so many eighths of k: measured on two data sets (docs/benchmarks/search.md).
        let (least, eighths) = match self {
            Quality::Fast => (10, 8),
            Quality::Balanced => (40, 8),
            Quality::Standard => (48, 11),
            Quality::Precise => (160, 30),
            Quality::Exact => return None,
        };
        Some(least.max(k.min(K_MAX) * eighths / 8))
    }
}
