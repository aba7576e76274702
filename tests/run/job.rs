//! A job: `run` with a script as its command, which writes down what it was given and waits until it may end.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::arena::{Arena, wait_until};
use crate::client::Client;
use crate::launch::LIMIT;

/// What it is given goes to files of the directory that it is told; it ends, with code 7, when there is a file `go`. One
/// whose `run` was killed ends with the test, which takes the directory away.
const SCRIPT: &str = r#"
tr '\0' '\n' < /proc/self/environ > "$1/env.new"
echo $$ > "$1/pid"
mv "$1/env.new" "$1/env"
while test -d "$1" && ! test -e "$1/go"; do sleep 0.02; done
echo done > "$1/done"
exit "${JOB_EXIT-7}"
"#;

static JOBS: AtomicUsize = AtomicUsize::new(0);

/// A `run` and its command.
pub(crate) struct Job {
    child: Child,
    stdout: File,
    stderr: File,
    out: PathBuf,
}

/// How a `run` ended.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Returns a `run` of this command with these options, without a home of its own.
pub(crate) fn run(arena: &Arena, options: &[&str], command: &[&str]) -> Command {
    let mut run = bare(arena, options);
    run.arg("--store").arg(arena.sandbox.store());
    run.arg("--seal-key-file").arg(arena.sandbox.path("seal.key")).arg("--").args(command);
    run
}

/// The same without store and key, and without a command yet.
pub(crate) fn bare(arena: &Arena, options: &[&str]) -> Command {
    let mut run = arena.sandbox.command(Path::new(env!("CARGO_BIN_EXE_authbaton")));
    run.args(["run", "--authority-url", &arena.authority.url(), "--timeout", "5s"]).args(options);
    run
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn ran(arena: &Arena, mut command: Command) -> End {
    Job::spawn(arena, &mut command, PathBuf::new()).wait(arena)
}

impl Job {
    /// Starts a job, and waits until its command has been given everything.
    #[track_caller]
    pub(crate) fn start(arena: &Arena, options: &[&str]) -> Self {
        Self::start_with(arena, options, |_| {})
    }

    /// The same, in an environment with something more.
    #[track_caller]
    pub(crate) fn start_with(arena: &Arena, options: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let job = Self::begin(arena, options, change);
        wait_until("the command", || job.has_begun() || job.has_ended());
        assert!(job.has_begun(), "the command was not started: {}", job.said());
        job
    }

    /// Starts a job, and does not wait.
    pub(crate) fn begin(arena: &Arena, options: &[&str], change: impl FnOnce(&mut Command)) -> Self {
        let (script, out) = Self::script(arena);
        let mut command = run(arena, options, &["/bin/sh", &script, out.to_str().unwrap()]);
        change(&mut command);
        Self::spawn(arena, &mut command, out)
    }

    /// Writes the script, and makes a directory for what it is given.
    pub(crate) fn script(arena: &Arena) -> (String, PathBuf) {
        let number = JOBS.fetch_add(1, Ordering::Relaxed);
        let out = arena.sandbox.path(&format!("work/job-{number}"));
        fs::create_dir(&out).unwrap();
        let script = arena.sandbox.write(&format!("work/job-{number}.sh"), SCRIPT.as_bytes());
        (script.to_str().unwrap().to_owned(), out)
    }

    pub(crate) fn spawn(_arena: &Arena, command: &mut Command, out: PathBuf) -> Self {
        let unnamed = || tempfile::tempfile().unwrap();
        let (stdout, stderr) = (unnamed(), unnamed());
        command.stdout(Stdio::from(stdout.try_clone().unwrap()));
        command.stderr(Stdio::from(stderr.try_clone().unwrap()));
        Self { child: command.spawn().unwrap(), stdout, stderr, out }
    }

    fn has_begun(&self) -> bool {
        self.out.join("env").exists()
    }

    fn has_ended(&self) -> bool {
        state_of(self.child.id()).is_none_or(|state| state == 'Z')
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the process of the command.
    pub(crate) fn command(&self) -> u32 {
        fs::read_to_string(self.out.join("pid")).unwrap().trim().parse().unwrap()
    }

    /// Returns the process of the broker, if there is one.
    pub(crate) fn broker(&self) -> Option<u32> {
        let children = children(self.pid());
        children.into_iter().find(|pid| file_of(*pid, "cmdline").contains("--handed-over"))
    }

    /// Returns a variable of the command.
    pub(crate) fn variable(&self, name: &str) -> Option<String> {
        let prefix = format!("{name}=");
        let environment = self.environment();
        environment.lines().find_map(|line| line.strip_prefix(&prefix).map(str::to_owned))
    }

    /// The same for one that may not have been started yet.
    pub(crate) fn variable_if_begun(&self, name: &str) -> Option<String> {
        self.has_begun().then(|| self.variable(name)).flatten()
    }

    pub(crate) fn environment(&self) -> String {
        fs::read_to_string(self.out.join("env")).unwrap()
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.variable("CODEX_HOME").unwrap().into()
    }

    pub(crate) fn auth_json(&self) -> Value {
        serde_json::from_slice(&fs::read(self.home().join("auth.json")).unwrap()).unwrap()
    }

    pub(crate) fn access_token(&self) -> String {
        self.auth_json()["tokens"]["access_token"].as_str().unwrap().to_owned()
    }

    /// Returns a client of its broker.
    #[track_caller]
    pub(crate) fn client(&self) -> Client {
        let handle = self.auth_json()["tokens"]["refresh_token"].as_str().unwrap().to_owned();
        assert!(handle.starts_with("abh1_"));
        Client { url: self.variable("CODEX_REFRESH_TOKEN_URL_OVERRIDE").unwrap(), handle }
    }

    /// Lets the command end.
    pub(crate) fn go(&self) {
        fs::write(self.out.join("go"), "").unwrap();
    }

    /// Returns whether the command came to its end.
    pub(crate) fn is_done(&self) -> bool {
        self.out.join("done").exists()
    }

    pub(crate) fn said(&self) -> String {
        content(&self.stderr)
    }

    /// Ends `run`, and nothing else, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Lets the command end, and demands that its exit code is ours.
    #[track_caller]
    pub(crate) fn end(self, arena: &Arena) -> End {
        self.go();
        let end = self.wait(arena);
        assert_eq!(end.code, Some(7), "{end:?}");
        end
    }

    #[track_caller]
    pub(crate) fn wait(self, arena: &Arena) -> End {
        let end = self.ended();
        arena.is_silent(&end.stdout);
        arena.is_silent(&end.stderr);
        end
    }

    /// The same for what speaks to a runner of GitHub: only a mask may have a secret in it.
    #[track_caller]
    pub(crate) fn wait_masked(self, arena: &Arena) -> End {
        let end = self.ended();
        let said: String = end.stdout.lines().filter(|line| !line.starts_with("::add-mask::")).collect();
        arena.is_silent(&said);
        arena.is_silent(&end.stderr);
        end
    }

    #[track_caller]
    fn ended(mut self) -> End {
        let limit = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < limit, "it did not end: {}", self.said());
            thread::sleep(Duration::from_millis(5));
        };
        End {
            code: status.code(),
            signal: status.signal(),
            stdout: content(&self.stdout),
            stderr: content(&self.stderr),
        }
    }
}

