//! An object store on loopback that keeps conditions to the letter, in the words of S3 or of GCS, until a test orders
//! otherwise. It counts what it is asked. It also gives out credentials, as STS and as a container's address do.
//!
//! No server that can be installed has GCS's generations: for GCS this one is all that the store was held against. It
//! does not verify signatures; moto does not either, Azurite does.

mod faults;
mod routes;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use authbaton::job::{Loopback, free_port};
use axum::Router;

pub(crate) use faults::{Fault, Keeps, On};

pub(crate) const BUCKET: &str = "bkt";
/// What the server gives out as credentials.
pub(crate) const SESSION: &str = "session-token-canary";

/// An object store. It stops when it is dropped.
pub(crate) struct BucketServer {
    shared: Arc<Mutex<Inner>>,
    origin: String,
    _server: Loopback,
}

#[derive(Default)]
pub(crate) struct Inner {
    objects: BTreeMap<String, Object>,
    generation: u64,
    keeps: Keeps,
    faults: VecDeque<(On, Fault)>,
    asked: Vec<Asked>,
    /// Every request fails, for an outage.
    is_down: bool,
    pub(crate) authorizations: Vec<String>,
}

#[derive(Clone)]
struct Object {
    content: Vec<u8>,
    generation: u64,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) on: On,
    pub(crate) key: String,
}

impl BucketServer {
    pub(crate) fn start() -> Self {
        let (listener, address) = free_port().unwrap();
        let shared = Arc::new(Mutex::new(Inner::default()));
        let router = Router::new().fallback(routes::answer).with_state(Arc::clone(&shared));
        let server = Loopback::serve("bucket", listener, router, Duration::from_millis(100)).unwrap();
        Self { shared, origin: format!("http://{address}"), _server: server }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// The URL of a store in it: `s3` or `gs`.
    pub(crate) fn store(&self, scheme: &str, prefix: &str) -> String {
        format!("{scheme}://{BUCKET}/{prefix}?endpoint={}", self.origin)
    }

    /// From now on conditions are kept like this.
    pub(crate) fn keep(&self, keeps: Keeps) {
        self.inner().keeps = keeps;
    }

    /// Orders a fault for the next request of a kind.
    pub(crate) fn fault(&self, on: On, fault: Fault) {
        self.inner().faults.push_back((on, fault));
    }

    /// Fails every request from now on, or no longer.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.inner().is_down = is_down;
    }

    /// Returns what was asked since the last call.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.inner().asked)
    }

    pub(crate) fn authorizations(&self) -> Vec<String> {
        std::mem::take(&mut self.inner().authorizations)
    }

    /// Returns the keys of all objects.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.inner().objects.keys().cloned().collect()
    }

    /// Returns an object's content.
    pub(crate) fn content(&self, key: &str) -> Option<Vec<u8>> {
        self.inner().objects.get(key).map(|object| object.content.clone())
    }

    /// Does something to the objects behind everybody's back.
    pub(crate) fn put(&self, key: &str, content: &[u8]) {
        self.inner().write(key, content.to_vec());
    }

    pub(crate) fn remove(&self, key: &str) {
        self.inner().objects.remove(key);
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.shared.lock().unwrap()
    }
}

impl Inner {
    fn write(&mut self, key: &str, content: Vec<u8>) -> Object {
        self.generation += 1;
        let object = Object { content, generation: self.generation };
        self.objects.insert(key.to_owned(), object.clone());
        object
    }

    fn fault_for(&mut self, on: On) -> Option<Fault> {
        let place = self.faults.iter().position(|(of, _)| *of == on)?;
        self.faults.remove(place).map(|(_, fault)| fault)
    }
}
