use std::sync::{Arc, Weak};

use napi::bindgen_prelude::{AsyncTask, Env};
use napi_derive::napi;
use parking_lot::Mutex;
use rvf_runtime::storage::{AlignedBytes, FileStorage};
use rvf_runtime::{Host, RvfStore};

use crate::error::to_napi;
use crate::options::{EngineCreateOptions, EngineOpenOptions};
use crate::promises::Promises;
use crate::store::Store;
use crate::tasks::{PoolTask, on_pool};

/// What one JavaScript environment, the main thread's or a worker's, has open.
#[derive(Clone)]
struct Environment {
    stores: Arc<Mutex<Vec<Weak<RvfStore>>>>,
    promises: Arc<Promises>,
}

impl Environment {
    fn of(env: &Env) -> napi::Result<Environment> {
        if let Some(environment) = env.get_instance_data::<Environment>()? {
            return Ok(environment.clone());
        }
        let environment = Environment { stores: Arc::default(), promises: Promises::new(env)? };
        env.set_instance_data(environment.clone(), (), |_| {})?;
        env.add_env_cleanup_hook(environment.clone(), |environment| environment.close_all())?;
        Ok(environment)
    }

    fn add(&self, store: RvfStore) -> Store {
        let store = Arc::new(store);
        let mut stores = self.stores.lock();
        stores.retain(|store| store.strong_count() > 0);
        stores.push(Arc::downgrade(&store));
        Store { store, promises: Arc::clone(&self.promises) }
    }

    /// Closes what is still open, and with it ends the engine's threads, before the environment goes.
    fn close_all(&self) {
        let stores: Vec<_> = self.stores.lock().drain(..).collect();
        for store in stores.iter().filter_map(Weak::upgrade) {
            // Nobody is left to be told of a failure; what was acknowledged is durable already.
            drop(store.close_at_exit());
        }
    }
}

fn host(mapping: bool) -> Host {
    if mapping { Host::native() } else { Host::native_over(Arc::new(FileStorage::without_mapping())) }
}

/// Version of the addon, the same as that of its package.
#[napi]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Makes a new store.
#[napi(ts_return_type = "Promise<Store>")]
pub fn create(
    env: &Env,
    path: String,
    options: EngineCreateOptions,
) -> napi::Result<AsyncTask<PoolTask<Store, Store>>> {
    let environment = Environment::of(env)?;
    let options = options.read().map_err(to_napi)?;
    Ok(on_pool(
        move || RvfStore::create(&host(true), &path, &options).map(|store| environment.add(store)),
        |store| store,
    ))
}

/// Opens an existing store.
#[napi(ts_return_type = "Promise<Store>")]
pub fn open(env: &Env, path: String, options: EngineOpenOptions) -> napi::Result<AsyncTask<PoolTask<Store, Store>>> {
    let environment = Environment::of(env)?;
    let mapping = options.mapping;
    let options = options.read().map_err(to_napi)?;
    Ok(on_pool(
        move || RvfStore::open(&host(mapping), &path, &options).map(|store| environment.add(store)),
        |store| store,
    ))
}

/// Opens a store from its bytes.
#[napi(ts_return_type = "Promise<Store>")]
pub fn open_bytes(
    env: &Env,
    bytes: &[u8],
    options: EngineOpenOptions,
) -> napi::Result<AsyncTask<PoolTask<Store, Store>>> {
    let environment = Environment::of(env)?;
    let bytes = AlignedBytes::from(bytes);
    let options = options.read().map_err(to_napi)?;
    let work = move || RvfStore::open_bytes(&Host::native(), bytes, &options).map(|store| environment.add(store));
    Ok(on_pool(work, |store| store))
}
