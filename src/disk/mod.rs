//! How bytes reach the disk and come back: capped reads, whole writes, locks that are files.
//!
//! Homes, stores, journals and policy files all go through here, so each rule has one place: nothing is read without
//! a limit, nothing of ours is ever half written or readable by others, no lock file is ever deleted.

mod directory;
mod error;
mod lock;
mod lock_look;
mod look;
mod read;
mod reserve;
mod tree;
mod write;

pub use directory::{is_own_directory, private_directory, refuse_shared};
pub use error::DiskError;
pub use lock::{FileLock, Patience, Whose};
pub use lock_look::{LockLook, keeps_locks, lock_holder, look_at_lock};
pub use look::{FileSystem, Seen, file_system, look_at, why_not_writable};
pub use read::{Read, read_capped, read_open};
pub use reserve::{fill, reserve};
pub use tree::{Budget, copy_tree, new_directory, remove_locked_tree, remove_old_trees};
pub use write::{NewFile, append, new_file, remove, replace};
