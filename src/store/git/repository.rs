//! A private bare repository for one load or one swap, and the running of git in it.
//!
//! Git is told of nothing but what stands here: its environment is made anew, so that no `GIT_…` of the job, no hook and no
//! configuration of a checkout has a say. What the machine and this user have configured for git (credential helpers,
//! certificates, proxies, `insteadOf`, ssh) counts, because that is how git reaches its hosts.

use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use tempfile::TempDir;
use url::Url;

use super::url::{GitUrl, Transport};
use super::{VARIABLES, answer, token};
use crate::disk::remove_old_trees;
use crate::job::{
    Clock as _, Deadline, Environment, Said, SystemClock, Tool, ToolError, temporary_directory,
};
use crate::store::StoreError;

/// How a job says which key ssh is to use. Given to git with [`NO_QUESTIONS`] behind it.
const SSH_COMMAND: &str = "GIT_SSH_COMMAND";
const NO_QUESTIONS: &str = "-o BatchMode=yes -o ConnectTimeout=10";

/// Nobody is asked anything, whatever comes; messages are those that `answer` knows; nothing but our repository is used.
const FIXED: [(&str, &str); 8] = [
    ("LC_ALL", "C"),
    ("LANGUAGE", ""),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_ASKPASS", ""),
    ("GCM_INTERACTIVE", "never"),
    ("GIT_DIR", "."),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_DEFAULT_HASH", "sha1"),
];

/// Over what the user has configured: no hooks, no signatures, no redirects (a token would follow them), no work that is
/// not ours, and everything that comes goes into a pack, whose size is limited.
const SETTINGS: [&str; 12] = [
    "protocol.version=2",
    "core.hooksPath=/dev/null",
    "core.bigFileThreshold=256k",
    "http.followRedirects=false",
    "push.gpgSign=false",
    "push.followTags=false",
    "push.recurseSubmodules=no",
    "fetch.unpackLimit=1",
    "fetch.recurseSubmodules=false",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "maintenance.auto=false",
];

/// A baton, what git adds to it, and room: whatever a host sends beyond that is not written down.
const MAX_FILE: u64 = 1024 * 1024;
/// Lists of one ref, and a commit's number.
const MAX_OUTPUT: usize = 64 * 1024;
/// Git 2.30 is the oldest that we know (2020, Debian 11).
const OLDEST: GitVersion = (2, 30);
/// From then on it takes settings from variables, which a secret needs.
const WITH_VARIABLES: GitVersion = (2, 31);

/// What our directories begin with.
const PREFIX: &str = "authbaton-git-";
/// Only a killed process leaves one behind, sealed text alone in it. Living ones are gone after seconds.
const STALE: TimeDelta = TimeDelta::days(1);

/// The version of the machine's git: major, minor.
pub(super) type GitVersion = (u32, u32);

/// A private repository. It is deleted when this is dropped.
pub(super) struct Repository<'a> {
    directory: TempDir,
    url: &'a GitUrl,
    environment: Vec<(OsString, OsString)>,
    deadline: Deadline,
}

/// What one run of git may do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Files {
    /// Write files up to [`MAX_FILE`].
    Limited,
    /// Write what it likes: with a path, the other side is its child and writes there.
    Any,
}

impl<'a> Repository<'a> {
    /// Deletes what killed runs have left: a day old, and with sealed text alone in it.
    pub(super) fn sweep(environment: &Environment) {
        if let Some(temporary) = temporary_directory(environment) {
            remove_old_trees(&temporary, PREFIX, SystemClock.now() - STALE);
        }
    }

    /// Makes an empty repository. Everything that is done in it together ends at the deadline.
    pub(super) fn new(
        url: &'a GitUrl,
        environment: &Environment,
        version: &OnceCell<GitVersion>,
        limit: Duration,
    ) -> Result<Self, StoreError> {
        let temporary = temporary_directory(environment)
            .ok_or_else(|| StoreError::NotHere("there is no temporary directory".to_owned()))?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let directory = builder
            .tempdir_in(&temporary)
            .map_err(|_| StoreError::NotHere(format!("`{}` cannot be written", temporary.display())))?;
        let deadline = Deadline::after(limit);
        let mut repository = Self { directory, url, environment: variables(url, environment), deadline };
        let version = match version.get() {
            Some(known) => *known,
            None => {
                let found = repository.version()?;
                *version.get_or_init(|| found)
            }
        };
        match url.transport() {
            Transport::Path => {}
            Transport::Ssh => repository.quiet_ssh()?,
            Transport::Http(origin) => {
                if let Some(header) = token::header(origin, environment) {
                    repository.add_header(origin, &header, version)?;
                }
            }
        }
        repository.must(&["init", "--quiet", "--bare", "--template=", "."], b"")?;
        Ok(repository)
    }

    /// Returns whether there is time for another try.
    pub(super) fn left(&self) -> Duration {
        self.deadline.left()
    }

    /// Returns the repository's address, for arguments.
    pub(super) fn remote(&self) -> &str {
        self.url.remote()
    }

