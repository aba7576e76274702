//! What both protocols of the cache can do: look an entry up, reserve a key, fill it, and finish it. Nothing here decides
//! what a record means.

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use zeroize::Zeroizing;

use super::http::{Deadline, Http, Request, Signed};
use super::protocol_v1::V1;
use super::protocol_v2::V2;
use super::service::{Protocol, Service};
use super::{keys, service};
use crate::store::StoreError;

/// An entry that was asked for.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// The one with this key.
    Exactly(&'a str),
    /// The newest whose key begins so.
    Newest(&'a str),
}

impl<'a> Wanted<'a> {
    pub(super) fn text(&self) -> &'a str {
        match self {
            Self::Exactly(text) | Self::Newest(text) => text,
        }
    }
}

/// An entry, and where its content is.
pub(super) struct Found {
    /// As the service names it; it may be another than was asked for.
    pub(super) key: String,
    pub(super) place: Signed,
}

/// A key that is ours, and where its content goes.
pub(super) enum Reserved {
    Signed(Signed),
    Numbered(u64),
}

/// A cache, whichever protocol it speaks.
pub(super) struct Cache {
    speaks: Speaks,
    pub(super) http: Http,
}

enum Speaks {
    V1(V1),
    V2(V2),
}

impl Cache {
    pub(super) fn new(service: &service::Service, http: Http) -> Self {
        let Service { protocol, base, .. } = service;
        let (base, version) = (base.clone(), keys::version());
        let speaks = match protocol {
            Protocol::V1 => Speaks::V1(V1 { base, version }),
            Protocol::V2 => Speaks::V2(V2 { base, version }),
        };
        Self { speaks, http }
    }

    /// Looks an entry up; `None` when there is none that can be read.
    ///
    /// # Errors
    /// When the service does not say so.
    pub(super) fn look_up(
        &self,
        wanted: Wanted<'_>,
        deadline: Deadline,
    ) -> Result<Option<Found>, StoreError> {
        match &self.speaks {
            Speaks::V1(v1) => v1.look_up(&self.http, wanted, deadline),
            Speaks::V2(v2) => v2.look_up(&self.http, wanted, deadline),
        }
    }

    /// Returns whether there is an entry with exactly this key.
    pub(super) fn has(&self, key: &str, deadline: Deadline) -> Result<bool, StoreError> {
        let found = self.look_up(Wanted::Exactly(key), deadline)?;
        Ok(found.is_some_and(|found| found.key == key))
    }

    /// Reserves a key; `None` when it exists.
    ///
    /// # Errors
    /// When the service refuses, or does not answer. Then the key may be reserved.
    pub(super) fn reserve(
        &self,
        key: &str,
        size: usize,
        deadline: Deadline,
    ) -> Result<Option<Reserved>, StoreError> {
        match &self.speaks {
            Speaks::V1(v1) => v1.reserve(&self.http, key, size, deadline),
            Speaks::V2(v2) => v2.reserve(&self.http, key, deadline),
        }
    }

    /// Sends the content of a key that is ours. Nobody sees it yet.
    pub(super) fn upload(
        &self,
        reserved: &Reserved,
        content: &[u8],
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        match (&self.speaks, reserved) {
            (Speaks::V1(v1), Reserved::Numbered(number)) => v1.upload(&self.http, *number, content, deadline),
            (_, Reserved::Signed(place)) => V2::upload(&self.http, place, content, deadline),
            (Speaks::V2(_), Reserved::Numbered(_)) => Err(super::http::garbled("it gave no address")),
        }
    }

    /// Finishes a key that is ours: from now on others see it.
    ///
    /// # Errors
    /// When the service refuses, or does not answer. Then the entry may be there.
    pub(super) fn finish(
        &self,
        key: &str,
        reserved: &Reserved,
        size: usize,
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        match (&self.speaks, reserved) {
            (Speaks::V1(v1), Reserved::Numbered(number)) => v1.commit(&self.http, *number, size, deadline),
            (Speaks::V2(v2), _) => v2.finalize(&self.http, key, size, deadline),
            (Speaks::V1(_), Reserved::Signed(_)) => Err(super::http::garbled("it gave no number")),
        }
    }

    /// Reads the content of an entry, up to `max` bytes.
    ///
    /// # Errors
    /// When it is larger, or cannot be read.
    pub(super) fn download(
        &self,
        found: &Found,
        max: usize,
        deadline: Deadline,
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let request = |url| Request { method: Method::GET, url, headers: HeaderMap::new(), body: None, max };
        let answer = self.http.use_signed(&found.place, request, None, deadline)?;
        if answer.status == 200 { Ok(answer.body) } else { Err(answer.error("the content cannot be read")) }
    }
}

pub(super) fn json_headers() -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))])
}

pub(super) fn octets() -> HeaderValue {
    HeaderValue::from_static("application/octet-stream")
}
