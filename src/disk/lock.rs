//! Locks that are files: `flock(2)` through `fs2`, as Codex takes them. The only file that knows `fs2`.
//!
//! There is no timed `flock`, so it is polled, with jitter. A lock file is never deleted: whoever holds a lock on a
//! deleted file excludes nobody. Should somebody else delete one all the same, the inode tells, and it is opened anew.

#![expect(clippy::disallowed_methods, reason = "the disk room owns locks")]

use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fs2::FileExt;

use super::DiskError;
use crate::job::{Clock, random};

/// The first tries come quickly, so that a waiter starts soon after a release.
const POLL_MILLISECONDS: std::ops::Range<u64> = 5..30;

/// How long to wait for a lock, and whom to tell.
pub struct Patience<'a> {
    /// Measures the waiting.
    pub clock: &'a dyn Clock,
    /// After this long, give up.
    pub limit: Duration,
    /// Called now and then with the time waited so far.
    pub tell: &'a dyn Fn(Duration),
}

/// Whose lock file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Ours alone, and perhaps written: not through a link, and with one name. Otherwise whoever may write the directory
    /// could have us lock, or write, any file of this user.
    Ours,
    /// The client's: opened as the client opens it, and never written.
    Clients,
}

/// Who else may hold it meanwhile.
#[derive(Clone, Copy)]
enum With {
    /// Nobody.
    Nobody,
    /// Others who share it.
    Sharers,
}

/// A held lock. It is released when this is dropped, or when the process ends in whatever way.
pub struct FileLock {
    file: File,
    path: PathBuf,
}

impl FileLock {
    /// Takes the exclusive lock on `path`, creating the file 0600 if it is missing.
    ///
    /// # Errors
    /// [`DiskError::Locked`] when somebody else holds it for longer than `patience` allows; others when the file
    /// cannot be opened for writing.
    pub fn acquire(path: &Path, whose: Whose, patience: &Patience<'_>) -> Result<Self, DiskError> {
        Self::acquire_with(path, whose, With::Nobody, patience)
    }

    /// The same for a lock of ours that is shared: only an exclusive one is waited for.
    ///
    /// # Errors
    /// As [`Self::acquire`].
    pub fn share(path: &Path, patience: &Patience<'_>) -> Result<Self, DiskError> {
        Self::acquire_with(path, Whose::Ours, With::Sharers, patience)
    }

    /// Waits for an exclusive lock of ours for as long as it takes, without polling.
    ///
    /// # Errors
    /// When the file cannot be opened for writing, or not be locked.
    pub fn wait(path: &Path) -> Result<Self, DiskError> {
        loop {
            let file = open(path, Whose::Ours)?;
            match FileExt::lock_exclusive(&file) {
                Ok(()) if is_still_at(&file, path, Whose::Ours)? => {
                    return Ok(Self { file, path: path.to_owned() });
                }
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(DiskError::io("lock", path)(error)),
            }
        }
    }

    fn acquire_with(
        path: &Path,
        whose: Whose,
        with: With,
        patience: &Patience<'_>,
    ) -> Result<Self, DiskError> {
        let start = patience.clock.boot();
        let mut told = Duration::ZERO;
        loop {
            if let Some(lock) = Self::try_acquire_with(path, whose, with)? {
                return Ok(lock);
            }
            let waited = patience.clock.boot().saturating_sub(start);
            if waited >= patience.limit {
                return Err(DiskError::Locked { path: path.to_owned(), waited });
            }
            if waited >= told {
                (patience.tell)(waited);
                told = (waited * 2).max(Duration::from_secs(2));
            }
            patience.clock.sleep(jitter()?.min(patience.limit - waited));
        }
    }

    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    /// When the file cannot be opened for writing.
    pub fn try_acquire(path: &Path, whose: Whose) -> Result<Option<Self>, DiskError> {
        Self::try_acquire_with(path, whose, With::Nobody)
    }

    fn try_acquire_with(path: &Path, whose: Whose, with: With) -> Result<Option<Self>, DiskError> {
        loop {
            let file = open(path, whose)?;
            let locked = match with {
                With::Nobody => FileExt::try_lock_exclusive(&file),
                With::Sharers => FileExt::try_lock_shared(&file),
            };
            match locked {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == fs2::lock_contended_error().raw_os_error() => {
                    return Ok(None);
                }
                Err(error) => return Err(DiskError::io("lock", path)(error)),
            }
            if is_still_at(&file, path, whose)? {
                return Ok(Some(Self { file, path: path.to_owned() }));
            }
        }
    }

