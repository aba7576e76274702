//! GitHub Actions: how a job there is told where it is, what it was asked for, and how its platform is spoken to.
//!
//! Pure, but for the variables that it is handed: files of the runner are read and written by whoever calls.

mod commands;
mod events;
mod files;
mod inputs;
mod summary;

pub use commands::{Commands, mask_forms};
pub use events::{MAX_EVENT_BYTES, Occasion, Payload, Trust};
pub use files::{FileCommandError, entry};
pub use inputs::Inputs;
pub use summary::{Failure, MAX_SUMMARY_BYTES, Summary};

use super::platform::{Described, PlatformFacts, Sign};
use super::{Environment, Hiding};

/// What is known of it. How far a run is to be trusted is for the action to judge: a table of events is in `events.rs`.
pub(super) const FACTS: PlatformFacts = PlatformFacts {
    name: "github",
    sign: Sign::True("GITHUB_ACTIONS"),
    identity: &[
        "GITHUB_REPOSITORY",
        "GITHUB_RUN_ID",
        "GITHUB_JOB",
        "GITHUB_SERVER_URL",
        "GITHUB_REF",
        "GITHUB_EVENT_NAME",
    ],
    trust: &[],
    temporary: &["RUNNER_TEMP"],
    workspace: &["GITHUB_WORKSPACE"],
    hiding: Some(Hiding::GitHubLine),
    folds: false,
    describe,
};

/// A file of the runner, by the variable that names it. What is written into it takes effect after the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunnerFile {
    /// Outputs of the step.
    Output,
    /// Variables of the steps that follow.
    Environment,
    /// What `post` is told.
    State,
    /// The page of the run.
    Summary,
}

impl RunnerFile {
    /// Returns the variable that names the file.
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Output => "GITHUB_OUTPUT",
            Self::Environment => "GITHUB_ENV",
            Self::State => "GITHUB_STATE",
            Self::Summary => "GITHUB_STEP_SUMMARY",
        }
    }
}

fn describe(environment: &Environment) -> Described {
    let get = |name: &str| environment.get(name).map(|value| value.to_string());
    let url = || {
        let (server, repository) = (get("GITHUB_SERVER_URL")?, get("GITHUB_REPOSITORY")?);
        Some(format!("{server}/{repository}/actions/runs/{}", get("GITHUB_RUN_ID")?))
    };
    Described {
        parts: ["GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_JOB"].into_iter().filter_map(get).collect(),
        run: get("GITHUB_RUN_ID"),
        reference: get("GITHUB_REF"),
        event: get("GITHUB_EVENT_NAME"),
        url: url(),
        trust: super::Trust::Unknown,
    }
}
