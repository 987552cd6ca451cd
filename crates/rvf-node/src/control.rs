use std::sync::Arc;

use napi_derive::napi;

/// Cancels a running call, and tells how far it is.
#[napi]
pub struct Control {
    pub(crate) inner: Arc<rvf_runtime::Control>,
}

#[napi]
impl Control {
    #[napi]
    pub fn cancel(&self) {
        self.inner.cancel();
    }

    /// `[done, total]` in the call's own unit.
    #[napi]
    pub fn progress(&self) -> Vec<f64> {
        let (done, total) = self.inner.progress();
        vec![done as f64, total as f64]
    }
}

/// A control for one call.
#[napi]
pub fn create_control() -> Control {
    Control { inner: Arc::default() }
}

/// The engine's control of a call; one of its own where the caller gave none.
pub(crate) fn control_of(control: Option<&Control>) -> Arc<rvf_runtime::Control> {
    control.map(|control| Arc::clone(&control.inner)).unwrap_or_default()
}
