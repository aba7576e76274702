//! The directory of one job of the action, below the runner's temporary directory: its home, and what belongs to its broker.
//! Made by one process and deleted by another, so it is known by its name, and by the lock file that only we put there.

use std::path::{Path, PathBuf};

use super::run_home::random_name;
use super::{Home, HomeError};
use crate::credential::Client;
use crate::disk::{DiskError, FileLock, Whose, is_own_directory, new_directory, remove_locked_tree};

/// Not the prefix of `run`'s homes, which another `run` deletes when nobody has their lock.
const PREFIX: &str = "authbaton-action-";
const OWNER: &str = "authbaton.owner";

/// The directory of a job.
pub struct JobHome {
    directory: PathBuf,
}

impl JobHome {
    /// Chooses a name that nobody else has; nothing is made yet, so that it can be noted first who will delete it.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn choose(temporary: &Path) -> Result<Self, HomeError> {
        Ok(Self { directory: temporary.join(format!("{PREFIX}{}", random_name()?)) })
    }

    /// Makes the directory, 0700.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make(&self) -> Result<(), HomeError> {
        new_directory(&self.directory)?;
        // Made, and let go: it is the mark of our directories.
        FileLock::try_acquire(&self.directory.join(OWNER), Whose::Ours)?;
        Ok(())
    }

    /// Finds a directory that another process made, if this is one of ours in this temporary directory.
    #[must_use]
    pub fn find(directory: &Path, temporary: &Path) -> Option<Self> {
        let named = |name: &std::ffi::OsStr| name.as_encoded_bytes().starts_with(PREFIX.as_bytes());
        let is_ours = directory.parent() == Some(temporary)
            && directory.file_name().is_some_and(named)
            && is_own_directory(directory)
            && directory.join(OWNER).is_file();
        is_ours.then(|| Self { directory: directory.to_owned() })
    }

    /// Returns the directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes the home in it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn make_home(&self, client: Client) -> Result<Home, HomeError> {
        let path = self.directory.join("home");
        new_directory(&path)?;
        Ok(Home::at(path, client))
    }

    /// Deletes it, whatever the job left in it.
    ///
    /// # Errors
    /// When something cannot be deleted.
    pub fn remove(&self) -> Result<(), HomeError> {
        match FileLock::try_acquire(&self.directory.join(OWNER), Whose::Ours)? {
            Some(owner) => Ok(remove_locked_tree(&self.directory, &owner)?),
            None => {
                let waited = std::time::Duration::ZERO;
                Err(DiskError::Locked { path: self.directory.join(OWNER), waited }.into())
            }
        }
    }
}

#[cfg(test)]
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "tests arrange files by themselves")]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;

    #[test]
    fn it_is_made_by_one_process_and_deleted_by_another() {
        let root = tempfile::tempdir().unwrap();
        let job = JobHome::choose(root.path()).unwrap();
        assert!(!job.directory().exists(), "noted before it is made");
        job.make().unwrap();
        let home = job.make_home(Client::Codex).unwrap();
        for directory in [job.directory(), home.path()] {
            assert_eq!(directory.metadata().unwrap().mode() & 0o777, 0o700);
        }
        fs::create_dir(home.path().join("sessions")).unwrap();
        fs::write(home.path().join("auth.json"), "{}").unwrap();
        JobHome::find(job.directory(), root.path()).unwrap().remove().unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    /// The path comes from a variable, and steps of the job may set variables.
    #[test]
    fn nothing_else_is_found() {
        let root = tempfile::tempdir().unwrap();
        let temporary = root.path().join("temporary");
        let job = JobHome::choose(&temporary).unwrap();
        let decoys = [
            temporary.clone(),
            temporary.join("somebody-elses"),
            temporary.join(format!("{PREFIX}without-owner")),
            root.path().join(format!("{PREFIX}elsewhere")),
        ];
        for decoy in &decoys {
            fs::create_dir_all(decoy).unwrap();
        }
        for with_owner in [0, 1, 3] {
            fs::write(decoys.get(with_owner).unwrap().join(OWNER), "").unwrap();
        }
        job.make().unwrap();
        let link = temporary.join(format!("{PREFIX}link"));
        symlink(job.directory(), &link).unwrap();
        let upwards = temporary.join("..").join(format!("{PREFIX}elsewhere"));
        let missing = temporary.join(format!("{PREFIX}missing"));
        for path in decoys.iter().chain([&link, &upwards, &missing]) {
            assert!(JobHome::find(path, &temporary).is_none(), "{}", path.display());
        }
        assert!(JobHome::find(job.directory(), &temporary).is_some());
    }
}
