//! The strict cache service as scenarios need it: everything that was ever asked, what is there, and what gets lost.

use std::{
    sync::{Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use crate::support::cache_server::{CacheServer, Mint, Route};

pub(crate) struct Cache {
    server: CacheServer,
    /// The server forgets what it has told.
    asked: Mutex<Vec<Route>>,
    /// The same: of what was evicted.
    signatures: Mutex<Vec<String>>,
}

impl Cache {
    pub(crate) fn start() -> Self {
        Self { server: CacheServer::start(), asked: Mutex::default(), signatures: Mutex::default() }
    }

    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    /// Returns a job's token, which may do this in these scopes.
    pub(crate) fn token(scopes: &[(String, u64)]) -> String {
        let scopes: Vec<_> = scopes.iter().map(|(scope, permission)| (scope.as_str(), *permission)).collect();
        Mint::scopes(&scopes).token()
    }

    /// Returns every request since the start.
    pub(crate) fn requests(&self) -> Vec<Route> {
        self.all().clone()
    }

    /// Waits until there were `count` requests of a kind behind the first `after` ones.
    pub(crate) fn wait_for(&self, route: Route, after: usize, count: usize, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if self.all().iter().skip(after).filter(|it| **it == route).count() >= count {
                return true;
            }
            thread::sleep(Duration::from_millis(5));
        }
        false
    }

    /// Returns the records that are there, by key, in the order of their creation.
    pub(crate) fn records(&self) -> Vec<(String, Vec<u8>)> {
        self.server.there().into_iter().filter_map(|(_, key, content)| Some((key, content?))).collect()
    }

    /// Returns every signature that an address had.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let mut known = self.signatures.lock().unwrap();
        known.extend(self.server.signatures());
        known.sort();
        known.dedup();
        known.clone()
    }

    /// Loses the newest records.
    pub(crate) fn evict_newest(&self, count: usize) {
        self.secrets();
        (0..count).for_each(|_| self.server.evict_newest());
    }

    /// Loses everything.
    pub(crate) fn evict_all(&self) {
        self.secrets();
        self.server.evict_all();
    }

    /// Somebody has reserved the next record, and was killed.
    pub(crate) fn reserve_next(&self) {
        self.server.orphan(1);
    }

    fn all(&self) -> MutexGuard<'_, Vec<Route>> {
        let mut all = self.asked.lock().unwrap();
        all.extend(self.server.asked());
        all
    }
}
