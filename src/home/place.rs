//! Finds the home as the client does.

use std::path::{Path, PathBuf};

use super::HomeError;
use crate::credential::Client;
use crate::disk::private_directory;
use crate::job::Environment;

/// The client's directory.
#[derive(Clone, Debug)]
pub struct Home {
    path: PathBuf,
    client: Client,
}

impl Home {
    /// Finds the home: `option`, else the client's variable, else its directory below the user's home.
    ///
    /// # Errors
    /// When the client's variable names something that is no directory, or when nothing names a home.
    pub fn find(
        client: Client,
        option: Option<PathBuf>,
        environment: &Environment,
    ) -> Result<Self, HomeError> {
        let variable = client.home_variable();
        if let Some(path) = option {
            return Ok(Self { path: canonical(path), client });
        }
        if let Some(path) = environment.path(variable) {
            let not_there = |problem| HomeError::NotThere { variable, path: path.clone(), problem };
            if !path.exists() {
                return Err(not_there("does not exist"));
            }
            if !path.is_dir() {
                return Err(not_there("is not a directory"));
            }
            return Ok(Self { path: canonical(path), client });
        }
        let user = environment.path("HOME").ok_or(HomeError::NoHome(variable))?;
        let path = canonical(user.join(client.default_directory()));
        Ok(Self { path, client })
    }

    /// Names a home that we make ourselves.
    pub(super) fn at(path: PathBuf, client: Client) -> Self {
        Self { path: canonical(path), client }
    }

    /// Returns the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the client whose home it is.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client
    }

    /// Returns whether the directory is there.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.path.is_dir()
    }

    /// Creates the directory, 0700, if it is missing. One that is there is taken as it is: it is the client's, and it
    /// may well be a link, or shared with a group.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn create(&self) -> Result<(), HomeError> {
        if !self.path.is_dir() {
            private_directory(&self.path)?;
        }
        Ok(())
    }
}

/// The real path where there is one, so that two spellings of a home are one home.
fn canonical(path: PathBuf) -> PathBuf {
    path.canonicalize().or_else(|_| std::path::absolute(&path)).unwrap_or(path)
}
