//! Programs on the `PATH`: where one is, and what it says of its version. It is run with an environment of our making, in
//! which there is no home that it could write, no login and no secret; within a time; and its words are not repeated.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use crate::job::{Deadline, Environment, Tool, ToolError};

/// A launcher in a slow language on a busy machine takes a second or two.
const LIMIT: Duration = Duration::from_secs(10);
/// A version is a line.
const MAX_OUTPUT: usize = 4 * 1024;
/// Nothing can be made below it, not even by root: Codex would make its home even to say its version (observed).
const NOWHERE: &str = "/dev/null";

/// A version: three numbers, and perhaps something behind them, which comes before the version without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    numbers: [u64; 3],
    rest: String,
}

/// No version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoVersion;

/// What came of asking a program for its version.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It said one.
    Version(Version),
    /// It cannot be started.
    NotStarted,
    /// It did not end in time.
    TimedOut,
    /// It failed, with this exit code; a signal ended it without one.
    Failed(Option<i32>),
    /// It said something else.
    Unclear,
}

impl Version {
    /// Returns the version with these numbers.
    pub(super) const fn new(major: u64, minor: u64, patch: u64) -> Self {
        Self { numbers: [major, minor, patch], rest: String::new() }
    }
}

impl FromStr for Version {
    type Err = NoVersion;

    fn from_str(text: &str) -> Result<Self, NoVersion> {
        const LONGEST: usize = 64;
        let text = text.strip_prefix('v').unwrap_or(text);
        let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+_".contains(&byte));
        if text.len() > LONGEST || !is_plain {
            return Err(NoVersion);
        }
        let (numbers, rest) = text.split_at(text.find(['-', '+']).unwrap_or(text.len()));
        let mut numbers = numbers.splitn(4, '.');
        let mut next = || numbers.next().and_then(|it| it.parse().ok()).ok_or(NoVersion);
        Ok(Self { numbers: [next()?, next()?, next()?], rest: rest.to_owned() })
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let has_rest = |it: &Self| it.rest.starts_with('-');
        let numbers = self.numbers.cmp(&other.numbers);
        Some(numbers.then(has_rest(other).cmp(&has_rest(self))))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(out, "{major}.{minor}.{patch}{}", self.rest)
    }
}

