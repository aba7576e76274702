//! Which platform runs us, and which job of it we are. What is known of each platform is in a file of its own, as data;
//! `docs/platforms.md` shows the same table.
//!
//! All of it comes from variables, which a job can set as it likes: names are for people, and trust is a guard against
//! accidents ([`Trust`]).

use std::path::PathBuf;

use url::Url;

use super::{
    Environment, Hiding, Trust, azure, buildkite, circleci, github, gitlab, jenkins, plain,
    temporary_directory,
};

/// The name in leases is for people; it is cut to this many characters.
const MAX_NAME: usize = 120;
/// The address of the job stands behind the name, where both together are not longer than this.
const MAX_NAME_AND_URL: usize = 240;

/// The platform that runs this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI/CD.
    GitLab,
    /// Azure Pipelines.
    Azure,
    /// Buildkite.
    Buildkite,
    /// CircleCI.
    CircleCi,
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
    /// What it may do to a store, by what the platform says of it.
    pub trust: Trust,
    /// Its directory for what vanishes with it.
    pub temporary: Option<PathBuf>,
}

/// What is known of a platform.
pub struct PlatformFacts {
    /// The name that `--platform` takes.
    pub name: &'static str,
    /// By what it is recognised.
    pub sign: Sign,
    /// The variables that say which job this is.
    pub identity: &'static [&'static str],
    /// The variables that say how far the job is to be trusted.
    pub trust: &'static [&'static str],
    /// The variables that name a directory for what vanishes with the job.
    pub temporary: &'static [&'static str],
    /// The variables that name the workspace. What lies there goes into caches, artifacts and commits.
    pub workspace: &'static [&'static str],
    /// How it is told what it must not show.
    pub hiding: Option<Hiding>,
    /// Whether its log has parts that can be folded, and we make them.
    pub folds: bool,
    /// Says which job this is.
    pub(super) describe: fn(&Environment) -> Described,
}

/// By what a platform is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The variable is `true`, in whatever case.
    True(&'static str),
    /// The variable is set.
    Set(&'static str),
    /// The variable is set to something else than `false` or `0`.
    NotFalse(&'static str),
    /// Nothing else is recognised.
    Nothing,
}

/// What a platform says of a job.
#[derive(Default)]
pub(super) struct Described {
    /// Its name, in parts.
    pub(super) parts: Vec<String>,
    pub(super) run: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) event: Option<String>,
    /// Where people find it.
    pub(super) url: Option<String>,
    pub(super) trust: Trust,
}

impl Sign {
    fn is_in(self, environment: &Environment) -> bool {
        match self {
            Self::True(name) => environment.get(name).is_some_and(|it| it.eq_ignore_ascii_case("true")),
            Self::Set(name) => environment.has(name),
            Self::NotFalse(name) => {
                environment.get(name).is_some_and(|it| !["false", "0"].contains(&it.as_str()))
            }
            Self::Nothing => true,
        }
    }

    fn variable(self) -> Option<&'static str> {
        match self {
            Self::True(name) | Self::Set(name) | Self::NotFalse(name) => Some(name),
            Self::Nothing => None,
        }
    }
}

impl PlatformFacts {
    /// Returns every variable that is read because of this platform.
    pub fn variables(&self) -> impl Iterator<Item = &'static str> {
        let of_job = self.sign.variable().into_iter().chain(self.identity.iter().chain(self.trust).copied());
        of_job.chain(self.places())
    }

    /// Returns those that name directories.
    fn places(&self) -> impl Iterator<Item = &'static str> {
        self.temporary.iter().chain(self.workspace).copied()
    }
}

impl Platform {
    /// Every platform, in the order in which they are looked for: what says most, first.
    pub const ALL: [Self; 8] = [
        Self::GitHub,
        Self::GitLab,
        Self::Azure,
        Self::Buildkite,
        Self::CircleCi,
        Self::Jenkins,
        Self::OtherCi,
        Self::Shell,
    ];

    /// Returns what is known of it.
    #[must_use]
    pub fn facts(self) -> &'static PlatformFacts {
        match self {
            Self::GitHub => &github::FACTS,
            Self::GitLab => &gitlab::FACTS,
            Self::Azure => &azure::FACTS,
            Self::Buildkite => &buildkite::FACTS,
            Self::CircleCi => &circleci::FACTS,
            Self::Jenkins => &jenkins::FACTS,
            Self::OtherCi => &plain::OTHER_CI,
            Self::Shell => &plain::SHELL,
        }
    }

    /// Returns the name that `--platform` takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().name
    }

    /// Returns whether homes vanish with the job, as far as anybody can tell from outside.
    #[must_use]
    pub fn is_ci(self) -> bool {
        self != Self::Shell
    }

    fn detect(environment: &Environment) -> Self {
        let is_here = |it: &Self| it.facts().sign.is_in(environment);
        Self::ALL.into_iter().find(is_here).unwrap_or(Self::Shell)
    }
}

impl Job {
    /// The variables that say where we run, and how far that is to be trusted.
    pub fn variables() -> impl Iterator<Item = &'static str> {
        Platform::ALL.into_iter().flat_map(|platform| platform.facts().variables())
    }

    /// Those of them that name directories.
    pub fn places() -> impl Iterator<Item = &'static str> {
        Platform::ALL.into_iter().flat_map(|platform| platform.facts().places())
    }

    /// Looks where we run; `platform` overrides what the environment says.
    #[must_use]
    pub fn detect(environment: &Environment, platform: Option<Platform>) -> Self {
        let platform = platform.unwrap_or_else(|| Platform::detect(environment));
        let Described { parts, run, reference, event, url, trust } = (platform.facts().describe)(environment);
        let name = named(platform, &parts, url.as_deref().and_then(address));
        Self { platform, name, run, reference, event, trust, temporary: temporary_directory(environment) }
    }
}

/// One line for people. An address that does not fit is left out: half of one leads nowhere.
fn named(platform: Platform, parts: &[String], url: Option<String>) -> String {
    let name = format!("{} {} on {} (pid {})", platform.name(), parts.join(" "), host(), std::process::id());
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let name: String = name.chars().filter(|character| !character.is_control()).take(MAX_NAME).collect();
    match url.map(|url| format!("{name}, {url}")) {
        Some(both) if both.chars().count() <= MAX_NAME_AND_URL => both,
        _ => name,
    }
}

/// An address of a job, without what may be a secret in it: a user, a query, a fragment.
fn address(text: &str) -> Option<String> {
    let mut url = Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme()))?;
    url.set_query(None);
    url.set_fragment(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(url.into())
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
mod tests;
