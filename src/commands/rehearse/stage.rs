//! The stage of a rehearsal: a temporary machine with homes, a store, an authority, and jobs that are real processes.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::super::Bench;
use crate::baton::{Audience, Baton, SealKeys, SealedBytes, SlotId, SlotName};
use crate::credential::MAX_LOGIN_BYTES;
use crate::disk::{Read, private_directory, read_capped, replace};
use crate::job::{explain, random, spawn, this_program};
use crate::rehearsal::{Account, Authority, IssueOptions, Settings};
use crate::store::{FileStore, Store};

/// Everything that a rehearsal plays with. It vanishes with this value, but for a slot in a store that was given.
pub(super) struct Stage {
    directory: TempDir,
    pub(super) authority: Authority,
    store: Box<dyn Store>,
    /// The URL for the children.
    store_url: String,
    given: bool,
    slot: SlotName,
    key: String,
    /// What the given store reads of our environment.
    variables: BTreeMap<String, Zeroizing<String>>,
    ca_file: Option<PathBuf>,
}

/// What a job came to.
pub(super) struct Done {
    pub(super) exit: Option<i32>,
    json: Value,
}

impl Stage {
    pub(super) fn set(bench: &Bench<'_>, given: Option<Box<dyn Store>>) -> io::Result<Self> {
        let directory = tempfile::Builder::new().prefix("authbaton-rehearsal-").tempdir()?;
        let is_given = given.is_some();
        let place = directory.path().join("store");
        let store = given.unwrap_or_else(|| Box::new(FileStore::new(&place, false, false)));
        let name = if is_given {
            format!("rehearse-{}", hex(random().map_err(io::Error::other)?))
        } else {
            "default".to_owned()
        };
        let key: [u8; 32] = random().map_err(io::Error::other)?;
        let stage = Self {
            store_url: bench.settings.store_text.clone().filter(|_| is_given).unwrap_or_else(|| store.name()),
            authority: Authority::start(Settings::default())?,
            store,
            given: is_given,
            slot: SlotName::new(&name).map_err(io::Error::other)?,
            key: STANDARD.encode(key),
            variables: bench.variables_of_store(),
            ca_file: bench.settings.ca_file.clone(),
            directory,
        };
        for name in ["user", "seeds"] {
            private_directory(&stage.path(name)).map_err(io::Error::other)?;
        }
        Ok(stage)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn home(&self, job: &str) -> PathBuf {
        self.path("homes").join(job)
    }

    /// Has the authority issue a login and writes it where a job finds its seed.
    pub(super) fn seed(&self, name: &str, options: &IssueOptions) -> Result<PathBuf, String> {
        let text =
            self.authority.issue(&Account::named("rehearsal"), options).map_err(|error| error.to_string())?;
        let path = self.path("seeds").join(name);
        replace(&path, text.as_bytes()).map_err(|error| explain(&error))?;
        Ok(path)
    }

    /// Starts a job: this program, with nothing of our environment but what a given store reads.
    fn start(&self, job: &str, store: &str, key: &str, arguments: &[&str]) -> io::Result<Child> {
        let mut command = this_program()?;
        command
            .env_clear()
            .env("HOME", self.path("user"))
            .envs(self.variables.iter().map(|(name, value)| (name, value.as_str())))
            .env("XDG_STATE_HOME", self.path("user/state"))
            .env("AUTHBATON_SEAL_KEY", key)
            .args(arguments)
            .args(["--json", "--quiet", "--platform", "shell", "--store", store])
            .args(["--slot", self.slot.as_str(), "--audience", AUDIENCE])
            .args(["--authority-url", &self.authority.url()])
            .arg("--config-root")
            .arg(self.path("system"))
            .arg("--home")
            .arg(self.home(job))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Some(file) = &self.ca_file {
            command.arg("--ca-file").arg(file);
        }
        spawn(&mut command)
    }

    /// Plays a job in its home.
    pub(super) fn play(&self, job: &str, arguments: &[&str]) -> Result<Done, String> {
        self.start(job, &self.store_url, &self.key, arguments)
            .and_then(finish)
            .map_err(|error| error.to_string())
    }

    /// Plays a job on another store, or with another key.
    pub(super) fn play_with(
        &self,
        job: &str,
        store: Option<&Path>,
        key: Option<&str>,
        arguments: &[&str],
    ) -> Result<Done, String> {
        let store = store.map_or_else(|| self.store_url.clone(), |path| format!("file:{}", path.display()));
        let key = key.unwrap_or(&self.key);
        self.start(job, &store, key, arguments).and_then(finish).map_err(|error| error.to_string())
    }

    /// Plays several jobs at once.
    pub(super) fn play_together(&self, jobs: &[&str], arguments: &[&str]) -> Result<Vec<Done>, String> {
        let started: io::Result<Vec<Child>> =
            jobs.iter().map(|job| self.start(job, &self.store_url, &self.key, arguments)).collect();
        let done: io::Result<Vec<Done>> =
            started.and_then(|children| children.into_iter().map(finish).collect());
        done.map_err(|error| error.to_string())
    }

    /// Returns what the slot has, sealed.
    pub(super) fn sealed(&self) -> Result<SealedBytes, String> {
        let content = self.store.load(&self.slot).map_err(|error| explain(&error))?;
        content.map(|(bytes, _)| bytes).ok_or_else(|| "the slot has nothing".to_owned())
    }

    /// Opens what the slot has.
    pub(super) fn baton(&self) -> Result<Baton, String> {
        let keys = SealKeys::parse(&self.key).map_err(|error| error.to_string())?;
        let id = SlotId { slot: self.slot.clone(), audience: audience() };
        let opened = Baton::open(&keys, &id, &self.sealed()?).map_err(|error| error.to_string())?;
        Ok(opened.baton)
    }

    /// Returns a new key that opens nothing.
    pub(super) fn other_key(&self) -> Result<String, String> {
        random::<32>().map(|key| STANDARD.encode(key)).map_err(|error| error.to_string())
    }

    /// Writes a sealed text into a store of its own.
    pub(super) fn other_store(&self, content: &[u8]) -> Result<PathBuf, String> {
        let directory = self.path("other-store");
        private_directory(&directory)
            .and_then(|()| replace(&directory.join(format!("{}.baton", self.slot)), content))
            .map_err(|error| explain(&error))?;
        Ok(directory)
    }

    /// Returns the access token in a home, if there is a file.
    pub(super) fn access_token(&self, job: &str) -> Result<Option<String>, String> {
        match read_capped(&self.home(job).join("auth.json"), MAX_LOGIN_BYTES) {
            Err(error) => Err(explain(&error)),
            Ok(Read::Missing) => Ok(None),
            Ok(Read::Content(bytes)) => {
                let document: Value =
                    serde_json::from_slice(&bytes).map_err(|_| "the home's file is no JSON")?;
                Ok(document.pointer("/tokens/access_token").and_then(Value::as_str).map(str::to_owned))
            }
        }
    }

    /// What stays when the stage is gone: there is no remove in a store.
    pub(super) fn leftovers(&self) -> Vec<String> {
        if self.given { vec![format!("slot `{}` in the store", self.slot)] } else { Vec::new() }
    }
}

/// The audience of every rehearsal: no real baton opens for it.
const AUDIENCE: &str = "rehearse";

pub(super) fn audience() -> Audience {
    Audience::new(AUDIENCE).unwrap_or_default()
}

impl Done {
    /// Returns the id of the error, or `ok`.
    pub(super) fn outcome(&self) -> &str {
        let id = self.json.pointer("/error/id").and_then(Value::as_str);
        id.unwrap_or(if self.exit == Some(0) { "ok" } else { "no report" })
    }

    /// Returns whether the job reports that it made an exchange.
    pub(super) fn refreshed(&self) -> bool {
        self.json.get("refreshed") == Some(&Value::Bool(true))
    }
}

fn finish(child: Child) -> io::Result<Done> {
    let output = child.wait_with_output()?;
    let json = serde_json::from_slice(&output.stdout).unwrap_or_default();
    Ok(Done { exit: output.status.code(), json })
}

fn hex(bytes: [u8; 8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