    /// Runs git for something that cannot fail but by a fault of the machine or of what was fetched.
    pub(super) fn must(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.read(arguments, input, MAX_OUTPUT)
    }

    /// The same with another limit for what it says.
    pub(super) fn read(
        &self,
        arguments: &[&str],
        input: &[u8],
        max_output: usize,
    ) -> Result<Vec<u8>, StoreError> {
        let said = self.run(arguments, input, max_output, Files::Limited)?;
        match said.code {
            Some(0) => Ok(said.stdout),
            _ => Err(StoreError::Garbled("git could not work with what it has".to_owned())),
        }
    }

    /// Runs git for something that only reads from the other side.
    pub(super) fn ask(&self, arguments: &[&str]) -> Result<Said, StoreError> {
        self.run(arguments, b"", MAX_OUTPUT, Files::Limited)
    }

    /// Runs git for something that writes on the other side.
    pub(super) fn tell(&self, arguments: &[&str]) -> Result<Said, StoreError> {
        self.run(arguments, b"", MAX_OUTPUT, Files::Any)
    }

    fn run(
        &self,
        arguments: &[&str],
        input: &[u8],
        max_output: usize,
        files: Files,
    ) -> Result<Said, StoreError> {
        let settings = SETTINGS.iter().flat_map(|setting| ["-c", setting]);
        let arguments: Vec<&str> = settings.chain(arguments.iter().copied()).collect();
        let tool = Tool {
            program: OsStr::new("git"),
            arguments: &arguments,
            directory: self.path(),
            environment: &self.environment,
            input,
            max_output,
            max_file: (files == Files::Limited).then_some(MAX_FILE),
            deadline: self.deadline,
        };
        tool.run().map_err(|error| match error {
            ToolError::NotFound => StoreError::NotHere("git was not found on the `PATH`".to_owned()),
            ToolError::NotStarted(_) => StoreError::NotHere("git cannot be started".to_owned()),
            ToolError::TimedOut => StoreError::Unreachable("git did not end in time".to_owned()),
            ToolError::TooMuch(_) => answer::too_much(),
        })
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn version(&self) -> Result<GitVersion, StoreError> {
        let said = self.must(&["version"], b"")?;
        let version = answer::version(&said)
            .ok_or_else(|| StoreError::NotHere("git does not say its version".to_owned()))?;
        if version < OLDEST {
            let (major, minor) = OLDEST;
            return Err(StoreError::NotHere(format!("git {major}.{minor} or later is needed")));
        }
        Ok(version)
    }

    /// Finds out with what git would call ssh, and has it ask nothing.
    fn quiet_ssh(&mut self) -> Result<(), StoreError> {
        let name = OsString::from(SSH_COMMAND);
        let given = self.environment.iter().position(|(it, _)| *it == name);
        let mut command = match given {
            Some(position) => self.environment.swap_remove(position).1,
            None => {
                let said = self.ask(&["config", "--get", "core.sshCommand"])?;
                let configured = String::from_utf8_lossy(&said.stdout).trim_end().to_owned();
                if configured.is_empty() { "ssh".into() } else { configured.into() }
            }
        };
        command.push(" ");
        command.push(NO_QUESTIONS);
        self.environment.push((name, command));
        Ok(())
    }

    /// Adds a header to what is sent to `origin`, by variables: neither argument nor file has it. What the user has
    /// configured in its place is taken back.
    fn add_header(&mut self, origin: &Url, header: &str, version: GitVersion) -> Result<(), StoreError> {
        if version < WITH_VARIABLES {
            let (major, minor) = WITH_VARIABLES;
            let text = format!("git {major}.{minor} or later is needed to hand it a token");
            return Err(StoreError::NotHere(text));
        }
        let key = format!("http.{origin}.extraHeader");
        let variables = [
            ("GIT_CONFIG_COUNT", "2"),
            ("GIT_CONFIG_KEY_0", &key),
            ("GIT_CONFIG_VALUE_0", ""),
            ("GIT_CONFIG_KEY_1", &key),
            ("GIT_CONFIG_VALUE_1", header),
        ];
        self.environment.extend(variables.map(|(name, value)| (name.into(), value.into())));
        Ok(())
    }
}

/// Makes git's environment.
fn variables(url: &GitUrl, ours: &Environment) -> Vec<(OsString, OsString)> {
    let protocol = match url.transport() {
        Transport::Path => "file",
        Transport::Ssh => "ssh",
        Transport::Http(origin) => origin.scheme(),
    };
    let kept = VARIABLES.iter().filter(|name| !token::VARIABLES.contains(name));
    let kept = kept.filter_map(|name| Some((*name, ours.path(name)?)));
    let kept = kept.map(|(name, value)| (name.into(), value.into_os_string()));
    let fixed = FIXED.into_iter().chain([("GIT_ALLOW_PROTOCOL", protocol)]);
    kept.chain(fixed.map(|(name, value)| (name.into(), value.into()))).collect()
}
