//! The relay as a library, with time and a store that do as they are told.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use authbaton::authority::{Authority, AuthorityUrl};
use authbaton::baton::{Lengths, SealKeys, SealedBytes, SlotId, SlotName};
use authbaton::credential::{Client, Margin};
use authbaton::disk::DiskError;
use authbaton::home::{Home, StateDirectory};
use authbaton::job::{Clock, Environment, Job, Level, Notices, Platform, SystemClock};
use authbaton::policy::{Gate, Layers, PolicyOptions};
use authbaton::relay::{Late, Refreshed, Relay, RelayError, Session, Surroundings, Want};
use authbaton::store::{Facts, FileStore, Store, StoreError, Swap, Version};
use chrono::{DateTime, TimeDelta, Utc};

use crate::arena::{Arena, Runner};
use crate::launch::settle;

/// A clock that stands still until somebody sleeps.
pub(crate) struct TestClock {
    start: DateTime<Utc>,
    slept: Rc<Cell<Duration>>,
    wall_is_off: Cell<TimeDelta>,
}

/// A store that does something before each of its swaps, and fails where that fails.
pub(crate) struct Scripted<'a> {
    inner: FileStore,
    swaps: Cell<usize>,
    before: Box<dyn Fn(usize) -> Result<(), ()> + 'a>,
}

/// Everything around a relay in one home.
pub(crate) struct Lab<'a> {
    arena: &'a Arena,
    runner: Runner,
    pub(crate) clock: TestClock,
    told: RefCell<Vec<String>>,
    pub(crate) lock_timeout: Option<Duration>,
}

impl<'a> Lab<'a> {
    pub(crate) fn new(arena: &'a Arena, runner: Runner) -> Self {
        let clock = TestClock {
            start: SystemClock.now(),
            slept: Rc::default(),
            wall_is_off: Cell::new(TimeDelta::zero()),
        };
        Self { arena, runner, clock, told: RefCell::default(), lock_timeout: None }
    }

    /// The arena's store.
    pub(crate) fn store(&self) -> FileStore {
        FileStore::new(&self.arena.sandbox.path("store"), false, false)
    }

    /// The arena's store, with something that is done before each swap, which is told its number from 1.
    pub(crate) fn scripted(&self, before: impl Fn(usize) -> Result<(), ()> + 'a) -> Scripted<'a> {
        Scripted { inner: self.store(), swaps: Cell::new(0), before: Box::new(before) }
    }

    /// Does something with the relay, under the lock of the home.
    pub(crate) fn with<T>(
        &self,
        store: &dyn Store,
        keys: &SealKeys,
        work: impl FnOnce(&Relay<'_>, &Session) -> T,
    ) -> T {
        let environment = Environment::Fixed(BTreeMap::from([(
            "XDG_STATE_HOME".to_owned(),
            self.runner.state.display().to_string(),
        )]));
        let home = Home::find(Client::Codex, Some(self.runner.home.clone()), &environment).unwrap();
        let base = AuthorityUrl::parse(&self.arena.authority.url()).unwrap();
        let nowhere = self.runner.home.join("no-system");
        let unrestricted = PolicyOptions { root: Some(nowhere), ..PolicyOptions::default() };
        let around = Surroundings {
            home: &home,
            gate: &Gate::new(Layers::new(Client::Codex, &self.runner.home, unrestricted, &environment)),
            authority: &Authority::new(Client::Codex, Some(base), None),
            job: &Job::detect(&environment, Some(Platform::Shell)),
            clock: &self.clock,
            notices: self,
            margin: Margin::Default,
            lock_timeout: self.lock_timeout,
            timeout: Duration::from_secs(2),
        };
        let session = around.lock().unwrap();
        let relay = Relay {
            around: &around,
            store,
            facts: store.facts().unwrap(),
            keys,
            id: SlotId { slot: SlotName::default(), audience: Default::default() },
            state: StateDirectory::find(&environment).unwrap(),
            late: Late::default(),
        };
        let result = work(&relay, &session);
        drop((relay, session));
        settle();
        result
    }

    pub(crate) fn refresh(&self, store: &dyn Store) -> Result<Refreshed, RelayError> {
        self.refresh_as(store, Want::default())
    }

    pub(crate) fn refresh_as(&self, store: &dyn Store, want: Want) -> Result<Refreshed, RelayError> {
        self.with(store, &self.arena.keys(), |relay, session| relay.refresh(session, want))
    }

    /// Returns what was told so far.
    pub(crate) fn told(&self) -> String {
        self.told.borrow().join("\n")
    }
}

impl TestClock {
    /// Returns how long everybody slept.
    pub(crate) fn slept(&self) -> Duration {
        self.slept.get()
    }

    /// Returns the same for somebody who looks later.
    pub(crate) fn reading(&self) -> Rc<Cell<Duration>> {
        Rc::clone(&self.slept)
    }

    /// Lets the wall clock differ from all others.
    pub(crate) fn set_wall_off_by(&self, delta: TimeDelta) {
        self.wall_is_off.set(delta);
    }
}

impl Clock for TestClock {
    fn now(&self) -> DateTime<Utc> {
        self.start + TimeDelta::from_std(self.slept.get()).unwrap() + self.wall_is_off.get()
    }

    fn boot(&self) -> Duration {
        self.slept.get()
    }

    fn sleep(&self, duration: Duration) {
        // What is waited for may be a real process's: it gets a real moment.
        thread::sleep(Duration::from_millis(1));
        self.slept.set(self.slept.get() + duration);
    }
}

impl Notices for Lab<'_> {
    fn tell(&self, _level: Level, text: &str) {
        self.arena.is_silent(text);
        self.told.borrow_mut().push(text.to_owned());
    }
}

impl Store for Scripted<'_> {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn facts(&self) -> Result<Facts, StoreError> {
        self.inner.facts()
    }

    fn load(&self, slot: &SlotName) -> Result<Option<(SealedBytes, Version)>, StoreError> {
        self.inner.load(slot)
    }

    fn swap(
        &self,
        slot: &SlotName,
        expected: Option<&Version>,
        new: &SealedBytes,
    ) -> Result<Swap, StoreError> {
        self.swaps.set(self.swaps.get() + 1);
        (self.before)(self.swaps.get()).map_err(|()| DiskError::NotAFile("somewhere".into()))?;
        self.inner.swap(slot, expected, new)
    }
}

/// The lease of a file store.
pub(crate) fn lease() -> Duration {
    Lengths::for_store(Duration::from_secs(5)).lease
}
