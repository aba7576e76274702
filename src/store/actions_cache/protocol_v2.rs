//! The protocol of GitHub: four calls in JSON, and blobs behind signed addresses.
//!
//! `ok: false` is the one way in which a lookup says that there is nothing. Everything else that is no success is an error.

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use url::Url;

use super::http::{Deadline, Http, MAX_ANSWER_BYTES, Refusal, Request, Signed, full, garbled};
use super::protocol::{Found, Reserved, Wanted, json_headers, octets};
use crate::store::StoreError;

const SERVICE: &str = "/twirp/github.actions.results.api.v1.CacheService/";

#[derive(Serialize)]
struct LookUp<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    restore_keys: &'a [&'a str],
    version: &'a str,
}

#[derive(Serialize)]
struct Reserve<'a> {
    key: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct Finalize<'a> {
    key: &'a str,
    /// A text: JSON has no 64-bit numbers.
    size_bytes: String,
    version: &'a str,
}

#[derive(Deserialize)]
struct Reply {
    ok: bool,
    #[serde(default)]
    message: String,
    #[serde(default)]
    signed_upload_url: String,
    #[serde(default)]
    signed_download_url: String,
    #[serde(default)]
    matched_key: String,
}

/// The second protocol, at one service.
pub(super) struct V2 {
    pub(super) base: Url,
    pub(super) version: String,
}

impl V2 {
    fn call(
        &self,
        http: &Http,
        method: &str,
        body: &impl Serialize,
        deadline: Deadline,
    ) -> Result<super::http::Answer, StoreError> {
        let mut url = self.base.clone();
        // The platform's address may have a path, which is not ours.
        url.set_path(&format!("{SERVICE}{method}"));
        url.set_query(None);
        url.set_fragment(None);
        let body = serde_json::to_vec(body).map_err(|_| garbled("the question cannot be written"))?;
        let headers = json_headers();
        let request =
            Request { method: Method::POST, url, headers, body: Some(&body), max: MAX_ANSWER_BYTES };
        http.ask(request, deadline)
    }

    pub(super) fn look_up(
        &self,
        http: &Http,
        wanted: Wanted<'_>,
        deadline: Deadline,
    ) -> Result<Option<Found>, StoreError> {
        let prefixes = match &wanted {
            Wanted::Exactly(_) => &[] as &[&str],
            Wanted::Newest(prefix) => &[*prefix],
        };
        let body = LookUp { key: wanted.text(), restore_keys: prefixes, version: &self.version };
        let answer = self.call(http, "GetCacheEntryDownloadURL", &body, deadline)?;
        if !answer.is_success() {
            return Err(answer.error("this run may not read the cache"));
        }
        let reply: Reply = answer.json()?;
        match (reply.ok, Refusal::of(&reply.message)) {
            (true, _) => {
                let place = http.signed(&reply.signed_download_url)?;
                Ok(Some(Found { key: reply.matched_key, place }))
            }
            (false, Refusal::Other) => Ok(None),
            (false, _) => Err(StoreError::Denied("this run may not read the cache".to_owned())),
        }
    }

    pub(super) fn reserve(
        &self,
        http: &Http,
        key: &str,
        deadline: Deadline,
    ) -> Result<Option<Reserved>, StoreError> {
        const DENIED: &str = "this run may not write the cache";
        let answer =
            self.call(http, "CreateCacheEntry", &Reserve { key, version: &self.version }, deadline)?;
        if answer.status == 409 && answer.refusal() == Refusal::Other {
            return Ok(None);
        }
        if !answer.is_success() {
            return Err(answer.error(DENIED));
        }
        let reply: Reply = answer.json()?;
        match (reply.ok, Refusal::of(&reply.message)) {
            (true, _) => Ok(Some(Reserved::Signed(http.signed(&reply.signed_upload_url)?))),
            (false, Refusal::Other) => Ok(None),
            (false, Refusal::Full) => Err(full()),
            (false, _) => Err(StoreError::Denied(DENIED.to_owned())),
        }
    }

    pub(super) fn upload(
        http: &Http,
        place: &Signed,
        content: &[u8],
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, octets());
        headers.insert(HeaderName::from_static("x-ms-blob-type"), HeaderValue::from_static("BlockBlob"));
        headers.insert(HeaderName::from_static("x-ms-version"), HeaderValue::from_static("2021-12-02"));
        let request = |url| Request { method: Method::PUT, url, headers, body: None, max: MAX_ANSWER_BYTES };
        let answer = http.use_signed(place, request, Some(content), deadline)?;
        if answer.is_success() { Ok(()) } else { Err(answer.error("the upload is not accepted")) }
    }

    pub(super) fn finalize(
        &self,
        http: &Http,
        key: &str,
        size: usize,
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let body = Finalize { key, size_bytes: size.to_string(), version: &self.version };
        let answer = self.call(http, "FinalizeCacheEntryUpload", &body, deadline)?;
        if !answer.is_success() {
            return Err(answer.error("this run may not write the cache"));
        }
        let reply: Reply = answer.json()?;
        if reply.ok { Ok(()) } else { Err(garbled("it does not take what it had room for")) }
    }
}
