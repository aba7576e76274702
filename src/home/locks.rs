//! The locks of a home: ours, and the two that Codex takes before it writes.
//!
//! Ours (`authbaton.lock`) is held for a whole verb. Codex's are held only around compare and write, in its order:
//! `auth.lock` in the home, then `auth.json.lock` beside the real file. None is ever deleted.

use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::{AuthFile, Home, HomeError};
use crate::baton::HomeId;
use crate::disk::{DiskError, FileLock, Patience, Read, Whose, read_capped, read_open};
use crate::job::random;

/// A name and a line for people.
const MAX_BYTES: usize = 1024;

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
    pub fn acquire(home: &Home, holder: &str, patience: &Patience<'_>) -> Result<Self, HomeError> {
        let lock = FileLock::acquire(&Self::path(home), Whose::Ours, patience)?;
        let id = sign(&lock, holder)?;
        Ok(Self { _lock: lock, id })
    }

    /// Returns the path of the lock file.
    #[must_use]
    pub fn path(home: &Home) -> PathBuf {
        home.path().join("authbaton.lock")
    }

    /// Returns who holds the lock, as far as its file says. Only for people: the name of the last holder stays.
    #[must_use]
    pub fn holder(home: &Home) -> Option<String> {
        let Ok(Read::Content(content)) = read_capped(&Self::path(home), MAX_BYTES) else { return None };
        let name = std::str::from_utf8(&content).ok()?.lines().nth(1)?.trim();
        let name: String = name.chars().filter(|character| !character.is_control()).collect();
        (!name.is_empty()).then_some(name)
    }

    /// Returns the home's name.
    #[must_use]
    pub fn id(&self) -> HomeId {
        self.id
    }
}

/// Reads the home's name, or gives it one; and writes who holds the lock now.
///
/// The name is good only for the file that it was made in, on this machine since its start: a copy of a home (an image, a
/// cache, a template) gets a name of its own, or holding its lock would count as holding that of the original.
fn sign(lock: &FileLock, holder: &str) -> Result<HomeId, HomeError> {
    let content = read_open(lock.file(), lock.path(), MAX_BYTES)?;
    let not_ours = || HomeError::NotOurLock(lock.path().to_owned());
    let text = std::str::from_utf8(&content).map_err(|_| not_ours())?;
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default();
    let written = HomeId::parse(first);
    // Half a name, or the zeroes that a power cut leaves, were ours; anything else is somebody's.
    let torn = first.len() < 32 && first.bytes().all(|byte| byte.is_ascii_hexdigit())
        || text.bytes().all(|byte| byte == 0);
    if written.is_none() && !torn {
        return Err(not_ours());
    }
    let here = place_of(lock)?;
    let id = match written.filter(|_| lines.nth(1) == Some(here.as_str())) {
        Some(id) => id,
        None => HomeId::new(random().map_err(DiskError::from)?),
    };
    let mut file = lock.file();
    // Under the lock, so nobody reads half of it; not synced, because a name that a crash tears is only a new name.
    let written = file
        .set_len(0)
        .and_then(|()| file.seek(SeekFrom::Start(0)))
        .and_then(|_| file.write_all(format!("{id}\n{holder}\n{here}\n").as_bytes()));
    written.map_err(|source| DiskError::Io { action: "write", path: lock.path().to_owned(), source })?;
    Ok(id)
}

/// Names the lock file itself: its device and inode, and the start of the machine that it is on.
#[cfg(unix)]
fn place_of(lock: &FileLock) -> Result<String, HomeError> {
    use std::os::unix::fs::MetadataExt;
    let path = lock.path().to_owned();
    let metadata =
        lock.file().metadata().map_err(|source| DiskError::Io { action: "look at", path, source })?;
    let boot = match read_capped(Path::new("/proc/sys/kernel/random/boot_id"), 64) {
        Ok(Read::Content(boot)) => String::from_utf8_lossy(&boot).trim().to_owned(),
        _ => String::new(),
    };
    Ok(format!("{}:{} {boot}", metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn place_of(lock: &FileLock) -> Result<String, HomeError> {
    Ok(lock.path().display().to_string())
}

impl ClientLocks {
    /// Takes both locks in Codex's order. LLMX knows none, but a Codex may share its home.
    ///
    /// # Errors
    /// When one is held for too long, or cannot be opened.
    pub fn acquire(file: &AuthFile, patience: &Patience<'_>) -> Result<Self, HomeError> {
        let [auth, auth_json] = Self::paths(file);
        let auth = FileLock::acquire(&auth, Whose::Clients, patience)?;
        let auth_json = FileLock::acquire(&auth_json, Whose::Clients, patience)?;
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
