//! `actions-cache:`: the cache of GitHub Actions as a compare-and-swap cell.

use super::{Facts, Opening, Store, StoreError, Swap, Version};
use crate::baton::{Audience, SealedBytes, SlotName};
use crate::job::Environment;

/// What the platform tells of its cache and of this run, and what a person may add.
pub(super) const VARIABLES: [&str; 12] = [
    "ACTIONS_CACHE_MODE",
    "ACTIONS_CACHE_URL",
    "ACTIONS_RESULTS_URL",
    "ACTIONS_RUNTIME_TOKEN",
    "AUTHBATON_GITHUB_TOKEN",
    "GITHUB_API_URL",
    "GITHUB_EVENT_PATH",
    "GITHUB_REF",
    "GITHUB_REPOSITORY",
    "GITHUB_REPOSITORY_ID",
    "GITHUB_SERVER_URL",
    "GITHUB_ACTIONS",
];

/// The cache of GitHub Actions.
pub struct ActionsCacheStore {}

/// Returns the audience of this repository.
pub(super) fn audience(environment: &Environment) -> Result<Audience, StoreError> {
    const NOT_HERE: &str = "GITHUB_REPOSITORY_ID is not set; name who may open the login by `--audience`";
    let id = environment.get("GITHUB_REPOSITORY_ID");
    let audience = id.and_then(|id| Audience::new(&id).ok());
    audience.ok_or_else(|| StoreError::NotHere(NOT_HERE.to_owned()))
}

impl ActionsCacheStore {
    /// Opens the cache of the repository whose job we run in. `writing_ref`: the branch whose jobs write.
    ///
    /// # Errors
    /// When the platform has no cache for us.
    pub fn open(_writing_ref: Option<&str>, _with: &Opening<'_>) -> Result<Self, StoreError> {
        Err(StoreError::NotHere("the cache cannot be used yet".to_owned()))
    }
}

impl Store for ActionsCacheStore {
    fn name(&self) -> String {
        String::new()
    }

    fn facts(&self) -> Result<Facts, StoreError> {
        Err(StoreError::NotHere(String::new()))
    }

    fn load(&self, _slot: &SlotName) -> Result<Option<(SealedBytes, Version)>, StoreError> {
        Err(StoreError::NotHere(String::new()))
    }

    fn swap(&self, _: &SlotName, _: Option<&Version>, _: &SealedBytes) -> Result<Swap, StoreError> {
        Err(StoreError::NotHere(String::new()))
    }
}
