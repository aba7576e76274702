//! A process, and what it says into unnamed files: no pipe can fill up.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Only a failing test waits for it.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

pub(crate) struct Process {
    child: Child,
    stdout: File,
    stderr: File,
}

/// How a process ended: its code, or 1000 and the signal, which no code is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Polls until something is so.
#[track_caller]
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let limit = Instant::now() + LIMIT;
    while !is_so() {
        assert!(Instant::now() < limit, "it did not come to: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// The state letter of a process (proc(5)), `X` when there is none.
pub(crate) fn state(pid: u32) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()).unwrap_or('X')
}

pub(crate) fn is_gone(pid: u32) -> bool {
    ['X', 'Z'].contains(&state(pid))
}

impl Process {
    /// Starts a process with this input, in a group of its own.
    pub(crate) fn start(command: Command, input: &str) -> Self {
        let mut stdin = tempfile::tempfile().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        stdin.rewind().unwrap();
        let mut command = that_ignores_nothing(command);
        command.process_group(0);
        Self::spawn(command, stdin)
    }

    /// Starts a process with this as its stdin.
    pub(crate) fn start_with(command: Command, stdin: File) -> Self {
        Self::spawn(that_ignores_nothing(command), stdin)
    }

    fn spawn(mut command: Command, stdin: File) -> Self {
        let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
        command.stdin(stdin);
        command.stdout(Stdio::from(stdout.try_clone().unwrap()));
        command.stderr(Stdio::from(stderr.try_clone().unwrap()));
        Self { child: command.spawn().unwrap(), stdout, stderr }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn send_to_group(&self, signal: Signal) {
        kill_process_group(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Ends it as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// What it, or its command, has said on stderr so far.
    pub(crate) fn said(&self) -> String {
        content(&self.stderr)
    }

    /// Waits until it has said a line on stderr, and returns what follows on the line.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let rest = || {
            let said = self.said();
            let (whole, _) = said.rsplit_once('\n')?;
            whole.lines().find_map(|line| line.strip_prefix(text)).map(str::to_owned)
        };
        wait_until(text, || rest().is_some() || is_gone(self.id()));
        rest().unwrap_or_else(|| panic!("it ended without {text}: {}", self.said()))
    }

    /// Waits for its end. The frame of the tests, which says something first, is left out.
    #[track_caller]
    pub(crate) fn end(mut self) -> End {
        let id = self.id();
        wait_until("its end", || is_gone(id));
        let status = self.child.wait().unwrap();
        let code = status.code().or(status.signal().map(|signal| 1000 + signal)).unwrap();
        let stdout = content(&self.stdout).replacen("\nrunning 1 test\ntest role::play ... ", "", 1);
        End { code, stdout, stderr: content(&self.stderr) }
    }
}

/// A signal that whoever started these tests ignores (`nohup`, or a shell that has put them into the background) would
/// be ignored by all that they start. Not SIGPIPE: this program ignores it itself, and nothing that it starts does.
fn that_ignores_nothing(command: Command) -> Command {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    let ignored = u64::from_str_radix(ignored.trim(), 16).unwrap();
    if ignored & !(1 << (Signal::PIPE.as_raw() - 1)) == 0 {
        return command;
    }
    let mut outer = Command::new("env");
    outer.arg("--default-signal").arg(command.get_program()).args(command.get_args());
    let variables: Vec<_> = command.get_envs().collect();
    if !variables.is_empty() {
        outer.env_clear();
    }
    outer.envs(variables.into_iter().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        outer.current_dir(directory);
    }
    outer
}

/// Read by position: the process writes at the same one.
fn content(file: &File) -> String {
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
