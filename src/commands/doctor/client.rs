//! The client: which program it is, its version, and what an older one lacks that a login here relies on.
//!
//! The versions are those of published programs that were searched for the words in question: the last that has not got
//! them and, in brackets, the first that was seen with them. Versions between are not accused of anything.

use std::path::{Path, PathBuf};

use super::finding::{Finding, FindingId, Topic};
use super::programs::{self, Asked, Version};
use crate::commands::Bench;
use crate::credential::Client;
use crate::job::is_in_workspace;
use crate::policy::Policy;

const TOPIC: Topic = Topic::Client;

/// Codex's own guide asks for it where one moves from an API key to a ChatGPT login.
const OLDEST: Version = Version::new(0, 20, 0);
/// What our tests run.
const TESTED: Version = Version::new(0, 169, 0);
/// `forced_login_method`, `forced_chatgpt_workspace_id`: not in 0.47.0 (in 0.49.0).
const FORCED: Version = Version::new(0, 48, 0);
/// `allowed_login_methods`: not in 0.130.0 (in 0.149.0).
const ALLOWED: Version = Version::new(0, 131, 0);
/// `CODEX_REFRESH_TOKEN_URL_OVERRIDE`: not in 0.55.0 (in 0.57.0).
const OVERRIDE: Version = Version::new(0, 56, 0);
/// The mode `chatgptAuthTokens`: not in 0.92.0 (in 0.93.0).
const ACCESS_ONLY: Version = Version::new(0, 93, 0);
/// The locks around a commit: not in 0.166.0 (in 0.167.2).
const LOCKS: Version = Version::new(0, 167, 0);

/// What there is to know of the client.
pub(super) struct ClientFacts {
    client: Client,
    program: Option<PathBuf>,
    is_in_workspace: bool,
    asked: Asked,
    needs: Needs,
}

/// What a login here relies on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// A store holds the login, so that homes get access-only files, and brokers.
    pub(super) store: bool,
    /// The client's configuration has `forced_…`.
    pub(super) forced: bool,
    /// It has `allowed_…`.
    pub(super) allowed: bool,
}

impl Needs {
    /// Returns what this policy and a store, if there is one, rely on.
    pub(super) fn of(policy: Option<&Policy>, has_store: bool) -> Self {
        let demands = policy.map(Policy::demands);
        Self {
            store: has_store,
            forced: demands.is_some_and(|it| it.forced_method.is_some() || it.forced_workspaces.is_some()),
            allowed: demands
                .is_some_and(|it| it.allowed_methods.is_some() || it.allowed_workspaces.is_some()),
        }
    }
}

impl ClientFacts {
    /// Finds the client and asks it for its version.
    pub(super) fn look(bench: &Bench<'_>, needs: Needs) -> Self {
        let client = bench.settings.client;
        let program = programs::find(client.name(), bench.environment);
        let exposed = |path: &Path| is_in_workspace(bench.environment, path);
        Self {
            client,
            is_in_workspace: program.as_deref().is_some_and(exposed),
            asked: program.as_deref().map_or(Asked::NotStarted, |it| programs::ask(it, bench.environment)),
            program,
            needs,
        }
    }

    /// Says what that means.
    pub(super) fn findings(self) -> Vec<Finding> {
        let name = self.client.name();
        let Some(program) = self.program else {
            let text = format!("`{name}` is not on the `PATH`");
            return vec![Finding::new(TOPIC, FindingId::ClientMissing, text)];
        };
        let program = program.display();
        let mut findings = Vec::new();
        let mut add = |id, text: String| findings.push(Finding::new(TOPIC, id, text));
        match &self.asked {
            Asked::Version(version) => {
                let found = format!("{name} {version}, `{program}`");
                let found = Finding::new(TOPIC, FindingId::ClientFound, found);
                findings.push(found.with("version", version.to_string()));
                if self.client == Client::Codex {
                    findings.extend(of_version(version, self.needs));
                }
            }
            asked => add(FindingId::ClientUnclear, format!("`{program}` {}", unclear(asked))),
        }
        if self.is_in_workspace {
            let text = format!("`{program}` is in the workspace");
            findings.push(Finding::new(TOPIC, FindingId::ClientInWorkspace, text));
        }
        if self.client == Client::Llmx {
            let text = "LLMX was read and never run by our tests";
            findings.push(Finding::new(TOPIC, FindingId::ClientLlmx, text));
        }
        findings
    }
}

fn unclear(asked: &Asked) -> String {
    let without = "in an environment without home, login and settings";
    match asked {
        Asked::Version(version) => format!("is {version}"),
        Asked::NotStarted => "cannot be started".to_owned(),
        Asked::TimedOut => format!("did not say its version in time, {without}"),
        Asked::Failed(Some(code)) => format!("failed with {code} when asked for its version, {without}"),
        Asked::Failed(None) => format!("was ended by a signal when asked for its version, {without}"),
        Asked::Unclear => "said something else than its version".to_owned(),
    }
}

