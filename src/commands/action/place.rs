//! Where the login of a job goes: a directory of the job, and a home in it, or the home that an input names.

use super::super::{Bench, CommandError, Parts};
use super::notes::Notes;
use crate::disk::{new_file, remove, replace};
use crate::home::{Home, JobHome};
use crate::job::is_in_workspace;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The directory of a job and the home that it uses.
pub(super) struct Place {
    directory: PathBuf,
    pub(super) home: Home,
}

impl Place {
    /// Makes both. `post` is told first: it deletes what was half made, too.
    pub(super) fn make(bench: &Bench<'_>) -> Result<Self, CommandError> {
        let temporary = bench.job().temporary.ok_or(CommandError::NoTemporaryDirectory)?;
        let job = JobHome::choose(&temporary)?;
        Notes::directory(bench, job.directory())?;
        job.make()?;
        let home = match &bench.settings.home {
            None => job.make_home(bench.settings.client)?,
            Some(_) => {
                let home = bench.home()?;
                Notes::home(bench, home.path())?;
                if is_in_workspace(bench.environment, home.path()) {
                    bench.warn("the home is in the workspace: what lies there goes into caches, artifacts and commits");
                }
                home
            }
        };
        Ok(Self { directory: job.directory().to_owned(), home })
    }

    /// Finds again what another process made; `None` where nothing of it is ours.
    pub(super) fn find(bench: &Bench<'_>, notes: &Notes) -> Option<(JobHome, Self)> {
        let temporary = bench.job().temporary?;
        let job = JobHome::find(notes.directory.as_ref()?, &temporary)?;
        let path = notes.home.clone().unwrap_or_else(|| job.directory().join("home"));
        let home = Home::find(bench.settings.client, Some(path), bench.environment).ok()?;
        let directory = job.directory().to_owned();
        Some((job, Self { directory, home }))
    }

    pub(super) fn parts(&self, bench: &Bench<'_>) -> Parts {
        bench.parts_at(self.home.clone())
    }

    /// The broker stays as long as this file is there.
    pub(super) fn sign(&self) -> PathBuf {
        self.directory.join("broker.stay")
    }

    /// How the broker ended.
    pub(super) fn outcome(&self) -> PathBuf {
        self.directory.join("broker.outcome")
    }

    /// What it said.
    pub(super) fn log(&self) -> PathBuf {
        self.directory.join("broker.log")
    }

    pub(super) fn put_sign(&self) -> Result<File, CommandError> {
        let in_home = |error| CommandError::from(crate::home::HomeError::from(error));
        replace(&self.sign(), b"").map_err(in_home)?;
        new_file(&self.log()).map_err(in_home)
    }

    pub(super) fn take_sign(&self) -> Result<bool, CommandError> {
        remove(Path::new(&self.sign())).map_err(|error| crate::home::HomeError::from(error).into())
    }
}