    /// Takes the lock of a file that the caller has just created or opened.
    ///
    /// # Errors
    /// When it cannot be locked. `None` means that somebody else holds it.
    pub fn try_lock(file: File, path: &Path) -> Result<Option<Self>, DiskError> {
        match FileExt::try_lock_exclusive(&file) {
            Ok(()) => Ok(Some(Self { file, path: path.to_owned() })),
            Err(error) if error.raw_os_error() == fs2::lock_contended_error().raw_os_error() => Ok(None),
            Err(error) => Err(DiskError::io("lock", path)(error)),
        }
    }

    /// Makes a shared lock exclusive if nobody shares it; otherwise, or on an error, it is let go.
    #[must_use]
    pub fn alone(self) -> Option<Self> {
        FileExt::try_lock_exclusive(&self.file).is_ok().then_some(self)
    }

    /// Returns the locked file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn open(path: &Path, whose: Whose) -> Result<File, DiskError> {
    open_with(path, whose, OpenOptions::new().create(true))
}

/// Opens a lock file as those do who take the lock, and makes none.
pub(super) fn open_existing(path: &Path, whose: Whose) -> Result<File, DiskError> {
    open_with(path, whose, &mut OpenOptions::new())
}

/// Returns whether a file could be locked now, for readers at least. It is let go at once.
pub(super) fn could_be_shared(file: &File) -> bool {
    match FileExt::try_lock_shared(file) {
        Ok(()) => {
            let _ = FileExt::unlock(file);
            true
        }
        Err(error) => error.raw_os_error() != fs2::lock_contended_error().raw_os_error(),
    }
}

/// Returns whether a lock on one of two openings of a file keeps the other out; `None` when neither can be locked.
pub(super) fn excludes(one: &File, other: &File) -> Option<bool> {
    FileExt::try_lock_shared(one).ok()?;
    match FileExt::try_lock_exclusive(other) {
        Ok(()) => Some(false),
        Err(error) => (error.raw_os_error() == fs2::lock_contended_error().raw_os_error()).then_some(true),
    }
}

fn open_with(path: &Path, whose: Whose, options: &mut OpenOptions) -> Result<File, DiskError> {
    // For writing, although nothing may be written: NFS maps flock to a lock that demands it.
    options.read(true).write(true).truncate(false);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let link = if whose == Whose::Ours { OFlags::NOFOLLOW } else { OFlags::empty() };
        let flags = link | OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
    }
    let file = options.open(path).map_err(DiskError::io("open the lock file", path))?;
    if !file.metadata().map_err(DiskError::io("look at", path))?.is_file() {
        return Err(DiskError::NotAFile(path.to_owned()));
    }
    if whose == Whose::Ours {
        refuse_other_names(&file, path)?;
    }
    Ok(file)
}

/// A lock file with several names could be any file of this user.
#[cfg(unix)]
fn refuse_other_names(file: &File, path: &Path) -> Result<(), DiskError> {
    use std::os::unix::fs::MetadataExt;
    // None at all: somebody has just deleted it, and the inode will tell.
    match file.metadata().map_err(DiskError::io("look at", path))?.nlink() {
        0 | 1 => Ok(()),
        _ => Err(DiskError::HardLinked(path.to_owned())),
    }
}

#[cfg(not(unix))]
fn refuse_other_names(_file: &File, _path: &Path) -> Result<(), DiskError> {
    Ok(())
}

#[cfg(unix)]
fn is_still_at(file: &File, path: &Path, whose: Whose) -> Result<bool, DiskError> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata().map_err(DiskError::io("look at", path))?;
    let there = if whose == Whose::Ours { path.symlink_metadata() } else { path.metadata() };
    match there {
        Ok(there) => Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(DiskError::io("look at", path)(error)),
    }
}

#[cfg(not(unix))]
fn is_still_at(_file: &File, _path: &Path, _whose: Whose) -> Result<bool, DiskError> {
    // An open file cannot be deleted there.
    Ok(true)
}

fn jitter() -> Result<Duration, DiskError> {
    let [byte] = random::<1>()?;
    let span = POLL_MILLISECONDS.end - POLL_MILLISECONDS.start;
    Ok(Duration::from_millis(POLL_MILLISECONDS.start + u64::from(byte) * span / 256))
}
