//! Directories of ours: 0700, real, and nobody else's.

use std::fs::{self, DirBuilder, Metadata};
use std::io::ErrorKind;
use std::path::Path;

use super::DiskError;
use super::write::sync_directory_of;

/// Creates a directory of ours if it is missing, parents included, all 0700; then checks it as [`refuse_shared`] does.
///
/// # Errors
/// When it cannot be made, or is not ours alone.
pub fn private_directory(path: &Path) -> Result<(), DiskError> {
    match fs::symlink_metadata(path) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut builder = DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            // What is new is the way down from the first directory that was there.
            let new: Vec<&Path> = path.ancestors().take_while(|path| !path.exists()).collect();
            builder.create(path).map_err(DiskError::io("create the directory", path))?;
            new.into_iter().rev().try_for_each(sync_directory_of)?;
        }
        Err(error) => return Err(DiskError::io("look at", path)(error)),
    }
    refuse_shared(path)
}

/// Refuses a directory that is a symbolic link, belongs to another user, or can be written by others: whoever can
/// write there could put a file of his in the place of ours.
///
/// # Errors
/// When it is one of these, or cannot be looked at.
pub fn refuse_shared(path: &Path) -> Result<(), DiskError> {
    let metadata = fs::symlink_metadata(path).map_err(DiskError::io("look at", path))?;
    if metadata.is_symlink() {
        return Err(DiskError::Symlink(path.to_owned()));
    }
    if !metadata.is_dir() {
        return Err(DiskError::NotADirectory(path.to_owned()));
    }
    refuse_owner(path, &metadata)
}

/// Returns whether this is a real directory of this user: in a shared temporary directory others may use our names, for links
/// and for directories of theirs.
#[cfg(unix)]
#[must_use]
pub fn is_own_directory(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let own = |metadata: Metadata| metadata.is_dir() && metadata.uid() == rustix::process::geteuid().as_raw();
    path.symlink_metadata().is_ok_and(own)
}

/// Returns whether this is a real directory.
#[cfg(not(unix))]
#[must_use]
pub fn is_own_directory(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir())
}

#[cfg(unix)]
fn refuse_owner(path: &Path, metadata: &Metadata) -> Result<(), DiskError> {
    use std::os::unix::fs::MetadataExt;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(DiskError::Foreign(path.to_owned()));
    }
    if metadata.mode() & 0o022 != 0 {
        return Err(DiskError::Shared(path.to_owned()));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_owner(_path: &Path, _metadata: &Metadata) -> Result<(), DiskError> {
    Ok(())
}
