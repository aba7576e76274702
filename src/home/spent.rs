//! The tokens that this machine has spent, by hash: an old baton that comes back (a backup, a cache) is not exchanged
//! again, which would end the login. Elsewhere only the authority can tell.

use std::path::PathBuf;

use super::{HomeError, JournalName, StateDirectory};
use crate::baton::TokenHash;
use crate::disk::{FileLock, Patience, Read, Whose, private_directory, read_capped, replace};

/// How many are remembered for each slot; the oldest is forgotten first.
const MAX_SPENT: usize = 256;
/// A hash and a line break each.
const MAX_BYTES: usize = MAX_SPENT * 33;

/// The memory for one slot.
#[derive(Clone, Debug)]
pub struct SpentHere {
    directory: PathBuf,
    path: PathBuf,
}

impl SpentHere {
    /// Names the memory for a slot. It is made when there is something to remember.
    #[must_use]
    pub fn new(state: &StateDirectory, name: &JournalName) -> Self {
        let directory = state.path().join("spent");
        Self { path: directory.join(name.as_str()), directory }
    }

    /// Returns whether this machine has spent a token of the slot.
    ///
    /// # Errors
    /// When the memory is there and cannot be read.
    pub fn has(&self, token: TokenHash) -> Result<bool, HomeError> {
        let hash = token.to_string();
        Ok(self.text()?.lines().any(|line| line == hash))
    }

    /// Remembers a token that the authority has taken.
    ///
    /// # Errors
    /// When the memory cannot be written.
    pub fn remember(&self, token: TokenHash, patience: &Patience<'_>) -> Result<(), HomeError> {
        private_directory(&self.directory)?;
        let _lock = FileLock::acquire(&self.path.with_extension("lock"), Whose::Ours, patience)?;
        let text = self.text()?;
        let mut hashes: Vec<&str> = text.lines().collect();
        let hash = token.to_string();
        hashes.push(&hash);
        let newest = hashes.len().saturating_sub(MAX_SPENT);
        let text: String = hashes.iter().skip(newest).map(|hash| format!("{hash}\n")).collect();
        Ok(replace(&self.path, text.as_bytes())?)
    }

    fn text(&self) -> Result<String, HomeError> {
        match read_capped(&self.path, MAX_BYTES)? {
            Read::Missing => Ok(String::new()),
            Read::Content(content) => Ok(String::from_utf8_lossy(&content).into_owned()),
        }
    }
}
