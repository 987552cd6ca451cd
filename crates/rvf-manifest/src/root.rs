use rvf_types::FileId;
use rvf_wire::{WireError, read_array, read_u16, read_u32, read_u64, slice};

/// Bytes of the root page, the last ones of a manifest's payload.
pub const ROOT_PAGE_BYTES: usize = 4_096;

const MAGIC: u32 = 0x5256_4D30;
const VERSION: u16 = 2;
const CRC_AT: usize = 0xFFC;
const WHAT: &str = "root page";

/// Level 0: the page that an anchor points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootPage {
    /// Offset of Level 1 in the file.
    pub level1_offset: u64,
    /// Bytes of Level 1.
    pub level1_bytes: u64,
    /// Vectors that are not deleted.
    pub vector_count: u64,
    /// Dimension, 0 where it does not fit and only DIMENSION_CATALOG has it.
    pub dimension: u16,
    /// Number of the vectors' data type.
    pub data_type: u8,
    /// Hardware profile.
    pub profile: u8,
    /// Creation of the store, nanoseconds since the Unix epoch.
    pub created_ns: u64,
    /// Time of this manifest.
    pub modified_ns: u64,
    /// Name of the file.
    pub file_id: FileId,
    /// Name of the parent, zeros for a root.
    pub parent_id: FileId,
    /// The parent's witness head when the branch was made, zeros for a root.
    pub parent_hash: [u8; 32],
    /// Number of ancestors.
    pub lineage_depth: u32,
    /// Feature bits: compat, ro_compat, incompat.
    pub features: [u64; 3],
    /// Epoch of the state.
    pub epoch: u64,
    /// Offset of the manifest's segment header.
    pub manifest_offset: u64,
    /// Hash of the newest witness entry.
    pub witness_head: [u8; 32],
}

impl RootPage {
    /// The page's bytes; `salt` seeds the CRC.
    pub fn encode(&self, salt: u32) -> [u8; ROOT_PAGE_BYTES] {
        let mut page = [0; ROOT_PAGE_BYTES];
        let mut put = |at: usize, bytes: &[u8]| page[at..at + bytes.len()].copy_from_slice(bytes);
        put(0x000, &MAGIC.to_le_bytes());
        put(0x004, &VERSION.to_le_bytes());
        put(0x008, &self.level1_offset.to_le_bytes());
        put(0x010, &self.level1_bytes.to_le_bytes());
        put(0x018, &self.vector_count.to_le_bytes());
        put(0x020, &self.dimension.to_le_bytes());
        put(0x022, &[self.data_type, self.profile]);
        put(0x024, &(self.epoch as u32).to_le_bytes());
        put(0x028, &self.created_ns.to_le_bytes());
        put(0x030, &self.modified_ns.to_le_bytes());
        put(0xF00, &self.file_id.0);
        put(0xF10, &self.parent_id.0);
        put(0xF20, &self.parent_hash);
        put(0xF40, &self.lineage_depth.to_le_bytes());
        for (index, mask) in self.features.iter().enumerate() {
            put(0xF84 + index * 8, &mask.to_le_bytes());
        }
        put(0xF9C, &self.epoch.to_le_bytes());
        put(0xFA4, &self.manifest_offset.to_le_bytes());
        put(0xFAC, &self.witness_head);
        let crc = crc32c::crc32c_append(salt, &page[..CRC_AT]);
        page[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        page
    }

    /// Reads a page; checks magic, CRC and version, in this order.
    pub fn decode(bytes: &[u8], salt: u32) -> Result<RootPage, WireError> {
        let page = slice(bytes, 0, ROOT_PAGE_BYTES, WHAT)?;
        if read_u32(page, 0, WHAT)? != MAGIC {
            return Err(WireError::Magic(WHAT));
        }
        if crc32c::crc32c_append(salt, &page[..CRC_AT]) != read_u32(page, CRC_AT, WHAT)? {
            return Err(WireError::Checksum(WHAT));
        }
        let version = read_u16(page, 0x004, WHAT)?;
        if version != VERSION {
            return Err(WireError::Version(version));
        }
        Ok(RootPage {
            level1_offset: read_u64(page, 0x008, WHAT)?,
            level1_bytes: read_u64(page, 0x010, WHAT)?,
            vector_count: read_u64(page, 0x018, WHAT)?,
            dimension: read_u16(page, 0x020, WHAT)?,
            data_type: page[0x022],
            profile: page[0x023],
            created_ns: read_u64(page, 0x028, WHAT)?,
            modified_ns: read_u64(page, 0x030, WHAT)?,
            file_id: FileId(read_array(page, 0xF00, WHAT)?),
            parent_id: FileId(read_array(page, 0xF10, WHAT)?),
            parent_hash: read_array(page, 0xF20, WHAT)?,
            lineage_depth: read_u32(page, 0xF40, WHAT)?,
            features: [read_u64(page, 0xF84, WHAT)?, read_u64(page, 0xF8C, WHAT)?, read_u64(page, 0xF94, WHAT)?],
            epoch: read_u64(page, 0xF9C, WHAT)?,
            manifest_offset: read_u64(page, 0xFA4, WHAT)?,
            witness_head: read_array(page, 0xFAC, WHAT)?,
        })
    }
}
