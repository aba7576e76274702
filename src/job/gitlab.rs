//! GitLab CI/CD: how a job there is told where it is, and how far it is to be trusted.
//!
//! GitLab gives protected variables to protected refs alone, and so does this program with the writing of a store. A
//! pipeline of a merge request counts as protected only where GitLab says so. One of a fork runs in the fork's own project,
//! or, when a member starts it, in ours: its source project is then another than the one it runs in, or the one it goes to.

mod dotenv;
mod sections;

pub use dotenv::line;
pub use sections::{section_end, section_start};

use super::platform::{Described, PlatformFacts, Sign};
use super::{Environment, Trust};

/// What is known of it.
pub(super) const FACTS: PlatformFacts = PlatformFacts {
    name: "gitlab",
    sign: Sign::True("GITLAB_CI"),
    identity: &[
        "CI_PROJECT_PATH",
        "CI_PIPELINE_ID",
        "CI_JOB_ID",
        "CI_JOB_URL",
        "CI_COMMIT_REF_NAME",
        "CI_PIPELINE_SOURCE",
    ],
    trust: &[
        "CI_COMMIT_REF_PROTECTED",
        "CI_PROJECT_ID",
        "CI_MERGE_REQUEST_IID",
        "CI_MERGE_REQUEST_PROJECT_ID",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID",
        "CI_EXTERNAL_PULL_REQUEST_IID",
    ],
    temporary: &[],
    workspace: &["CI_PROJECT_DIR"],
    hiding: None,
    folds: true,
    describe,
};

const FORK: Trust = Trust::ReadOnly {
    reason: "this merge request comes from a fork; let a pipeline of a protected branch renew the login",
};
const EXTERNAL: Trust = Trust::ReadOnly {
    reason: "this is a pull request of another host; let a pipeline of a protected branch renew the login",
};
const MERGE_REQUEST: Trust = Trust::ReadOnly {
    reason: "GitLab does not take this merge request's pipeline for protected; let a pipeline of a protected branch renew the login",
};
const UNPROTECTED: Trust = Trust::ReadOnly {
    reason: "this ref is not protected; protect the branch or tag in the project's settings, or let a protected one renew the login",
};

fn describe(environment: &Environment) -> Described {
    let get = |name: &str| environment.get(name).map(|value| value.to_string());
    Described {
        parts: ["CI_PROJECT_PATH", "CI_PIPELINE_ID", "CI_JOB_ID"].into_iter().filter_map(get).collect(),
        run: get("CI_PIPELINE_ID"),
        reference: get("CI_COMMIT_REF_NAME"),
        event: get("CI_PIPELINE_SOURCE"),
        url: get("CI_JOB_URL"),
        trust: trust(environment),
    }
}

fn trust(environment: &Environment) -> Trust {
    let get = |name: &str| environment.get(name);
    let came_by = |event: &str| get("CI_PIPELINE_SOURCE").is_some_and(|it| *it == event);
    let source = get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID");
    let is_other =
        |name: &str| get(name).is_some_and(|project| source.as_ref().is_some_and(|it| *it != project));
    if is_other("CI_PROJECT_ID") || is_other("CI_MERGE_REQUEST_PROJECT_ID") {
        FORK
    } else if environment.has("CI_EXTERNAL_PULL_REQUEST_IID") || came_by("external_pull_request_event") {
        EXTERNAL
    } else if get("CI_COMMIT_REF_PROTECTED").is_some_and(|it| it.eq_ignore_ascii_case("true")) {
        Trust::Protected
    } else if environment.has("CI_MERGE_REQUEST_IID") || came_by("merge_request_event") {
        MERGE_REQUEST
    } else {
        UNPROTECTED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_job_of_gitlab_may_do() {
        let table: [(&[(&str, &str)], Trust); 13] = [
            (&[("CI_COMMIT_REF_PROTECTED", "true")], Trust::Protected),
            (&[("CI_COMMIT_REF_PROTECTED", "True"), ("CI_PIPELINE_SOURCE", "schedule")], Trust::Protected),
            (&[], UNPROTECTED),
            (&[("CI_COMMIT_REF_PROTECTED", "false")], UNPROTECTED),
            (&[("CI_COMMIT_REF_PROTECTED", "1")], UNPROTECTED),
            (&[("CI_PIPELINE_SOURCE", "merge_request_event")], MERGE_REQUEST),
            (&[("CI_MERGE_REQUEST_IID", "3"), ("CI_COMMIT_REF_PROTECTED", "false")], MERGE_REQUEST),
            // Between protected branches, where the project's settings say so.
            (&[("CI_MERGE_REQUEST_IID", "3"), ("CI_COMMIT_REF_PROTECTED", "true")], Trust::Protected),
            (
                &[
                    ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "1"),
                    ("CI_PROJECT_ID", "1"),
                    ("CI_MERGE_REQUEST_PROJECT_ID", "1"),
                    ("CI_COMMIT_REF_PROTECTED", "true"),
                ],
                Trust::Protected,
            ),
            // A member runs it in the project that it goes to.
            (
                &[
                    ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "2"),
                    ("CI_PROJECT_ID", "1"),
                    ("CI_COMMIT_REF_PROTECTED", "true"),
                ],
                FORK,
            ),
            // It runs in the fork.
            (
                &[
                    ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "2"),
                    ("CI_PROJECT_ID", "2"),
                    ("CI_MERGE_REQUEST_PROJECT_ID", "1"),
                    ("CI_COMMIT_REF_PROTECTED", "true"),
                ],
                FORK,
            ),
            (&[("CI_EXTERNAL_PULL_REQUEST_IID", "4"), ("CI_COMMIT_REF_PROTECTED", "true")], EXTERNAL),
            (
                &[("CI_PIPELINE_SOURCE", "external_pull_request_event"), ("CI_COMMIT_REF_PROTECTED", "true")],
                EXTERNAL,
            ),
        ];
        for (variables, expected) in table {
            let given = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            assert_eq!(trust(&Environment::Fixed(given.collect())), expected, "{variables:?}");
        }
    }
}
