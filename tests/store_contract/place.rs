//! Places for stores: where one lives during a test, and how to open it anew, also from another thread or process.

use std::env;
use std::path::{Path, PathBuf};

use authbaton::baton::{SealedBytes, SlotName};
use authbaton::job::{Environment, Masks};
use authbaton::store::{Opening, Store, StoreUrl, Swap, Version};
use tempfile::TempDir;

/// Where a store lives. Each writer opens it for itself, as each process does.
pub(crate) trait Place: Sync {
    /// Opens the store, as another process would.
    fn open(&self) -> Box<dyn Store> {
        let variables = self.variables();
        let variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        open(&self.address(), &fixed(&variables))
    }

    /// Returns the URL with which another process opens it.
    fn address(&self) -> String;

    /// Returns the variables that this other process needs.
    fn variables(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Returns whether each load and swap starts programs.
    fn is_slow(&self) -> bool {
        false
    }

    /// Returns whether a developer has turned off the server that this place is in; then nothing is tested here.
    fn is_turned_off(&self) -> bool {
        false
    }
}

/// A directory that does not exist yet, in one that vanishes.
pub(crate) struct File {
    parent: TempDir,
}

impl File {
    pub(crate) fn new() -> Self {
        Self { parent: TempDir::new().unwrap() }
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.parent.path().join("store")
    }

    pub(crate) fn parent(&self) -> &Path {
        self.parent.path()
    }
}

impl Place for File {
    fn address(&self) -> String {
        format!("file:{}", self.directory().display())
    }
}

/// Opens the store that a URL names, with these variables, for whom it is by default.
pub(crate) fn open(url: &str, environment: &Environment) -> Box<dyn Store> {
    let url = StoreUrl::parse(url).unwrap();
    let audience = url.audience(environment).unwrap();
    let opening = Opening {
        environment,
        ca_file: None,
        audience: &audience,
        masks: Masks::none(),
        secrets: &[],
        read_only: None,
    };
    url.open(&opening).unwrap().unwrap()
}

/// Variables for [`open`].
pub(crate) fn fixed(variables: &[(&str, &str)]) -> Environment {
    let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Environment::Fixed(owned.collect())
}

/// Where the machine has its programs.
pub(crate) fn programs() -> String {
    env::var("PATH").unwrap()
}

pub(crate) fn slot() -> SlotName {
    SlotName::default()
}

pub(crate) fn content(text: &str) -> SealedBytes {
    SealedBytes::from_store(text.as_bytes().to_vec())
}

/// Swaps and demands that it lands.
#[track_caller]
pub(crate) fn put(store: &dyn Store, slot: &SlotName, expected: Option<&Version>, text: &str) -> Version {
    match store.swap(slot, expected, &content(text)).unwrap() {
        Swap::Done(version) => version,
        Swap::Conflict => panic!("{text} met a conflict"),
        Swap::Late => panic!("{text} came too late"),
    }
}

/// Returns what a slot holds, as text.
#[track_caller]
pub(crate) fn get(store: &dyn Store, slot: &SlotName) -> Option<(String, Version)> {
    let (bytes, version) = store.load(slot).unwrap()?;
    Some((String::from_utf8(bytes.as_slice().to_vec()).unwrap(), version))
}

/// How much to try, with a quick store and with a slow one: the first by default, the second with
/// `AUTHBATON_TEST_SIZE=full`.
pub(crate) fn size(place: &dyn Place, quick: [usize; 2], slow: [usize; 2]) -> usize {
    let [smoke, full] = if place.is_slow() { slow } else { quick };
    if env::var("AUTHBATON_TEST_SIZE").is_ok_and(|size| size == "full") { full } else { smoke }
}
