//! `git:URL#REF`: the sealed baton as the one file of a commit without parents, under a ref of its own.
//!
//! The version is the commit. A swap is a push under a lease on the exact commit that was loaded: the host compares it
//! under its own lock, so of two pushes one wins. Nothing is checked out, no history grows, and no repository of the job
//! is touched: each load and each swap works in a private one. What a host says is looked at, never repeated.

mod answer;
mod repository;
mod token;
mod url;

use std::cell::{OnceCell, RefCell};
use std::time::Duration;

use answer::{Object, Pushed};
use repository::{GitVersion, Repository};

use super::refusal::Refusal;
use super::{Durability, Exclusive, Facts, Store, StoreError, Swap, Version};
use crate::baton::{MAX_BATON_BYTES, SealedBytes, SlotName};
use crate::job::{Clock, Environment, Job, SystemClock, random};

pub use url::{GitUrl, GitUrlError};

/// A push takes about a second where hosts are well, and several where they are not. After this time git is ended, and
/// whether the push has landed is read back. Leases last two minutes by it.
const WORST_SWAP: Duration = Duration::from_secs(15);
/// The file in the commit.
const FILE: &str = "baton";
/// Where a private repository has what was made here, and what came from there.
const MADE: &str = "refs/authbaton/made";
const THERE: &str = "refs/authbaton/there";
/// A host that is busy with another push of the same ref rejects ours without having changed anything.
const TRIES: usize = 6;
const PAUSE: std::ops::Range<u64> = 30..250;

/// What git and ssh need to find their programs, settings, agents, proxies and certificates; and
/// the tokens, which are for [`token`] alone.
pub(super) const VARIABLES: [&str; 25] = [
    "PATH",
    "HOME",
    "XDG_CONFIG_HOME",
    "USER",
    "LOGNAME",
    "SSH_AUTH_SOCK",
    "GIT_SSH_COMMAND",
    "GIT_SSL_CAINFO",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "TMPDIR",
    "AUTHBATON_GIT_TOKEN",
    "GITHUB_TOKEN",
    "GITHUB_SERVER_URL",
    "CI_JOB_TOKEN",
    "CI_SERVER_HOST",
    "CI_SERVER_PORT",
];

/// A store in a git repository.
pub struct GitStore {
    url: GitUrl,
    environment: Environment,
    clock: Box<dyn Clock>,
    version: OnceCell<GitVersion>,
    /// What was last read or written: whoever waits for a change asks for the commit's number alone.
    seen: RefCell<Option<(SlotName, Version, SealedBytes)>>,
    refusal: Refusal,
}

impl GitStore {
    /// Names the repository, and where git finds what it needs. Nothing is asked yet.
    #[must_use]
    pub fn new(url: GitUrl, environment: &Environment) -> Self {
        Self {
            url,
            environment: Environment::HandedOver(
                environment
                    .only(|name| VARIABLES.contains(&name) || Job::places().any(|place| place == name)),
            ),
            clock: Box::new(SystemClock),
            version: OnceCell::new(),
            seen: RefCell::new(None),
            refusal: Refusal::default(),
        }
    }

    fn repository(&self) -> Result<Repository<'_>, StoreError> {
        Repository::new(&self.url, &self.environment, &self.version, WORST_SWAP)
    }

    fn remember(&self, slot: &SlotName, version: &Version, content: &SealedBytes) {
        self.seen.replace(Some((slot.clone(), version.clone(), content.clone())));
    }
}

/// Asks the other side for the commit that a ref names.
fn tip(repository: &Repository<'_>, reference: &str) -> Result<Option<String>, StoreError> {
    let said = repository.ask(&["ls-remote", "--quiet", "--refs", "--", repository.remote(), reference])?;
    match said.code {
        Some(0) => answer::tip(&said.stdout, reference),
        _ => Err(answer::failure(&said.stderr)),
    }
}

/// Fetches the commit of a ref, and reads its file: its size first.
fn fetch(repository: &Repository<'_>, reference: &str) -> Result<(SealedBytes, Version), StoreError> {
    let from_to = format!("+{reference}:{THERE}");
    let fetched = repository.ask(&[
        "fetch",
        "--quiet",
        "--no-tags",
        "--depth=1",
        "--no-write-fetch-head",
        "--",
        repository.remote(),
        &from_to,
    ])?;
    if fetched.code != Some(0) {
        return Err(answer::fetch_failure(&fetched.stderr));
    }
    let wanted = format!("{THERE}\n{THERE}:{FILE}\n");
    let said = repository.must(&["cat-file", "--batch-check"], wanted.as_bytes())?;
    let said = String::from_utf8_lossy(&said);
    let mut objects = said.lines().map(answer::object);
    let (commit, file) = (objects.next().flatten(), objects.next().flatten());
    let (Some(commit), Some(file)) = (of_kind(commit, "commit"), of_kind(file, "blob")) else {
        return Err(StoreError::Garbled("the git ref holds something else than a baton".to_owned()));
    };
    if file.size > MAX_BATON_BYTES {
        return Err(answer::too_much());
    }
    let content = repository.read(&["cat-file", "blob", &file.id], b"", MAX_BATON_BYTES)?;
    Ok((SealedBytes::from_store(content), Version(commit.id)))
}

