//! Places for stores: where one lives during a test, and how to open it anew, also from another thread or process.

use std::env;
use std::path::{Path, PathBuf};

use authbaton::baton::{SealedBytes, SlotName};
use authbaton::store::{FileStore, Store, Swap, Version};
use tempfile::TempDir;

/// Where a store lives. Each writer opens it for itself, as each process does.
pub(crate) trait Place: Sync {
    /// Opens the store.
    fn open(&self) -> Box<dyn Store>;

    /// Says in one text how another process opens it: see [`reopen`].
    fn address(&self) -> String;

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
    fn open(&self) -> Box<dyn Store> {
        Box::new(FileStore::new(&self.directory(), false, false))
    }

    fn address(&self) -> String {
        format!("file:{}", self.directory().display())
    }
}

/// Opens the store that a place's address names.
pub(crate) fn reopen(address: &str) -> Box<dyn Store> {
    match address.split_once(':') {
        Some((kind @ ("V2" | "V1"), rest)) => crate::cache::reopen(kind, rest),
        Some(("s3" | "gs" | "az", _)) => crate::objects::open(address),
        Some(("file", directory)) => Box::new(FileStore::new(Path::new(directory), false, false)),
        _ => panic!("no store at {address}"),
    }
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

/// How much to try: the first by default, the second with `AUTHBATON_TEST_SIZE=full`.
pub(crate) fn size(smoke: usize, full: usize) -> usize {
    if env::var("AUTHBATON_TEST_SIZE").is_ok_and(|size| size == "full") { full } else { smoke }
}
