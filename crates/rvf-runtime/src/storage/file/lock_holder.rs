//! Who holds a lock, for the message: information, never the lock.

use std::fs::File;

/// The process that holds the `flock` of this file, as `/proc/locks` has it.
#[cfg(target_os = "linux")]
pub(super) fn holder(file: &File) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let metadata = file.metadata().ok()?;
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let device = metadata.dev();
    let (major, minor) = (libc::major(device), libc::minor(device));
    find_holder(&locks, &format!("{major:02x}:{minor:02x}"), metadata.ino())
}

/// Only Linux tells.
#[cfg(not(target_os = "linux"))]
pub(super) fn holder(_file: &File) -> Option<u32> {
    None
}

/// Looks for a line like `1: FLOCK  ADVISORY  WRITE 708 08:01:131090 0 EOF`.
///
/// Some file systems (btrfs, overlayfs) show another device here than in the file's metadata: there, the only line with
/// the inode's number counts. A holder whom our process namespace does not show has the number 0 or -1.
#[cfg(target_os = "linux")]
fn find_holder(locks: &str, device: &str, inode: u64) -> Option<u32> {
    let holders: Vec<(&str, u32)> = locks.lines().filter_map(|line| parse_line(line, inode)).collect();
    let same_device = holders.iter().find(|(found, _)| *found == device);
    let only_one = holders.first().filter(|_| holders.len() == 1);
    let (_, process) = same_device.or(only_one)?;
    (*process > 0).then_some(*process)
}

/// Device and process of an exclusive lock that is held on the inode.
#[cfg(target_os = "linux")]
fn parse_line(line: &str, inode: u64) -> Option<(&str, u32)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, "FLOCK", _, "WRITE", process, place, ..] = fields.as_slice() else {
        return None;
    };
    let (device, number) = place.rsplit_once(':')?;
    if number.parse() != Ok(inode) {
        return None;
    }
    Some((device, process.parse().ok()?))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::find_holder;

    const LOCKS: &str = "\
1: FLOCK  ADVISORY  WRITE 708 08:01:131090 0 EOF
1: -> FLOCK  ADVISORY  WRITE 709 08:01:131090 0 EOF
2: OFDLCK ADVISORY  WRITE -1 08:01:5 0 EOF
3: FLOCK  ADVISORY  WRITE 0 08:01:6 0 EOF
4: FLOCK  ADVISORY  WRITE 11 08:01:7 0 EOF
5: FLOCK  ADVISORY  WRITE 12 08:02:7 0 EOF
6: FLOCK  ADVISORY  READ 13 08:02:8 0 EOF
garbage
";

    #[test]
    fn the_holder_is_the_process_on_the_line_with_device_and_inode() {
        assert_eq!(find_holder(LOCKS, "08:01", 131_090), Some(708));
        assert_eq!(find_holder(LOCKS, "08:02", 7), Some(12));
    }

    #[test]
    fn another_device_counts_only_where_the_inode_is_unique() {
        assert_eq!(find_holder(LOCKS, "00:2a", 131_090), Some(708));
        assert_eq!(find_holder(LOCKS, "00:2a", 7), None);
    }

    #[test]
    fn waiting_shared_foreign_and_other_locks_name_nobody() {
        for inode in [5, 6, 8, 9] {
            assert_eq!(find_holder(LOCKS, "08:01", inode), None);
        }
    }
}
