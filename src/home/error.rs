//! What can go wrong in a home.

use std::path::PathBuf;

use super::Obstacle;
use crate::disk::DiskError;

/// An operation on a home or on the state directory failed. Nothing was changed, unless a variant says so.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// A file or directory could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The client's variable names a path that is not there, or is no directory.
    #[error("{variable} points to `{}`, but that path {problem}", path.display())]
    NotThere {
        /// The client's variable.
        variable: &'static str,
        /// Its value.
        path: PathBuf,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Neither `HOME` nor the client's variable is set.
    #[error("there is no home: neither {0} nor HOME is set")]
    NoHome(&'static str),
    /// A file in the place of our lock has something else in it; it was not touched.
    #[error("`{}` was not written by authbaton", .0.display())]
    NotOurLock(PathBuf),
    /// No directory could be made for a run: others deleted each at once.
    #[error("no home can be made in `{}`: what is made there vanishes at once", .0.display())]
    NoRunHome(PathBuf),
    /// There is no place for journals.
    #[error("there is no state directory: neither XDG_STATE_HOME nor HOME is an absolute path")]
    NoStateDirectory,
    /// The client could not replace the file, so we do not either.
    #[error("`{}` cannot be replaced: {obstacle}", path.display())]
    Obstacle {
        /// The file.
        path: PathBuf,
        /// Why.
        obstacle: Obstacle,
    },
    /// The file is mounted by itself, as a container does with a single file: nothing can be renamed over it.
    #[error("`{}` is a mount point of its own", .0.display())]
    Mounted(PathBuf),
    /// Somebody changed the file between our look and our write. Both are kept.
    #[error("`{}` changed meanwhile", .0.display())]
    Changed(PathBuf),
    /// A journal cannot hold what it has to.
    #[error("a journal entry has {0} bytes, more than it may have")]
    JournalTooLarge(usize),
}
