//! From a store URL to the store. Nothing is asked yet: a store is opened for a verb that may not come to use it.

use std::path::Path;

use super::{
    ActionsCacheStore, ExecStore, FileStore, GitStore, ObjectStore, ReadOnlyStore, Store, StoreError,
    StoreUrl, actions_cache, git, object,
};
use crate::baton::Audience;
use crate::job::{Environment, Masks};

/// What stores may need beside their URL.
pub struct Opening<'a> {
    /// Where the platform and the person put addresses and credentials of stores.
    pub environment: &'a Environment,
    /// `--ca-file`.
    pub ca_file: Option<&'a Path>,
    /// Who may open the batons: stores that many audiences share name their cells by it.
    pub audience: &'a Audience,
    /// Where secrets go that a store is given by its service, such as the signatures of addresses.
    pub masks: Masks,
    /// Variables with secrets of ours, by name: no helper of a store gets to see them.
    pub secrets: &'a [String],
    /// Why this run may not write the store, whatever the store would allow. Whoever opens one has to say.
    pub read_only: Option<&'a str>,
}

impl StoreUrl {
    /// Opens the store; `None` for `home:`, which is none.
    ///
    /// # Errors
    /// When something that the store needs is not here.
    pub fn open(&self, with: &Opening<'_>) -> Result<Option<Box<dyn Store>>, StoreError> {
        let opened = self.open_writable(with)?;
        Ok(match (opened, with.read_only) {
            (Some(store), Some(reason)) => Some(Box::new(ReadOnlyStore::new(store, reason.to_owned()))),
            (opened, _) => opened,
        })
    }

    fn open_writable(&self, with: &Opening<'_>) -> Result<Option<Box<dyn Store>>, StoreError> {
        Ok(match self {
            Self::Home => None,
            Self::File { directory, carried, mutex } => {
                Some(Box::new(FileStore::new(directory, *carried, *mutex)))
            }
            Self::ActionsCache { writing_ref } => {
                Some(Box::new(ActionsCacheStore::open(writing_ref.as_deref(), with)?))
            }
            Self::Git(url) => Some(Box::new(GitStore::new(url.clone(), with.environment))),
            Self::Exec(helper) => {
                Some(Box::new(ExecStore::new(helper.clone(), with.environment, with.secrets)))
            }
            Self::Object(url) => Some(Box::new(ObjectStore::open(url, with)?)),
        })
    }

    /// Returns the audience of a baton when nobody names one. In a cache that the forks of a repository can read, too, it
    /// is the repository.
    ///
    /// # Errors
    /// When the environment does not tell it.
    pub fn audience(&self, environment: &Environment) -> Result<Audience, StoreError> {
        match self {
            Self::Home | Self::File { .. } | Self::Git(_) | Self::Exec(_) | Self::Object(_) => {
                Ok(Audience::default())
            }
            Self::ActionsCache { .. } => actions_cache::audience(environment),
        }
    }

    /// Returns the variables that the store reads, beside those that say where this job has its directories: a process that
    /// serves in our place needs them, and no child does.
    #[must_use]
    pub fn variables(&self) -> &'static [&'static str] {
        match self {
            Self::Home | Self::File { .. } | Self::Exec(_) => &[],
            Self::ActionsCache { .. } => &actions_cache::VARIABLES,
            Self::Git(_) => &git::VARIABLES,
            Self::Object(url) => object::variables(url),
        }
    }

    /// Returns whether the store starts a program of the user's, which may need anything of the environment.
    #[must_use]
    pub fn needs_whole_environment(&self) -> bool {
        matches!(self, Self::Exec(_))
    }
}
