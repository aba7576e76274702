//! Which platform runs us, and who we are there.

use super::Environment;

/// The name in leases is for people; it is cut to this many characters.
const MAX_NAME: usize = 120;

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
    pub const VARIABLES: [&str; 12] = [
        "CI",
        "GITHUB_ACTIONS",
        "GITHUB_REPOSITORY",
        "GITHUB_RUN_ID",
        "GITHUB_JOB",
        "GITLAB_CI",
        "CI_PROJECT_PATH",
        "CI_PIPELINE_ID",
        "CI_JOB_ID",
        "JENKINS_URL",
        "JOB_NAME",
        "BUILD_NUMBER",
    ];

    /// Looks where we run; `platform` overrides what the environment says.
    #[must_use]
    pub fn detect(environment: &Environment, platform: Option<Platform>) -> Self {
        let platform = platform.unwrap_or_else(|| Platform::detect(environment));
        let get = |name: &str| environment.get(name).map(|value| value.to_string());
        let parts: Vec<String> = match platform {
            Platform::GitHub => {
                ["GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_JOB"].iter().filter_map(|it| get(it)).collect()
            }
            Platform::GitLab => {
                ["CI_PROJECT_PATH", "CI_PIPELINE_ID", "CI_JOB_ID"].iter().filter_map(|it| get(it)).collect()
            }
            Platform::Jenkins => ["JOB_NAME", "BUILD_NUMBER"].iter().filter_map(|it| get(it)).collect(),
            Platform::OtherCi | Platform::Shell => Vec::new(),
        };
        let name =
            format!("{} {} on {} (pid {})", platform.name(), parts.join(" "), host(), std::process::id());
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let name = name.chars().filter(|character| !character.is_control()).take(MAX_NAME).collect();
        Self { platform, name }
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
