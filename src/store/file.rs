//! `file:DIR`: one file per slot, one lock file beside it, whole and synced writes.
//!
//! The directory is ours alone (0700), or it is refused: whoever can write there could put an old baton back. The
//! version is the hash of the content; two records are never equal, because each has a random nonce.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Access, Durability, Exclusive, Facts, Store, StoreError, Swap, Version};
use crate::baton::{MAX_BATON_BYTES, SealedBytes, SlotName};
use crate::disk::{
    DiskError, FileLock, Patience, Read, Whose, private_directory, read_capped, refuse_shared, replace,
};
use crate::job::{Clock, SystemClock};

/// A local disk is quick; a network one may take this long.
const WORST_SWAP: Duration = Duration::from_secs(5);

/// A store in a directory.
pub struct FileStore {
    directory: PathBuf,
    carried: bool,
    mutex: bool,
    clock: Box<dyn Clock>,
}

impl FileStore {
    /// Names the directory. It is made, 0700, when something is first stored.
    #[must_use]
    pub fn new(directory: &Path, carried: bool, mutex: bool) -> Self {
        // One name for one directory, however it is spelled; its own last part must not be a link, and is kept.
        let absolute = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
        let directory = match (absolute.parent().map(Path::canonicalize), absolute.file_name()) {
            (Some(Ok(parent)), Some(name)) => parent.join(name),
            _ => absolute,
        };
        Self { directory, carried, mutex, clock: Box::new(SystemClock) }
    }

    fn path(&self, slot: &SlotName, suffix: &str) -> PathBuf {
        self.directory.join(format!("{slot}.{suffix}"))
    }

    fn read(&self, slot: &SlotName) -> Result<Option<(SealedBytes, Version)>, StoreError> {
        match read_capped(&self.path(slot, "baton"), MAX_BATON_BYTES)? {
            Read::Missing => Ok(None),
            Read::Content(bytes) => {
                let version = Version(format!("{:x}", Hex(&Sha256::digest(&*bytes))));
                Ok(Some((SealedBytes::from_store(bytes.to_vec()), version)))
            }
        }
    }
}

impl Store for FileStore {
    fn name(&self) -> String {
        format!("file:{}", self.directory.display())
    }

    fn facts(&self) -> Result<Facts, StoreError> {
        let exclusive = match (self.carried, self.mutex) {
            (false, _) => Exclusive::Always,
            (true, true) => Exclusive::UnderDeclaredMutex,
            (true, false) => Exclusive::No,
        };
        let durability = if self.carried { Durability::AtJobEnd } else { Durability::Now };
        Ok(Facts { exclusive, access: self.access(), durability, worst_swap: WORST_SWAP })
    }

    fn load(&self, slot: &SlotName) -> Result<Option<(SealedBytes, Version)>, StoreError> {
        match self.directory.symlink_metadata() {
            // Never written: there is nothing to distrust yet.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            _ => refuse_shared(&self.directory).map_err(StoreError::Untrusted)?,
        }
        self.read(slot)
    }

    fn swap(
        &self,
        slot: &SlotName,
        expected: Option<&Version>,
        new: &SealedBytes,
    ) -> Result<Swap, StoreError> {
        if new.as_slice().len() > MAX_BATON_BYTES {
            // It could never be read again.
            return Err(DiskError::TooLarge { path: self.path(slot, "baton"), max: MAX_BATON_BYTES }.into());
        }
        private_directory(&self.directory).map_err(StoreError::Untrusted)?;
        let patience = Patience { clock: &*self.clock, limit: WORST_SWAP, tell: &|_| {} };
        let _lock = FileLock::acquire(&self.path(slot, "lock"), Whose::Ours, &patience)?;
        let there = self.read(slot)?.map(|(_, version)| version);
        if there.as_ref() != expected {
            return Ok(Swap::Conflict);
        }
        replace(&self.path(slot, "baton"), new.as_slice())?;
        // What is there now, not what was meant to be.
        Ok(self.read(slot)?.map_or(Swap::Conflict, |(_, version)| Swap::Done(version)))
    }
}

impl FileStore {
    #[cfg(unix)]
    fn access(&self) -> Access {
        use rustix::fs::{Access as Wanted, access};
        // Looks at the nearest directory that is there: the store itself may be made by the first swap.
        let there = self.directory.ancestors().find(|path| path.exists()).unwrap_or(&self.directory);
        match access(there, Wanted::WRITE_OK | Wanted::EXEC_OK) {
            Ok(()) => Access::Write,
            Err(error) => Access::ReadOnly(format!("`{}` cannot be written: {error}", there.display())),
        }
    }

    #[cfg(not(unix))]
    fn access(&self) -> Access {
        Access::Write
    }
}

/// Lower-case hex of a digest.
struct Hex<'a>(&'a [u8]);

impl std::fmt::LowerHex for Hex<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}
