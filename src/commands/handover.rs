//! What a broker is told through a pipe: the options as they were given, and the variables that hold secrets or say where
//! things are. Its own environment has nothing of it, and its command line neither.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use zeroize::Zeroizing;

use super::bench::SEAL_KEY_VARIABLE;
use super::{Bench, CommandError};
use crate::disk::{Read, read_capped, replace};
use crate::home::Home;
use crate::job::{Clock, Job, is_running};

/// Where the machine keeps our state, and how the policy finds its files.
const PLACES: [&str; 4] = ["HOME", "XDG_STATE_HOME", "USER", "ProgramData"];

/// How long a broker stays that outlives whoever started it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Stay {
    /// It leaves when this file is gone: whoever wants it to leave deletes it, and so does a runner that cleans up.
    pub sign: PathBuf,
    /// It leaves when this process is gone.
    pub runner: Option<u32>,
    /// It leaves then: it could not store any more.
    pub until: Option<DateTime<Utc>>,
    /// Where it writes down how it ended.
    pub outcome: PathBuf,
}

impl Stay {
    /// How often a broker looks whether it is to leave.
    const LOOK: Duration = Duration::from_millis(100);
    const STORED: &'static [u8] = b"stored\n";
    const NOT_STORED: &'static [u8] = b"not stored\n";

    /// Waits until it is time to leave.
    pub(super) fn wait(&self, clock: &dyn Clock) {
        let is_over = || {
            !self.sign.exists()
                || self.runner.is_some_and(|runner| !is_running(runner))
                || self.until.is_some_and(|until| clock.now() >= until)
        };
        while !is_over() {
            clock.sleep(Self::LOOK);
        }
    }

    /// Writes down whether everything that was renewed is in the store. Where the directory is gone nobody asks.
    pub(super) fn leave(&self, is_stored: bool) {
        let _ = replace(&self.outcome, if is_stored { Self::STORED } else { Self::NOT_STORED });
    }

    /// Reads what a broker that has left wrote down; `None` when it was killed.
    pub(super) fn outcome(path: &Path) -> Option<bool> {
        match read_capped(path, 64) {
            Ok(Read::Content(text)) if *text == Self::STORED => Some(true),
            Ok(Read::Content(text)) if *text == Self::NOT_STORED => Some(false),
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct Handover<'a> {
    options: &'a Value,
    environment: BTreeMap<String, Zeroizing<String>>,
    read_only: Option<&'a str>,
    stay: Option<&'a Stay>,
}

impl Bench<'_> {
    /// Writes down what a broker for `home` needs to know.
    ///
    /// # Errors
    /// When something of it is not UTF-8.
    pub(super) fn handover(
        &self,
        home: &Home,
        stay: Option<&Stay>,
    ) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        let path = home.path().to_str().ok_or(CommandError::NotHandedOver)?;
        let mut options = self.settings.given.clone();
        match options.as_object_mut() {
            Some(options) => options.insert("home".to_owned(), path.into()),
            None => return Err(CommandError::NotHandedOver),
        };
        let names = [SEAL_KEY_VARIABLE].into_iter().chain(PLACES).chain(Job::variables());
        let mut environment = self.variables_of_store();
        let named = names.filter_map(|name| Some((name.to_owned(), self.environment.get(name)?)));
        environment.extend(named);
        let read_only = self.why_read_only();
        let handover = Handover { options: &options, environment, read_only: read_only.as_deref(), stay };
        serde_json::to_vec(&handover).map(Zeroizing::new).map_err(|_| CommandError::NotHandedOver)
    }
}
