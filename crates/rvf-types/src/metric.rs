/// How the distance of two vectors is measured. Smaller is nearer, whatever the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Metric {
    /// Squared Euclidean distance.
    L2 = 0,
    /// `1 - cos`; inputs need not have unit length, a zero vector is at distance 1 from everything.
    Cosine = 1,
    /// Negated dot product.
    DotProduct = 2,
    /// Number of differing bits of packed bit vectors.
    Hamming = 3,
}

impl Metric {
    /// Every metric, in the order of its number in the file.
    pub const ALL: [Metric; 4] = [Metric::L2, Metric::Cosine, Metric::DotProduct, Metric::Hamming];

    /// The metric with this number in a file.
    pub fn from_u8(value: u8) -> Option<Metric> {
        Metric::ALL.get(usize::from(value)).copied()
    }

    /// The metric's name in the SDK.
    pub fn name(self) -> &'static str {
        match self {
            Metric::L2 => "l2",
            Metric::Cosine => "cosine",
            Metric::DotProduct => "dotproduct",
            Metric::Hamming => "hamming",
        }
    }

    /// The metric with this name in the SDK.
    pub fn from_name(name: &str) -> Option<Metric> {
        Metric::ALL.into_iter().find(|metric| metric.name() == name)
    }
}
