use napi::bindgen_prelude::{AsyncTask, ToNapiValue, TypeName};
use napi::{Env, Task};
use rvf_runtime::Result;

use crate::error::answer;

type Work<T> = Box<dyn FnOnce() -> Result<T> + Send>;

/// A call that runs on one of libuv's threads: `T` is the engine's answer, `A` what JavaScript gets.
pub struct PoolTask<T, A> {
    work: Option<Work<T>>,
    convert: fn(T) -> A,
}

impl<T, A> Task for PoolTask<T, A>
where
    T: Send + 'static,
    A: ToNapiValue + TypeName + 'static,
{
    type Output = T;
    type JsValue = A;

    fn compute(&mut self) -> napi::Result<T> {
        match self.work.take() {
            Some(work) => answer(work()),
            None => Err(napi::Error::from_reason("[FF05] a task ran twice")),
        }
    }

    fn resolve(&mut self, _env: Env, output: T) -> napi::Result<A> {
        Ok((self.convert)(output))
    }
}

/// Runs `work` off the event loop and converts its answer there.
pub(crate) fn on_pool<T, A>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
    convert: fn(T) -> A,
) -> AsyncTask<PoolTask<T, A>>
where
    T: Send + 'static,
    A: ToNapiValue + TypeName + 'static,
{
    AsyncTask::new(PoolTask { work: Some(Box::new(work)), convert })
}
