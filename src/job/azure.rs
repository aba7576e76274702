//! Azure Pipelines: how a job there is told where it is. Not proven on the real platform (`docs/other-cis.md`).

use zeroize::Zeroizing;

use super::platform::{Described, PlatformFacts, Sign};
use super::{Environment, Hiding, Trust};

/// What is known of it. Sources, binaries and what is published as artifacts lie below `PIPELINE_WORKSPACE`; the agent
/// empties its temporary directory after each job.
pub(super) const FACTS: PlatformFacts = PlatformFacts {
    name: "azure",
    sign: Sign::True("TF_BUILD"),
    identity: &[
        "SYSTEM_TEAMPROJECT",
        "BUILD_DEFINITIONNAME",
        "BUILD_BUILDID",
        "AGENT_JOBNAME",
        "BUILD_SOURCEBRANCH",
        "BUILD_REASON",
    ],
    trust: &["SYSTEM_PULLREQUEST_ISFORK"],
    temporary: &["AGENT_TEMPDIRECTORY"],
    workspace: &["PIPELINE_WORKSPACE", "BUILD_SOURCESDIRECTORY"],
    hiding: Some(Hiding::AzureLine),
    folds: false,
    describe,
};

const FORK: Trust = Trust::ReadOnly {
    reason: "this pull request comes from a fork; let a run of the repository's own branches renew the login",
};

/// The line that hides a value from all output that follows; nothing for a value of several lines or a blank one.
///
/// Azure's agent reads both streams of a step. It knows these escapes alone (those of task-lib).
pub(super) fn mask(value: &str) -> Zeroizing<String> {
    let is_maskable = !value.trim().is_empty() && !value.contains(['\n', '\r']);
    let data = Zeroizing::new(value.replace('%', "%AZP25"));
    let line = if is_maskable { format!("##vso[task.setsecret]{}\n", data.as_str()) } else { String::new() };
    Zeroizing::new(line)
}

fn describe(environment: &Environment) -> Described {
    let get = |name: &str| environment.get(name).map(|value| value.to_string());
    let parts = ["SYSTEM_TEAMPROJECT", "BUILD_DEFINITIONNAME", "BUILD_BUILDID", "AGENT_JOBNAME"];
    let is_fork = get("SYSTEM_PULLREQUEST_ISFORK").is_some_and(|it| it.eq_ignore_ascii_case("true"));
    Described {
        parts: parts.into_iter().filter_map(get).collect(),
        run: get("BUILD_BUILDID"),
        reference: get("BUILD_SOURCEBRANCH"),
        event: get("BUILD_REASON"),
        // Its address is a query, and nothing tells it whole.
        url: None,
        trust: if is_fork { FORK } else { Trust::Unknown },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_one_line() {
        let table = [
            ("a%b;c]d", "##vso[task.setsecret]a%AZP25b;c]d\n"),
            ("%0Ax", "##vso[task.setsecret]%AZP250Ax\n"),
            ("", ""),
            ("  ", ""),
            ("a\n##vso[task.complete]b", ""),
            ("a\rb", ""),
        ];
        for (value, expected) in table {
            assert_eq!(*mask(value), expected, "{value:?}");
        }
    }
}
