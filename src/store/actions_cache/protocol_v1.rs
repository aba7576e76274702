//! The older protocol, which GitHub Enterprise Server and programs that imitate it speak.

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use url::Url;

use super::http::{Answer, Deadline, Http, MAX_ANSWER_BYTES, Refusal, Request, garbled};
use super::protocol::{Found, Reserved, Wanted, json_headers, octets};
use crate::store::StoreError;

const ACCEPTED: HeaderValue = HeaderValue::from_static("application/json;api-version=6.0-preview.1");
const READ_DENIED: &str = "this run may not read the cache";
const WRITE_DENIED: &str = "this run may not write the cache";

#[derive(Serialize)]
struct Reserve<'a> {
    key: &'a str,
    version: &'a str,
    #[serde(rename = "cacheSize")]
    size: usize,
}

#[derive(Serialize)]
struct Commit {
    size: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    archive_location: String,
    cache_key: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Room {
    cache_id: u64,
}

/// The first protocol, at one service.
pub(super) struct V1 {
    pub(super) base: Url,
    pub(super) version: String,
}

impl V1 {
    fn url(&self, path: &str) -> Result<Url, StoreError> {
        let slash = if self.base.as_str().ends_with('/') { "" } else { "/" };
        let text = format!("{}{slash}_apis/artifactcache/{path}", self.base);
        Url::parse(&text).map_err(|_| garbled("its address takes no path"))
    }

    fn ask(
        http: &Http,
        (method, url): (Method, Url),
        mut headers: HeaderMap,
        body: Option<&[u8]>,
        deadline: Deadline,
    ) -> Result<Answer, StoreError> {
        headers.insert(ACCEPT, ACCEPTED);
        http.ask(Request { method, url, headers, body, max: MAX_ANSWER_BYTES }, deadline)
    }

    fn post(http: &Http, url: Url, body: &impl Serialize, deadline: Deadline) -> Result<Answer, StoreError> {
        let body = serde_json::to_vec(body).map_err(|_| garbled("the question cannot be written"))?;
        Self::ask(http, (Method::POST, url), json_headers(), Some(&body), deadline)
    }

    pub(super) fn look_up(
        &self,
        http: &Http,
        wanted: Wanted<'_>,
        deadline: Deadline,
    ) -> Result<Option<Found>, StoreError> {
        let mut url = self.url("cache")?;
        url.query_pairs_mut().append_pair("keys", wanted.text()).append_pair("version", &self.version);
        let answer = Self::ask(http, (Method::GET, url), HeaderMap::new(), None, deadline)?;
        match answer.status {
            204 => Ok(None),
            200 => {
                let entry: Entry = answer.json()?;
                Ok(Some(Found { key: entry.cache_key, place: http.secret(&entry.archive_location)? }))
            }
            _ => Err(answer.error(READ_DENIED)),
        }
    }

    pub(super) fn reserve(
        &self,
        http: &Http,
        key: &str,
        size: usize,
        deadline: Deadline,
    ) -> Result<Option<Reserved>, StoreError> {
        let body = Reserve { key, version: &self.version, size };
        let answer = Self::post(http, self.url("caches")?, &body, deadline)?;
        if answer.status == 409 && answer.refusal() == Refusal::Other {
            return Ok(None);
        }
        if !answer.is_success() {
            return Err(answer.error(WRITE_DENIED));
        }
        Ok(Some(Reserved::Numbered(answer.json::<Room>()?.cache_id)))
    }

    pub(super) fn upload(
        &self,
        http: &Http,
        number: u64,
        content: &[u8],
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let last = content.len().saturating_sub(1);
        let range = HeaderValue::from_str(&format!("bytes 0-{last}/*"));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, octets());
        headers.insert(CONTENT_RANGE, range.map_err(|_| garbled("the range cannot be written"))?);
        let url = self.url(&format!("caches/{number}"))?;
        let answer = Self::ask(http, (Method::PATCH, url), headers, Some(content), deadline)?;
        if answer.is_success() { Ok(()) } else { Err(answer.error(WRITE_DENIED)) }
    }

    pub(super) fn commit(
        &self,
        http: &Http,
        number: u64,
        size: usize,
        deadline: Deadline,
    ) -> Result<(), StoreError> {
        let url = self.url(&format!("caches/{number}"))?;
        let answer = Self::post(http, url, &Commit { size }, deadline)?;
        if answer.is_success() { Ok(()) } else { Err(answer.error(WRITE_DENIED)) }
    }
}
