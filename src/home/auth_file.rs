//! The file `auth.json` of a home: looked at, replaced, deleted, as Codex 0.169 does it.
//!
//! What a write is based on is part of the write: [`AuthFile::place`] takes what was found and refuses when the file
//! has changed since. It takes an approved credential and nothing else.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{ClientLocks, Home, HomeError};
use crate::credential::{AuthJson, Client, Credential, MAX_LOGIN_BYTES, ParseError, Unusable};
use crate::disk::{DiskError, FileLock, NewFile, Patience, Read, Whose, read_capped, remove};
use crate::job::Clock;
use crate::policy::Approved;

/// How often a file that may be half written is read again, and after which pause.
const TORN_TRIES: usize = 5;
const TORN_PAUSE: Duration = Duration::from_millis(20);

/// What is in a home.
pub enum Found {
    /// No `auth.json`.
    Nothing,
    /// A credential.
    Credential(Box<Credential>),
    /// A file that the client cannot read either (or reads half: older clients write in place).
    Unparsable(ParseError),
    /// A file that the client reads, without what its mode needs.
    Unusable(Unusable),
}

/// Why the client could not replace the file. Codex finds out after it has spent the token; we look before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The owner may not write it (mode 0400).
    ReadOnly,
    /// It has several names.
    HardLinked,
    /// It belongs to another user.
    Foreign,
    /// It is a directory or something else.
    NotAFile,
}

/// The `auth.json` of one home.
#[derive(Clone, Debug)]
pub struct AuthFile {
    client: Client,
    directory: PathBuf,
    path: PathBuf,
    real_path: PathBuf,
}

impl AuthFile {
    /// Names the file of a home. A symbolic link is followed, as Codex follows it: the write goes beside its target.
    #[must_use]
    pub fn of(home: &Home) -> Self {
        let path = home.path().join("auth.json");
        let real_path = path.canonicalize().unwrap_or_else(|_| path.clone());
        Self { client: home.client(), directory: home.path().to_owned(), path, real_path }
    }

    /// Returns the home's directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns the path in the home.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the path behind links.
    #[must_use]
    pub fn real_path(&self) -> &Path {
        &self.real_path
    }

    /// Looks at the file. LLMX and older versions of Codex write in place, so that a file can be seen half written: one
    /// that is blank or no JSON is read again a few times before it is taken for what it is.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn look(&self, clock: &dyn Clock) -> Result<Found, HomeError> {
        for _ in 0..TORN_TRIES {
            match self.look_once()? {
                Found::Unparsable(ParseError::Blank | ParseError::NotJson { .. }) => clock.sleep(TORN_PAUSE),
                found => return Ok(found),
            }
        }
        self.look_once()
    }

    fn look_once(&self) -> Result<Found, HomeError> {
        let bytes = match read_capped(&self.real_path, MAX_LOGIN_BYTES) {
            Ok(Read::Missing) => return Ok(Found::Nothing),
            Ok(Read::Content(bytes)) => bytes,
            Err(DiskError::TooLarge { .. }) => {
                return Ok(Found::Unparsable(ParseError::TooLarge(MAX_LOGIN_BYTES.saturating_add(1))));
            }
            // A container that is given a file which its host has not makes a directory of that name.
            Err(error) => return Err(self.refuse_mount().err().unwrap_or(error.into())),
        };
        Ok(match AuthJson::parse(&bytes) {
            Err(error) => Found::Unparsable(error),
            Ok(document) => match Credential::new(self.client, document) {
                Err(error) => Found::Unusable(error),
                Ok(credential) => Found::Credential(Box::new(credential)),
            },
        })
    }

    /// Replaces the file, if it is still what was `found`: whole, 0600, under Codex's locks.
    ///
    /// # Errors
    /// [`HomeError::Changed`] when it is not; others when the client could not replace it, a lock is held for too
    /// long, or the disk fails. The file is then what it was.
    pub fn place(
        &self,
        credential: &Approved<Credential>,
        found: &Found,
        patience: &Patience<'_>,
    ) -> Result<(), HomeError> {
        self.place_made(|_| credential.clone(), found, patience)
    }

    /// The same with a credential made out of what is there under the locks: somebody may have added fields since.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub fn place_made(
        &self,
        make: impl FnOnce(&Found) -> Approved<Credential>,
        found: &Found,
        patience: &Patience<'_>,
    ) -> Result<(), HomeError> {
        let _locks = ClientLocks::acquire(self, patience)?;
        self.refuse_obstacle()?;
        let there = self.look(patience.clock)?;
        if !there.is_same(found) {
            return Err(HomeError::Changed(self.path.clone()));
        }
        let text = make(&there).get().to_text();
        NewFile::beside(&self.real_path, ".auth-", text.as_bytes())?.put()?;
        Ok(())
    }

    /// Deletes the file, under Codex's locks, if it is still what was `found`; returns whether there was one. A
    /// symbolic link is deleted, not its target, as with Codex.
    ///
    /// # Errors
    /// [`HomeError::Changed`] when it is not what was found; others when it cannot be deleted.
    pub fn delete(&self, found: &Found, patience: &Patience<'_>) -> Result<bool, HomeError> {
        let _locks = ClientLocks::acquire(self, patience)?;
        // A link can be deleted whatever it leads to; a mount point cannot, and the system's words for that say little.
        if self.real_path == self.path {
            self.refuse_mount()?;
        }
        if !self.look(patience.clock)?.is_same(found) {
            return Err(HomeError::Changed(self.path.clone()));
        }
        Ok(remove(&self.path)?)
    }

    /// Checks, before anything is spent, that the file could be replaced.
    ///
    /// # Errors
    /// When Codex could not replace it either, it cannot be read, or a lock file or a new file cannot be made.
    pub fn preflight(&self) -> Result<(), HomeError> {
        self.refuse_obstacle()?;
        // What cannot be read (a loop of links, for example) could not be compared under the locks either.
        self.look_once()?;
        for path in ClientLocks::paths(self) {
            // Opening is the test; that somebody holds it just now is no obstacle.
            FileLock::try_acquire(&path, Whose::Clients)?;
        }
        // As large as the file may be: a full disk shows, too. It vanishes at once.
        NewFile::beside(&self.real_path, ".auth-", &[0; MAX_LOGIN_BYTES])?;
        Ok(())
    }

    /// Refuses a file that the client could not replace.
    ///
    /// # Errors
    /// [`HomeError::Mounted`] or [`HomeError::Obstacle`] when it could not.
    pub fn refuse_obstacle(&self) -> Result<(), HomeError> {
        // First: what is mounted often has another owner or mode, too, and those are not what is to be changed.
        self.refuse_mount()?;
        let refuse = |obstacle| Err(HomeError::Obstacle { path: self.path.clone(), obstacle });
        self.obstacle().map_or(Ok(()), refuse)
    }

    /// Nothing can be renamed over a mount point, nor can it be deleted.
    fn refuse_mount(&self) -> Result<(), HomeError> {
        if is_mounted(&self.real_path) {
            return Err(HomeError::Mounted(self.path.clone()));
        }
        Ok(())
    }

    #[cfg(unix)]
    fn obstacle(&self) -> Option<Obstacle> {
        use std::os::unix::fs::MetadataExt;
        let metadata = self.real_path.metadata().ok()?;
        if !metadata.is_file() {
            Some(Obstacle::NotAFile)
        } else if metadata.mode() & 0o200 == 0 {
            Some(Obstacle::ReadOnly)
        } else if metadata.nlink() != 1 {
            Some(Obstacle::HardLinked)
        } else if metadata.uid() != rustix::process::geteuid().as_raw() {
            Some(Obstacle::Foreign)
        } else {
            None
        }
    }

    #[cfg(not(unix))]
    fn obstacle(&self) -> Option<Obstacle> {
        None
    }
}

