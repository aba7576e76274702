//! Whole directories: copies with a limit, of what is to be thrown away again, and the throwing away.
//!
//! Nothing here is synced: what a crash takes was a copy. Symbolic links are followed when copying, because people keep
//! their settings elsewhere and link them; never when deleting.

#![expect(clippy::disallowed_methods, reason = "the disk room owns writing and deleting")]

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::directory::is_own_directory;
use super::look::time;
use super::read::open_regular;
use super::{DiskError, FileLock};

/// Sources of a checkout, which no client reads.
const SKIPPED: &str = ".git";
/// What a command leaves running may still write while we delete.
const TRIES: usize = 3;

/// How much may be copied in all, and what never is.
pub struct Budget {
    max_files: usize,
    max_bytes: usize,
    files: usize,
    bytes: usize,
    never: Vec<Identity>,
}

/// Which file or directory it is, by whatever name.
type Identity = (u64, u64, PathBuf);

impl Budget {
    /// Allows so many files and directories, and so many bytes.
    #[must_use]
    pub fn new(files: usize, bytes: usize) -> Self {
        Self { max_files: files, max_bytes: bytes, files: 0, bytes: 0, never: Vec::new() }
    }

    /// Leaves a file out, by whatever name, link or hard link it is met.
    pub fn never(&mut self, path: &Path) {
        if let Ok(metadata) = path.metadata() {
            self.never.push(identity(path, &metadata));
        }
    }

    fn count(&mut self, path: &Path) -> Result<(), DiskError> {
        self.files += 1;
        if self.files > self.max_files {
            return Err(DiskError::TooManyFiles { path: path.to_owned(), max: self.max_files });
        }
        Ok(())
    }
}

/// Creates a directory, 0700, that must not be there.
///
/// # Errors
/// When it is there, or cannot be made.
pub fn new_directory(path: &Path) -> Result<(), DiskError> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(DiskError::io("create the directory", path))
}

/// Copies a regular file or a directory to a name that is not there: 0600, or 0700 for directories and programs. What is
/// missing, and what is neither file nor directory, is left out.
///
/// # Errors
/// When there is more than the budget allows, or something cannot be read or written. What was copied stays.
pub fn copy_tree(from: &Path, to: &Path, budget: &mut Budget) -> Result<(), DiskError> {
    copy(from, to, budget, &mut Vec::new())
}

fn copy(from: &Path, to: &Path, budget: &mut Budget, above: &mut Vec<Identity>) -> Result<(), DiskError> {
    let metadata = match from.metadata() {
        Ok(metadata) => metadata,
        // A link to nothing included.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(DiskError::io("look at", from)(error)),
    };
    let this = identity(from, &metadata);
    // A link to a directory above would never end.
    if budget.never.contains(&this) || above.contains(&this) {
        return Ok(());
    }
    if metadata.is_file() {
        budget.count(from)?;
        return copy_file(from, to, budget);
    }
    if !metadata.is_dir() || from.file_name().is_some_and(|name| name == SKIPPED) {
        return Ok(());
    }
    budget.count(from)?;
    new_directory(to)?;
    above.push(this);
    for entry in fs::read_dir(from).map_err(DiskError::io("list", from))? {
        let name = entry.map_err(DiskError::io("list", from))?.file_name();
        copy(&from.join(&name), &to.join(&name), budget, above)?;
    }
    above.pop();
    Ok(())
}

fn copy_file(from: &Path, to: &Path, budget: &mut Budget) -> Result<(), DiskError> {
    let Some(source) = open_regular(from)? else { return Ok(()) };
    let left = budget.max_bytes.saturating_sub(budget.bytes);
    let mut target = create(to, &source, from)?;
    // One more than there may be, so that too much shows, also in a file that grows.
    let copied = io::copy(&mut source.take(left as u64 + 1), &mut target);
    let copied = usize::try_from(copied.map_err(DiskError::io("copy", from))?).unwrap_or(usize::MAX);
    if copied > left {
        return Err(DiskError::TooLarge { path: from.to_owned(), max: budget.max_bytes });
    }
    budget.bytes += copied;
    Ok(())
}

#[cfg(unix)]
fn create(to: &Path, source: &File, from: &Path) -> Result<File, DiskError> {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    let mode = source.metadata().map_err(DiskError::io("look at", from))?.mode();
    let mode = if mode & 0o100 == 0 { 0o600 } else { 0o700 };
    let file = OpenOptions::new().write(true).create_new(true).mode(mode).open(to);
    file.map_err(DiskError::io("create", to))
}

#[cfg(not(unix))]
fn create(to: &Path, _source: &File, _from: &Path) -> Result<File, DiskError> {
    OpenOptions::new().write(true).create_new(true).open(to).map_err(DiskError::io("create", to))
}

#[cfg(unix)]
fn identity(_path: &Path, metadata: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino(), PathBuf::new())
}

#[cfg(not(unix))]
fn identity(path: &Path, _metadata: &Metadata) -> Identity {
    (0, 0, path.canonicalize().unwrap_or_else(|_| path.to_owned()))
}

/// Deletes a directory of ours with whatever was put into it, and the held lock that lies in it last of all.
///
/// As long as the lock file is there nobody can make the directory his own. From then on it is only deleted empty: who has
/// made a new lock file meanwhile keeps it.
///
/// # Errors
/// When something in it cannot be deleted; the rest may be gone, but not the lock.
pub fn remove_locked_tree(path: &Path, lock: &FileLock) -> Result<(), DiskError> {
    open_up(path);
    for entry in fs::read_dir(path).map_err(DiskError::io("list", path))? {
        let inside = entry.map_err(DiskError::io("list", path))?.path();
        if inside != lock.path() {
            remove_tree(&inside)?;
        }
    }
    fs::remove_file(lock.path()).map_err(DiskError::io("delete", lock.path()))?;
    match fs::remove_dir(path) {
        Err(error) if error.kind() != ErrorKind::DirectoryNotEmpty => {
            Err(DiskError::io("delete", path)(error))
        }
        _ => Ok(()),
    }
}

/// Deletes the directories of this user whose names begin so and that nobody has touched since, as far as that can be done.
pub fn remove_old_trees(parent: &Path, prefix: &str, since: DateTime<Utc>) {
    let is_old =
        |metadata: Metadata| metadata.modified().ok().and_then(time).is_some_and(|time| time < since);
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes())
            && is_own_directory(&path)
            && path.symlink_metadata().is_ok_and(is_old)
        {
            let _ = remove_tree(&path);
        }
    }
}

/// Deletes a file, or a directory with all that is in it.
fn remove_tree(path: &Path) -> Result<(), DiskError> {
    let remove = || match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    let mut removed = remove();
    for _ in 1..TRIES {
        match &removed {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                open_all(path);
                removed = remove();
            }
            _ => break,
        }
    }
    match removed {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(DiskError::io("delete", path)(error)),
        _ => Ok(()),
    }
}

/// Takes back the directories that somebody closed, such as the module cache of Go.
fn open_all(path: &Path) {
    if path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
        open_up(path);
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            open_all(&entry.path());
        }
    }
}

#[cfg(unix)]
fn open_up(directory: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let _ = fs::set_permissions(directory, fs::Permissions::from_mode(0o700));
}

#[cfg(not(unix))]
fn open_up(_directory: &Path) {}