fn of_version(version: &Version, needs: Needs) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |id, text: String| findings.push(Finding::new(TOPIC, id, text));
    if *version < OLDEST {
        add(FindingId::ClientTooOld, format!("codex {version} is older than {OLDEST}"));
        // Everything else is lacking, too.
        return findings;
    }
    let lacks = |what: &str| format!("codex {version} does not know {what}");
    if needs.forced && *version < FORCED {
        add(FindingId::ClientWithoutPolicy, lacks("`forced_login_method` and `forced_chatgpt_workspace_id`"));
    }
    if needs.allowed && *version < ALLOWED {
        add(
            FindingId::ClientWithoutPolicy,
            lacks("`allowed_login_methods` and `allowed_chatgpt_workspaces`"),
        );
    }
    if needs.store && *version < ACCESS_ONLY {
        add(FindingId::ClientWithoutAccessOnly, lacks("the mode `chatgptAuthTokens` of access-only files"));
    }
    if needs.store && *version < OVERRIDE {
        add(FindingId::ClientWithoutBroker, lacks("`CODEX_REFRESH_TOKEN_URL_OVERRIDE`"));
    }
    // Where a store holds the login nothing in auth.json is lost.
    if !needs.store && *version < LOCKS {
        add(
            FindingId::ClientWithoutLocks,
            format!("codex {version} takes no locks when it writes auth.json"),
        );
    }
    if *version > TESTED {
        add(FindingId::ClientUntested, format!("codex {version} is newer than {TESTED}, which was tested"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tests::ids;
    use super::*;

    const ALL: Needs = Needs { store: true, forced: true, allowed: true };
    const HOLDER: Needs = Needs { store: false, forced: false, allowed: false };

    #[test]
    fn an_older_client_lacks_what_a_login_here_relies_on() {
        let policy = "warning client-without-policy";
        let access_only = "warning client-without-access-only";
        let broker = "warning client-without-broker";
        let locks = "warning client-without-locks";
        let untested = "info client-untested";
        let table: [(&str, &[&str], &[&str]); 13] = [
            ("0.1.2505172129", &["error client-too-old"], &["error client-too-old"]),
            ("0.20.0-alpha.1", &["error client-too-old"], &["error client-too-old"]),
            ("0.20.0", &[policy, policy, access_only, broker], &[locks]),
            ("0.47.0", &[policy, policy, access_only, broker], &[locks]),
            ("0.49.0", &[policy, access_only, broker], &[locks]),
            ("0.55.0", &[policy, access_only, broker], &[locks]),
            ("0.57.0", &[policy, access_only], &[locks]),
            ("0.92.0", &[policy, access_only], &[locks]),
            ("0.93.0", &[policy], &[locks]),
            ("0.149.0", &[], &[locks]),
            ("0.167.2", &[], &[]),
            ("0.169.0", &[], &[]),
            ("0.171.0", &[untested], &[untested]),
        ];
        for (version, with_all, as_holder) in table {
            let parsed = version.parse().unwrap();
            assert_eq!(ids(of_version(&parsed, ALL)), with_all, "{version}");
            assert_eq!(ids(of_version(&parsed, HOLDER)), as_holder, "{version}");
        }
    }

    #[test]
    fn a_client_that_is_missing_or_says_no_version_is_a_finding() {
        let facts = |client, program: Option<&str>, is_in_workspace, asked| {
            let program = program.map(PathBuf::from);
            ids(ClientFacts { client, program, is_in_workspace, asked, needs: ALL }.findings())
        };
        let codex = |asked| facts(Client::Codex, Some("/bin/codex"), false, asked);
        assert_eq!(facts(Client::Codex, None, false, Asked::NotStarted), ["warning client-missing"]);
        assert_eq!(codex(Asked::Version(TESTED)), ["ok client"]);
        let unclear = [Asked::TimedOut, Asked::Failed(Some(1)), Asked::Failed(None), Asked::Unclear];
        for asked in unclear.into_iter().chain([Asked::NotStarted]) {
            assert_eq!(codex(asked), ["warning client-unclear"]);
        }
        assert_eq!(
            facts(Client::Codex, Some("/w/codex"), true, Asked::Version(TESTED)),
            ["ok client", "warning client-in-workspace"]
        );
        assert_eq!(
            facts(Client::Llmx, Some("/bin/llmx"), false, Asked::Version(Version::new(0, 1, 4))),
            ["ok client", "info client-llmx"]
        );
    }
}
