use std::fmt;

/// Why a storage operation failed, in the words the engine acts on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageErrorKind {
    /// The bytes are not here yet: fetch them, then start the operation again.
    NotReady {
        /// First missing byte.
        offset: u64,
        /// Number of missing bytes.
        len: u64,
    },
    /// No file has this name.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// The system does not let us.
    PermissionDenied,
    /// No space is left.
    DiskFull,
    /// The file ends before the bytes asked for.
    UnexpectedEnd,
    /// The file is in use in a way that forbids the operation.
    Busy,
    /// This host cannot do it.
    Unsupported,
    /// Anything else the system reported.
    Other,
}

/// A failed storage operation: what was tried, on which file, and why it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageError {
    /// What the engine acts on.
    pub kind: StorageErrorKind,
    /// The operation, the path and the system's own words.
    pub message: String,
}

/// What storage operations return.
pub type StorageResult<T> = Result<T, StorageError>;

impl StorageError {
    /// An error of this kind.
    pub fn new(kind: StorageErrorKind, message: impl Into<String>) -> StorageError {
        StorageError { kind, message: message.into() }
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for StorageError {}
