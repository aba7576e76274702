//! Looks at lock files without making one and without taking a lock that anybody would meet: for reports.
//!
//! Linux lists all locks in `/proc/locks`, with their owners; but neither those of other containers nor, on file systems
//! that give a file another number than the kernel knows, any. So where everybody who wants a lock waits for it, it is
//! also asked for, shared, and let go at once: whoever comes in that moment tries again a few milliseconds later.

use std::path::Path;

use super::lock::{Whose, could_be_shared, excludes, open_existing};
use super::{DiskError, Read, read_capped};

/// The kernel's list is as long as there are locks on the machine.
const MAX_LIST_BYTES: usize = 1024 * 1024;

/// What there is to see of a lock.
#[derive(Debug)]
pub enum LockLook {
    /// There is no lock file: nobody has ever taken it.
    Missing,
    /// Nobody holds it.
    Free,
    /// Somebody does: a process of this machine, where it can be seen.
    Held(Option<u32>),
    /// Whoever wants the lock would fail at the file.
    Unusable(DiskError),
}

/// Returns the process that holds a lock on a file, as far as this machine's kernel shows.
#[must_use]
pub fn lock_holder(path: &Path) -> Option<u32> {
    let (device, inode) = numbers(path)?;
    let Ok(Read::Content(list)) = read_capped(Path::new("/proc/locks"), MAX_LIST_BYTES) else { return None };
    String::from_utf8_lossy(&list).lines().find_map(|line| holder_in(line, device, inode))
}

/// Reads a line such as `1: FLOCK  ADVISORY  WRITE 4711 08:01:131234 0 EOF`. One that waits has an arrow behind its number.
fn holder_in(line: &str, device: (u32, u32), inode: u64) -> Option<u32> {
    let mut words = line.split_whitespace().skip(1);
    if words.next()? != "FLOCK" {
        return None;
    }
    let process = words.nth(2)?.parse().ok()?;
    let mut file = words.next()?.split(':');
    let mut hex = || u32::from_str_radix(file.next()?, 16).ok();
    let of = (hex()?, hex()?);
    (of == device && file.next()?.parse() == Ok(inode)).then_some(process)
}

#[cfg(target_os = "linux")]
fn numbers(path: &Path) -> Option<((u32, u32), u64)> {
    use std::os::unix::fs::MetadataExt;
    let metadata = path.metadata().ok()?;
    let device = metadata.dev();
    Some(((rustix::fs::major(device), rustix::fs::minor(device)), metadata.ino()))
}

#[cfg(not(target_os = "linux"))]
fn numbers(_path: &Path) -> Option<((u32, u32), u64)> {
    None
}

/// Looks at a lock that everybody waits for who wants it.
#[must_use]
pub fn look_at_lock(path: &Path, whose: Whose) -> LockLook {
    match path.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return LockLook::Missing,
        Err(error) => return LockLook::Unusable(DiskError::io("look at", path)(error)),
        Ok(_) => {}
    }
    // As its takers open it: whether they could is half of the question. It is there, so that none is made.
    let file = match open_existing(path, whose) {
        Ok(file) => file,
        Err(error) => return LockLook::Unusable(error),
    };
    match lock_holder(path) {
        Some(process) => LockLook::Held(Some(process)),
        None if could_be_shared(&file) => LockLook::Free,
        None => LockLook::Held(None),
    }
}

/// Returns whether the file system of a file keeps two from locking it at once; `None` when that cannot be tried. For a
/// file that nobody locks, so that nobody meets what is tried.
#[must_use]
pub fn keeps_locks(path: &Path) -> Option<bool> {
    let open = || open_existing(path, Whose::Clients).ok();
    excludes(&open()?, &open()?)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::disk::FileLock;

    #[test]
    fn the_kernels_list_is_read() {
        let (device, inode) = ((8, 0x1f), 131_234);
        let table = [
            ("1: FLOCK  ADVISORY  WRITE 4711 08:1f:131234 0 EOF", Some(4711)),
            ("2: FLOCK  ADVISORY  READ  4712 08:1f:131234 0 EOF", Some(4712)),
            ("1: -> FLOCK  ADVISORY  WRITE 4713 08:1f:131234 0 EOF", None),
            ("3: POSIX  ADVISORY  WRITE 4711 08:1f:131234 0 EOF", None),
            ("4: FLOCK  ADVISORY  WRITE 4711 08:1f:131235 0 EOF", None),
            ("5: FLOCK  ADVISORY  WRITE 4711 08:1e:131234 0 EOF", None),
            ("6: FLOCK  ADVISORY  WRITE -1 08:1f:131234 0 EOF", None),
            ("7: FLOCK", None),
            ("", None),
        ];
        for (line, expected) in table {
            assert_eq!(holder_in(line, device, inode), expected, "{line}");
        }
    }

    #[test]
    fn a_lock_is_looked_at_and_neither_made_nor_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        for whose in [Whose::Ours, Whose::Clients] {
            assert!(matches!(look_at_lock(&path, whose), LockLook::Missing));
            assert!(!path.exists());
        }
        let held = FileLock::try_acquire(&path, Whose::Ours).unwrap().unwrap();
        assert!(matches!(look_at_lock(&path, Whose::Ours), LockLook::Held(_)));
        drop(held);
        assert!(matches!(look_at_lock(&path, Whose::Ours), LockLook::Free));
        assert!(FileLock::try_acquire(&path, Whose::Ours).unwrap().is_some(), "the look has let it go");
    }

    #[test]
    fn what_its_takers_would_fail_at_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("/nowhere", &link).unwrap();
        assert!(matches!(look_at_lock(&link, Whose::Ours), LockLook::Unusable(_)));
        assert!(matches!(look_at_lock(directory.path(), Whose::Clients), LockLook::Unusable(_)));
    }

    #[test]
    fn a_local_file_system_keeps_locks() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(keeps_locks(file.path()), Some(true));
        assert_eq!(keeps_locks(Path::new("/nowhere")), None);
    }
}
