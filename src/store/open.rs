//! From a store URL to the store. Nothing is asked yet: a store is opened for a verb that may not come to use it.

use std::path::Path;

use super::{FileStore, Store, StoreError, StoreUrl};
use crate::baton::Audience;
use crate::job::Environment;

/// What stores may need beside their URL.
pub struct Opening<'a> {
    /// Where the platform and the person put addresses and credentials of stores.
    pub environment: &'a Environment,
    /// `--ca-file`.
    pub ca_file: Option<&'a Path>,
    /// Who may open the batons: stores that many audiences share name their cells by it.
    pub audience: &'a Audience,
}

impl StoreUrl {
    /// Opens the store; `None` for `home:`, which is none.
    ///
    /// # Errors
    /// When something that the store needs is not here.
    pub fn open(&self, _with: &Opening<'_>) -> Result<Option<Box<dyn Store>>, StoreError> {
        Ok(match self {
            Self::Home => None,
            Self::File { directory, carried, mutex } => {
                Some(Box::new(FileStore::new(directory, *carried, *mutex)))
            }
        })
    }

    /// Returns the variables that the store reads: a process that serves in our place needs them, and no child does.
    #[must_use]
    pub fn variables(&self) -> &'static [&'static str] {
        match self {
            Self::Home | Self::File { .. } => &[],
        }
    }
}
