//! What the cache of GitHub Actions promises beside the contract: who may write, what is a conflict, what counts as
//! written, and that nothing of it is ever mistaken for an empty slot.

mod access;
mod answers;
mod faults;
mod orphans;
mod requests;
mod tidy;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authbaton::baton::Audience;
use authbaton::job::{Clock, Environment, Masks};
use authbaton::store::{ActionsCacheStore, Opening, Store, StoreError, StoreUrl};
use chrono::{DateTime, TimeDelta, Utc};

use crate::cache_server::token::now;
use crate::cache_server::{CacheServer, Speaks, environment, on_main};
use crate::place::Place;

pub(crate) struct Cache {
    pub(crate) server: CacheServer,
    speaks: Speaks,
    /// Made once: a token is what one run has.
    token: String,
}

impl Cache {
    pub(crate) fn new(speaks: Speaks) -> Self {
        Self { server: CacheServer::start(), speaks, token: on_main() }
    }

    /// Opens the store as a run with this token.
    pub(crate) fn as_run(&self, token: &str) -> Result<ActionsCacheStore, StoreError> {
        self.with(token, &[], SystemLike::default())
    }

    /// Opens the store on the default branch, by a clock of the test's.
    pub(crate) fn at(&self, clock: &SystemLike) -> ActionsCacheStore {
        self.with(&self.token, &[], clock.clone()).unwrap()
    }

    /// Opens the store with more variables.
    pub(crate) fn with(
        &self,
        token: &str,
        more: &[(&str, &str)],
        clock: SystemLike,
    ) -> Result<ActionsCacheStore, StoreError> {
        let mut variables = environment(self.server.url(), self.speaks, token);
        variables.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        open(variables, Masks::none(), clock)
    }
}

impl Place for Cache {
    fn open(&self) -> Box<dyn Store> {
        Box::new(self.as_run(&self.token).unwrap())
    }

    fn address(&self) -> String {
        "actions-cache:".to_owned()
    }

    fn variables(&self) -> Vec<(&'static str, String)> {
        let variables = environment(self.server.url(), self.speaks, &self.token);
        let names = StoreUrl::parse(&self.address()).unwrap().variables();
        names.iter().filter_map(|name| Some((*name, variables.get(*name)?.clone()))).collect()
    }
}

pub(crate) fn open(
    variables: BTreeMap<String, String>,
    masks: Masks,
    clock: SystemLike,
) -> Result<ActionsCacheStore, StoreError> {
    let audience = Audience::new("4711").unwrap();
    let environment = Environment::Fixed(variables);
    let opening = Opening {
        environment: &environment,
        ca_file: None,
        audience: &audience,
        masks,
        secrets: &[],
        read_only: None,
    };
    ActionsCacheStore::open_at(None, &opening, Box::new(clock))
}

/// A clock that only waiting moves, and whoever has a copy of it.
#[derive(Clone, Default)]
pub(crate) struct SystemLike(Arc<Mutex<Duration>>);

impl SystemLike {
    pub(crate) fn pass(&self, seconds: u64) {
        *self.0.lock().unwrap() += Duration::from_secs(seconds);
    }

    pub(crate) fn passed(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

impl Clock for SystemLike {
    fn now(&self) -> DateTime<Utc> {
        now() + TimeDelta::from_std(self.passed()).unwrap()
    }

    fn boot(&self) -> Duration {
        self.passed()
    }

    fn sleep(&self, duration: Duration) {
        // What is waited for may be another thread's.
        std::thread::sleep(Duration::from_millis(2));
        *self.0.lock().unwrap() += duration;
    }
}
