//! Journals: the result of an exchange, sealed, on this machine's disk, until the store has it.
//!
//! One file per exchange, made before the POST at its full size, so that a full disk shows before anything is spent.
//! Its owner holds a lock on it while it lives: an unlocked journal belongs to a process that is gone. A blank one says
//! that a request may have been under way.
//!
//! Whoever makes one or looks for those that were left behind takes a turn first. Else a journal that somebody is just
//! looking at would seem to have a living owner, and one that is just being made would seem to have none.

#![expect(clippy::disallowed_methods, reason = "journals are made with O_EXCL and written in place")]

use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{HomeError, StateDirectory};
use crate::baton::{MAX_JOURNAL_BYTES, OwnerId, SealedBytes, SlotId};
use crate::disk::{DiskError, FileLock, Patience, Whose, fill, read_open, remove, reserve};

/// The names of one slot's journals: by slot, audience and store, so that two slots never see each other's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalName(String);

/// The journals of one slot on this machine.
#[derive(Clone, Debug)]
pub struct Journals {
    state: StateDirectory,
    name: JournalName,
}

/// The turn of one process at the journals of a slot, until it is dropped.
pub struct Turn {
    _lock: FileLock,
}

/// The journal of an exchange, locked by this process.
pub struct Journal {
    lock: FileLock,
}

/// A journal that some process left behind, locked by us now.
pub struct Leftover {
    /// The journal.
    pub journal: Journal,
    /// Who made it.
    pub owner: OwnerId,
    /// What is in it.
    pub content: LeftoverContent,
}

/// What a journal that was left behind has in it.
pub enum LeftoverContent {
    /// Nothing: its owner ended between the making of the file and the reply. A request may be under way.
    Blank,
    /// A sealed reply, whole or torn.
    Sealed(SealedBytes),
}

impl JournalName {
    /// Names the journals of a slot in a store.
    #[must_use]
    pub fn new(id: &SlotId, store: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [id.slot.as_str(), &id.audience.to_string(), store] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect())
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Journals {
    /// Names the journals of a slot.
    #[must_use]
    pub fn new(state: StateDirectory, name: JournalName) -> Self {
        Self { state, name }
    }

    /// Waits for our turn; `None` when this machine has no directory for journals yet.
    ///
    /// # Errors
    /// When somebody else has it for too long, or the directory cannot be used.
    pub fn turn(&self, patience: &Patience<'_>) -> Result<Option<Turn>, HomeError> {
        let directory = self.state.journals();
        if !directory.is_dir() {
            return Ok(None);
        }
        let lock =
            FileLock::acquire(&directory.join(format!("{}.lock", self.name.0)), Whose::Ours, patience)?;
        Ok(Some(Turn { _lock: lock }))
    }

    /// Makes the journal of an exchange: new, locked, allocated at its full size, synced.
    ///
    /// # Errors
    /// When the state directory cannot be used or the disk is full. Nothing has been spent yet.
    pub fn create(&self, owner: OwnerId, patience: &Patience<'_>) -> Result<Journal, HomeError> {
        let directory = self.state.create_journals()?;
        let _turn = self.turn(patience)?;
        let path = directory.join(format!("{}-{owner}.journal", self.name.0));
        let file = reserve(&path, MAX_JOURNAL_BYTES)?;
        match FileLock::try_lock(file, &path)? {
            Some(lock) => Ok(Journal { lock }),
            // Nobody takes the lock of a journal outside of his turn.
            None => Err(DiskError::Locked { path, waited: Duration::ZERO }.into()),
        }
    }

    /// Returns the journals that no living process has locked, each locked by us. They are to be dropped before the
    /// turn is.
    ///
    /// # Errors
    /// When the directory or a journal cannot be read.
    pub fn leftovers(&self, _turn: &Turn) -> Result<Vec<Leftover>, HomeError> {
        let directory = self.state.journals();
        let io = |action: &'static str| {
            let path = directory.clone();
            move |source| DiskError::Io { action, path, source }
        };
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io("list")(error).into()),
        };
        let mut leftovers = Vec::new();
        for entry in entries {
            let path = entry.map_err(io("list"))?.path();
            if let Some(owner) = self.owner_of(&path)
                && let Some(leftover) = take_over(&path, owner)?
            {
                leftovers.push(leftover);
            }
        }
        Ok(leftovers)
    }

    /// Returns whether there is any journal of this slot, of a living process or left behind.
    #[must_use]
    pub fn exist(&self) -> bool {
        Self::all(&self.state).iter().any(|path| self.has(path))
    }

    /// Returns whether a file is a journal of this slot.
    #[must_use]
    pub fn has(&self, path: &Path) -> bool {
        self.owner_of(path).is_some()
    }

    /// Returns the journals of all slots that this machine has, as far as their directory can be read.
    #[must_use]
    pub fn all(state: &StateDirectory) -> Vec<PathBuf> {
        let entries = fs::read_dir(state.journals()).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        paths.filter(|path| path.extension().is_some_and(|it| it == "journal")).collect()
    }

    fn owner_of(&self, path: &Path) -> Option<OwnerId> {
        let name = path.file_name()?.to_str()?.strip_suffix(".journal")?;
        OwnerId::parse(name.strip_prefix(&self.name.0)?.strip_prefix('-')?)
    }
}

fn take_over(path: &Path, owner: OwnerId) -> Result<Option<Leftover>, HomeError> {
    let io = |action: &'static str| move |source| DiskError::Io { action, path: path.to_owned(), source };
    // Not through `FileLock::try_acquire`, which would make the file anew if its owner has just dropped it.
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(io("open")(error).into()),
    };
    let Some(lock) = FileLock::try_lock(file, path)? else { return Ok(None) };
    // Its owner may have dropped it while we opened it.
    if !path.exists() {
        return Ok(None);
    }
    let bytes = read_open(lock.file(), path, MAX_JOURNAL_BYTES)?;
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let content = match bytes.get(..end) {
        None | Some([]) => LeftoverContent::Blank,
        Some(sealed) => LeftoverContent::Sealed(SealedBytes::from_store(sealed.to_vec())),
    };
    Ok(Some(Leftover { journal: Journal { lock }, owner, content }))
}

impl Journal {
    /// Writes the sealed reply and syncs it. The space is there already.
    ///
    /// # Errors
    /// When it is too large, or the disk fails all the same.
    pub fn write(&self, sealed: &SealedBytes) -> Result<(), HomeError> {
        let bytes = sealed.as_slice();
        if bytes.len() > MAX_JOURNAL_BYTES {
            return Err(HomeError::JournalTooLarge(bytes.len()));
        }
        Ok(fill(self.lock.file(), self.lock.path(), bytes)?)
    }

    /// Returns where it is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.lock.path().to_owned()
    }

    /// Deletes the journal: the store has its content, or nothing was spent.
    ///
    /// # Errors
    /// When it cannot be deleted. It will be found to have landed by whoever comes next.
    pub fn discard(self) -> Result<(), HomeError> {
        remove(self.lock.path())?;
        Ok(())
    }
}
