use std::fmt;

use rvf_manifest::{Damage, RecoverError};
use rvf_types::{ErrorCode, SegmentId};
use rvf_wire::WireError;

use crate::storage::{StorageError, StorageErrorKind};

/// Bytes that an asynchronous host must fetch before the operation is started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotReady {
    /// First missing byte.
    pub offset: u64,
    /// Number of missing bytes.
    pub len: u64,
}

/// What went wrong, as a stable number, and what the reader of the message can do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RvfError {
    /// Stable number.
    pub code: ErrorCode,
    /// Names the argument, the limit and the way out.
    pub message: String,
    /// Set where the host has to fetch bytes and try again.
    pub not_ready: Option<NotReady>,
}

/// What the engine's operations return.
pub type Result<T> = std::result::Result<T, RvfError>;

impl RvfError {
    /// An error with this code.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> RvfError {
        RvfError { code, message: message.into(), not_ready: None }
    }

    /// Stored bytes of a segment that its reader refused.
    pub(crate) fn segment(error: WireError, offset: u64, segment: SegmentId) -> RvfError {
        Damage::from_wire(error, offset, Some(segment)).into()
    }

    /// True where stored bytes are not what a reader of this version can use.
    pub(crate) fn is_damage(&self) -> bool {
        let is_format = (self.code as u16) >> 8 == ErrorCode::InvalidChecksum as u16 >> 8;
        self.not_ready.is_none() && (is_format || self.code == ErrorCode::AlgoUnsupported)
    }

    /// An argument out of its bounds.
    pub(crate) fn input(message: impl Into<String>) -> RvfError {
        RvfError::new(ErrorCode::InvalidInput, message)
    }

    /// A state that the engine's own logic rules out.
    pub(crate) fn internal(message: impl Into<String>) -> RvfError {
        RvfError::new(ErrorCode::Internal, message)
    }
}

impl fmt::Display for RvfError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for RvfError {}

impl From<StorageError> for RvfError {
    fn from(error: StorageError) -> RvfError {
        let (code, not_ready) = match error.kind {
            StorageErrorKind::NotReady { offset, len } => (ErrorCode::Busy, Some(NotReady { offset, len })),
            StorageErrorKind::AlreadyExists => (ErrorCode::AlreadyExists, None),
            StorageErrorKind::DiskFull => (ErrorCode::DiskFull, None),
            StorageErrorKind::UnexpectedEnd => (ErrorCode::TruncatedSegment, None),
            StorageErrorKind::Busy => (ErrorCode::Busy, None),
            StorageErrorKind::Unsupported => (ErrorCode::NotSupportedHere, None),
            StorageErrorKind::NotFound | StorageErrorKind::PermissionDenied | StorageErrorKind::Other => {
                (ErrorCode::IoError, None)
            }
        };
        RvfError { code, message: error.message, not_ready }
    }
}

impl From<Damage> for RvfError {
    fn from(damage: Damage) -> RvfError {
        let place = match damage.segment {
            Some(segment) => format!("segment {segment} at offset {}", damage.offset),
            None => format!("offset {}", damage.offset),
        };
        RvfError::new(damage.code, format!("{} ({place})", damage.message))
    }
}

impl From<RecoverError<StorageError>> for RvfError {
    fn from(error: RecoverError<StorageError>) -> RvfError {
        match error {
            RecoverError::Source(error) => error.into(),
            RecoverError::Damage(damage) => damage.into(),
        }
    }
}
