use alloc::vec::Vec;

use crate::WireError;

/// `len` bytes at `offset`, or `Truncated` naming `what`.
pub fn slice<'a>(bytes: &'a [u8], offset: usize, len: usize, what: &'static str) -> Result<&'a [u8], WireError> {
    offset.checked_add(len).and_then(|end| bytes.get(offset..end)).ok_or(WireError::Truncated(what))
}

/// The `N` bytes at `offset`.
pub fn read_array<const N: usize>(bytes: &[u8], offset: usize, what: &'static str) -> Result<[u8; N], WireError> {
    let mut array = [0; N];
    array.copy_from_slice(slice(bytes, offset, N, what)?);
    Ok(array)
}

/// Little-endian u16 at `offset`.
pub fn read_u16(bytes: &[u8], offset: usize, what: &'static str) -> Result<u16, WireError> {
    read_array(bytes, offset, what).map(u16::from_le_bytes)
}

/// Little-endian u32 at `offset`.
pub fn read_u32(bytes: &[u8], offset: usize, what: &'static str) -> Result<u32, WireError> {
    read_array(bytes, offset, what).map(u32::from_le_bytes)
}

/// Little-endian u64 at `offset`.
pub fn read_u64(bytes: &[u8], offset: usize, what: &'static str) -> Result<u64, WireError> {
    read_array(bytes, offset, what).map(u64::from_le_bytes)
}

/// Appends zeros until the length is a multiple of `boundary`.
pub fn pad_to(bytes: &mut Vec<u8>, boundary: usize) {
    bytes.resize(bytes.len().next_multiple_of(boundary), 0);
}
