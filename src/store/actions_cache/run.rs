//! What this run may do with the cache: judged by what the platform gave it, without asking anybody.
//!
//! The claim `ac` of the runtime token names the scopes that the run reads and writes. The token is not verified: whoever
//! could forge it would deceive this run alone, and the service verifies it at each request.

use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::Value;

use crate::disk::{Read, read_capped};
use crate::job::Environment;
use crate::store::url::is_branch;
use crate::store::{Access, StoreError};

/// GitHub sends no larger event.
const MAX_EVENT_BYTES: usize = 25 * 1024 * 1024;
/// How much of a scope's name is shown.
const MAX_SHOWN: usize = 120;
const READ: u64 = 1;
const WRITE: u64 = 2;

/// A run, as far as the cache is concerned.
pub(super) struct Run {
    mode: Mode,
    /// `None`: unknown.
    scopes: Option<Vec<Scope>>,
    /// When the token ends, if it says so.
    ends: Option<DateTime<Utc>>,
    /// The branch whose runs write.
    pub(super) writing_ref: String,
    /// `GITHUB_REF`.
    own_ref: Option<String>,
}

/// `ACTIONS_CACHE_MODE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    None,
    Read,
    Write,
    WriteOnly,
    /// Not set, or none of these: the service decides.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Scope {
    #[serde(rename = "Scope")]
    name: String,
    #[serde(rename = "Permission")]
    permission: u64,
}

#[derive(Deserialize)]
struct Claims {
    ac: Option<Value>,
    exp: Option<Value>,
}

#[derive(Deserialize)]
struct Event {
    repository: EventRepository,
}

#[derive(Deserialize)]
struct EventRepository {
    default_branch: String,
}

impl Run {
    /// Looks at what the platform gave. `named`: the branch that a person named.
    ///
    /// # Errors
    /// When nothing tells which branch writes.
    pub(super) fn find(
        named: Option<&str>,
        environment: &Environment,
        token: &str,
    ) -> Result<Self, StoreError> {
        let claims: Option<Claims> = jsonwebtoken::dangerous::insecure_decode_claims(token).ok();
        let (ac, exp) = claims.map(|claims| (claims.ac, claims.exp)).unwrap_or_default();
        let scopes = ac.as_ref().and_then(Value::as_str).and_then(scopes);
        let writing_ref = named
            .map(str::to_owned)
            .or_else(|| environment.path("GITHUB_EVENT_PATH").and_then(|path| default_branch(&path)))
            .or_else(|| scopes.as_deref().and_then(default_of).map(str::to_owned));
        let Some(writing_ref) = writing_ref else {
            const UNKNOWN: &str = "neither the event nor the cache token tells the default branch; name the branch whose \
                runs write, as in `actions-cache:?ref=refs/heads/main`";
            return Err(StoreError::NotHere(UNKNOWN.to_owned()));
        };
        Ok(Self {
            mode: Mode::of(environment),
            scopes,
            ends: exp.as_ref().and_then(Value::as_i64).and_then(|exp| DateTime::from_timestamp(exp, 0)),
            writing_ref,
            own_ref: environment.get("GITHUB_REF").map(|name| name.to_string()),
        })
    }

    /// Says whether the run may write now, and for as long as `needed`.
    pub(super) fn access(&self, now: DateTime<Utc>, needed: Duration) -> Access {
        match self.why_not_write().or_else(|| self.why_not_long(now, needed)) {
            Some(reason) => Access::ReadOnly(reason),
            None => Access::Write,
        }
    }

    /// Refuses a run that may not write. How long its token lasts is not asked: what is there to be stored is tried.
    ///
    /// # Errors
    /// When the run may not write.
    pub(super) fn refuse_readers(&self) -> Result<(), StoreError> {
        self.why_not_write().map_or(Ok(()), |reason| Err(StoreError::Denied(reason)))
    }

    /// Refuses a run that does not see what the branch that writes has written. To it, every slot would look empty.
    ///
    /// # Errors
    /// When the run may not read.
    pub(super) fn refuse_blind(&self) -> Result<(), StoreError> {
        if let Some(name) = self.mode.forbids_reading() {
            return Err(StoreError::Denied(format!("ACTIONS_CACHE_MODE is `{name}`")));
        }
        let sees = |scopes: &Vec<Scope>| {
            scopes.iter().any(|scope| scope.name == self.writing_ref && scope.permission & READ != 0)
        };
        if self.scopes.as_ref().is_none_or(sees) {
            return Ok(());
        }
        let writer = shown(&self.writing_ref);
        Err(StoreError::Denied(format!("this run does not see the cache of `{writer}`")))
    }

