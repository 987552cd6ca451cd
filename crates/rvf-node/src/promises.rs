//! Promises of writes, settled in groups: one fsync acknowledges many commits, and one wake-up of the event loop tells
//! them all. A deferred of napi's own would cost a thread-safe function, and a wake-up, for each of them.

use std::ptr;
use std::sync::Arc;
use std::sync::Weak;

use napi::bindgen_prelude::{Env, FunctionCallContext, Object, ToNapiValue};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{JsError, JsValue, Status, check_status, sys};
use parking_lot::Mutex;

use crate::answers::{EngineDelete, EngineIngest, EngineIngestGroup, EngineReplace, EngineUpdate};

type Wake = ThreadsafeFunction<(), (), (), Status, false, true>;

/// What a write answers.
pub(crate) enum Answer {
    Ingest(EngineIngest),
    IngestGroup(EngineIngestGroup),
    Delete(EngineDelete),
    Replace(EngineReplace),
    Update(EngineUpdate),
}

/// The pending promises of one JavaScript environment.
pub(crate) struct Promises {
    state: Mutex<State>,
}

struct State {
    wake: Option<Wake>,
    finished: Vec<(Deferred, napi::Result<Answer>)>,
    pending: usize,
}

/// A promise's other end; used on the environment's own thread only.
pub(crate) struct Deferred(sys::napi_deferred);

// SAFETY: other threads only carry the pointer; it is used by `settle`, which runs on the environment's thread.
unsafe impl Send for Deferred {}

impl Promises {
    /// A group of promises that the event loop of `env` settles.
    pub(crate) fn new(env: &Env) -> napi::Result<Arc<Promises>> {
        let promises = Arc::new(Promises { state: Mutex::new(State { wake: None, finished: Vec::new(), pending: 0 }) });
        let weak: Weak<Promises> = Arc::downgrade(&promises);
        let settle = env.create_function_from_closure("settleWrites", move |context: FunctionCallContext| {
            weak.upgrade().map_or(Ok(()), |promises| promises.settle(context.env))
        })?;
        let wake = settle.build_threadsafe_function::<()>().weak::<true>().build()?;
        promises.state.lock().wake = Some(wake);
        Ok(promises)
    }

    /// A promise for a write. While one is pending the process stays alive.
    pub(crate) fn promise<'env>(&self, env: &'env Env) -> napi::Result<(Deferred, Object<'env>)> {
        let (mut deferred, mut promise) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: `env` is live for the length of this call, and both places outlive it.
        check_status!(unsafe { sys::napi_create_promise(env.raw(), &mut deferred, &mut promise) })?;
        let mut state = self.state.lock();
        state.pending += 1;
        if state.pending == 1 {
            state.keep_alive(env, true)?;
        }
        Ok((Deferred(deferred), Object::from_raw(env.raw(), promise)))
    }

    /// Called from any thread with what a write answered.
    pub(crate) fn finish(&self, deferred: Deferred, result: napi::Result<Answer>) {
        let mut state = self.state.lock();
        state.finished.push((deferred, result));
        if let (1, Some(wake)) = (state.finished.len(), &state.wake) {
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    /// Settles everything that has finished; on the environment's thread.
    fn settle(&self, env: &Env) -> napi::Result<()> {
        let mut state = self.state.lock();
        let finished = std::mem::take(&mut state.finished);
        state.pending -= finished.len();
        if state.pending == 0 && !finished.is_empty() {
            state.keep_alive(env, false)?;
        }
        drop(state);
        for (deferred, result) in finished {
            settle_one(env, deferred, result)?;
        }
        Ok(())
    }
}

impl State {
    // napi's advice, to clone the function instead, does not fit: whether the process stays alive changes with each write.
    #[allow(deprecated)]
    fn keep_alive(&mut self, env: &Env, alive: bool) -> napi::Result<()> {
        match &mut self.wake {
            Some(wake) if alive => wake.refer(env),
            Some(wake) => wake.unref(env),
            None => Ok(()),
        }
    }
}

fn settle_one(env: &Env, deferred: Deferred, result: napi::Result<Answer>) -> napi::Result<()> {
    let value = result.and_then(|answer| match answer {
        // SAFETY: `env` is live, and this is its thread.
        Answer::Ingest(answer) => unsafe { EngineIngest::to_napi_value(env.raw(), answer) },
        // SAFETY: as above.
        Answer::IngestGroup(answer) => unsafe { EngineIngestGroup::to_napi_value(env.raw(), answer) },
        // SAFETY: as above.
        Answer::Delete(answer) => unsafe { EngineDelete::to_napi_value(env.raw(), answer) },
        // SAFETY: as above.
        Answer::Replace(answer) => unsafe { EngineReplace::to_napi_value(env.raw(), answer) },
        // SAFETY: as above.
        Answer::Update(answer) => unsafe { EngineUpdate::to_napi_value(env.raw(), answer) },
    });
    match value {
        // SAFETY: `env` is live, this is its thread, and each deferred is settled once.
        Ok(value) => check_status!(unsafe { sys::napi_resolve_deferred(env.raw(), deferred.0, value) }),
        Err(error) => {
            let error = JsError::from(error).into_unknown(*env);
            // SAFETY: as above.
            check_status!(unsafe { sys::napi_reject_deferred(env.raw(), deferred.0, error.raw()) })
        }
    }
}
