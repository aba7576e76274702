//! What can go wrong with a file. Paths are named, contents never.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file operation failed.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The operating system refused.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// There is something else in the place of a file: a directory, a FIFO, a device.
    #[error("`{}` is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// There is something else in the place of a directory.
    #[error("`{}` is not a directory", .0.display())]
    NotADirectory(PathBuf),
    /// A lock file has several hard links.
    #[error("`{}` has several hard links", .0.display())]
    HardLinked(PathBuf),
    /// A directory of ours is a symbolic link.
    #[error("`{}` is a symbolic link", .0.display())]
    Symlink(PathBuf),
    /// A directory of ours belongs to somebody else.
    #[error("`{}` belongs to another user", .0.display())]
    Foreign(PathBuf),
    /// A directory of ours can be written by others.
    #[error("`{}` can be written by other users", .0.display())]
    Shared(PathBuf),
    /// A file is larger than it may be.
    #[error("`{}` has more than {max} bytes", path.display())]
    TooLarge {
        /// Which file.
        path: PathBuf,
        /// The limit.
        max: usize,
    },
    /// There is more than may be copied.
    #[error("there are more than {max} files to copy, `{}` among them", path.display())]
    TooManyFiles {
        /// The first that is too many.
        path: PathBuf,
        /// The limit.
        max: usize,
    },
    /// Somebody else held a lock for longer than we were told to wait.
    #[error("`{}` was locked by another process for {} s", path.display(), waited.as_secs())]
    Locked {
        /// Which lock.
        path: PathBuf,
        /// How long we waited.
        waited: Duration,
    },
    /// The operating system gave no random bytes.
    #[error(transparent)]
    Randomness(#[from] crate::job::NoRandomness),
}

impl DiskError {
    /// Wraps an error of the operating system with what was tried and where.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
