//! What the event that started a run allows it: by whom it can be started, and whose code it runs. A pure table.
//!
//! A run that strangers can start, or whose code or text is theirs, gets no credential: whatever they put into it could use
//! one. A run of the repository's own people is trusted; it writes from the default branch alone, because only there does
//! the next job find what it wrote. An event that is not in the table is a stranger's.
//!
//! Refs, names and texts of an event are other people's: no message repeats them.

use serde::Deserialize;

/// GitHub sends no larger payloads.
pub const MAX_EVENT_BYTES: usize = 25 * 1024 * 1024;

const DEPENDABOT: &str = "dependabot[bot]";

/// What a run may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Seed, lease, refresh.
    Write,
    /// Use the login, and leave the store of the default branch as it is, for this reason.
    ReadOnly(&'static str),
    /// Nothing.
    Refused {
        /// Why.
        reason: &'static str,
        /// What a person can do.
        fix: &'static str,
    },
}

/// What is known of the event.
#[derive(Clone, Copy)]
pub struct Occasion<'a> {
    /// `GITHUB_EVENT_NAME`.
    pub event: &'a str,
    /// `GITHUB_REF`.
    pub reference: Option<&'a str>,
    /// `GITHUB_ACTOR`.
    pub actor: Option<&'a str>,
    /// What `GITHUB_EVENT_PATH` has in it, if it could be read.
    pub payload: Option<&'a Payload>,
    /// Whether the run was given any secret.
    pub has_secrets: bool,
}

