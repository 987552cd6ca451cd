/// What a segment holds: the number in its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentKind(pub u8);

macro_rules! kinds {
    ($($name:ident = $value:literal, $text:literal, $doc:literal;)*) => {
        impl SegmentKind {
            $(#[doc = $doc] pub const $name: SegmentKind = SegmentKind($value);)*

            /// The name the SDK shows, `None` for a kind this version does not know.
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    VEC = 0x01, "vec", "Vectors by row.";
    INDEX = 0x02, "index", "Graph.";
    OVERLAY = 0x03, "overlay", "Newer metadata of some rows.";
    JOURNAL = 0x04, "journal", "One transaction's operations and its witness entry.";
    MANIFEST = 0x05, "manifest", "Level-1 directory and root page.";
    QUANT = 0x06, "quant", "Quantised codes.";
    META = 0x07, "meta", "Metadata by row.";
    HOT = 0x08, "hot", "Rows kept together because they are asked for often.";
    SKETCH = 0x09, "sketch", "Access counters.";
    WITNESS = 0x0A, "witness", "Witness entries packed by compaction.";
    PROFILE = 0x0B, "profile", "Hardware profile.";
    CRYPTO = 0x0C, "crypto", "Keys and signatures.";
    META_IDX = 0x0D, "meta_idx", "Index over metadata.";
    KERNEL = 0x0E, "kernel", "Embedded kernel image.";
    EBPF = 0x0F, "ebpf", "Embedded eBPF program.";
    WASM = 0x10, "wasm", "Embedded WASM module.";
    DASHBOARD = 0x11, "dashboard", "Embedded web page.";
    COW_MAP = 0x20, "cow_map", "Copy-on-write map of a branch.";
    REFCOUNT = 0x21, "refcount", "Reference counts.";
    MEMBERSHIP = 0x22, "membership", "Rows a branch can see.";
    DELTA = 0x23, "delta", "Difference to a parent.";
    HEAD = 0xF0, "head", "First segment of the file: identity and anchors.";
    IDS = 0xF1, "ids", "Ids by row and by hash.";
    PIN = 0xF2, "pin", "A branch's claim on a prefix of this file.";
    COARSE = 0xF3, "coarse", "Rough codes by cluster, with ids: answers from a few ranges.";
}

impl SegmentKind {
    /// True where the segment refers to no rows and no offsets, so that tools may carry it along unread.
    pub fn is_opaque(self) -> bool {
        match self {
            SegmentKind::KERNEL | SegmentKind::EBPF | SegmentKind::WASM | SegmentKind::DASHBOARD => true,
            other => other.name().is_none(),
        }
    }
}
