//! Who uses a home that a broker serves: each `run` shares the lock on `authbaton.users`, the broker waits until it is
//! alone, and leaves.
//!
//! The kernel lets the lock go however a process ends, and no child inherits it. The broker keeps it until it has gone: a
//! `run` that comes meanwhile waits for that, and starts another broker.

use std::path::PathBuf;

use super::{Home, HomeError};
use crate::disk::{FileLock, Patience, Whose};

/// One of those who use a home.
#[must_use = "the broker leaves when the last of these is dropped"]
pub struct Users {
    lock: FileLock,
}

/// Nobody uses the home any more, and nobody can begin to while this lives.
#[must_use = "it keeps others out until it is dropped"]
pub struct LastUserGone {
    _lock: FileLock,
}

impl Users {
    /// Joins those who use the home. Whoever joins before he starts a broker is seen by it.
    ///
    /// # Errors
    /// When a broker that leaves takes longer than `patience` allows, or the file cannot be used.
    pub fn join(home: &Home, patience: &Patience<'_>) -> Result<Self, HomeError> {
        Ok(Self { lock: FileLock::share(&path(home), patience)? })
    }

    /// Blocks until nobody uses the home: for a thread of the broker.
    ///
    /// # Errors
    /// When the file cannot be used, such as in a home that has been deleted. Then there is nobody to serve, either.
    pub fn wait_for_last(home: &Home) -> Result<LastUserGone, HomeError> {
        Ok(LastUserGone { _lock: FileLock::wait(&path(home))? })
    }

    /// Leaves: returns whether nobody else uses the home. Then nobody can begin to, nor the broker leave, while what is
    /// returned lives.
    #[must_use]
    pub fn leave(self) -> Option<LastUserGone> {
        self.lock.alone().map(|lock| LastUserGone { _lock: lock })
    }

    /// Keeps everybody out if nobody uses the home now; `None` if somebody does.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn none(home: &Home) -> Result<Option<LastUserGone>, HomeError> {
        let lock = FileLock::try_acquire(&path(home), Whose::Ours)?;
        Ok(lock.map(|lock| LastUserGone { _lock: lock }))
    }
}

fn path(home: &Home) -> PathBuf {
    home.path().join("authbaton.users")
}
