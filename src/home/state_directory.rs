//! The directory of this machine and user for what must survive a job but never lies in a home: the journals.

use std::path::{Path, PathBuf};

use super::HomeError;
use crate::disk::private_directory;
use crate::job::Environment;

/// `$XDG_STATE_HOME/authbaton`, else `~/.local/state/authbaton` (XDG Base Directory Specification 0.8).
#[derive(Clone, Debug)]
pub struct StateDirectory(PathBuf);

impl StateDirectory {
    /// Finds the directory. It is created when it is first needed.
    ///
    /// # Errors
    /// When the environment names none.
    pub fn find(environment: &Environment) -> Result<Self, HomeError> {
        let absolute = |path: &PathBuf| path.is_absolute();
        let state = environment.path("XDG_STATE_HOME").filter(absolute);
        let home = || environment.path("HOME").filter(absolute).map(|home| home.join(".local/state"));
        let path = state.or_else(home).ok_or(HomeError::NoStateDirectory)?;
        Ok(Self(path.join("authbaton")))
    }

    /// Returns the directory of the journals.
    #[must_use]
    pub fn journals(&self) -> PathBuf {
        self.0.join("journals")
    }

    /// Creates the directory of the journals, 0700, and refuses it when it is not ours alone.
    ///
    /// # Errors
    /// When it cannot be made, or others can write there.
    pub fn create_journals(&self) -> Result<PathBuf, HomeError> {
        private_directory(&self.0)?;
        let journals = self.journals();
        private_directory(&journals)?;
        Ok(journals)
    }

    /// Returns the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}
