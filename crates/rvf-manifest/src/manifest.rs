use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rvf_types::limits::{COUNTER_MAX, DIMENSION_MAX, SCHEMA_BYTES_MAX};
use rvf_types::{Compression, DataType, Epoch, FileId, Metric, Row, SegmentId, Tiering};
use rvf_wire::{HEADER_BYTES, WireError, pad_to, read_array, read_u16, read_u32, read_u64, slice};

use crate::{ROOT_PAGE_BYTES, RootPage, SegmentEntry, compression, tiering, tlv};

const WHAT: &str = "manifest";
const EMBEDDING_MODEL_BYTES_MAX: usize = 1_024;

/// What a store was created with, and stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreOptions {
    /// Elements (bits for hamming) of a vector.
    pub dimension: u32,
    /// Element type.
    pub data_type: DataType,
    /// Metric.
    pub metric: Metric,
    /// Graph links a node.
    pub m: u32,
    /// Candidates when the graph is built.
    pub ef_construction: u32,
    /// Hardware profile, 0 to 3.
    pub profile: u8,
    /// How vectors are kept.
    pub compression: Compression,
    /// What becomes of seldom used rows; `None` where all are kept alike.
    pub tiering: Option<Tiering>,
    /// Name of the model the vectors come from.
    pub embedding_model: Option<String>,
    /// Declared fields of the metadata, as JSON text.
    pub schema: Option<String>,
}

/// Where a file stands in its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Lineage {
    /// Name of the file.
    pub file_id: FileId,
    /// Name of the parent, zeros for a root.
    pub parent_id: FileId,
    /// The parent's witness head when the branch was made.
    pub parent_hash: [u8; 32],
    /// Number of ancestors.
    pub depth: u32,
}

/// A whole committed state: root page and Level 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// Identity of the file.
    pub lineage: Lineage,
    /// What the store was created with.
    pub options: StoreOptions,
    /// Feature bits: compat, ro_compat, incompat.
    pub features: [u64; 3],
    /// Creation of the store.
    pub created_ns: u64,
    /// Time of this manifest.
    pub modified_ns: u64,
    /// Epoch of the state.
    pub epoch: Epoch,
    /// Vectors that are not deleted.
    pub vector_count: u64,
    /// The row the next vector gets.
    pub next_row: Row,
    /// The number the next segment gets, this manifest included.
    pub next_segment_id: SegmentId,
    /// Hash of the newest witness entry, zeros before the first.
    pub witness_head: [u8; 32],
    /// Number of witness entries since the file's first commit.
    pub witness_count: u64,
    /// Rows that are dead; the tombstone segments of the directory name them.
    pub dead_count: u64,
    /// Offset of the root page before this one, 0 where there is none.
    pub previous_root_offset: u64,
    /// The newest compaction.
    pub compaction: Compaction,
    /// Live segments.
    pub segments: Vec<SegmentEntry>,
}

/// What a compaction leaves behind: it gives rows new numbers and drops the states before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Compaction {
    /// How many there have been.
    pub count: u64,
    /// Epoch of the state that the newest one started the file with.
    pub epoch: Epoch,
}

impl Manifest {
    /// The payload of a MANIFEST segment whose header lies at `offset`.
    pub fn encode(&self, offset: u64, salt: u32) -> Vec<u8> {
        let mut bytes = self.encode_level1();
        let level1_bytes = bytes.len() as u64;
        pad_to(&mut bytes, 64);
        let root = RootPage {
            level1_offset: offset + HEADER_BYTES as u64,
            level1_bytes,
            vector_count: self.vector_count,
            dimension: u16::try_from(self.options.dimension).unwrap_or(0),
            data_type: self.options.data_type as u8,
            profile: self.options.profile,
            created_ns: self.created_ns,
            modified_ns: self.modified_ns,
            file_id: self.lineage.file_id,
            parent_id: self.lineage.parent_id,
            parent_hash: self.lineage.parent_hash,
            lineage_depth: self.lineage.depth,
            features: self.features,
            epoch: self.epoch,
            manifest_offset: offset,
            witness_head: self.witness_head,
        };
        bytes.extend_from_slice(&root.encode(salt));
        bytes
    }

