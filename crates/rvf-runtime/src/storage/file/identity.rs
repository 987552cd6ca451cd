//! Which file a path or a descriptor stands for.

use std::fs::File;
use std::io::Result;

use super::super::FileIdentity;

#[cfg(unix)]
pub(super) fn of_file(file: &File) -> Result<FileIdentity> {
    Ok(of_metadata(&file.metadata()?))
}

#[cfg(unix)]
pub(super) fn of_path(path: &str) -> Result<FileIdentity> {
    Ok(of_metadata(&std::fs::metadata(path)?))
}

#[cfg(unix)]
fn of_metadata(metadata: &std::fs::Metadata) -> FileIdentity {
    use std::os::unix::fs::MetadataExt;
    FileIdentity { device: metadata.dev(), inode: metadata.ino(), links: metadata.nlink() }
}

/// Volume serial number and file index. ReFS has longer indexes, of which these 64 bits are not promised to be unique;
/// nobody has been seen to meet two of a kind.
#[cfg(windows)]
pub(super) fn of_file(file: &File) -> Result<FileIdentity> {
    use std::os::windows::io::AsRawHandle;
    use windows_sys::Win32::Storage::FileSystem::{BY_HANDLE_FILE_INFORMATION, GetFileInformationByHandle};
    let mut information = BY_HANDLE_FILE_INFORMATION::default();
    // SAFETY: the handle is open for as long as `file` is borrowed, and the structure is ours to write.
    let done = unsafe { GetFileInformationByHandle(file.as_raw_handle(), &mut information) };
    if done == 0 {
        return Err(std::io::Error::last_os_error());
    }
    let high = u64::from(information.nFileIndexHigh) << 32;
    Ok(FileIdentity {
        device: u64::from(information.dwVolumeSerialNumber),
        inode: high | u64::from(information.nFileIndexLow),
        links: u64::from(information.nNumberOfLinks),
    })
}

#[cfg(windows)]
pub(super) fn of_path(path: &str) -> Result<FileIdentity> {
    of_file(&File::open(path)?)
}
