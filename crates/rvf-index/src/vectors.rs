use rvf_types::Row;

/// Distances from one vector, that of a query or of a row, to rows.
///
/// Smaller is nearer. They are those of codes, so approximate: a caller ranks what a search finds once more.
pub trait Distances {
    /// Why a row's code cannot be had.
    type Error;

    /// Puts the distance of each of `rows` into its place in `distances`, which has as many.
    ///
    /// The rows are scattered, so an implementation asks for the bytes of all of them before it reads the first: memory
    /// then answers for many at once. A distance that is NaN counts as infinite.
    fn score(&self, rows: &[Row], distances: &mut [f32]) -> Result<(), Self::Error>;
}

/// Distances from one row to others, and that row can be exchanged.
pub trait RowDistances: Distances {
    /// Measures from `row` from now on.
    fn aim_at(&mut self, row: Row) -> Result<(), Self::Error>;
}

/// Vectors by row, as building a graph needs them.
pub trait Vectors: Sync {
    /// Why a row's code cannot be had.
    type Error: Send;

    /// Distances between rows.
    type Scorer<'v>: RowDistances<Error = Self::Error>
    where
        Self: 'v;

    /// Something that measures distances between rows. Every thread of a build makes its own, and aims it before it is
    /// used.
    ///
    /// These distances decide which rows are linked. For the metric `dotproduct` they are the negated dot products
    /// themselves, as for queries: lifting rows onto a sphere, or linking them by angle, measured far worse
    /// (`docs/graph-choice.md`).
    fn scorer(&self) -> Self::Scorer<'_>;

    /// True where rows may be dead, so that [`is_living`](Vectors::is_living) has to be asked.
    fn has_dead(&self) -> bool {
        false
    }

    /// False for a row that no search is to find any more. Such rows stay as stepping stones, but none is linked to
    /// anew, and lists that get too long lose them first.
    fn is_living(&self, _row: Row) -> bool {
        true
    }
}
