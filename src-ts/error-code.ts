/** Stable numbers of errors, the same in the engine; the high byte is the category. */
export enum RvfErrorCode {
  /** Success. */
  Ok = 0x0000,
  /** Success in part. */
  OkPartial = 0x0001,
  /** The file is not an RVF store. */
  InvalidMagic = 0x0100,
  /** The file needs a newer, or an older, version. */
  InvalidVersion = 0x0101,
  /** Stored bytes are not what was written. */
  InvalidChecksum = 0x0102,
  /** A signature does not verify. */
  InvalidSignature = 0x0103,
  /** The file ends inside a segment. */
  TruncatedSegment = 0x0104,
  /** The manifest contradicts itself or the file. */
  InvalidManifest = 0x0105,
  /** No committed state was found. */
  ManifestNotFound = 0x0106,
  /** A segment of this kind cannot be read. */
  UnknownSegmentType = 0x0107,
  /** An offset is not aligned. */
  AlignmentError = 0x0108,
  /** A vector's length is not the store's dimension. */
  DimensionMismatch = 0x0200,
  /** Nothing to search. */
  EmptyIndex = 0x0201,
  /** The metric does not fit the data. */
  MetricUnsupported = 0x0202,
  /** The filter is malformed. */
  FilterParseError = 0x0203,
  /** k is out of range. */
  KTooLarge = 0x0204,
  /** The time given for the query is over, or it was cancelled. */
  Timeout = 0x0205,
  /** Another writer has the store open. */
  LockHeld = 0x0300,
  /** A lock is stale. */
  LockStale = 0x0301,
  /** The disk is full. */
  DiskFull = 0x0302,
  /** The system could not make a write durable. */
  FsyncFailed = 0x0303,
  /** The data does not fit a segment. */
  SegmentTooLarge = 0x0304,
  /** The store was opened read-only. */
  ReadOnly = 0x0305,
  /** Something is there already. */
  AlreadyExists = 0x0306,
  /** An argument is out of its bounds. */
  InvalidInput = 0x0307,
  /** An earlier write failed; reopen the store. */
  Poisoned = 0x0308,
  /** The resource is in use. */
  Busy = 0x0309,
  /** The system reported an input or output error. */
  IoError = 0x030a,
  /** A tile trapped. */
  TileTrap = 0x0400,
  /** A tile is out of memory. */
  TileOom = 0x0401,
  /** A tile did not answer in time. */
  TileTimeout = 0x0402,
  /** A tile got a malformed message. */
  TileInvalidMsg = 0x0403,
  /** A tile does not know the operation. */
  TileUnsupportedOp = 0x0404,
  /** No such key. */
  KeyNotFound = 0x0500,
  /** The key has expired. */
  KeyExpired = 0x0501,
  /** Decryption failed. */
  DecryptFailed = 0x0502,
  /** The algorithm is not supported. */
  AlgoUnsupported = 0x0503,
  /** The attestation is invalid. */
  AttestationInvalid = 0x0504,
  /** The platform is not supported. */
  PlatformUnsupported = 0x0505,
  /** The attestation has expired. */
  AttestationExpired = 0x0506,
  /** The key is not bound. */
  KeyNotBound = 0x0507,
  /** The parent file was not found. */
  ParentNotFound = 0x0600,
  /** The parent is not what the branch was made from. */
  ParentHashMismatch = 0x0601,
  /** The lineage is broken. */
  LineageBroken = 0x0602,
  /** The lineage is cyclic. */
  LineageCyclic = 0x0603,
  /** The copy-on-write map is damaged. */
  CowMapCorrupt = 0x0700,
  /** A cluster was not found. */
  ClusterNotFound = 0x0701,
  /** The chain of parents is broken. */
  ParentChainBroken = 0x0702,
  /** The difference is too large. */
  DeltaThresholdExceeded = 0x0703,
  /** The snapshot is frozen. */
  SnapshotFrozen = 0x0704,
  /** The membership is invalid. */
  MembershipInvalid = 0x0705,
  /** The generation is stale. */
  GenerationStale = 0x0706,
  /** The manifest is not signed. */
  UnsignedManifest = 0x0800,
  /** The content is not what was signed. */
  ContentHashMismatch = 0x0801,
  /** The signer is unknown. */
  UnknownSigner = 0x0802,
  /** The epoch has drifted too far. */
  EpochDriftExceeded = 0x0803,
  /** The result is below the asked-for quality. */
  QualityBelowThreshold = 0x0900,
  /** No backend could be loaded. */
  BackendNotFound = 0xff00,
  /** The backend failed to start. */
  BackendInitFailed = 0xff01,
  /** The store is closed. */
  StoreClosed = 0xff02,
  /** An option is out of its bounds. */
  InvalidOptions = 0xff03,
  /** This host, or this version, cannot do it. */
  NotSupportedHere = 0xff04,
  /** A bug in the engine. */
  Internal = 0xff05,
}
