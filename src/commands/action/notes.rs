//! What `main` tells the runner and, through it, `post`: paths and digests, never a token.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::super::{Bench, CommandError};
use crate::credential::Credential;
use crate::disk::append;
use crate::job::github::{RunnerFile, entry};
use crate::job::random;
use crate::relay::RelayError;

const DIRECTORY: &str = "directory";
const HOME: &str = "home";
const PLACED: &str = "placed";
const BROKER: &str = "broker";

/// What `main` made, as `post` finds it. Each is noted before it is made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Notes {
    /// The directory of the job.
    pub(super) directory: Option<PathBuf>,
    /// A home that was named in an input, and is not ours to delete.
    pub(super) home: Option<PathBuf>,
    /// The fingerprint of what was placed in it.
    pub(super) placed: Option<String>,
    /// Whether a broker was started.
    pub(super) broker: bool,
}

impl Notes {
    /// Reads what `main` noted.
    pub(super) fn read(bench: &Bench<'_>) -> Self {
        let variable = |name: &str| format!("STATE_{name}");
        Self {
            directory: bench.environment.path(&variable(DIRECTORY)),
            home: bench.environment.path(&variable(HOME)),
            placed: bench.environment.get(&variable(PLACED)).map(|value| value.to_string()),
            broker: bench.environment.has(&variable(BROKER)),
        }
    }

    pub(super) fn directory(bench: &Bench<'_>, path: &Path) -> Result<(), CommandError> {
        tell_path(bench, DIRECTORY, path)
    }

    pub(super) fn home(bench: &Bench<'_>, path: &Path) -> Result<(), CommandError> {
        tell_path(bench, HOME, path)
    }

    pub(super) fn placed(bench: &Bench<'_>, credential: &Credential) -> Result<(), CommandError> {
        tell(bench, RunnerFile::State, PLACED, &fingerprint(credential))
    }

    pub(super) fn broker(bench: &Bench<'_>) -> Result<(), CommandError> {
        tell(bench, RunnerFile::State, BROKER, "true")
    }
}

/// Tells one credential from another, and nothing else of it.
pub(super) fn fingerprint(credential: &Credential) -> String {
    let mut hash = Sha256::new();
    for secret in credential.secrets() {
        hash.update(secret.len().to_be_bytes());
        hash.update(secret.as_bytes());
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn tell_path(bench: &Bench<'_>, name: &str, path: &Path) -> Result<(), CommandError> {
    let text = path.to_str().ok_or(CommandError::NotHandedOver)?;
    tell(bench, RunnerFile::State, name, text)
}

/// Writes an entry into a file of the runner.
pub(super) fn tell(bench: &Bench<'_>, file: RunnerFile, name: &str, value: &str) -> Result<(), CommandError> {
    let path = bench.environment.path(file.variable());
    let path = path.ok_or(CommandError::NoRunnerFile(file.variable()))?;
    let entry = entry(name, value, random().map_err(RelayError::from)?)?;
    append(&path, entry.as_bytes()).map_err(CommandError::RunnerFile)
}