fn of_kind(object: Option<Object>, kind: &str) -> Option<Object> {
    object.filter(|object| object.kind == kind)
}

/// Makes the commit: nobody's name, no time, no signature. Its message makes it one that nobody else makes, whatever the
/// content: whoever finds it under the ref knows who was there.
fn commit(repository: &Repository<'_>, content: &SealedBytes) -> Result<String, StoreError> {
    let bytes = content.as_slice();
    let mark = random::<16>().map_err(|_| StoreError::NotHere("there is no randomness".to_owned()))?;
    let mark = format!("{:032x}", u128::from_le_bytes(mark));
    let mut stream = format!(
        "commit {MADE}\nmark :1\ncommitter authbaton <authbaton@localhost> 1000000000 +0000\ndata {}\n{mark}\n\
         M 100644 inline {FILE}\ndata {}\n",
        mark.len(),
        bytes.len()
    )
    .into_bytes();
    stream.extend(bytes);
    stream.extend(b"\nget-mark :1\ndone\n");
    let said = repository.must(&["fast-import", "--quiet", "--done", "--date-format=raw"], &stream)?;
    let id = String::from_utf8_lossy(&said).trim().to_owned();
    if answer::is_id(&id) { Ok(id) } else { Err(StoreError::Garbled("git made no commit".to_owned())) }
}

/// Pushes under a lease on the exact commit that is expected; `""`: there must be none.
fn push(
    repository: &Repository<'_>,
    reference: &str,
    expected: &str,
    new: &str,
) -> Result<Pushed, StoreError> {
    let lease = format!("--force-with-lease={reference}:{expected}");
    let from_to = format!("{new}:{reference}");
    let options = ["push", "--porcelain", "--no-verify", "--no-progress", &lease, "--"];
    let arguments: Vec<&str> = options.into_iter().chain([repository.remote(), &from_to]).collect();
    let said = repository.tell(&arguments)?;
    answer::pushed(&said.stdout, reference).ok_or_else(|| answer::failure(&said.stderr))
}

impl GitStore {
    fn push_over(
        &self,
        repository: &Repository<'_>,
        reference: &str,
        expected: &str,
        new: &str,
    ) -> Result<bool, StoreError> {
        for _ in 0..TRIES {
            let by_rule = match push(repository, reference, expected, new)? {
                Pushed::Done => return Ok(true),
                Pushed::Stale => return Ok(false),
                Pushed::Rejected { by_rule } => by_rule,
            };
            // Not the host's words but its ref says what that was.
            let there = tip(repository, reference)?;
            if there.as_deref().unwrap_or_default() != expected {
                return Ok(there.as_deref() == Some(new));
            }
            if by_rule {
                let text = "a rule of the git host, or of the repository, forbids to push this ref";
                return Err(StoreError::Denied(text.to_owned()));
            }
            self.clock.sleep(pause());
            if repository.left().is_zero() {
                break;
            }
        }
        Err(StoreError::Unreachable("the git host does not take the push".to_owned()))
    }
}

/// With jitter: those who were rejected together do not come back together.
fn pause() -> Duration {
    let jitter = random::<8>().map_or(0, u64::from_le_bytes);
    Duration::from_millis(PAUSE.start + jitter % (PAUSE.end - PAUSE.start))
}

impl Store for GitStore {
    fn name(&self) -> String {
        self.url.to_string()
    }

    fn facts(&self) -> Result<Facts, StoreError> {
        let access = self.refusal.access("the git host has refused a push");
        let (exclusive, durability) = (Exclusive::Always, Durability::Now);
        Ok(Facts { exclusive, access, durability, worst_swap: WORST_SWAP })
    }

    fn load(&self, slot: &SlotName) -> Result<Option<(SealedBytes, Version)>, StoreError> {
        let (repository, reference) = (self.repository()?, self.url.reference(slot));
        let Some(tip) = tip(&repository, &reference)? else { return Ok(None) };
        if let Some((of, version, content)) = &*self.seen.borrow()
            && (of, &version.0) == (slot, &tip)
        {
            return Ok(Some((content.clone(), version.clone())));
        }
        let (content, version) = fetch(&repository, &reference)?;
        self.remember(slot, &version, &content);
        Ok(Some((content, version)))
    }

    fn swap(
        &self,
        slot: &SlotName,
        expected: Option<&Version>,
        new: &SealedBytes,
    ) -> Result<Swap, StoreError> {
        if new.as_slice().len() > MAX_BATON_BYTES {
            // It could never be read again.
            return Err(answer::too_much());
        }
        Repository::sweep(&self.environment);
        let (repository, reference) = (self.repository()?, self.url.reference(slot));
        let made = commit(&repository, new)?;
        let expected = expected.map_or("", |version| version.0.as_str());
        let pushed = self.push_over(&repository, &reference, expected, &made);
        if !self.refusal.seen_in(pushed)? {
            return Ok(Swap::Conflict);
        }
        let version = Version(made);
        self.remember(slot, &version, new);
        Ok(Swap::Done(version))
    }
}
