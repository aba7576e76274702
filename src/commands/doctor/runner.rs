//! The program, the platform that runs it, and what that means for a login.

use std::path::PathBuf;

use super::finding::{Finding, FindingId, Severity, Topic};
use super::programs::{self, Asked};
use crate::commands::{Bench, CommandError};
use crate::job::{Job, Platform, is_hardened};
use crate::store::StoreUrl;

const TOPIC: Topic = Topic::Runner;

/// What there is to know of the runner.
pub(super) struct Runner {
    platform: Platform,
    /// Whether an option says which platform it is.
    is_told: bool,
    /// The variables of platforms that are set, by name.
    variables: Vec<&'static str>,
    store: Store,
    temporary: Option<PathBuf>,
    is_hardened: bool,
    is_root: bool,
    /// What git says of itself, where the store uses it.
    git: Option<Asked>,
}

/// What the options say of a store, as far as it matters for homes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    Given,
    Home,
    None,
}

impl Runner {
    /// Looks where we run.
    pub(super) fn look(bench: &Bench<'_>) -> Self {
        let job = bench.job();
        let settings = bench.settings;
        let needs_git = matches!(settings.store, Some(StoreUrl::Git(_)));
        Self {
            platform: job.platform,
            is_told: settings.platform.is_some(),
            variables: Job::variables()
                .filter(|name| !Job::places().any(|place| place == *name) && bench.environment.has(name))
                .collect(),
            store: match settings.store {
                None => Store::None,
                Some(StoreUrl::Home) => Store::Home,
                Some(_) => Store::Given,
            },
            temporary: job.temporary,
            is_hardened: is_hardened(),
            is_root: is_root(),
            git: needs_git.then(|| programs::ask_version("git", bench.environment)),
        }
    }

    /// Says what that means.
    pub(super) fn findings(self) -> Vec<Finding> {
        let (version, arch, system) =
            (env!("CARGO_PKG_VERSION"), std::env::consts::ARCH, std::env::consts::OS);
        let program =
            Finding::new(TOPIC, FindingId::Program, format!("authbaton {version}, {arch} {system}"));
        let mut findings = vec![program.with("version", version), self.platform()];
        findings.extend(self.homes());
        findings.extend(self.machine());
        findings
    }

    /// What becomes of homes here.
    fn homes(&self) -> Option<Finding> {
        match (self.platform.is_ci(), self.store) {
            // An API key needs no store, so that this is no error yet.
            (true, Store::None) => {
                Some(Finding::of(TOPIC, Severity::Warning, CommandError::StoreNotConfigured))
            }
            (true, Store::Given) => {
                let text = "this is a CI, where homes vanish with the job; the store keeps the login";
                Some(Finding::new(TOPIC, FindingId::HomesVanish, text))
            }
            (false, Store::None) | (_, Store::Home) => {
                let text = "there is no store: the home holds the login, as the client keeps it";
                Some(Finding::new(TOPIC, FindingId::HomeIsHolder, text))
            }
            (false, Store::Given) => None,
        }
    }

    fn platform(&self) -> Finding {
        let name = self.platform.name();
        let why = match (self.is_told, self.variables.as_slice()) {
            (true, _) => "`--platform` says so".to_owned(),
            (false, []) => "no variable of a CI is set".to_owned(),
            (false, names) => format!("set here: {}", names.join(", ")),
        };
        let text = format!("the platform is `{name}`; {why}");
        Finding::new(TOPIC, FindingId::Platform, text).with("platform", name)
    }

    fn machine(self) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.push(match self.temporary {
            Some(path) => {
                let text = format!("the temporary directory is `{}`", path.display());
                Finding::new(TOPIC, FindingId::TemporaryDirectory, text)
            }
            None => Finding::of(TOPIC, Severity::Warning, CommandError::NoTemporaryDirectory),
        });
        findings.push(if self.is_hardened {
            let text = "core dumps are off, and other processes of this user cannot read our memory";
            Finding::new(TOPIC, FindingId::Hardened, text)
        } else {
            let text = "the system lets a core dump of us be written, or our memory be read";
            Finding::new(TOPIC, FindingId::NotHardened, text)
        });
        if self.is_root {
            let text = "this runs as root: other processes of root can read what is ours";
            findings.push(Finding::new(TOPIC, FindingId::RunsAsRoot, text));
        }
        // What is wrong with git is told by the store, which cannot do without it.
        if let Some(Asked::Version(version)) = self.git {
            let text = format!("git {version}");
            findings.push(Finding::new(TOPIC, FindingId::Git, text).with("version", version.to_string()));
        }
        findings
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::super::tests::ids;
    use super::*;

    fn runner(platform: Platform, store: Store) -> Runner {
        Runner {
            platform,
            is_told: false,
            variables: Vec::new(),
            store,
            temporary: Some("/tmp".into()),
            is_hardened: true,
            is_root: false,
            git: None,
        }
    }

    #[test]
    fn a_ci_without_a_store_is_warned_of() {
        let table = [
            (Platform::Shell, Store::None, vec!["ok program", "ok platform", "info home-is-holder"]),
            (Platform::Shell, Store::Given, vec!["ok program", "ok platform"]),
            (Platform::GitHub, Store::None, vec!["ok program", "ok platform", "warning !StoreNotConfigured"]),
            (Platform::GitHub, Store::Given, vec!["ok program", "ok platform", "info homes-vanish"]),
            (Platform::GitHub, Store::Home, vec!["ok program", "ok platform", "info home-is-holder"]),
        ];
        for (platform, store, mut expected) in table {
            expected.extend(["ok temporary-directory", "ok hardened"]);
            assert_eq!(ids(runner(platform, store).findings()), expected, "{platform:?} {store:?}");
        }
    }

    #[test]
    fn a_machine_that_is_not_as_it_should_be_is_told() {
        let git = Some(Asked::Version("2.39.5".parse().unwrap()));
        let poor = Runner {
            temporary: None,
            is_hardened: false,
            is_root: true,
            git,
            ..runner(Platform::Shell, Store::Given)
        };
        let expected = [
            "ok program",
            "ok platform",
            "warning !NoTemporaryDirectory",
            "warning not-hardened",
            "info runs-as-root",
            "ok git",
        ];
        assert_eq!(ids(poor.findings()), expected);
    }

    #[test]
    fn what_names_the_platform_is_said() {
        let text = |is_told, variables: &[&'static str]| {
            let variables = variables.to_vec();
            Runner { is_told, variables, ..runner(Platform::GitLab, Store::Given) }.platform().text
        };
        assert_eq!(text(false, &["CI", "GITLAB_CI"]), "the platform is `gitlab`; set here: CI, GITLAB_CI");
        assert_eq!(text(true, &["CI"]), "the platform is `gitlab`; `--platform` says so");
        assert_eq!(text(false, &[]), "the platform is `gitlab`; no variable of a CI is set");
    }
}
