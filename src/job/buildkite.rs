//! Buildkite: how a job there is told where it is. Not proven on the real platform (`docs/other-cis.md`).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use zeroize::Zeroizing;

use super::platform::{Described, PlatformFacts, Sign};
use super::{Deadline, Environment, Hiding, Tool, ToolError, Trust};

/// What carries secrets to the agent that runs the job.
const AGENT: &str = "buildkite-agent";
/// Without a file it reads its standard input; `-` would be a file.
const REDACT: [&str; 4] = ["redactor", "add", "--format", "json"];
/// It talks to a socket of this machine.
const LIMIT: Duration = Duration::from_secs(10);
/// Nobody reads what it says.
const MAX_OUTPUT: usize = 64 * 1024;

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
    hiding: Some(Hiding::BuildkiteAgent),
    folds: false,
    describe,
};

const FORK: Trust = Trust::ReadOnly {
    reason: "this pull request comes from another repository; let a build of the repository's own branches renew the login",
};

/// The agent does not know what it must not show.
#[derive(Debug, thiserror::Error)]
pub enum RedactorError {
    /// Its program did not do its work.
    #[error("`buildkite-agent`: {0}")]
    Program(#[from] ToolError),
    /// Its program refused. What it said is not repeated: it may have the secret in it.
    #[error("`buildkite-agent redactor` ended with {}", code.map_or_else(|| "a signal".to_owned(), |code| format!("exit code {code}")))]
    Refused {
        /// Its exit code.
        code: Option<i32>,
    },
}

/// Hides texts from all output that follows: a JSON object of them, on its standard input.
pub(super) fn redact(secrets: &[&str], environment: &[(OsString, OsString)]) -> Result<(), RedactorError> {
    let named: BTreeMap<String, &str> =
        secrets.iter().enumerate().map(|(number, secret)| (format!("secret{number}"), *secret)).collect();
    // A map of strings cannot fail to serialise.
    let input = Zeroizing::new(serde_json::to_vec(&named).unwrap_or_default());
    let said = Tool {
        program: OsStr::new(AGENT),
        arguments: &REDACT,
        directory: Path::new("/"),
        environment,
        input: &input,
        max_output: MAX_OUTPUT,
        max_file: None,
        deadline: Deadline::after(LIMIT),
    }
    .run()?;
    if said.code == Some(0) { Ok(()) } else { Err(RedactorError::Refused { code: said.code }) }
}

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
