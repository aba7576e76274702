//! Which platform runs us, and which job of it we are. A platform with more to say has a file of its own (`github.rs`).

use std::path::PathBuf;

use super::{Environment, github, temporary_directory};

/// The name in leases is for people; it is cut to this many characters.
const MAX_NAME: usize = 120;
const GITLAB: [&str; 4] = ["GITLAB_CI", "CI_PROJECT_PATH", "CI_PIPELINE_ID", "CI_JOB_ID"];
const JENKINS: [&str; 3] = ["JENKINS_URL", "JOB_NAME", "BUILD_NUMBER"];

/// The platform that runs this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI/CD.
    GitLab,
    /// Jenkins.
    Jenkins,
    /// Some other CI: `CI` is set.
    OtherCi,
    /// A plain shell.
    Shell,
}

/// The job that we run in.
#[derive(Clone, Debug)]
pub struct Job {
    /// Where.
    pub platform: Platform,
    /// Who we are in leases: one line for people.
    pub name: String,
    /// The run that the job is part of, by the platform's number.
    pub run: Option<String>,
    /// The ref that it runs on.
    pub reference: Option<String>,
    /// The event that started it.
    pub event: Option<String>,
    /// Its directory for what vanishes with it.
    pub temporary: Option<PathBuf>,
}

/// What a platform says of a job.
#[derive(Default)]
pub(super) struct Described {
    /// Its name, in parts.
    pub(super) parts: Vec<String>,
    pub(super) run: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) event: Option<String>,
}

impl Platform {
    /// Every platform, by the name that `--platform` takes.
    pub const ALL: [Self; 5] = [Self::GitHub, Self::GitLab, Self::Jenkins, Self::OtherCi, Self::Shell];

    /// Returns the name that `--platform` takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Jenkins => "jenkins",
            Self::OtherCi => "ci",
            Self::Shell => "shell",
        }
    }

    /// Returns whether homes vanish with the job, as far as anybody can tell from outside.
    #[must_use]
    pub fn is_ci(self) -> bool {
        self != Self::Shell
    }

    fn detect(environment: &Environment) -> Self {
        let is =
            |name: &str, value: &str| environment.get(name).is_some_and(|it| it.eq_ignore_ascii_case(value));
        if is("GITHUB_ACTIONS", "true") {
            Self::GitHub
        } else if is("GITLAB_CI", "true") {
            Self::GitLab
        } else if environment.has("JENKINS_URL") {
            Self::Jenkins
        } else if environment.get("CI").is_some_and(|value| !["false", "0"].contains(&value.as_str())) {
            Self::OtherCi
        } else {
            Self::Shell
        }
    }
}

impl Job {
    /// The variables that say where we run.
    pub fn variables() -> impl Iterator<Item = &'static str> {
        ["CI"].into_iter().chain(github::VARIABLES).chain(GITLAB).chain(JENKINS)
    }

    /// Looks where we run; `platform` overrides what the environment says.
    #[must_use]
    pub fn detect(environment: &Environment, platform: Option<Platform>) -> Self {
        let platform = platform.unwrap_or_else(|| Platform::detect(environment));
        let named = |names: &[&str]| {
            let get = |name: &&str| environment.get(name).map(|value| value.to_string());
            Described { parts: names.iter().filter_map(get).collect(), ..Described::default() }
        };
        let Described { parts, run, reference, event } = match platform {
            Platform::GitHub => github::describe(environment),
            Platform::GitLab => named(&["CI_PROJECT_PATH", "CI_PIPELINE_ID", "CI_JOB_ID"]),
            Platform::Jenkins => named(&["JOB_NAME", "BUILD_NUMBER"]),
            Platform::OtherCi | Platform::Shell => Described::default(),
        };
        let name =
            format!("{} {} on {} (pid {})", platform.name(), parts.join(" "), host(), std::process::id());
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = name.chars().filter(|character| !character.is_control()).take(MAX_NAME).collect();
        Self { platform, name, run, reference, event, temporary: temporary_directory(environment) }
    }
}

#[cfg(unix)]
fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn host() -> String {
    "this machine".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment::Fixed(
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        )
    }

    #[test]
    fn detects_platforms() {
        let table: [(&[(&str, &str)], Platform); 8] = [
            (&[], Platform::Shell),
            (&[("CI", "")], Platform::Shell),
            (&[("CI", "false")], Platform::Shell),
            (&[("CI", "true")], Platform::OtherCi),
            (&[("CI", "true"), ("GITHUB_ACTIONS", "true")], Platform::GitHub),
            (&[("CI", "true"), ("GITLAB_CI", "true")], Platform::GitLab),
            (&[("JENKINS_URL", "http://x")], Platform::Jenkins),
            (&[("GITHUB_ACTIONS", "1"), ("CI", "1")], Platform::OtherCi),
        ];
        for (variables, expected) in table {
            assert_eq!(Job::detect(&environment(variables), None).platform, expected, "{variables:?}");
        }
        let github = environment(&[("GITHUB_ACTIONS", "true")]);
        assert_eq!(Job::detect(&github, Some(Platform::Shell)).platform, Platform::Shell);
    }

    #[test]
    fn a_job_has_a_name_of_one_line() {
        let job = Job::detect(
            &environment(&[("GITHUB_JOB", "a\nb\u{7}"), ("GITHUB_RUN_ID", "7")]),
            Some(Platform::GitHub),
        );
        assert!(job.name.starts_with("github 7 a b on "), "{}", job.name);
    }
}
