use core::fmt;

macro_rules! error_codes {
    ($($name:ident = $value:literal, $doc:literal;)*) => {
        /// Stable number of an error, the same in Rust, over the C ABI and in the SDK. The high byte is the category.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum ErrorCode {
            $(#[doc = $doc] $name = $value,)*
        }

        impl ErrorCode {
            /// Every code, ascending.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$name,)*];

            /// The code's name, the same as in the SDK's `RvfErrorCode`.
            pub fn name(self) -> &'static str {
                match self {
                    $(ErrorCode::$name => stringify!($name),)*
                }
            }
        }
    };
}

error_codes! {
    Ok = 0x0000, "Success.";
    OkPartial = 0x0001, "Success in part.";
    InvalidMagic = 0x0100, "The file is not an RVF store.";
    InvalidVersion = 0x0101, "The file needs a newer, or an older, version.";
    InvalidChecksum = 0x0102, "Stored bytes are not what was written.";
    InvalidSignature = 0x0103, "A signature does not verify.";
    TruncatedSegment = 0x0104, "The file ends inside a segment.";
    InvalidManifest = 0x0105, "The manifest contradicts itself or the file.";
    ManifestNotFound = 0x0106, "No committed state was found.";
    UnknownSegmentType = 0x0107, "A segment of this kind cannot be read.";
    AlignmentError = 0x0108, "An offset is not aligned.";
    DimensionMismatch = 0x0200, "A vector's length is not the store's dimension.";
    EmptyIndex = 0x0201, "Nothing to search.";
    MetricUnsupported = 0x0202, "The metric does not fit the data.";
    FilterParseError = 0x0203, "The filter is malformed.";
    KTooLarge = 0x0204, "k is out of range.";
    Timeout = 0x0205, "The time given for the query is over, or it was cancelled.";
    LockHeld = 0x0300, "Another writer has the store open.";
    LockStale = 0x0301, "A lock is stale.";
    DiskFull = 0x0302, "The disk is full.";
    FsyncFailed = 0x0303, "The system could not make a write durable.";
    SegmentTooLarge = 0x0304, "The data does not fit a segment.";
    ReadOnly = 0x0305, "The store was opened read-only.";
    AlreadyExists = 0x0306, "Something is there already.";
    InvalidInput = 0x0307, "An argument is out of its bounds.";
    Poisoned = 0x0308, "An earlier write failed; reopen the store.";
    Busy = 0x0309, "The resource is in use.";
    IoError = 0x030A, "The system reported an input or output error.";
    TileTrap = 0x0400, "A tile trapped.";
    TileOom = 0x0401, "A tile is out of memory.";
    TileTimeout = 0x0402, "A tile did not answer in time.";
    TileInvalidMsg = 0x0403, "A tile got a malformed message.";
    TileUnsupportedOp = 0x0404, "A tile does not know the operation.";
    KeyNotFound = 0x0500, "No such key.";
    KeyExpired = 0x0501, "The key has expired.";
    DecryptFailed = 0x0502, "Decryption failed.";
    AlgoUnsupported = 0x0503, "The algorithm is not supported.";
    AttestationInvalid = 0x0504, "The attestation is invalid.";
    PlatformUnsupported = 0x0505, "The platform is not supported.";
    AttestationExpired = 0x0506, "The attestation has expired.";
    KeyNotBound = 0x0507, "The key is not bound.";
    ParentNotFound = 0x0600, "The parent file was not found.";
    ParentHashMismatch = 0x0601, "The parent is not what the branch was made from.";
    LineageBroken = 0x0602, "The lineage is broken.";
    LineageCyclic = 0x0603, "The lineage is cyclic.";
    CowMapCorrupt = 0x0700, "The copy-on-write map is damaged.";
    ClusterNotFound = 0x0701, "A cluster was not found.";
    ParentChainBroken = 0x0702, "The chain of parents is broken.";
    DeltaThresholdExceeded = 0x0703, "The difference is too large.";
    SnapshotFrozen = 0x0704, "The snapshot is frozen.";
    MembershipInvalid = 0x0705, "The membership is invalid.";
    GenerationStale = 0x0706, "The generation is stale.";
    UnsignedManifest = 0x0800, "The manifest is not signed.";
    ContentHashMismatch = 0x0801, "The content is not what was signed.";
    UnknownSigner = 0x0802, "The signer is unknown.";
    EpochDriftExceeded = 0x0803, "The epoch has drifted too far.";
    QualityBelowThreshold = 0x0900, "The result is below the asked-for quality.";
    BackendNotFound = 0xFF00, "No backend could be loaded.";
    BackendInitFailed = 0xFF01, "The backend failed to start.";
    StoreClosed = 0xFF02, "The store is closed.";
    InvalidOptions = 0xFF03, "An option is out of its bounds.";
    NotSupportedHere = 0xFF04, "This host, or this version, cannot do it.";
    Internal = 0xFF05, "A bug in the engine.";
}

impl ErrorCode {
    /// The code with this number.
    pub fn from_u16(value: u16) -> Option<ErrorCode> {
        ErrorCode::ALL.iter().copied().find(|code| *code as u16 == value)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (0x{:04X})", self.name(), *self as u16)
    }
}
