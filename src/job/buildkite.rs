//! Buildkite: how a job there is told where it is. Not proven on the real platform (`docs/other-cis.md`).

use super::platform::{Described, PlatformFacts, Sign};
use super::{Environment, Trust};

/// What is known of it.
pub(super) const FACTS: PlatformFacts = PlatformFacts {
    name: "buildkite",
    sign: Sign::True("BUILDKITE"),
    identity: &[
        "BUILDKITE_ORGANIZATION_SLUG",
        "BUILDKITE_PIPELINE_SLUG",
        "BUILDKITE_BUILD_NUMBER",
        "BUILDKITE_JOB_ID",
        "BUILDKITE_BUILD_URL",
        "BUILDKITE_BRANCH",
        "BUILDKITE_SOURCE",
    ],
    trust: &["BUILDKITE_REPO", "BUILDKITE_PULL_REQUEST_REPO"],
    temporary: &[],
    workspace: &["BUILDKITE_BUILD_CHECKOUT_PATH"],
    describe,
};

const FORK: Trust = Trust::ReadOnly {
    reason: "this pull request comes from another repository; let a build of the repository's own branches renew the login",
};

fn describe(environment: &Environment) -> Described {
    let get = |name: &str| environment.get(name).map(|value| value.to_string());
    let parts = [
        "BUILDKITE_ORGANIZATION_SLUG",
        "BUILDKITE_PIPELINE_SLUG",
        "BUILDKITE_BUILD_NUMBER",
        "BUILDKITE_JOB_ID",
    ];
    let from = get("BUILDKITE_PULL_REQUEST_REPO");
    let is_other = from
        .is_some_and(|from| get("BUILDKITE_REPO").is_none_or(|own| repository(&own) != repository(&from)));
    Described {
        parts: parts.into_iter().filter_map(get).collect(),
        run: get("BUILDKITE_BUILD_NUMBER"),
        reference: get("BUILDKITE_BRANCH"),
        event: get("BUILDKITE_SOURCE"),
        url: get("BUILDKITE_BUILD_URL"),
        trust: if is_other { FORK } else { Trust::Unknown },
    }
}

/// The owner and the name of a repository, however its address is written: `git@host:owner/name.git`, `https://…`.
fn repository(address: &str) -> String {
    let path = address.trim_end_matches('/').trim_end_matches(".git").to_ascii_lowercase();
    let mut parts: Vec<&str> = path.rsplit(['/', ':']).take(2).collect();
    parts.reverse();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_request_of_another_repository_may_not_write() {
        let own = "git@github.com:Org/project.git";
        let table = [
            (Some(own), None, Trust::Unknown),
            (Some(own), Some("https://github.com/org/project.git"), Trust::Unknown),
            (Some(own), Some("git://github.com/org/project"), Trust::Unknown),
            (Some(own), Some("https://github.com/stranger/project.git"), FORK),
            (None, Some("https://github.com/org/project.git"), FORK),
        ];
        for (repository, from, expected) in table {
            let given = [("BUILDKITE_REPO", repository), ("BUILDKITE_PULL_REQUEST_REPO", from)];
            let given =
                given.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
            let described = describe(&Environment::Fixed(given.collect()));
            assert_eq!(described.trust, expected, "{repository:?} {from:?}");
        }
    }
}