#[cfg(target_os = "linux")]
fn is_mounted(path: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    // A kernel older than 5.8 does not say; then the rename will.
    statx(CWD, path, AtFlags::empty(), StatxFlags::BASIC_STATS)
        .is_ok_and(|it| it.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
fn is_mounted(_path: &Path) -> bool {
    false
}

impl Found {
    /// Returns whether both are the same login. Two files that cannot be read are the same: neither can be lost to us.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => true,
            (Self::Credential(ours), Self::Credential(theirs)) => ours.is_same_login(theirs),
            (Self::Unparsable(ours), Self::Unparsable(theirs)) => ours == theirs,
            (Self::Unusable(ours), Self::Unusable(theirs)) => ours == theirs,
            _ => false,
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::ReadOnly => "its owner may not write it",
            Self::HardLinked => "it has several hard links",
            Self::Foreign => "it belongs to another user",
            Self::NotAFile => "it is not a regular file",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use chrono::{DateTime, Utc};

    use super::*;
    use crate::disk::replace;
    use crate::job::Environment;

    /// A clock on which an older client finishes its write while we wait for the `after`th time.
    struct Writer {
        path: PathBuf,
        after: usize,
        waits: Cell<usize>,
    }

    impl Clock for Writer {
        fn now(&self) -> DateTime<Utc> {
            DateTime::UNIX_EPOCH
        }

        fn boot(&self) -> Duration {
            Duration::ZERO
        }

        fn sleep(&self, _duration: Duration) {
            self.waits.set(self.waits.get() + 1);
            if self.waits.get() == self.after {
                replace(&self.path, br#"{"OPENAI_API_KEY":"sk-whole"}"#).unwrap();
            }
        }
    }

    fn look_at(torn: &[u8], after: usize) -> (Found, usize) {
        let directory = tempfile::tempdir().unwrap();
        let environment = Environment::Fixed([].into());
        let home = Home::find(Client::Codex, Some(directory.path().to_owned()), &environment).unwrap();
        let path = directory.path().join("auth.json");
        replace(&path, torn).unwrap();
        let writer = Writer { path, after, waits: Cell::new(0) };
        (AuthFile::of(&home).look(&writer).unwrap(), writer.waits.get())
    }

    #[test]
    fn a_file_that_is_being_written_is_read_again() {
        for torn in [&b""[..], b"{\"OPENAI_API_KEY\":\"sk-"] {
            for after in 1..=TORN_TRIES {
                let (found, waits) = look_at(torn, after);
                assert!(matches!(found, Found::Credential(_)), "{after}");
                assert_eq!(waits, after);
            }
            assert!(matches!(look_at(torn, usize::MAX), (Found::Unparsable(_), TORN_TRIES)), "it stays torn");
        }
        let (found, waits) = look_at(b"{\"OPENAI_API_KEY\":5}", usize::MAX);
        assert!(matches!((found, waits), (Found::Unparsable(_), 0)), "what is whole is not waited for");
    }
}
