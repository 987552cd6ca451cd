//! Reads and writes that name their offset, repeated until all bytes are there.

use std::fs::File;
use std::io::Result;

/// Parts are copied together up to this many bytes: that is cheaper than a system call for each.
const GATHER_BYTES_MAX: usize = 512 * 1024;
/// Parts of at least this many bytes are written from where they lie.
const LARGE_PART_BYTES: usize = 128 * 1024;

/// Writes all parts, one behind the other.
pub(super) fn write_parts(file: &File, offset: u64, parts: &[&[u8]]) -> Result<()> {
    if let [only] = parts {
        return write_all_at(file, offset, only);
    }
    let mut at = offset;
    let mut gathered: Vec<u8> = Vec::new();
    for part in parts {
        let is_large = part.len() >= LARGE_PART_BYTES;
        if !gathered.is_empty() && (is_large || gathered.len() + part.len() > GATHER_BYTES_MAX) {
            write_all_at(file, at, &gathered)?;
            at += gathered.len() as u64;
            gathered.clear();
        }
        if is_large {
            write_all_at(file, at, part)?;
            at += part.len() as u64;
        } else {
            gathered.extend_from_slice(part);
        }
    }
    write_all_at(file, at, &gathered)
}

#[cfg(unix)]
pub(super) fn read_exact_at(file: &File, offset: u64, buffer: &mut [u8]) -> Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
}

#[cfg(unix)]
fn write_all_at(file: &File, offset: u64, bytes: &[u8]) -> Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
pub(super) fn read_exact_at(file: &File, mut offset: u64, mut buffer: &mut [u8]) -> Result<()> {
    use std::io::ErrorKind;
    use std::os::windows::fs::FileExt;
    while !buffer.is_empty() {
        match file.seek_read(buffer, offset) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                buffer = &mut buffer[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(windows)]
fn write_all_at(file: &File, mut offset: u64, mut bytes: &[u8]) -> Result<()> {
    use std::io::ErrorKind;
    use std::os::windows::fs::FileExt;
    while !bytes.is_empty() {
        match file.seek_write(bytes, offset) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => {
                bytes = &bytes[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
