//! Looks at files and file systems without changing anything: for reports. What cannot be found out is `None`, because
//! whoever asks only wants to tell a person.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, TimeDelta, Utc};

/// What there is in the place of a file or directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whether the path itself is a symbolic link; everything else is that of its target.
    pub link: Option<PathBuf>,
    /// The permission bits; 0 where there are none.
    pub mode: u32,
    /// Whether it belongs to this user.
    pub is_ours: bool,
    /// When it was changed last.
    pub modified: Option<DateTime<Utc>>,
}

/// The file system that a path is on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileSystem {
    /// Its name, where it is reached by a network.
    pub network: Option<&'static str>,
    /// Whether nobody can write there.
    pub is_read_only: bool,
    /// How much room there is for us, in bytes.
    pub free_bytes: u64,
    /// How many files can be made; `None` where that is not limited.
    pub free_files: Option<u64>,
}

/// Looks at a path; `None` when there is nothing, or it cannot be looked at.
#[must_use]
pub fn look_at(path: &Path) -> Option<Seen> {
    let itself = path.symlink_metadata().ok()?;
    let link = itself.is_symlink().then(|| path.canonicalize().ok()).flatten();
    let metadata = path.metadata().ok()?;
    let modified = metadata.modified().ok().and_then(time);
    let (mode, is_ours) = owner_of(&metadata);
    Some(Seen { link, mode, is_ours, modified })
}

/// Returns a time of a file; `None` where it is beyond what can be told: anybody may set any.
pub(super) fn time(of_file: SystemTime) -> Option<DateTime<Utc>> {
    let after = of_file.duration_since(UNIX_EPOCH).ok()?;
    DateTime::UNIX_EPOCH.checked_add_signed(TimeDelta::from_std(after).ok()?)
}

#[cfg(unix)]
fn owner_of(metadata: &std::fs::Metadata) -> (u32, bool) {
    use std::os::unix::fs::MetadataExt;
    (metadata.mode() & 0o7777, metadata.uid() == rustix::process::geteuid().as_raw())
}

#[cfg(not(unix))]
fn owner_of(_metadata: &std::fs::Metadata) -> (u32, bool) {
    (0, true)
}

/// Returns why this process may not make files in a directory, if it may not.
#[cfg(unix)]
#[must_use]
pub fn why_not_writable(directory: &Path) -> Option<std::io::Error> {
    use rustix::fs::{Access, access};
    access(directory, Access::WRITE_OK | Access::EXEC_OK).err().map(Into::into)
}

/// Returns why this process may not make files in a directory, if it may not. Nothing can be asked without trying here.
#[cfg(not(unix))]
#[must_use]
pub fn why_not_writable(_directory: &Path) -> Option<std::io::Error> {
    None
}

/// Asks about the file system that a path is on.
#[cfg(target_os = "linux")]
#[must_use]
pub fn file_system(path: &Path) -> Option<FileSystem> {
    use rustix::fs::{StatVfsMountFlags, statfs, statvfs};
    let kind = u64::try_from(statfs(path).ok()?.f_type).ok();
    let seen = statvfs(path).ok()?;
    Some(FileSystem {
        network: kind.and_then(network_name),
        is_read_only: seen.f_flag.contains(StatVfsMountFlags::RDONLY),
        free_bytes: seen.f_bavail.saturating_mul(seen.f_frsize),
        // Those that make files as they go say that they have none at all.
        free_files: (seen.f_files > 0).then_some(seen.f_favail),
    })
}

/// Asks about the file system that a path is on. Nobody has tried it here.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn file_system(_path: &Path) -> Option<FileSystem> {
    None
}

/// The numbers of statfs(2).
#[cfg(target_os = "linux")]
fn network_name(kind: u64) -> Option<&'static str> {
    const NAMES: [(u64, &str); 8] = [
        (0x6969, "NFS"),
        (0x517B, "SMB"),
        (0xFF53_4D42, "CIFS"),
        (0xFE53_4D42, "SMB"),
        (0x0102_1997, "9P"),
        (0x00C3_6400, "Ceph"),
        (0x5346_414F, "AFS"),
        (0x0BD0_0BD0, "Lustre"),
    ];
    NAMES.into_iter().find(|(number, _)| *number == kind).map(|(_, name)| name)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests arrange files by themselves")]

    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_link_is_told_and_its_target_looked_at() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        let (file, link) = (root.join("file"), root.join("link"));
        assert_eq!(look_at(&file), None);
        std::fs::write(&file, "").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&file, &link).unwrap();
        let seen = look_at(&file).unwrap();
        assert_eq!((&seen.link, seen.mode, seen.is_ours), (&None, 0o640, true));
        assert_eq!(look_at(&link), Some(Seen { link: Some(file.clone()), ..seen }));
        std::fs::remove_file(&file).unwrap();
        assert_eq!(look_at(&link), None, "a link to nowhere");
    }

    #[test]
    fn a_file_system_says_what_it_has() {
        let proc = file_system(Path::new("/proc")).unwrap();
        assert_eq!((proc.network, proc.free_files), (None, None));
        let directory = tempfile::tempdir().unwrap();
        let here = file_system(directory.path()).unwrap();
        assert!(!here.is_read_only && here.free_bytes > 0, "{here:?}");
        assert!(why_not_writable(directory.path()).is_none());
        assert_eq!(why_not_writable(&directory.path().join("none")).unwrap().raw_os_error(), Some(2));
        assert_eq!(file_system(&directory.path().join("none")), None);
    }

    #[test]
    fn network_file_systems_have_names() {
        assert_eq!([0x6969, 0xFF53_4D42, 0xEF53].map(network_name), [Some("NFS"), Some("CIFS"), None]);
    }
}
