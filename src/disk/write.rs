//! Writes that are whole or did not happen: a temporary file beside the target, synced, renamed, directory synced.

#![expect(clippy::disallowed_methods, reason = "the disk room owns writing and deleting")]

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::DiskError;

/// A file that is complete on the disk, 0600, under a temporary name. Dropped without [`Self::put`] it vanishes.
pub struct NewFile {
    file: NamedTempFile,
    target: PathBuf,
}

impl NewFile {
    /// Writes and syncs `content` beside `target`.
    ///
    /// # Errors
    /// When the directory cannot be written, or the disk is full. The target is untouched.
    pub fn beside(target: &Path, prefix: &str, content: &[u8]) -> Result<Self, DiskError> {
        let directory = directory_of(target);
        // `tempfile` creates with O_EXCL and 0600.
        let mut file = Builder::new()
            .prefix(prefix)
            .tempfile_in(directory)
            .map_err(DiskError::io("create a file in", directory))?;
        let written = file.write_all(content).and_then(|()| file.as_file().sync_all());
        written.map_err(DiskError::io("write", target))?;
        Ok(Self { file, target: target.to_owned() })
    }

    /// Renames it over the target and syncs the directory.
    ///
    /// # Errors
    /// When the rename fails; the target is then what it was. When only the sync of the directory fails, the new file
    /// is in place, but may not survive a power cut.
    pub fn put(self) -> Result<(), DiskError> {
        let Self { file, target } = self;
        file.persist(&target).map_err(|error| DiskError::io("replace", &target)(error.error))?;
        sync_directory(directory_of(&target))
    }
}

/// Replaces a file of ours as a whole: 0600, synced.
///
/// # Errors
/// As [`NewFile::beside`] and [`NewFile::put`].
pub fn replace(target: &Path, content: &[u8]) -> Result<(), DiskError> {
    NewFile::beside(target, ".authbaton-", content)?.put()
}

/// Appends to a file that is there, such as one that another program reads when we are done.
///
/// # Errors
/// When it is not there, or cannot be written.
pub fn append(path: &Path, content: &[u8]) -> Result<(), DiskError> {
    let opened = OpenOptions::new().append(true).open(path);
    opened.and_then(|mut file| file.write_all(content)).map_err(DiskError::io("write", path))
}

/// Creates a file that must not be there, 0600, for a process that writes it bit by bit.
///
/// # Errors
/// When it is there, or cannot be made.
pub fn new_file(path: &Path) -> Result<File, DiskError> {
    let mut options = OpenOptions::new();
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(DiskError::io("create", path))
}

/// Deletes a file and syncs its directory; returns whether there was one. A symbolic link is deleted, not its target.
///
/// # Errors
/// When it is there and cannot be deleted.
pub fn remove(path: &Path) -> Result<bool, DiskError> {
    match fs::remove_file(path) {
        Ok(()) => sync_directory(directory_of(path)).map(|()| true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(DiskError::io("delete", path)(error)),
    }
}

fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Syncs the directory that a path is in.
pub(super) fn sync_directory_of(path: &Path) -> Result<(), DiskError> {
    sync_directory(directory_of(path))
}

#[cfg(unix)]
fn sync_directory(directory: &Path) -> Result<(), DiskError> {
    File::open(directory).and_then(|file| file.sync_all()).map_err(DiskError::io("sync", directory))
}

#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> Result<(), DiskError> {
    // Windows has no such call; a rename is journaled by the file system.
    Ok(())
}
