//! `s3://`, `gs://`, `az://`: one object per slot, created and replaced by conditional writes.
//!
//! That a service knows the conditions does not mean that it keeps them, so a slot is proven before
//! its first token is spent (`probe`). A write is sent once: when its reply is lost, the caller reads back who wrote. A missing object is an empty
//! slot only if the service says that it is the object that is missing.

mod answer;
mod credentials;
mod probe;
mod service;
mod url;
mod wire;

use std::cell::OnceCell;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::{
    GetOptions, ObjectStore as Objects, PutMode, PutOptions, PutPayload, UpdateVersion, path::Path as Key,
};

use self::url::Service;
pub use self::url::{ObjectUrl, ObjectUrlError};
use answer::{Failure, Passing};
use service::Settings;
use wire::{Log, Wire};

use super::refusal::Refusal;
use super::{Durability, Exclusive, Facts, Opening, Store, StoreError, Swap, Version};
use crate::baton::{MAX_BATON_BYTES, SealedBytes, SlotName};
use crate::job::random;
use crate::transport::{Proxies, Transport};

/// One request, from connecting to the last byte. These services answer within a second; half a baton is less than one
/// packet of theirs.
const REQUEST: Duration = Duration::from_secs(6);
/// A swap, with what follows a contended write. Four of them and two exchanges fit into the shortest lease.
const WORST_SWAP: Duration = Duration::from_secs(7);
/// A load, with credentials before it and further attempts.
const WORST_LOAD: Duration = Duration::from_secs(20);
/// How often a load is tried, and a write that the service was too busy for.
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(150);

/// A store in a bucket or a container.
pub struct ObjectStore {
    url: ObjectUrl,
    settings: Settings,
    transport: Transport,
    direct: Transport,
    log: Log,
    built: OnceCell<Arc<dyn Objects>>,
    refusal: Refusal,
}

/// The variables that stores of this kind read.
pub(super) fn variables(url: &ObjectUrl) -> &'static [&'static str] {
    match url.service {
        Service::S3 { .. } => &credentials::S3_VARIABLES,
        Service::Gcs => &credentials::GCS_VARIABLES,
        Service::Azure { .. } => &credentials::AZURE_VARIABLES,
    }
}

impl ObjectStore {
    /// Reads who we are; nothing is asked yet.
    ///
    /// # Errors
    /// When the environment says nothing usable of that.
    pub fn open(url: &ObjectUrl, with: &Opening<'_>) -> Result<Self, StoreError> {
        let settings = Settings::read(url, with.environment)?;
        let proxies = if url.is_on_this_machine() { Proxies::Unused } else { Proxies::OfEnvironment };
        let ca_file = || with.ca_file.map(Path::to_owned);
        Ok(Self {
            url: url.clone(),
            settings,
            transport: Transport::new(ca_file(), proxies),
            direct: Transport::new(ca_file(), Proxies::Unused),
            log: Log::default(),
            built: OnceCell::new(),
            refusal: Refusal::default(),
        })
    }

    fn objects(&self) -> Result<&Arc<dyn Objects>, StoreError> {
        if let Some(objects) = self.built.get() {
            return Ok(objects);
        }
        let client = self.transport.run(async |client| client.clone())?;
        // Only what asks the machine needs it: another one is not made for nothing.
        let direct = if self.settings.asks_machine() {
            self.direct.run(async |client| client.clone())?
        } else {
            client.clone()
        };
        let service = self.url.place(&self.settings).into();
        let wire = Wire { client, direct, service, log: self.log.clone(), limit: REQUEST };
        let objects = self.settings.build(&self.url, wire)?;
        Ok(self.built.get_or_init(|| objects))
    }

    /// Runs something with the service to its end, or to the end of its time.
    fn run<T>(
        &self,
        limit: Duration,
        ask: impl AsyncFnOnce(&Arc<dyn Objects>) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let objects = self.objects()?;
        self.transport.run(async |_| within(limit, ask(objects)).await)?.map_err(StoreError::from)
    }

    fn failure(&self) -> Failure {
        Failure::of(self.log.take(), self.settings.asks_machine())
    }

    fn key(&self, slot: &SlotName) -> Key {
        Key::from(self.url.key(&format!("{slot}.baton")))
    }

    /// Reads an object once.
    async fn read(&self, objects: &Arc<dyn Objects>, key: &Key) -> Result<Option<Object>, Failure> {
        self.log.take();
        let got = match objects.get_opts(key, GetOptions::default()).await {
            Ok(got) => got,
            Err(_) => {
                return match self.failure() {
                    Failure::NoSuchObject => Ok(None),
                    failure => Err(failure),
                };
            }
        };
        let tags = UpdateVersion { e_tag: got.meta.e_tag.clone(), version: got.meta.version.clone() };
        let tags = self.complete(tags)?;
        let content = got.bytes().await.map_err(|_| Failure::Garbled)?;
        if content.len() > MAX_BATON_BYTES {
            return Err(Failure::TooLarge);
        }
        Ok(Some(Object { content: content.to_vec(), tags }))
    }

