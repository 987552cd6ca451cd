use napi_derive::napi;
use rvf_runtime::types::{Compression, DataType, ErrorCode, Metric, Tiering};
use rvf_runtime::{
    CreateOptions, Durability, OpenOptions, Quality, QueryOptions, Result, RvfError, RvfStore, StoreOptions,
};

use crate::store::filter_of;

/// `EngineCreateOptions` of `src-ts/engine.ts`.
#[napi(object)]
pub struct EngineCreateOptions {
    pub dimension: u32,
    pub metric: u32,
    pub data_type: u32,
    pub m: u32,
    pub ef_construction: u32,
    pub profile: u32,
    pub durability: u32,
    pub compression: Option<EngineCompression>,
    pub tiering: Option<EngineTiering>,
    pub embedding_model: Option<String>,
    pub schema: Option<String>,
}

/// `EngineCompression` of `src-ts/engine.ts`.
#[napi(object)]
pub struct EngineCompression {
    pub kind: u32,
    pub bits: u32,
    pub subvectors: u32,
    pub training_rows: u32,
}

/// `EngineTiering` of `src-ts/engine.ts`.
#[napi(object)]
pub struct EngineTiering {
    pub hot_share: f64,
    pub cold: EngineCompression,
}

impl EngineTiering {
    fn read(self, dimension: u32) -> Result<Tiering> {
        // A share that is no number becomes 0, which the engine refuses.
        let hot_share_per_mille = (self.hot_share * 1_000.0).round() as u16;
        Ok(Tiering { hot_share_per_mille, cold: self.cold.read(dimension)? })
    }
}

impl EngineCompression {
    fn read(self, dimension: u32) -> Result<Compression> {
        let bits = u8::try_from(self.bits).map_err(|_| invalid("bits", self.bits))?;
        let EngineCompression { subvectors, training_rows, .. } = self;
        match self.kind {
            1 => Ok(Compression::Scalar { bits }),
            2 if subvectors == 0 => Ok(rvf_runtime::product_compression(dimension, bits, training_rows)),
            2 => Ok(Compression::Product { subvectors, bits, training_rows }),
            3 => Ok(Compression::Binary { training_rows }),
            kind => Err(invalid("compression", kind)),
        }
    }
}

/// `EngineOpenOptions` of `src-ts/engine.ts`.
#[napi(object)]
pub struct EngineOpenOptions {
    pub read_only: bool,
    pub busy_timeout_ms: f64,
    pub mapping: bool,
    pub durability: u32,
    pub embedding_model: Option<String>,
}

impl EngineCreateOptions {
    pub(crate) fn read(self) -> Result<CreateOptions> {
        let byte = |value: u32, what| u8::try_from(value).map_err(|_| invalid(what, value));
        Ok(CreateOptions {
            store: StoreOptions {
                dimension: self.dimension,
                data_type: DataType::from_u8(byte(self.data_type, "dataType")?)
                    .ok_or_else(|| invalid("dataType", self.data_type))?,
                metric: Metric::from_u8(byte(self.metric, "metric")?).ok_or_else(|| invalid("metric", self.metric))?,
                m: self.m,
                ef_construction: self.ef_construction,
                profile: byte(self.profile, "profile")?,
                compression: match self.compression {
                    Some(compression) => compression.read(self.dimension)?,
                    None => Compression::None,
                },
                tiering: self.tiering.map(|tiering| tiering.read(self.dimension)).transpose()?,
                embedding_model: self.embedding_model,
                schema: self.schema,
            },
            durability: durability(self.durability)?,
        })
    }
}

impl EngineOpenOptions {
    pub(crate) fn read(self) -> Result<OpenOptions> {
        Ok(OpenOptions {
            read_only: self.read_only,
            busy_timeout_ms: self.busy_timeout_ms.max(0.0) as u64,
            embedding_model: self.embedding_model,
            durability: durability(self.durability)?,
        })
    }
}

fn durability(value: u32) -> Result<Durability> {
    match value {
        0 => Ok(Durability::Commit),
        1 => Ok(Durability::Interval),
        2 => Ok(Durability::None),
        _ => Err(invalid("durability", value)),
    }
}

fn invalid(what: &str, value: u32) -> RvfError {
    RvfError::new(ErrorCode::InvalidOptions, format!("{what} {value} is not known"))
}

const QUERY_METADATA: u32 = 1;
const QUERY_VECTORS: u32 = 2;
const QUERY_EXACT: u32 = 4;
const QUERY_EXPLAIN: u32 = 8;
const QUERY_FAST: u32 = 16;
const QUERY_BALANCED: u32 = 32;
const QUERY_PRECISE: u32 = 64;
const QUALITIES: u32 = QUERY_EXACT | QUERY_FAST | QUERY_BALANCED | QUERY_PRECISE;

/// What the calls that search have in common, as `src-ts/engine.ts` declares it.
pub(crate) struct QueryArguments {
    pub(crate) k: u32,
    pub(crate) flags: u32,
    pub(crate) ef_search: f64,
    pub(crate) distance_max: f64,
    pub(crate) timeout_ms: f64,
    pub(crate) filter: String,
}

impl QueryArguments {
    pub(crate) fn read(&self, store: &RvfStore) -> Result<QueryOptions> {
        let has = |flag| self.flags & flag != 0;
        Ok(QueryOptions {
            k: self.k as usize,
            quality: quality(self.flags)?,
            ef_search: (!self.ef_search.is_nan()).then_some(self.ef_search as usize),
            distance_max: (!self.distance_max.is_nan()).then_some(self.distance_max as f32),
            timeout_ms: self.timeout_ms.max(0.0) as u64,
            with_metadata: has(QUERY_METADATA),
            with_vectors: has(QUERY_VECTORS),
            filter: filter_of(store, &self.filter)?,
            with_plan: has(QUERY_EXPLAIN),
        })
    }
}

fn quality(flags: u32) -> Result<Quality> {
    match flags & QUALITIES {
        0 => Ok(Quality::Standard),
        QUERY_FAST => Ok(Quality::Fast),
        QUERY_BALANCED => Ok(Quality::Balanced),
        QUERY_PRECISE => Ok(Quality::Precise),
        QUERY_EXACT => Ok(Quality::Exact),
        several => Err(invalid("quality", several)),
    }
}
