//! Jenkins: how a build there is told where it is. Of trust it says one thing: a multibranch project names the fork that a
//! change comes from. Who else may change a Jenkinsfile, and with which credentials it runs, is decided in its folders.

use super::platform::{Described, PlatformFacts, Sign};
use super::{Environment, Trust};

/// What is known of it. `WORKSPACE_TMP` is beside the workspace, not in it (`<workspace>@tmp`); credentials that are bound
/// as files lie there, too.
pub(super) const FACTS: PlatformFacts = PlatformFacts {
    name: "jenkins",
    sign: Sign::Set("JENKINS_URL"),
    identity: &["JOB_NAME", "BUILD_NUMBER", "BUILD_URL", "BRANCH_NAME", "GIT_BRANCH"],
    trust: &["CHANGE_FORK"],
    temporary: &["WORKSPACE_TMP"],
    workspace: &["WORKSPACE"],
    hiding: None,
    folds: false,
    describe,
};

const FORK: Trust = Trust::ReadOnly {
    reason: "this change comes from a fork; let a build of the repository's own branches renew the login",
};

fn describe(environment: &Environment) -> Described {
    let get = |name: &str| environment.get(name).map(|value| value.to_string());
    Described {
        parts: ["JOB_NAME", "BUILD_NUMBER"].into_iter().filter_map(get).collect(),
        run: get("BUILD_NUMBER"),
        reference: get("BRANCH_NAME").or_else(|| get("GIT_BRANCH")),
        event: None,
        url: get("BUILD_URL"),
        trust: if environment.has("CHANGE_FORK") { FORK } else { Trust::Unknown },
    }
}
