//! CircleCI: how a job there is told where it is. Not proven on the real platform (`docs/other-cis.md`).

use super::platform::{Described, PlatformFacts, Sign};
use super::{Environment, Trust};

/// What is known of it. Its working directory may begin with `~`.
pub(super) const FACTS: PlatformFacts = PlatformFacts {
    name: "circleci",
    sign: Sign::True("CIRCLECI"),
    identity: &[
        "CIRCLE_PROJECT_USERNAME",
        "CIRCLE_PROJECT_REPONAME",
        "CIRCLE_BUILD_NUM",
        "CIRCLE_JOB",
        "CIRCLE_BUILD_URL",
        "CIRCLE_WORKFLOW_ID",
        "CIRCLE_BRANCH",
        "CIRCLE_TAG",
    ],
    // Set for pull requests of forks alone, and only for projects of GitHub OAuth and Bitbucket.
    trust: &["CIRCLE_PR_NUMBER", "CIRCLE_PR_REPONAME", "CIRCLE_PR_USERNAME"],
    temporary: &[],
    workspace: &["CIRCLE_WORKING_DIRECTORY"],
    hiding: None,
    folds: false,
    describe,
};

const FORK: Trust = Trust::ReadOnly {
    reason: "this pull request comes from a fork; let a job of the repository's own branches renew the login",
};

fn describe(environment: &Environment) -> Described {
    let get = |name: &str| environment.get(name).map(|value| value.to_string());
    let parts = ["CIRCLE_PROJECT_USERNAME", "CIRCLE_PROJECT_REPONAME", "CIRCLE_BUILD_NUM", "CIRCLE_JOB"];
    let is_fork = FACTS.trust.iter().any(|name| environment.has(name));
    Described {
        parts: parts.into_iter().filter_map(get).collect(),
        run: get("CIRCLE_WORKFLOW_ID"),
        reference: get("CIRCLE_BRANCH").or_else(|| get("CIRCLE_TAG")),
        event: None,
        url: get("CIRCLE_BUILD_URL"),
        trust: if is_fork { FORK } else { Trust::Unknown },
    }
}
