use thiserror::Error;

/// Why bytes are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WireError {
    /// The bytes end before the field.
    #[error("{0} is cut short")]
    Truncated(&'static str),
    /// The magic number is another one.
    #[error("{0} does not start with its magic number")]
    Magic(&'static str),
    /// A version that this code does not read.
    #[error("format version {0} is not readable by this version")]
    Version(u16),
    /// A checksum or content hash does not match.
    #[error("the checksum of {0} does not match")]
    Checksum(&'static str),
    /// A field contradicts the rest.
    #[error("{0} is not valid")]
    Invalid(&'static str),
    /// A field is above its limit.
    #[error("{0} is above its limit")]
    TooLarge(&'static str),
    /// A feature that is reserved in the format and not built yet.
    #[error("{0} is not supported by this version")]
    Unsupported(&'static str),
}