    fn why_not_write(&self) -> Option<String> {
        if let Some(name) = self.mode.forbids_writing() {
            return Some(format!("ACTIONS_CACHE_MODE is `{name}`"));
        }
        let writer = shown(&self.writing_ref);
        match &self.scopes {
            None if self.own_ref.as_deref() == Some(&self.writing_ref) => {}
            None => {
                return Some(format!("only runs on `{writer}` write, and this one is not known to be one"));
            }
            Some(scopes) => {
                let mut writable = scopes.iter().filter(|scope| scope.permission & WRITE != 0);
                match (writable.next(), writable.next()) {
                    (None, _) => return Some("this run's cache token may only read".to_owned()),
                    (Some(own), None) if own.name == self.writing_ref => {}
                    (Some(own), _) => {
                        let own = shown(&own.name);
                        return Some(format!("only runs on `{writer}` write, and this one is on `{own}`"));
                    }
                }
            }
        }
        None
    }

    fn why_not_long(&self, now: DateTime<Utc>, needed: Duration) -> Option<String> {
        let left = self.ends? - now;
        let is_enough = left.to_std().is_ok_and(|left| left >= needed);
        let (left, needed) = (left.num_seconds().max(0), needed.as_secs());
        (!is_enough).then(|| format!("this run's cache token ends in {left} s, and a lease takes {needed} s"))
    }
}

impl Mode {
    fn of(environment: &Environment) -> Self {
        let text = environment.get("ACTIONS_CACHE_MODE").unwrap_or_default();
        match text.trim().to_ascii_lowercase().as_str() {
            "none" => Self::None,
            "read" => Self::Read,
            "write" => Self::Write,
            "write-only" => Self::WriteOnly,
            _ => Self::Unknown,
        }
    }

    fn forbids_reading(self) -> Option<&'static str> {
        match self {
            Self::None => Some("none"),
            Self::WriteOnly => Some("write-only"),
            Self::Read | Self::Write | Self::Unknown => None,
        }
    }

    fn forbids_writing(self) -> Option<&'static str> {
        match self {
            Self::None => Some("none"),
            Self::Read => Some("read"),
            Self::Write | Self::WriteOnly | Self::Unknown => None,
        }
    }
}

/// Reads the claim. What is odd in any way says nothing, rather than something wrong.
fn scopes(ac: &str) -> Option<Vec<Scope>> {
    let scopes: Vec<Scope> = serde_json::from_str(ac).ok()?;
    let is_odd = |scope: &Scope| scope.name.is_empty() || scope.permission > (READ | WRITE);
    if scopes.is_empty() || scopes.iter().any(is_odd) { None } else { Some(scopes) }
}

/// Returns the default branch, where the scopes leave no doubt: a run that has one scope only is on it, and beside what
/// another run writes it is the one branch that it also reads.
fn default_of(scopes: &[Scope]) -> Option<&str> {
    let (writable, others): (Vec<&Scope>, Vec<&Scope>) =
        scopes.iter().partition(|scope| scope.permission & WRITE != 0);
    let only = match (writable.as_slice(), others.as_slice()) {
        ([only], []) | ([], [only]) | ([_], [only]) => only,
        _ => return None,
    };
    Some(only.name.as_str()).filter(|name| is_branch(name))
}

/// Reads the default branch out of the event that started the run. A file that is not as it should be says nothing.
fn default_branch(path: &Path) -> Option<String> {
    let Ok(Read::Content(text)) = read_capped(path, MAX_EVENT_BYTES) else { return None };
    let event: Event = serde_json::from_slice(&text).ok()?;
    Some(format!("refs/heads/{}", event.repository.default_branch)).filter(|name| is_branch(name))
}

/// A scope's name for a person's eyes.
fn shown(name: &str) -> String {
    name.chars().filter(|character| !character.is_control()).take(MAX_SHOWN).collect()
}