/// The parts of an event's payload that matter here.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Payload {
    repository: Option<Repository>,
    pull_request: Option<PullRequest>,
    workflow_run: Option<WorkflowRun>,
    comment: Option<Authored>,
    review: Option<Authored>,
    issue: Option<Authored>,
    discussion: Option<Authored>,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
    #[serde(default)]
    default_branch: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PullRequest {
    head: Head,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    /// Null when the fork has been deleted.
    repo: Option<Repository>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WorkflowRun {
    event: String,
    head_repository: Option<Repository>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Authored {
    author_association: String,
}

impl Payload {
    /// Reads a payload; `None` when it is none that GitHub sends.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    fn is_own(&self, other: Option<&Repository>) -> bool {
        matches!((&self.repository, other), (Some(own), Some(other)) if own.id == other.id)
    }
}

const BRANCH: &str = "this run is not on the default branch";
const OWN_PULL_REQUEST: &str = "this is a pull request, and the login belongs to the default branch";
const OWN_PEOPLE: &str = "this was started by a comment, and the login belongs to the default branch";
const OWN_EVENT: &str = "this event does not push to the default branch, and the login belongs there";

const FORK: Trust = Trust::Refused {
    reason: "the code of this run comes from a fork",
    fix: "run the job for pull requests of this repository only: \
          `if: github.event.pull_request.head.repo.full_name == github.repository`",
};
const STRANGER: Trust = Trust::Refused {
    reason: "this was written by somebody who is neither owner, member nor collaborator",
    fix: "let only those start the job: check `author_association` in the job's `if:`",
};
const TARGET: Trust = Trust::Refused {
    reason: "`pull_request_target` gives strangers' pull requests a run with secrets",
    fix: "use `pull_request`, or start the job by `workflow_dispatch`",
};
const CASCADE: Trust = Trust::Refused {
    reason: "the run that this one follows may have been started by a stranger",
    fix: "follow workflows that run on `push`, `schedule`, `workflow_dispatch` or pull requests of this repository",
};
const ANYBODY: Trust = Trust::Refused {
    reason: "anybody can cause this event",
    fix: "start the job by `push`, `schedule` or `workflow_dispatch`",
};
const UNKNOWN: Trust = Trust::Refused {
    reason: "it is not known who can cause this event",
    fix: "start the job by `push`, `schedule` or `workflow_dispatch`",
};
const NO_SECRETS: Trust = Trust::Refused {
    reason: "this run was started by Dependabot, which gets no secrets of Actions",
    fix: "skip the job with `if: github.actor != 'dependabot[bot]'`, or add the secrets to Dependabot's own",
};

impl Trust {
    /// Judges an event.
    #[must_use]
    pub fn of(occasion: &Occasion<'_>) -> Self {
        if occasion.actor == Some(DEPENDABOT) && !occasion.has_secrets {
            return NO_SECRETS;
        }
        let payload = occasion.payload;
        let comes_from_fork = || {
            payload.is_none_or(|it| !it.is_own(it.pull_request.as_ref().and_then(|it| it.head.repo.as_ref())))
        };
        let by = |authored: fn(&Payload) -> Option<&Authored>| match payload.and_then(authored) {
            Some(authored) if is_trusted(&authored.author_association) => Self::ReadOnly(OWN_PEOPLE),
            _ => STRANGER,
        };
        match occasion.event {
            "push" | "workflow_dispatch" | "repository_dispatch" if is_default(occasion) == Some(true) => {
                Self::Write
            }
            "push" | "workflow_dispatch" | "repository_dispatch" => Self::ReadOnly(BRANCH),
            // It always runs on the default branch, and its payload may not say which that is.
            "schedule" if is_default(occasion) != Some(false) => Self::Write,
            "schedule" => Self::ReadOnly(BRANCH),
            "pull_request" if comes_from_fork() => FORK,
            "pull_request" => Self::ReadOnly(OWN_PULL_REQUEST),
            // They run the code of the pull request, whoever comments.
            "pull_request_review" | "pull_request_review_comment" if comes_from_fork() => FORK,
            "pull_request_review" => by(|it| it.review.as_ref()),
            "pull_request_review_comment" | "issue_comment" | "discussion_comment" => {
                by(|it| it.comment.as_ref())
            }
            "issues" => by(|it| it.issue.as_ref()),
            "discussion" => by(|it| it.discussion.as_ref()),
            "pull_request_target" => TARGET,
            "workflow_run" => of_cascade(payload),
            // Only those who may write the repository cause these.
            "branch_protection_rule" | "create" | "delete" | "deployment" | "deployment_status"
            | "image_version" | "label" | "merge_group" | "milestone" | "page_build" | "project"
            | "project_card" | "project_column" | "public" | "registry_package" | "release" => {
                Self::ReadOnly(OWN_EVENT)
            }
            "check_run" | "check_suite" | "fork" | "gollum" | "pull_request_comment" | "status" | "watch" => {
                ANYBODY
            }
            _ => UNKNOWN,
        }
    }

    /// Applies `allow-untrusted-events`: what would be refused may use the login, and never write.
    #[must_use]
    pub fn or_read_only(self, allowed: bool) -> Self {
        match self {
            Self::Refused { reason, .. } if allowed => Self::ReadOnly(reason),
            as_it_is => as_it_is,
        }
    }
}

fn is_trusted(association: &str) -> bool {
    ["OWNER", "MEMBER", "COLLABORATOR"].contains(&association)
}

/// Whether the run is on the default branch; `None` where the event does not say which that is.
fn is_default(occasion: &Occasion<'_>) -> Option<bool> {
    let branch = occasion.payload?.repository.as_ref()?.default_branch.as_ref()?;
    Some(occasion.reference.and_then(|it| it.strip_prefix("refs/heads/")) == Some(branch))
}

/// A workflow that follows another one runs on the default branch, with what the other left behind.
fn of_cascade(payload: Option<&Payload>) -> Trust {
    let Some((payload, run)) = payload.and_then(|it| Some((it, it.workflow_run.as_ref()?))) else {
        return CASCADE;
    };
    if !payload.is_own(run.head_repository.as_ref()) {
        return FORK;
    }
    match run.event.as_str() {
        "push" | "schedule" | "workflow_dispatch" | "repository_dispatch" | "pull_request" | "merge_group"
        | "release" | "create" | "delete" => Trust::ReadOnly(OWN_EVENT),
        _ => CASCADE,
    }
}

#[cfg(test)]
mod tests;
