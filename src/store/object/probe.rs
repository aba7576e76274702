//! Proves that a service keeps its conditions, before a token is spent in reliance on them: on objects beside the slot,
//! which are deleted again.
//!
//! One writer alone proves little: there are services that look first and write then, and let several writers win who come
//! at the same time. So some come at the same time here, several rounds of them, and nobody may win besides the first. A
//! service that passes may still fail one day; one that fails once is not used.

use std::sync::Arc;
use std::time::Duration;

use object_store::{
    Error, ObjectStore as Objects, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion,
    path::Path as Key,
};
use tokio::task::JoinSet;

use super::super::StoreError;
use super::answer::{Failure, Passing};
use super::{ObjectStore, within};
use crate::baton::SlotName;
use crate::job::random;

/// Writers at the same time.
const WRITERS: usize = 6;
/// Rounds that must tell something.
const ROUNDS: usize = 3;
/// Rounds that may be made: where the service was too busy to let anybody win, nothing is told.
const MOST_ROUNDS: usize = 6;
/// One round.
const LIMIT: Duration = Duration::from_secs(15);

/// What a round has told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    /// The conditions were kept.
    Kept,
    /// Nobody won, which can be.
    Nothing,
    /// They were not, and how.
    Broken(&'static str),
}

/// How the write of one writer ended.
enum Written {
    Won(UpdateVersion, Vec<u8>),
    Lost,
    Failed(Failure),
}

/// Proves the service, or says what it does wrong. Nothing is left in either case, if it lets us delete.
pub(super) fn prove(store: &ObjectStore, slot: &SlotName) -> Result<(), StoreError> {
    let objects = store.objects()?;
    let mut kept = 0;
    for _ in 0..MOST_ROUNDS {
        let mark = random::<8>().map_err(|_| StoreError::NotHere("no randomness can be had".to_owned()))?;
        let mark = format!("{:016x}", u64::from_le_bytes(mark));
        let key = Key::from(store.url.key(&format!("{slot}.probe-{mark}")));
        let told = store.transport.run(async |_| {
            let told = within(LIMIT, round(store, objects, &key)).await;
            // What cannot be deleted harms nobody: it has a name of its own, and holds nothing.
            let _ = tokio::time::timeout(super::REQUEST, objects.delete(&key)).await;
            told
        })?;
        match told? {
            Told::Broken(how) => return Err(StoreError::NotExclusive(how.to_owned())),
            Told::Nothing => {}
            Told::Kept => kept += 1,
        }
        if kept == ROUNDS {
            return Ok(());
        }
    }
    Err(Failure::Contended.into())
}

async fn round(store: &ObjectStore, objects: &Arc<dyn Objects>, key: &Key) -> Result<Told, Failure> {
    let (first, written) = match race(objects, key, PutMode::Create, "create").await? {
        Winners::One(tags, content) => (store.complete(tags)?, content),
        Winners::None => return Ok(Told::Nothing),
        Winners::Several => return Ok(Told::Broken("several writers created the same object")),
    };
    match store.read_with_patience(objects, key).await? {
        Some(object) if object.content == written && object.tags == first => {}
        Some(_) => {
            return Ok(Told::Broken("a writer was told that it won, and another one's object is there"));
        }
        None => return Ok(Told::Broken("what it was given is not there")),
    }
    if let Written::Won(..) = write(objects, key, PutMode::Create, content("again", 0)).await? {
        return Ok(Told::Broken("it created an object that was there already"));
    }
    let second = match race(objects, key, PutMode::Update(first.clone()), "swap").await? {
        Winners::One(tags, _) => store.complete(tags)?,
        Winners::None => return Ok(Told::Nothing),
        Winners::Several => return Ok(Told::Broken("several writers replaced the same object")),
    };
    if second == first {
        return Ok(Told::Broken("another content has the same version"));
    }
    if let Written::Won(..) = write(objects, key, PutMode::Update(first), content("stale", 0)).await? {
        return Ok(Told::Broken("it replaced an object that was not what the writer had read"));
    }
    Ok(Told::Kept)
}

enum Winners {
    None,
    One(UpdateVersion, Vec<u8>),
    Several,
}

/// Lets several writers write under the same condition at the same time.
async fn race(objects: &Arc<dyn Objects>, key: &Key, mode: PutMode, what: &str) -> Result<Winners, Failure> {
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let (objects, key, mode, content) =
            (Arc::clone(objects), key.clone(), mode.clone(), content(what, writer));
        writers.spawn(async move { write_one(&objects, &key, mode, content).await });
    }
    let (mut winners, mut failed) = (Winners::None, None);
    for written in writers.join_all().await {
        winners = match (written, winners) {
            (Written::Won(tags, content), Winners::None) => Winners::One(tags, content),
            (Written::Won(..), _) => Winners::Several,
            (Written::Lost, winners) => winners,
            (Written::Failed(failure), winners) => {
                failed = Some(failure);
                winners
            }
        };
    }
    match (winners, failed) {
        (Winners::None, Some(failure)) => Err(failure),
        (winners, _) => Ok(winners),
    }
}

async fn write(
    objects: &Arc<dyn Objects>,
    key: &Key,
    mode: PutMode,
    content: Vec<u8>,
) -> Result<Written, Failure> {
    match write_one(objects, key, mode, content).await {
        Written::Failed(failure) => Err(failure),
        written => Ok(written),
    }
}

async fn write_one(objects: &Arc<dyn Objects>, key: &Key, mode: PutMode, content: Vec<u8>) -> Written {
    let payload = PutPayload::from(content.clone());
    let creates = matches!(mode, PutMode::Create);
    match objects.put_opts(key, payload, PutOptions::from(mode)).await {
        Ok(put) => Written::Won(UpdateVersion { e_tag: put.e_tag, version: put.version }, content),
        Err(Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. }) => {
            Written::Lost
        }
        Err(Error::NotFound { .. }) if creates => Written::Failed(Failure::NoBucket),
        Err(Error::NotFound { .. }) => Written::Lost,
        Err(Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) => {
            Written::Failed(Failure::Denied)
        }
        // Which of the writers the log speaks of, nobody can tell.
        Err(_) => Written::Failed(Failure::Passing(Passing::Broken)),
    }
}

/// No two are equal, or they would have the same version.
fn content(what: &str, writer: usize) -> Vec<u8> {
    format!("authbaton proves here that this service keeps conditions: {what} {writer}\n").into_bytes()
}
