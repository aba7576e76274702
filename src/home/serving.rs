//! Where the broker of a home answers: `authbaton.broker`, which the broker keeps locked as long as it lives. So a home
//! has one broker, whoever starts it, and a second `run` finds it.
//!
//! Whoever can read the file can read the handle beside it, too.

use std::io::Write;
use std::path::PathBuf;

use super::{Home, HomeError};
use crate::disk::{DiskError, FileLock, Read, Whose, lock_holder, read_capped};

const MAX_BYTES: usize = 1024;

/// A broker serves the home while this lives.
#[must_use = "the home is served until this is dropped"]
pub struct Serving {
    _lock: FileLock,
}

impl Serving {
    /// Begins to serve a home whose lock is held; `None` if somebody does already.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn begin(home: &Home, url: &str) -> Result<Option<Self>, HomeError> {
        let Some(lock) = FileLock::try_acquire(&path(home), Whose::Ours)? else { return Ok(None) };
        let mut file = lock.file();
        let written = file.set_len(0).and_then(|()| file.write_all(url.as_bytes()));
        written.map_err(|source| DiskError::Io { action: "write", path: lock.path().to_owned(), source })?;
        Ok(Some(Self { _lock: lock }))
    }

    /// Returns where the broker of a home answers whose lock is held, if there is one.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn of(home: &Home) -> Result<Option<String>, HomeError> {
        let Read::Content(url) = read_capped(&path(home), MAX_BYTES)? else { return Ok(None) };
        match FileLock::try_acquire(&path(home), Whose::Ours)? {
            Some(_) => Ok(None),
            None => Ok(Some(String::from_utf8_lossy(&url).into_owned())),
        }
    }
}

/// Returns where a broker of a home answers or has answered, and a process that was seen to serve there. Takes no lock, and
/// so it is for people alone.
#[must_use]
pub fn seen_serving(home: &Home) -> Option<(String, Option<u32>)> {
    let Ok(Read::Content(url)) = read_capped(&path(home), MAX_BYTES) else { return None };
    Some((String::from_utf8_lossy(&url).into_owned(), lock_holder(&path(home))))
}

fn path(home: &Home) -> PathBuf {
    home.path().join("authbaton.broker")
}
