//! `action main|post`: what `action.yml` calls. `main` gives the job a login and notes what it made; `post` stops the
//! broker and deletes that, and nothing else. Inputs alone decide: no variable of the job is an option here.

mod admission;
mod main;
mod notes;
mod place;
mod post;

use chrono::TimeDelta;

use super::{LoginKind, SecretSource, When};

pub use main::main;
pub use post::post;

/// The options of the action, besides the common ones.
#[derive(Clone, Debug, Default)]
pub struct ActionOptions {
    /// What to log in with; with nothing, the slot must have a login.
    pub credential: Option<(LoginKind, SecretSource)>,
    /// `read-only`.
    pub read_only: bool,
    /// `refresh`.
    pub refresh: When,
    /// `min-ttl`.
    pub min_ttl: Option<TimeDelta>,
    /// `broker`.
    pub broker: When,
    /// `cleanup`.
    pub cleanup: bool,
    /// `export-environment`.
    pub export_environment: bool,
    /// `allow-untrusted-events`.
    pub allow_untrusted_events: bool,
    /// The process of the runner, if it is known: without it nobody serves.
    pub runner: Option<u32>,
}
