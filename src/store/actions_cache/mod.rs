//! `actions-cache:`: the cache of GitHub Actions as a compare-and-swap cell.
//!
//! Each record is an entry of its own, `ab1-…-<number>`, whose content is the sealed baton as it is. The newest that the
//! service shows is the slot's content, and its key is the version. Only runs on one branch write; what others write is
//! not visible to it, so they read.

mod http;
mod keys;
mod memory;
mod protocol;
mod protocol_v1;
mod protocol_v2;
mod prune;
mod run;
mod service;
mod write;

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use self::http::{Deadline, Http, garbled};
use self::keys::{Cell, Sequence};
use self::memory::Memory;
use self::protocol::{Cache, Found, Wanted};
use self::prune::Entries;
use self::run::Run;
use self::service::Service;
use self::write::{Patience, Write};
use super::{Access, Durability, Exclusive, Facts, Opening, Store, StoreError, Swap, Version};
use crate::baton::{Audience, Lengths, MAX_BATON_BYTES, SealedBytes, SlotName};
use crate::job::{Clock, Environment, SystemClock};

/// What the platform tells of its cache and of this run, and what a person may add.
pub(super) const VARIABLES: [&str; 11] = [
    "ACTIONS_CACHE_MODE",
    "ACTIONS_CACHE_URL",
    "ACTIONS_RESULTS_URL",
    "ACTIONS_RUNTIME_TOKEN",
    "GITHUB_API_URL",
    "GITHUB_EVENT_PATH",
    "GITHUB_REF",
    REPOSITORY,
    REPOSITORY_ID,
    "GITHUB_SERVER_URL",
    prune::TOKEN_VARIABLE,
];
const REPOSITORY: &str = "GITHUB_REPOSITORY";
const REPOSITORY_ID: &str = "GITHUB_REPOSITORY_ID";

/// A write is over after 45 s, and a look before it after 25 s; nearly always it is one second.
const WORST_SWAP: Duration = Duration::from_secs(60);
/// Looking the newest record up, and reading it.
const LOAD: Duration = Duration::from_secs(25);

/// The cache of GitHub Actions.
pub struct ActionsCacheStore {
    name: String,
    cache: Cache,
    run: Run,
    audience: Audience,
    entries: Option<Entries>,
    memory: RefCell<HashMap<SlotName, Memory>>,
}

/// Returns the audience of this repository.
pub(super) fn audience(environment: &Environment) -> Result<Audience, StoreError> {
    const NOT_HERE: &str = "GITHUB_REPOSITORY_ID is not set; name who may open the login by `--audience`";
    let id = environment.get(REPOSITORY_ID);
    let audience = id.and_then(|id| Audience::new(&id).ok());
    audience.ok_or_else(|| StoreError::NotHere(NOT_HERE.to_owned()))
}

impl ActionsCacheStore {
    /// Opens the cache of the repository whose job we run in. `writing_ref`: the branch whose runs write.
    ///
    /// # Errors
    /// When the platform has no cache for us, or does not say which branch writes.
    pub fn open(writing_ref: Option<&str>, with: &Opening<'_>) -> Result<Self, StoreError> {
        Self::open_at(writing_ref, with, Box::new(SystemClock))
    }

