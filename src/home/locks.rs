//! The locks of a home: ours, and the two that Codex takes before it writes.
//!
//! Ours (`authbaton.lock`) is held for a whole verb. Codex's are held only around compare and write, in its order:
//! `auth.lock` in the home, then `auth.json.lock` beside the real file. None is ever deleted.

use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::{AuthFile, Home, HomeError};
use crate::baton::HomeId;
use crate::disk::{DiskError, FileLock, Patience, read_open};
use crate::job::random;

/// Our lock on a home, and the home's random name, which is kept in the lock file.
pub struct HomeLock {
    _lock: FileLock,
    id: HomeId,
}

/// Codex's two locks, held together.
pub struct ClientLocks {
    _auth_json: FileLock,
    _auth: FileLock,
}

impl HomeLock {
    /// Takes the lock, waiting as long as `patience` allows. The home must exist.
    ///
    /// # Errors
    /// When the lock is held for too long, or the file cannot be used.
    pub fn acquire(home: &Home, patience: &Patience<'_>) -> Result<Self, HomeError> {
        let lock = FileLock::acquire(&home.path().join("authbaton.lock"), patience)?;
        let id = name_in(&lock)?;
        Ok(Self { _lock: lock, id })
    }

    /// Returns the home's name.
    #[must_use]
    pub fn id(&self) -> HomeId {
        self.id
    }
}

/// Reads the home's name, or gives it one.
fn name_in(lock: &FileLock) -> Result<HomeId, HomeError> {
    let content = read_open(lock.file(), lock.path(), 64).unwrap_or_default();
    if let Some(id) = std::str::from_utf8(&content).ok().and_then(|text| HomeId::parse(text.trim())) {
        return Ok(id);
    }
    let id = HomeId::new(random().map_err(DiskError::from)?);
    let mut file = lock.file();
    // Under the lock, so nobody reads half of it; and a torn name is only a new name.
    let written = file
        .set_len(0)
        .and_then(|()| file.seek(SeekFrom::Start(0)))
        .and_then(|_| writeln!(file, "{id}"))
        .and_then(|()| file.sync_all());
    written.map_err(|source| DiskError::Io { action: "write", path: lock.path().to_owned(), source })?;
    Ok(id)
}

impl ClientLocks {
    /// Takes both locks in Codex's order. LLMX knows none, but a Codex may share its home.
    ///
    /// # Errors
    /// When one is held for too long, or cannot be opened.
    pub fn acquire(file: &AuthFile, patience: &Patience<'_>) -> Result<Self, HomeError> {
        let [auth, auth_json] = Self::paths(file);
        let auth = FileLock::acquire(&auth, patience)?;
        let auth_json = FileLock::acquire(&auth_json, patience)?;
        Ok(Self { _auth_json: auth_json, _auth: auth })
    }

    /// Returns the two paths, in the order of locking.
    #[must_use]
    pub fn paths(file: &AuthFile) -> [PathBuf; 2] {
        let mut beside = file.real_path().as_os_str().to_owned();
        beside.push(".lock");
        [file.directory().join("auth.lock"), beside.into()]
    }
}
