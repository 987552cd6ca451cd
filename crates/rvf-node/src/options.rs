use napi_derive::napi;
use rvf_runtime::types::{DataType, ErrorCode, Metric};
use rvf_runtime::{CreateOptions, Durability, OpenOptions, QueryOptions, Result, RvfError, StoreOptions};

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
    pub embedding_model: Option<String>,
    pub schema: Option<String>,
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
const QUERY_EXPLAIN: u32 = 8;

/// A query's options from its positional arguments.
pub(crate) fn query_options(k: u32, flags: u32, distance_max: f64, timeout_ms: f64) -> QueryOptions {
    QueryOptions {
        k: k as usize,
        distance_max: (!distance_max.is_nan()).then_some(distance_max as f32),
        timeout_ms: timeout_ms.max(0.0) as u64,
        with_metadata: flags & QUERY_METADATA != 0,
        with_vectors: flags & QUERY_VECTORS != 0,
        filter: None,
        with_plan: flags & QUERY_EXPLAIN != 0,
    }
}
