//! Deletes old records, which the runtime token cannot: with a token of the person's that has `actions: write`. Records
//! that stay are no harm but for the room that they take, so failing to delete one is never an error of a run.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::Method;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use url::Url;

use super::http::{Deadline, Http, Request, bearer, garbled};
use super::keys::{Cell, Sequence, version};
use super::service::address_of;
use crate::job::Environment;
use crate::store::StoreError;

/// The variable with the token. It is ours alone: a token that is there for others is not taken.
pub(super) const TOKEN_VARIABLE: &str = "AUTHBATON_GITHUB_TOKEN";
/// A younger record stays: somebody may be about to write after it.
const OLD: TimeDelta = TimeDelta::hours(24);
/// One page, and what of it one run deletes.
const PAGE: &str = "100";
const MOST: usize = 10;
const LIMIT: Duration = Duration::from_secs(10);
const MAX_LIST_BYTES: usize = 256 * 1024;
const DEFAULT_API: &str = "https://api.github.com";
const DENIED: &str = "the token for deleting old entries needs `actions: write`";

#[derive(Deserialize)]
struct List {
    actions_caches: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: u64,
    #[serde(rename = "ref")]
    scope: String,
    key: String,
    version: String,
    created_at: DateTime<Utc>,
}

/// The entries of a repository, for whoever may delete them.
pub(super) struct Entries {
    url: Url,
    authorization: HeaderValue,
}

impl Entries {
    /// Returns them if somebody gave a token; without one nothing is deleted.
    pub(super) fn find(environment: &Environment) -> Option<Self> {
        let authorization = bearer(&environment.get(TOKEN_VARIABLE)?)?;
        let api = environment.get("GITHUB_API_URL");
        let api = address_of(api.as_deref().map_or(DEFAULT_API, |api| api))?;
        let repository = environment.get("GITHUB_REPOSITORY")?;
        let (owner, name) = repository.split_once('/')?;
        let mut url = api;
        url.path_segments_mut().ok()?.pop_if_empty().extend(["repos", owner, name, "actions", "caches"]);
        Some(Self { url, authorization })
    }

    /// Deletes what is older than a day and below the last two records of the cell, of which `newest` is the last.
    ///
    /// # Errors
    /// When the list cannot be had, or something cannot be deleted.
    pub(super) fn prune(
        &self,
        http: &Http,
        cell: &Cell,
        writing_ref: &str,
        newest: Sequence,
    ) -> Result<(), StoreError> {
        let deadline = http.deadline(LIMIT);
        let list = self.list(http, cell, writing_ref, deadline)?;
        let now = http.clock().now();
        let is_old = |entry: &&Entry| {
            let below = |sequence: Sequence| sequence.next() < newest;
            entry.scope == writing_ref
                && entry.version == version()
                && cell.sequence(&entry.key).is_some_and(below)
                && now - entry.created_at > OLD
        };
        for entry in list.actions_caches.iter().filter(is_old).take(MOST) {
            let mut url = self.url.clone();
            if let Ok(mut segments) = url.path_segments_mut() {
                segments.push(&entry.id.to_string());
            }
            let answer = http.send(&self.request(Method::DELETE, url), deadline)?;
            // Somebody else may have deleted it.
            if !answer.is_success() && answer.status != 404 {
                return Err(answer.error(DENIED));
            }
        }
        Ok(())
    }

    fn list(
        &self,
        http: &Http,
        cell: &Cell,
        writing_ref: &str,
        deadline: Deadline,
    ) -> Result<List, StoreError> {
        let mut url = self.url.clone();
        url.query_pairs_mut()
            .append_pair("key", cell.prefix())
            .append_pair("ref", writing_ref)
            .append_pair("sort", "created_at")
            .append_pair("direction", "asc")
            .append_pair("per_page", PAGE);
        let answer = http.send(&self.request(Method::GET, url), deadline)?;
        if !answer.is_success() {
            return Err(answer.error(DENIED));
        }
        answer.json().map_err(|_| garbled("the list of entries is none"))
    }

    fn request(&self, method: Method, url: Url) -> Request<'static> {
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, self.authorization.clone()),
            (ACCEPT, HeaderValue::from_static("application/vnd.github+json")),
            (HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28")),
        ]);
        Request { method, url, headers, body: None, max: MAX_LIST_BYTES }
    }
}
