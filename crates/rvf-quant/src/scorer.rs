use crate::element::{Element, F16, F32, I8};
use crate::error::QuantError;
use crate::kernels::{BitScan, FloatScan, FloatScans, Kernel};
use crate::query::{self, FloatQuery};
use rvf_types::{DataType, Metric, limits};

/// One query, ready to be compared with rows.
///
/// The distance of a row is the same, bit for bit, wherever the row lies, however it is aligned and whether it is
/// scored alone or among others, as long as the process runs on one machine. Every finite input has a distance that is
/// not NaN:
///
/// - Half floats and signed bytes count as the floats that they are equal to.
/// - `l2` is infinite where the true value exceeds `f32::MAX`, and differences below about 1e-23 square to 0.
/// - `dotproduct` is infinite where the true value exceeds `f32::MAX`, and only there.
/// - `cosine` is right for every length of vector, from the smallest subnormal up, and never leaves `[0, 2]`.
/// - `hamming` ignores bits past the dimension, on both sides.
///
/// A row that holds NaN or infinity, as only a damaged file does, may be at distance NaN, which [`crate::TopK`] refuses.
pub struct Scorer {
    kind: Kind,
    row_bytes: usize,
}

enum Kind {
    Float {
        query: FloatQuery,
        scan: FloatScan,
    },
    Bits {
        query: Vec<u8>,
        padding: u8,
        scan: BitScan,
    },
    /// Cosine of a query without a direction.
    ZeroCosine,
}

impl Scorer {
    /// Prepares `query`, the bytes of one row (little-endian numbers, or packed bits, lowest first) of any alignment,
    /// for the fastest kernel of this CPU. The bytes are copied.
    ///
    /// # Errors
    /// The metric does not fit the type of the rows, the dimension is out of range, or the query is not one row long.
    pub fn new(metric: Metric, data_type: DataType, dimension: u32, query: &[u8]) -> Result<Scorer, QuantError> {
        Scorer::with_kernel(Kernel::best(), metric, data_type, dimension, query)
    }

    /// [`Scorer::new`] with a kernel of the caller's choice; tests and benchmarks compare kernels this way.
    ///
    /// # Errors
    /// As [`Scorer::new`].
    pub fn with_kernel(
        kernel: Kernel,
        metric: Metric,
        data_type: DataType,
        dimension: u32,
        query: &[u8],
    ) -> Result<Scorer, QuantError> {
        if dimension == 0 || dimension > limits::DIMENSION_MAX {
            return Err(QuantError::DimensionOutOfRange { dimension });
        }
        let row_bytes = data_type.row_bytes(dimension);
        if query.len() != row_bytes {
            return Err(QuantError::QueryLength { expected_bytes: row_bytes, actual_bytes: query.len() });
        }
        let kind = match (metric, data_type) {
            (Metric::Hamming, DataType::Binary) => bits_kind(kernel, dimension, query),
            (Metric::Hamming, _) => return Err(QuantError::MetricUnsupported { metric, data_type }),
            (_, DataType::F32) => number_kind::<F32>(kernel.f32, metric, query, query::rescaled),
            (_, DataType::F16) => number_kind::<F16>(kernel.f16, metric, query, never_rescaled),
            (_, DataType::I8) => number_kind::<I8>(kernel.i8, metric, query, never_rescaled),
            _ => return Err(QuantError::MetricUnsupported { metric, data_type }),
        };
        Ok(Scorer { kind, row_bytes })
    }

    /// Bytes of one row.
    pub fn row_bytes(&self) -> usize {
        self.row_bytes
    }

    /// Distances of `out.len()` consecutive rows, of any alignment.
    ///
    /// `rows` must hold exactly that many: other lengths are a bug of the caller, found by an assertion in debug
    /// builds; in release builds every distance is then NaN, which no [`crate::TopK`] takes in.
    pub fn distances(&self, rows: &[u8], out: &mut [f32]) {
        let fits = out.len().checked_mul(self.row_bytes) == Some(rows.len());
        debug_assert!(fits, "{} bytes are not {} rows of {}", rows.len(), out.len(), self.row_bytes);
        if !fits {
            out.fill(f32::NAN);
            return;
        }
        match &self.kind {
            // SAFETY: the function came from a `Kernel`, which exists only where the CPU can run it, and `rows` is
            // `out.len()` rows of this query.
            Kind::Float { query, scan } => unsafe { scan(query, rows, out) },
            Kind::Bits { query, padding, scan } => {
                // SAFETY: as above.
                unsafe { scan(query, *padding, rows, out) }
            }
            Kind::ZeroCosine => out.fill(1.0),
        }
    }

    /// Distance of one row; [`Scorer::distances`] says what a wrong length does.
    #[inline]
    pub fn distance(&self, row: &[u8]) -> f32 {
        let mut distance = [0.0];
        self.distances(row, &mut distance);
        distance[0]
    }
}

/// The bytes of a vector of the same direction and a length near 1; `None` where it has no direction.
type Rescale = fn(bytes: &[u8]) -> Option<Vec<u8>>;

/// Half floats and signed bytes are neither too large nor too small for sums in `f32`: squared norms lie between 3e-15
/// and 3e14. So only the zero vector, and one that is damaged, ask to be rescaled.
fn never_rescaled(_bytes: &[u8]) -> Option<Vec<u8>> {
    None
}

fn number_kind<E: Element>(scans: FloatScans, metric: Metric, bytes: &[u8], rescale: Rescale) -> Kind {
    match metric {
        Metric::L2 => Kind::Float { query: FloatQuery::new::<E>(bytes), scan: scans.l2 },
        Metric::Cosine => cosine_kind::<E>(scans, bytes, rescale),
        Metric::DotProduct | Metric::Hamming => Kind::Float { query: FloatQuery::new::<E>(bytes), scan: scans.dot },
    }
}

/// Cosine is blind to the length of the query, so one too long or too short for sums in `f32` is brought near 1 here,
/// once, and only rows need watching.
fn cosine_kind<E: Element>(scans: FloatScans, bytes: &[u8], rescale: Rescale) -> Kind {
    let mut query = FloatQuery::new::<E>(bytes);
    let mut squared_norm = squared_norm_of(scans, &query, bytes);
    if !query::needs_no_rescaling(squared_norm) {
        let Some(rescaled) = rescale(bytes) else {
            return Kind::ZeroCosine;
        };
        query = FloatQuery::new::<E>(&rescaled);
        squared_norm = squared_norm_of(scans, &query, &rescaled);
    }
    query.set_squared_norm(squared_norm);
    Kind::Float { query, scan: scans.cosine }
}

/// The dot product of the query with itself, summed as the kernel sums that of a row.
fn squared_norm_of(scans: FloatScans, query: &FloatQuery, bytes: &[u8]) -> f32 {
    let mut negated = [0.0];
    // SAFETY: a `Kernel` exists only where the CPU can run it, and `bytes` is one row of this query: its own.
    unsafe { (scans.dot)(query, bytes, &mut negated) };
    -negated[0]
}

/// Clears the bits past the dimension, which must not count, and notes where they are.
fn bits_kind(kernel: Kernel, dimension: u32, bytes: &[u8]) -> Kind {
    let mut query = bytes.to_vec();
    let padding = match dimension % 8 {
        0 => 0,
        used => 0xFF << used,
    };
    if let Some(last) = query.last_mut() {
        *last &= !padding;
    }
    Kind::Bits { query, padding, scan: kernel.hamming }
}
