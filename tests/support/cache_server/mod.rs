//! A cache service on loopback, stricter than the real one: it speaks both protocols, judges tokens and scopes, keeps
//! entries immutable, and refuses what Azure would refuse. Faults come when a test orders them. The real client
//! (`tests/peers/cache_client.rs`) shows that it is such a service.

mod entries;
mod faults;
mod routes;
mod token;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use authbaton::job::{Loopback, free_port};
use axum::Router;
use chrono::TimeDelta;

pub(crate) use entries::Says;
use entries::{Entries, Entry};
pub(crate) use faults::{Fault, Route};
use routes::Shared;
pub(crate) use routes::{REST_READ, REST_WRITE};
pub(crate) use token::{Mint, now};

/// The default branch of the made-up repository.
pub(crate) const MAIN: &str = "refs/heads/main";

/// Which protocol a run is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    V2,
    V1,
}

/// A cache service. It stops when it is dropped.
pub(crate) struct CacheServer {
    shared: Shared,
    _server: Loopback,
}

impl CacheServer {
    pub(crate) fn start() -> Self {
        let (listener, address) = free_port().unwrap();
        let shared = Shared { entries: Arc::new(Mutex::default()), origin: format!("http://{address}") };
        let router = Router::new().fallback(routes::answer).with_state(shared.clone());
        let server = Loopback::serve("cache", listener, router, Duration::from_millis(100)).unwrap();
        Self { shared, _server: server }
    }

    pub(crate) fn url(&self) -> &str {
        &self.shared.origin
    }

    /// Orders a fault for the next request of this kind.
    pub(crate) fn fault(&self, route: Route, fault: Fault) {
        self.entries().faults.push_back((route, fault));
    }

    /// Orders the same fault several times.
    pub(crate) fn faults(&self, route: Route, number: usize, fault: impl Fn() -> Fault) {
        (0..number).for_each(|_| self.fault(route, fault()));
    }

    /// Returns what was asked since the last call, in order.
    pub(crate) fn asked(&self) -> Vec<Route> {
        std::mem::take(&mut self.entries().log)
    }

    /// Lets the service say no in words or by a status.
    pub(crate) fn say(&self, denials: Says, conflicts: Says) {
        let mut entries = self.entries();
        entries.denials = denials;
        entries.conflicts = conflicts;
    }

    /// Entries that are finished from now on are not seen by so many lookups.
    pub(crate) fn hide_for(&self, lookups: usize) {
        self.entries().hide_for = lookups;
    }

    /// Everything is seen.
    pub(crate) fn release(&self) {
        let mut entries = self.entries();
        entries.hide_for = 0;
        entries.all.iter_mut().for_each(|it| it.hidden_for = 0);
    }

    pub(crate) fn evict(&self, key: &str) {
        self.entries().all.retain(|it| it.key != key);
    }

    pub(crate) fn evict_newest(&self) {
        self.entries().all.pop();
    }

    pub(crate) fn evict_all(&self) {
        self.entries().all.clear();
    }

    pub(crate) fn age(&self, by: TimeDelta) {
        self.entries().age(by);
    }

    /// Reserves the key after the newest, as a run that is killed then: nobody will finish it.
    pub(crate) fn orphan(&self, number: u64) {
        let mut entries = self.entries();
        let Some(newest) = entries.all.iter().rev().find(|it| it.is_finished) else {
            panic!("nothing to follow")
        };
        let (version, scope) = (newest.version.clone(), newest.scope.clone());
        let base = newest.key.rsplit_once('-').unwrap();
        let key = format!("{}-{:012}", base.0, base.1.parse::<u64>().unwrap() + number);
        entries.reserve(&[(scope, 3)], &key, &version).ok().unwrap();
    }

    /// Puts an entry there, whoever may have made it.
    pub(crate) fn put(&self, scope: &str, key: &str, version: &str, content: &[u8]) {
        let mut entries = self.entries();
        let scopes = [(scope.to_owned(), 3)];
        entries.reserve(&scopes, key, version).ok().unwrap();
        entries.all.last_mut().unwrap().content = Some(content.to_vec());
        entries.finish(&scopes, key, version, content.len()).ok().unwrap();
    }

    /// Returns scope, key and content of what is there, in the order of creation. No content: it is only reserved.
    pub(crate) fn there(&self) -> Vec<(String, String, Option<Vec<u8>>)> {
        let of =
            |it: &Entry| (it.scope.clone(), it.key.clone(), it.content.clone().filter(|_| it.is_finished));
        self.entries().all.iter().map(of).collect()
    }

    /// Returns the version of the newest entry.
    pub(crate) fn version(&self) -> String {
        self.entries().all.last().unwrap().version.clone()
    }

    /// What the service would answer a lookup by, if this were the newest.
    pub(crate) fn hit(&self, key: &str) -> String {
        let entries = self.entries();
        self.shared.hit(entries.all.iter().find(|it| it.key == key).unwrap()).to_string()
    }

    /// For faults, which do something to the server while it is busy.
    pub(crate) fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.shared.entries))
    }

    /// Returns every secret that an address of this service has had.
    pub(crate) fn signatures(&self) -> Vec<String> {
        self.entries().all.iter().map(|it| it.signature.clone()).collect()
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.shared.entries.lock().unwrap()
    }
}

/// A way to change what is there from within a fault.
pub(crate) struct Handle(Arc<Mutex<Entries>>);

impl Handle {
    /// Finishes the oldest entry that was only reserved, as a run that was stopped for long.
    pub(crate) fn revive(&self, content: &[u8]) {
        let mut entries = self.0.lock().unwrap();
        let entry = entries.all.iter_mut().find(|it| !it.is_finished).unwrap();
        entry.content = Some(content.to_vec());
        entry.is_finished = true;
    }
}

/// What an action finds in its environment, with this token.
pub(crate) fn environment(url: &str, speaks: Speaks, token: &str) -> BTreeMap<String, String> {
    let mut variables = vec![
        ("ACTIONS_RUNTIME_TOKEN", token.to_owned()),
        ("GITHUB_REPOSITORY", "octo/relay".to_owned()),
        ("GITHUB_REPOSITORY_ID", "4711".to_owned()),
        ("GITHUB_API_URL", url.to_owned()),
    ];
    match speaks {
        // With a path: it is not part of the service's address.
        Speaks::V2 => variables.push(("ACTIONS_RESULTS_URL", format!("{url}/some/path/"))),
        Speaks::V1 => {
            variables.push(("ACTIONS_CACHE_URL", format!("{url}/")));
            variables.push(("GITHUB_SERVER_URL", "https://git.example.com".to_owned()));
        }
    }
    variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// A token of a run on the default branch.
pub(crate) fn on_main() -> String {
    Mint::scopes(&[(MAIN, 3)]).token()
}
