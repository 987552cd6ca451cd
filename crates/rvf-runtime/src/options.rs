use rvf_filter::Schema;
use rvf_manifest::StoreOptions;
use rvf_types::limits::{DIMENSION_MAX, SCHEMA_BYTES_MAX, TRAINING_ROWS_MAX, TRAINING_ROWS_MIN};
use rvf_types::{Compression, DataType, ErrorCode, Metric, Tiering};

use crate::packed::{cold_layout, packed_layout};
use crate::{Result, RvfError};

const M_RANGE: std::ops::RangeInclusive<u32> = 2..=256;
const EF_CONSTRUCTION_RANGE: std::ops::RangeInclusive<u32> = 1..=10_000;
const PROFILE_MAX: u8 = 3;
const EMBEDDING_MODEL_BYTES_MAX: usize = 1_024;

/// When a commit is made durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Before it is acknowledged.
    #[default]
    Commit,
    /// At most [`SYNC_INTERVAL_MS`] later: a power cut may take what was acknowledged since, in whole commits.
    Interval,
    /// At a checkpoint, at `freeze` and at close.
    None,
}

/// How long `Durability::Interval` may leave commits unsynced, in milliseconds.
pub const SYNC_INTERVAL_MS: u64 = 100;

/// What a store is created with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateOptions {
    /// What is kept in the file.
    pub store: StoreOptions,
    /// When this handle's commits are made durable.
    pub durability: Durability,
}

impl CreateOptions {
    /// Options with the usual graph parameters, for packed bits where the metric is hamming and floats otherwise.
    pub fn new(dimension: u32, metric: Metric) -> CreateOptions {
        CreateOptions {
            store: StoreOptions {
                dimension,
                data_type: if metric == Metric::Hamming { DataType::Binary } else { DataType::F32 },
                metric,
                m: 16,
                ef_construction: 200,
                profile: 0,
                compression: Compression::None,
                tiering: None,
                embedding_model: None,
                schema: None,
            },
            durability: Durability::Commit,
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        let refuse = |message: String| Err(RvfError::new(ErrorCode::InvalidOptions, message));
        let store = &self.store;
        if store.dimension == 0 || store.dimension > DIMENSION_MAX {
            let message = format!("dimension is {}, it must be 1 to DIMENSION_MAX ({DIMENSION_MAX})", store.dimension);
            return refuse(message);
        }
        if !store.data_type.fits(store.metric) {
            let (metric, data_type) = (store.metric.name(), store.data_type);
            let needed = if store.metric == Metric::Hamming { "Binary" } else { "F32, F16 or I8" };
            let message = format!("metric {metric} needs vectors of type {needed}, not {data_type:?}");
            return Err(RvfError::new(ErrorCode::MetricUnsupported, message));
        }
        if !M_RANGE.contains(&store.m) || !EF_CONSTRUCTION_RANGE.contains(&store.ef_construction) {
            return refuse(format!(
                "m is {} and efConstruction {}, they must be 2 to 256 and 1 to 10000",
                store.m, store.ef_construction
            ));
        }
        if store.profile > PROFILE_MAX {
            return refuse(format!("profile is {}, it must be 0 to {PROFILE_MAX}", store.profile));
        }
        let model_bytes = store.embedding_model.as_ref().map_or(0, String::len);
        if model_bytes > EMBEDDING_MODEL_BYTES_MAX {
            return refuse(format!(
                "embeddingModel has {model_bytes} bytes, at most {EMBEDDING_MODEL_BYTES_MAX} are kept"
            ));
        }
        self.check_compression()?;
        self.check_tiering()?;
        self.check_schema()
    }

    fn check_compression(&self) -> Result<()> {
        let store = &self.store;
        let refuse = |message: String| Err(RvfError::new(ErrorCode::InvalidOptions, message));
        if store.compression.is_none() {
            return Ok(());
        }
        if store.data_type == DataType::Binary {
            return refuse("vectors of bits take no compression; leave compression out".to_owned());
        }
        if store.data_type == DataType::I8 && matches!(store.compression, Compression::Scalar { .. }) {
            return refuse("int8 vectors have a byte an element already; leave compression 'scalar' out".to_owned());
        }
        let training_rows = store.compression.training_rows();
        if !(TRAINING_ROWS_MIN..=TRAINING_ROWS_MAX).contains(&training_rows) {
            return refuse(format!(
                "trainingRows is {training_rows}, it must be TRAINING_ROWS_MIN ({TRAINING_ROWS_MIN}) to \
                 TRAINING_ROWS_MAX ({TRAINING_ROWS_MAX})"
            ));
        }
        packed_layout(store).map(drop).or_else(|error| refuse(error.message))
    }

    fn check_tiering(&self) -> Result<()> {
        let Some(Tiering { hot_share_per_mille, cold }) = self.store.tiering else { return Ok(()) };
        let refuse = |message: String| Err(RvfError::new(ErrorCode::InvalidOptions, message));
        if self.store.compression != (Compression::Scalar { bits: 8 }) {
            return refuse("tiering needs compression 'scalar' of 8 bits, which is what hot rows keep".to_owned());
        }
        let (min, max) = (Tiering::HOT_SHARE_PER_MILLE_MIN, Tiering::HOT_SHARE_PER_MILLE_MAX);
        if !(min..=max).contains(&hot_share_per_mille) {
            return refuse(format!("hotShare is {hot_share_per_mille} thousandths, it must be {min} to {max}"));
        }
        if cold.is_none() || cold == self.store.compression {
            return refuse("cold rows must be packed smaller than hot ones".to_owned());
        }
        let training_rows = cold.training_rows();
        if !(TRAINING_ROWS_MIN..=TRAINING_ROWS_MAX).contains(&training_rows) {
            return refuse(format!(
                "cold rows are learned from {training_rows} rows, it must be TRAINING_ROWS_MIN ({TRAINING_ROWS_MIN}) to \
                 TRAINING_ROWS_MAX ({TRAINING_ROWS_MAX})"
            ));
        }
        cold_layout(&self.store).map(drop).or_else(|error| refuse(error.message))
    }

    fn check_schema(&self) -> Result<()> {
        let Some(json) = &self.store.schema else { return Ok(()) };
        let refuse = |message: String| Err(RvfError::new(ErrorCode::InvalidOptions, message));
        if json.len() > SCHEMA_BYTES_MAX {
            return refuse(format!("schema has {} bytes, SCHEMA_BYTES_MAX is {SCHEMA_BYTES_MAX}", json.len()));
        }
        Schema::parse(json.as_bytes()).map(drop).or_else(|error| refuse(error.to_string()))
    }
}

/// How a store is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// No lock is taken and nothing is ever written.
    pub read_only: bool,
    /// How long to wait for another writer's lock, in milliseconds.
    pub busy_timeout_ms: u64,
    /// Model that the caller's vectors come from: must be the one the store was created with.
    pub embedding_model: Option<String>,
    /// When this handle's commits are made durable.
    pub durability: Durability,
}

impl OpenOptions {
    /// Options for reading only.
    pub fn read_only() -> OpenOptions {
        OpenOptions { read_only: true, ..OpenOptions::default() }
    }
}
