//! Whether a file lies on this machine. Over a network others may cut a file while it is mapped here, which is a signal
//! and no error, and what they append may not show.

use std::fs::File;

/// Types of network file systems, and of those that run in a process and are often such: NFS, CIFS, SMB, SMB2, 9p,
/// Ceph, AFS (two), Coda, Lustre, FUSE.
#[cfg(target_os = "linux")]
const REMOTE_TYPES: [u32; 11] = [
    0x0000_6969,
    0xFF53_4D42,
    0x0000_517B,
    0xFE53_4D42,
    0x0102_1997,
    0x00C3_6400,
    0x5346_414F,
    0x6B41_4653,
    0x7375_7245,
    0x0BD0_0BD0,
    0x6573_5546,
];

/// True where the file surely lies on another machine, or may.
#[cfg(any(target_os = "linux", target_vendor = "apple"))]
pub(super) fn is_remote(file: &File) -> bool {
    use std::mem::MaybeUninit;
    use std::os::fd::AsRawFd;
    let mut status = MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the descriptor is open for as long as `file` is borrowed, and the structure is ours to write.
    let outcome = unsafe { libc::fstatfs(file.as_raw_fd(), status.as_mut_ptr()) };
    // SAFETY: a structure of numbers, for which zeros are values too.
    let status = unsafe { status.assume_init() };
    outcome != 0 || is_remote_status(&status)
}

#[cfg(target_os = "linux")]
fn is_remote_status(status: &libc::statfs) -> bool {
    // The field's type differs between platforms; the numbers have 32 bits.
    REMOTE_TYPES.contains(&(status.f_type as u32))
}

#[cfg(target_vendor = "apple")]
fn is_remote_status(status: &libc::statfs) -> bool {
    status.f_flags & libc::MNT_LOCAL as u32 == 0
}

/// Only files on other machines have a remote protocol to tell about.
#[cfg(windows)]
pub(super) fn is_remote(file: &File) -> bool {
    use std::os::windows::io::AsRawHandle;
    use windows_sys::Win32::Storage::FileSystem::{
        FILE_REMOTE_PROTOCOL_INFO, FileRemoteProtocolInfo, GetFileInformationByHandleEx,
    };
    let mut information = FILE_REMOTE_PROTOCOL_INFO::default();
    let bytes = size_of_val(&information) as u32;
    let place = (&raw mut information).cast();
    // SAFETY: the handle is open for as long as `file` is borrowed, and `place` has room for so many bytes.
    let done = unsafe { GetFileInformationByHandleEx(file.as_raw_handle(), FileRemoteProtocolInfo, place, bytes) };
    done != 0
}

/// Elsewhere the file is taken to be here.
#[cfg(not(any(target_os = "linux", target_vendor = "apple", windows)))]
pub(super) fn is_remote(_file: &File) -> bool {
    false
}