    /// The same, again if it failed by itself.
    async fn read_with_patience(
        &self,
        objects: &Arc<dyn Objects>,
        key: &Key,
    ) -> Result<Option<Object>, Failure> {
        let mut attempt = 0;
        loop {
            match self.read(objects, key).await {
                Err(Failure::Passing(_)) if attempt + 1 < ATTEMPTS => pause(attempt).await,
                done => return done,
            }
            attempt += 1;
        }
    }

    /// Writes an object if it still has these tags; `None`: if there is none. Sent again only when the service said that
    /// it was busy with another write, and that one left things as they were.
    async fn write(
        &self,
        objects: &Arc<dyn Objects>,
        key: &Key,
        expected: Option<&UpdateVersion>,
        content: &[u8],
    ) -> Result<Option<UpdateVersion>, Failure> {
        let mut attempt = 0;
        loop {
            match self.write_once(objects, key, expected, content).await {
                Ok(tags) => return Ok(Some(tags)),
                Err(Failure::Lost) => return Ok(None),
                // What was expected was there, and is not.
                Err(Failure::NoSuchObject) if expected.is_some() => return Ok(None),
                Err(Failure::Contended) => {}
                Err(failure) => return Err(failure),
            }
            let there = self.read(objects, key).await?;
            if there.as_ref().map(|object| &object.tags) != expected {
                return Ok(None);
            }
            if attempt + 1 == ATTEMPTS {
                return Err(Failure::Contended);
            }
            pause(attempt).await;
            attempt += 1;
        }
    }

    async fn write_once(
        &self,
        objects: &Arc<dyn Objects>,
        key: &Key,
        expected: Option<&UpdateVersion>,
        content: &[u8],
    ) -> Result<UpdateVersion, Failure> {
        self.log.take();
        let mode = expected.map_or(PutMode::Create, |tags| PutMode::Update(tags.clone()));
        let payload = PutPayload::from(content.to_vec());
        match objects.put_opts(key, payload, PutOptions::from(mode)).await {
            Ok(put) => self.complete(UpdateVersion { e_tag: put.e_tag, version: put.version }),
            Err(_) => Err(self.failure()),
        }
    }

    /// What the next condition is made of has to be there: an entity tag, and for GCS a generation.
    fn complete(&self, tags: UpdateVersion) -> Result<UpdateVersion, Failure> {
        let complete = match self.url.service {
            Service::Gcs => tags.version.is_some(),
            Service::S3 { .. } | Service::Azure { .. } => tags.e_tag.is_some(),
        };
        if complete { Ok(tags) } else { Err(Failure::Garbled) }
    }
}

/// An object, and what its next condition is made of.
struct Object {
    content: Vec<u8>,
    tags: UpdateVersion,
}

impl Store for ObjectStore {
    fn name(&self) -> String {
        self.url.to_string()
    }

    fn facts(&self) -> Result<Facts, StoreError> {
        let access = self.refusal.access("the service has refused to write");
        let (exclusive, durability) = (Exclusive::Unproven, Durability::Now);
        Ok(Facts { exclusive, access, durability, worst_swap: WORST_SWAP })
    }

    fn load(&self, slot: &SlotName) -> Result<Option<(SealedBytes, Version)>, StoreError> {
        let key = self.key(slot);
        let object = self.run(WORST_LOAD, async |objects| self.read_with_patience(objects, &key).await)?;
        let Some(Object { content, tags }) = object else { return Ok(None) };
        Ok(Some((SealedBytes::from_store(content), version(&tags))))
    }

    fn swap(
        &self,
        slot: &SlotName,
        expected: Option<&Version>,
        new: &SealedBytes,
    ) -> Result<Swap, StoreError> {
        if new.as_slice().len() > MAX_BATON_BYTES {
            // It could never be read again.
            return Err(Failure::TooLarge.into());
        }
        let Ok(expected) = expected.map(tags).transpose() else { return Ok(Swap::Conflict) };
        let key = self.key(slot);
        let written = self.run(WORST_SWAP, async |objects| {
            self.write(objects, &key, expected.as_ref(), new.as_slice()).await
        });
        Ok(self.refusal.seen_in(written)?.map_or(Swap::Conflict, |tags| Swap::Done(version(&tags))))
    }

    fn prove(&self, slot: &SlotName) -> Result<(), StoreError> {
        self.refusal.seen_in(probe::prove(self, slot))
    }
}

/// Both are kept: S3 and Azure compare the one, GCS the other.
fn version(tags: &UpdateVersion) -> Version {
    Version(serde_json::json!([tags.e_tag, tags.version]).to_string())
}

fn tags(version: &Version) -> serde_json::Result<UpdateVersion> {
    let (e_tag, version) = serde_json::from_str(&version.0)?;
    Ok(UpdateVersion { e_tag, version })
}

async fn within<T>(limit: Duration, ask: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::time::timeout(limit, ask).await.unwrap_or(Err(Failure::Passing(Passing::TooLong)))
}

/// Longer each time, and with jitter: those who were refused together do not come back together.
async fn pause(attempt: u32) {
    let jitter = random::<2>().map_or(0, u16::from_le_bytes);
    let base = FIRST_PAUSE * 2_u32.pow(attempt);
    tokio::time::sleep(base / 2 + base * u32::from(jitter) / u32::from(u16::MAX)).await;
}