/// Finds a program as a shell does.
pub(super) fn find(name: &str, environment: &Environment) -> Option<PathBuf> {
    let path = environment.path("PATH")?;
    let directories = path.as_os_str().to_str()?.split(if cfg!(windows) { ';' } else { ':' });
    let directories = directories.filter(|directory| Path::new(directory).is_absolute());
    directories.map(|directory| Path::new(directory).join(name)).find(|path| is_program(path))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use rustix::fs::{Access, access};
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// Asks a program on the `PATH` for its version.
pub(super) fn ask_version(name: &str, environment: &Environment) -> Asked {
    find(name, environment).map_or(Asked::NotStarted, |program| ask(&program, environment))
}

/// Asks a program for its version.
pub(super) fn ask(program: &Path, environment: &Environment) -> Asked {
    ask_within(LIMIT, program, environment)
}

fn ask_within(limit: Duration, program: &Path, environment: &Environment) -> Asked {
    let path = environment.path("PATH").map(|path| ("PATH".into(), path.into_os_string()));
    let fixed = [("HOME", NOWHERE), ("TMPDIR", NOWHERE), ("LC_ALL", "C")];
    let fixed = fixed.map(|(name, value)| (name.into(), value.into()));
    let variables: Vec<(OsString, OsString)> = path.into_iter().chain(fixed).collect();
    let tool = Tool {
        program: program.as_os_str(),
        arguments: &["--version"],
        directory: Path::new("/"),
        environment: &variables,
        input: b"",
        max_output: MAX_OUTPUT,
        max_file: None,
        deadline: Deadline::after(limit),
    };
    match tool.run() {
        Ok(said) if said.code == Some(0) => version_in(&said.stdout).map_or(Asked::Unclear, Asked::Version),
        Ok(said) => Asked::Failed(said.code),
        Err(ToolError::TimedOut) => Asked::TimedOut,
        Err(ToolError::TooMuch(_)) => Asked::Unclear,
        Err(ToolError::NotFound | ToolError::NotStarted(_)) => Asked::NotStarted,
    }
}

/// Reads `codex-cli 0.169.0` and `git version 2.39.5 (…)`: a name, and a version somewhere in the first line.
fn version_in(said: &[u8]) -> Option<Version> {
    let line = std::str::from_utf8(said).ok()?.lines().next()?;
    line.split_whitespace().skip(1).find_map(|word| word.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        let version = |text: &str| text.parse::<Version>();
        assert_eq!(version("0.169.0"), Ok(Version::new(0, 169, 0)));
        assert_eq!(version("v2.39.5"), Ok(Version::new(2, 39, 5)));
        assert_eq!(version("2.45.1.windows.1"), Ok(Version::new(2, 45, 1)));
        assert_eq!(version("0.170.0-alpha.3").unwrap().to_string(), "0.170.0-alpha.3");
        for bad in ["", "1", "1.2", "a.b.c", "1.2.x", "1.2.3\u{1b}[m", &format!("1.2.3-{}", "x".repeat(99))] {
            assert_eq!(version(bad), Err(NoVersion), "{bad}");
        }
        let ordered = ["0.1.2505172129", "0.19.9", "0.20.0-alpha.1", "0.20.0", "0.169.0", "1.0.0"];
        for pair in ordered.windows(2) {
            let [older, newer] = [0, 1].map(|place| version(pair[place]).unwrap());
            assert!(older < newer, "{pair:?}");
        }
    }

    #[test]
    fn a_version_is_found_in_what_programs_say() {
        let table = [
            ("codex-cli 0.169.0\n", Some("0.169.0")),
            ("git version 2.39.5 (Apple Git-154)\n", Some("2.39.5")),
            ("llmx-cli 0.1.4", Some("0.1.4")),
            ("0.169.0\n", None),
            ("codex\n0.169.0\n", None),
            ("rubbish", None),
            ("", None),
        ];
        for (said, expected) in table {
            assert_eq!(version_in(said.as_bytes()).map(|it| it.to_string()).as_deref(), expected, "{said}");
        }
        assert_eq!(version_in(b"codex \xff 1.2.3"), None);
    }

    #[cfg(unix)]
    #[test]
    #[expect(clippy::disallowed_methods, reason = "tests write programs by themselves")]
    fn a_program_is_asked_within_limits_and_can_write_nothing() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let environment = Environment::Fixed([("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into());
        let table = [
            ("echo codex-cli 0.169.0", Asked::Version(Version::new(0, 169, 0))),
            ("mkdir -p \"$HOME/.codex\" && echo codex-cli 0.1.0", Asked::Failed(Some(1))),
            ("exec sleep 60", Asked::TimedOut),
            ("while :; do echo codex-cli 0.169.0; done", Asked::Unclear),
            ("echo no", Asked::Unclear),
            ("exit 7", Asked::Failed(Some(7))),
            ("kill -9 $$", Asked::Failed(None)),
            ("test -z \"$SECRET\" && echo codex-cli 0.2.0", Asked::Version(Version::new(0, 2, 0))),
        ];
        for (number, (script, expected)) in table.into_iter().enumerate() {
            // Written by another process: what this one has open for writing, its children have for a moment.
            let program = directory.path().join(format!("program-{number}"));
            let text = format!("#!/bin/sh\n{script}\n");
            std::fs::write(directory.path().join("text"), text).unwrap();
            let mut copy = std::process::Command::new("cp");
            copy.arg(directory.path().join("text")).arg(&program);
            assert!(copy.status().unwrap().success());
            std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
            let limit = if expected == Asked::TimedOut { Duration::from_millis(300) } else { LIMIT };
            assert_eq!(ask_within(limit, &program, &environment), expected, "{script}");
        }
        assert_eq!(ask(&directory.path().join("none"), &environment), Asked::NotStarted);
        assert_eq!(ask_version("no-such-program", &environment), Asked::NotStarted);
        assert_eq!(find("sh", &Environment::Fixed([].into())), None, "no PATH");
    }
}