    fn encode_level1(&self) -> Vec<u8> {
        let mut directory = Vec::with_capacity(self.segments.len() * SegmentEntry::BYTES);
        for entry in &self.segments {
            entry.encode(&mut directory);
        }
        let mut restart = self.next_segment_id.to_le_bytes().to_vec();
        restart.extend_from_slice(&self.next_row.to_le_bytes());
        restart.extend_from_slice(&[0; 4]);
        let mut witness = self.witness_head.to_vec();
        witness.extend_from_slice(&self.witness_count.to_le_bytes());

        let mut bytes = Vec::new();
        tlv::push(&mut bytes, tlv::PROFILE_CONFIG, &self.options.encode());
        tlv::push(&mut bytes, tlv::DIMENSION_CATALOG, &self.options.dimension.to_le_bytes());
        tlv::push(&mut bytes, tlv::ID_RESTART, &restart);
        tlv::push(&mut bytes, tlv::WITNESS, &witness);
        tlv::push(&mut bytes, tlv::DELETION_BITMAP, &self.dead_count.to_le_bytes());
        tlv::push(&mut bytes, tlv::OVERLAY_CHAIN, &self.previous_root_offset.to_le_bytes());
        if !self.options.compression.is_none() {
            tlv::push(&mut bytes, tlv::COMPRESSION, &compression::encode(self.options.compression));
        }
        if let Some(tiering) = self.options.tiering {
            tlv::push(&mut bytes, tlv::TIERING, &tiering::encode(tiering));
        }
        if let Some(schema) = &self.options.schema {
            tlv::push(&mut bytes, tlv::SCHEMA, schema.as_bytes());
        }
        if self.compaction.count > 0 {
            let words = [self.compaction.count, self.compaction.epoch].map(u64::to_le_bytes);
            tlv::push(&mut bytes, tlv::COMPACTION_STATE, words.as_flattened());
        }
        tlv::push(&mut bytes, tlv::SEGMENT_DIR, &directory);
        bytes
    }

    /// Reads the payload of the MANIFEST segment whose header lies at `offset`, content hash already checked.
    pub fn decode(payload: &[u8], offset: u64, salt: u32) -> Result<Manifest, WireError> {
        let root_at = payload.len().checked_sub(ROOT_PAGE_BYTES).ok_or(WireError::Truncated(WHAT))?;
        let root = RootPage::decode(&payload[root_at..], salt)?;
        if root.manifest_offset != offset || root.level1_offset != offset + HEADER_BYTES as u64 {
            return Err(WireError::Invalid("offset in the root page"));
        }
        let level1_bytes = usize::try_from(root.level1_bytes).map_err(|_| WireError::Truncated(WHAT))?;
        let level1 = slice(&payload[..root_at], 0, level1_bytes, "Level 1")?;
        let mut manifest = Manifest::from_root(&root);
        let mut dimension = u32::from(root.dimension);
        let (mut configured, mut schema, mut compression, mut tiering) = (None, None, Compression::None, None);
        for tag in tlv::Tags::new(level1) {
            let (tag, value) = tag?;
            match tag {
                tlv::PROFILE_CONFIG => {
                    let (options, kind) = StoreOptions::decode(value)?;
                    manifest.options = options;
                    configured = Some(kind);
                }
                tlv::DIMENSION_CATALOG => dimension = read_u32(value, 0, WHAT)?,
                tlv::ID_RESTART => {
                    manifest.next_segment_id = read_u64(value, 0, WHAT)?;
                    manifest.next_row = read_u32(value, 8, WHAT)?;
                }
                tlv::WITNESS => {
                    manifest.witness_head = read_array(value, 0, WHAT)?;
                    manifest.witness_count = read_u64(value, 32, WHAT)?;
                }
                tlv::DELETION_BITMAP => manifest.dead_count = read_u64(value, 0, WHAT)?,
                tlv::OVERLAY_CHAIN => manifest.previous_root_offset = read_u64(value, 0, WHAT)?,
                tlv::COMPRESSION => compression = compression::decode(value)?,
                tlv::TIERING => tiering = Some(tiering::decode(value)?),
                tlv::SCHEMA => schema = Some(decode_schema(value)?),
                tlv::COMPACTION_STATE => {
                    manifest.compaction =
                        Compaction { count: read_u64(value, 0, WHAT)?, epoch: read_u64(value, 8, WHAT)? };
                }
                tlv::SEGMENT_DIR => manifest.segments = decode_directory(value, offset)?,
                _ => {}
            }
        }
        manifest.options.dimension = dimension;
        manifest.options.schema = schema;
        manifest.options.compression = compression;
        manifest.options.tiering = tiering;
        let is_configured = configured == Some(compression.kind());
        let is_tiered_alone = tiering.is_some() && compression.is_none();
        if !is_configured
            || is_tiered_alone
            || dimension == 0
            || dimension > DIMENSION_MAX
            || manifest.witness_head != root.witness_head
        {
            return Err(WireError::Invalid("Level 1"));
        }
        let counts = [manifest.epoch, manifest.next_segment_id, manifest.witness_count, manifest.compaction.count];
        if counts.iter().any(|count| *count > COUNTER_MAX) {
            return Err(WireError::TooLarge("a count in the manifest"));
        }
        Ok(manifest)
    }