    /// The same by another clock: for tests.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_at(
        writing_ref: Option<&str>,
        with: &Opening<'_>,
        clock: Box<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let service = Service::find(with.environment)?;
        let run = Run::find(writing_ref, with.environment, &service.token)?;
        let get = |name| with.environment.get(name);
        // The number stays when a repository is renamed.
        let repository = get(REPOSITORY_ID).or_else(|| get(REPOSITORY)).unwrap_or_default();
        let http = Http::new(&service, with.ca_file, with.masks.clone(), clock)?;
        Ok(Self {
            name: format!("actions-cache:{}?ref={}", repository.as_str(), run.writing_ref),
            cache: Cache::new(&service, http),
            run,
            audience: with.audience.clone(),
            entries: Entries::find(with.environment),
            memory: RefCell::default(),
        })
    }

    fn cell(&self, slot: &SlotName) -> Cell {
        Cell::new(slot, &self.audience, &self.run.writing_ref)
    }

    fn with_memory<T>(&self, slot: &SlotName, work: impl FnOnce(&mut Memory) -> T) -> T {
        work(self.memory.borrow_mut().entry(slot.clone()).or_default())
    }

    fn access(&self) -> Access {
        let lease = Lengths::for_store(WORST_SWAP).lease;
        self.run.access(self.cache.http.clock().now(), lease)
    }

    /// Looks the newest record up: the one that the service shows, or a newer one that we have seen before.
    fn newest(&self, slot: &SlotName, deadline: Deadline) -> Result<Option<Found>, StoreError> {
        let cell = self.cell(slot);
        let shown = self.cache.look_up(Wanted::Newest(cell.prefix()), deadline)?;
        let number = match &shown {
            None => None,
            Some(found) => match cell.sequence(&found.key) {
                None => return Err(garbled("it shows an entry that was not asked for")),
                number => number,
            },
        };
        let highest = self.with_memory(slot, |memory| {
            memory.saw(number, self.cache.http.clock().boot());
            memory.highest()
        });
        let Some(highest) = highest.filter(|highest| Some(*highest) > number) else { return Ok(shown) };
        let key = cell.key(highest);
        let seen = self.cache.look_up(Wanted::Exactly(&key), deadline)?.filter(|found| found.key == key);
        if seen.is_none() {
            self.with_memory(slot, |memory| memory.lost(number));
        }
        Ok(seen.or(shown))
    }

    fn write(
        &self,
        slot: &SlotName,
        expected: Option<&Version>,
        new: &SealedBytes,
        patience: Patience,
    ) -> Result<Swap, StoreError> {
        self.run.refuse_readers()?;
        self.run.refuse_blind()?;
        if new.as_slice().len() > MAX_BATON_BYTES {
            // It could never be read again.
            return Err(StoreError::Denied(format!("{MAX_BATON_BYTES} bytes are the most that a baton has")));
        }
        let cell = self.cell(slot);
        // A version is the key of a record; one of another slot says nothing of this one.
        let Some(expected) = expected.map_or(Some(Sequence::default()), |version| cell.sequence(&version.0))
        else {
            return Ok(Swap::Conflict);
        };
        self.with_memory(slot, |memory| {
            Write { cache: &self.cache, cell: &cell, memory, content: new.as_slice(), patience }.run(expected)
        })
    }
}

impl Store for ActionsCacheStore {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn facts(&self) -> Result<Facts, StoreError> {
        Ok(Facts {
            exclusive: Exclusive::Always,
            access: self.access(),
            durability: Durability::Now,
            worst_swap: WORST_SWAP,
        })
    }

    fn load(&self, slot: &SlotName) -> Result<Option<(SealedBytes, Version)>, StoreError> {
        self.run.refuse_blind()?;
        let deadline = self.cache.http.deadline(LOAD);
        let Some(found) = self.newest(slot, deadline)? else { return Ok(None) };
        let content = self.cache.download(&found, MAX_BATON_BYTES, deadline)?;
        Ok(Some((SealedBytes::from_store(content.to_vec()), Version(found.key))))
    }

    fn swap(
        &self,
        slot: &SlotName,
        expected: Option<&Version>,
        new: &SealedBytes,
    ) -> Result<Swap, StoreError> {
        self.write(slot, expected, new, Patience::UntilOrphaned)
    }

    fn swap_as_owner(
        &self,
        slot: &SlotName,
        expected: Option<&Version>,
        new: &SealedBytes,
    ) -> Result<Swap, StoreError> {
        self.write(slot, expected, new, Patience::OfOwner)
    }

    fn tidy(&self, slot: &SlotName) -> Result<(), StoreError> {
        let newest = self.with_memory(slot, |memory| memory.highest());
        match (&self.entries, newest) {
            (Some(entries), Some(newest)) => {
                entries.prune(&self.cache.http, &self.cell(slot), &self.run.writing_ref, newest)
            }
            _ => Ok(()),
        }
    }
}
