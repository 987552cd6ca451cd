use napi::{Error, Status};
use rvf_runtime::RvfError;

/// An engine's error as JavaScript gets it.
pub(crate) fn to_napi(error: RvfError) -> Error {
    Error::new(Status::GenericFailure, message_of(&error))
}

/// An error's message with its code in front.
pub(crate) fn message_of(error: &RvfError) -> String {
    format!("[{:04X}] {}", error.code as u16, error.message)
}

/// An engine's result as JavaScript gets it.
pub(crate) fn answer<T>(result: rvf_runtime::Result<T>) -> napi::Result<T> {
    result.map_err(to_napi)
}