    fn from_root(root: &RootPage) -> Manifest {
        Manifest {
            lineage: Lineage {
                file_id: root.file_id,
                parent_id: root.parent_id,
                parent_hash: root.parent_hash,
                depth: root.lineage_depth,
            },
            options: StoreOptions {
                dimension: u32::from(root.dimension),
                data_type: DataType::F32,
                metric: Metric::L2,
                m: 0,
                ef_construction: 0,
                profile: root.profile,
                compression: Compression::None,
                tiering: None,
                embedding_model: None,
                schema: None,
            },
            features: root.features,
            created_ns: root.created_ns,
            modified_ns: root.modified_ns,
            epoch: root.epoch,
            vector_count: root.vector_count,
            next_row: 0,
            next_segment_id: 0,
            witness_head: [0; 32],
            witness_count: 0,
            dead_count: 0,
            previous_root_offset: 0,
            compaction: Compaction::default(),
            segments: Vec::new(),
        }
    }
}

/// The type of the vectors, which must be one that this version can compare by the metric.
fn decode_data_type(number: u8, metric: Metric) -> Result<DataType, WireError> {
    let data_type = DataType::from_u8(number).ok_or(WireError::Invalid("data type"))?;
    if data_type.is_reserved() {
        return Err(WireError::Unsupported("data type"));
    }
    if !data_type.fits(metric) {
        return Err(WireError::Invalid("data type of the metric"));
    }
    Ok(data_type)
}

fn decode_schema(value: &[u8]) -> Result<String, WireError> {
    if value.len() > SCHEMA_BYTES_MAX {
        return Err(WireError::TooLarge("the schema"));
    }
    core::str::from_utf8(value).map(ToString::to_string).map_err(|_| WireError::Invalid("the schema"))
}

fn decode_directory(value: &[u8], manifest_offset: u64) -> Result<Vec<SegmentEntry>, WireError> {
    if !value.len().is_multiple_of(SegmentEntry::BYTES) {
        return Err(WireError::Invalid("length of SEGMENT_DIR"));
    }
    let entries: Vec<SegmentEntry> = value
        .chunks_exact(SegmentEntry::BYTES)
        .map(|bytes| SegmentEntry::decode(bytes, manifest_offset))
        .collect::<Result<_, _>>()?;
    let mut ranges =
        entries.iter().map(|entry| Ok((entry.offset, entry.extent()?.end()))).collect::<Result<Vec<_>, WireError>>()?;
    ranges.sort_unstable();
    if ranges.windows(2).any(|pair| pair[0].1 > pair[1].0) {
        return Err(WireError::Invalid("overlapping segments in SEGMENT_DIR"));
    }
    Ok(entries)
}

impl StoreOptions {
    /// {u8 metric, u8 data type, u8 kind of compression, u8 profile, u32 m, u32 efConstruction, u16 bytes, embedding model}.
    fn encode(&self) -> Vec<u8> {
        let model = self.embedding_model.as_deref().unwrap_or_default();
        let mut bytes = alloc::vec![self.metric as u8, self.data_type as u8, self.compression.kind(), self.profile];
        bytes.extend_from_slice(&self.m.to_le_bytes());
        bytes.extend_from_slice(&self.ef_construction.to_le_bytes());
        bytes.extend_from_slice(&(model.len() as u16).to_le_bytes());
        bytes.extend_from_slice(model.as_bytes());
        bytes
    }

    /// The options, and the kind of compression, whose parameters are elsewhere.
    fn decode(bytes: &[u8]) -> Result<(StoreOptions, u8), WireError> {
        const WHAT: &str = "PROFILE_CONFIG";
        let [metric, data_type, compression, profile] = read_array(bytes, 0, WHAT)?;
        let metric = Metric::from_u8(metric).ok_or(WireError::Invalid("metric"))?;
        let data_type = decode_data_type(data_type, metric)?;
        let model_bytes = usize::from(read_u16(bytes, 12, WHAT)?);
        if model_bytes > EMBEDDING_MODEL_BYTES_MAX {
            return Err(WireError::TooLarge("name of the embedding model"));
        }
        let model = core::str::from_utf8(slice(bytes, 14, model_bytes, WHAT)?)
            .map_err(|_| WireError::Invalid("name of the embedding model"))?;
        let options = StoreOptions {
            dimension: 0,
            data_type,
            metric,
            m: read_u32(bytes, 4, WHAT)?,
            ef_construction: read_u32(bytes, 8, WHAT)?,
            profile,
            compression: Compression::None,
            tiering: None,
            embedding_model: (!model.is_empty()).then(|| model.to_string()),
            schema: None,
        };
        Ok((options, compression))
    }
}
