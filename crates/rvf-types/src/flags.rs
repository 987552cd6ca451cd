/// Flag bits of a segment header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SegmentFlags(pub u16);

impl SegmentFlags {
    /// No flag.
    pub const NONE: SegmentFlags = SegmentFlags(0);
    /// The payload is compressed.
    pub const COMPRESSED: SegmentFlags = SegmentFlags(0x0001);
    /// The payload is encrypted.
    pub const ENCRYPTED: SegmentFlags = SegmentFlags(0x0002);
    /// The segment is signed.
    pub const SIGNED: SegmentFlags = SegmentFlags(0x0004);
    /// The segment holds tombstones.
    pub const TOMBSTONE: SegmentFlags = SegmentFlags(0x0020);
    /// Not the last segment of its transaction.
    pub const MORE_FOLLOWS: SegmentFlags = SegmentFlags(0x1000);
    /// The payload ends with one hash for each 4 KiB block.
    pub const BLOCK_TABLE: SegmentFlags = SegmentFlags(0x2000);
    /// Written before what precedes it was known to be durable: the same append, or a store that does not sync each
    /// commit. A tear may therefore take what precedes it and leave this segment.
    pub const SAME_APPEND: SegmentFlags = SegmentFlags(0x4000);
    /// On QUANT: packed rows, or a quantiser, of the layout that compaction packs seldom used rows in.
    pub const COLD: SegmentFlags = SegmentFlags(0x8000);

    /// True where every bit of `other` is set.
    pub fn contains(self, other: SegmentFlags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of bits.
    #[must_use]
    pub fn with(self, other: SegmentFlags) -> SegmentFlags {
        SegmentFlags(self.0 | other.0)
    }

    /// These bits without those of `other`.
    #[must_use]
    pub fn without(self, other: SegmentFlags) -> SegmentFlags {
        SegmentFlags(self.0 & !other.0)
    }
}

/// Feature bits of the root page. A reader refuses unknown `INCOMPAT` bits, goes read-only at unknown `RO_COMPAT` bits
/// and ignores unknown `COMPAT` bits.
pub mod feature {
    /// Bits this version knows among those that may be ignored.
    pub const COMPAT_KNOWN: u64 = 0;
    /// Bits this version knows among those a reader may ignore and a writer may not.
    pub const RO_COMPAT_KNOWN: u64 = 0;
    /// Bits this version knows among those that no reader may ignore.
    pub const INCOMPAT_KNOWN: u64 = PACKED_ROWS | TIERED_ROWS;
    /// Vectors may be kept in QUANT segments, packed, in place of VEC segments.
    pub const PACKED_ROWS: u64 = 1;
    /// Packed rows may be of two layouts, and some of them may lie in HOT segments besides.
    pub const TIERED_ROWS: u64 = 2;
}
