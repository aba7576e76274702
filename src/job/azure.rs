//! Azure Pipelines: how a job there is told where it is. Not proven on the real platform (`docs/other-cis.md`).

use super::platform::{Described, PlatformFacts, Sign};
use super::{Environment, Trust};

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
    describe,
};

const FORK: Trust = Trust::ReadOnly {
    reason: "this pull request comes from a fork; let a run of the repository's own branches renew the login",
};

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