impl Drop for Job {
    /// A test that fails leaves no command and no broker behind.
    fn drop(&mut self) {
        if self.out.is_dir() {
            fs::write(self.out.join("go"), "").ok();
        }
        if let Ok(None) = self.child.try_wait() {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

impl End {
    /// Demands that nothing was started, and this error.
    #[track_caller]
    pub(crate) fn refused(&self, code: i32, id: &str) {
        assert_eq!(self.code, Some(code), "{self:?}");
        assert!(self.stderr.contains(&format!("error[{id}]: ")), "{self:?}");
    }
}

/// Ends a process that is not ours to wait for.
pub(crate) fn kill_9(pid: u32) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL).unwrap();
}

/// Returns whether there is such a process, and it runs.
pub(crate) fn lives(pid: u32) -> bool {
    state_of(pid).is_some_and(|state| state != 'Z')
}

/// Returns a file of a process, with its zero bytes as line ends.
pub(crate) fn file_of(pid: u32, name: &str) -> String {
    let bytes = fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', "\n")
}

fn state_of(pid: u32) -> Option<char> {
    file_of(pid, "stat").rsplit_once(") ")?.1.chars().next()
}

pub(crate) fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_child = |pid: &u32| {
        let stat = file_of(*pid, "stat");
        let rest =
            stat.rsplit_once(") ").map(|(_, rest)| rest.split(' ').nth(1) == Some(&parent.to_string()));
        rest.unwrap_or_default()
    };
    numbers.filter(is_child).collect()
}

fn content(file: &File) -> String {
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
