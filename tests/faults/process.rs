//! Our program as a process that can be stopped and sent signals, with clocks that run faster or are off.

use std::fs::{self, File};
use std::io::{Seek, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::arena::{Arena, Ran, Runner, wait_until};
use crate::launch::LIMIT;

/// How much faster than the real one the clock runs on which leases are measured.
pub(crate) const SPEED: u32 = 25;

/// The shortest that a lease of a file store can be waited out in.
pub(crate) const LEASE: Duration = Duration::from_millis(90_000 / 25);

/// A process, and what it says into unnamed files: no pipe can fill up.
pub(crate) struct Process {
    child: Child,
    stdout: File,
    stderr: File,
}

/// How a process ended.
pub(crate) struct End {
    /// The signal that ended it, if one did.
    pub(crate) signal: Option<Signal>,
    pub(crate) ran: Ran,
}

/// A command whose leases end sooner.
pub(crate) fn fast(arena: &Arena, runner: &Runner, arguments: &[&str]) -> Command {
    let mut command = slow(arena, runner, arguments);
    command.env("AUTHBATON_CLOCK_SPEED", SPEED.to_string());
    command
}

/// A command with the real clock, and with patience.
pub(crate) fn slow(arena: &Arena, runner: &Runner, arguments: &[&str]) -> Command {
    let arguments: Vec<&str> = arguments.iter().copied().chain(["--timeout", "60s"]).collect();
    arena.command(runner, &arguments)
}

/// Lets a command end or stop at a point of the protocol.
pub(crate) fn at(mut command: Command, point: &str) -> Command {
    command.env("AUTHBATON_FAILPOINT", point);
    command
}

/// Lets another program start the command.
pub(crate) fn wrapped(command: &Command, by: &[&str]) -> Command {
    let mut outer = Command::new(by[0]);
    outer.args(&by[1..]).arg(command.get_program()).args(command.get_args()).env_clear();
    outer.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    outer.current_dir(command.get_current_dir().unwrap());
    outer
}

/// Does the same with each case, at once: they mostly wait.
pub(crate) fn side_by_side<T: Send>(cases: impl IntoIterator<Item = T>, work: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| work(case));
        }
    });
}

/// Runs a command to its end.
#[track_caller]
pub(crate) fn run(arena: &Arena, command: Command, input: &str) -> Ran {
    let end = Process::start(command, input).end(arena);
    assert_eq!(end.signal, None, "{}", end.ran.stderr);
    end.ran
}

impl Process {
    pub(crate) fn start(mut command: Command, input: &str) -> Self {
        let unnamed = || tempfile::tempfile().unwrap();
        let (mut stdin, stdout, stderr) = (unnamed(), unnamed(), unnamed());
        stdin.write_all(input.as_bytes()).unwrap();
        stdin.rewind().unwrap();
        command.stdin(stdin);
        command.stdout(Stdio::from(stdout.try_clone().unwrap()));
        command.stderr(Stdio::from(stderr.try_clone().unwrap()));
        Self { child: command.spawn().unwrap(), stdout, stderr }
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has stopped at its point.
    #[track_caller]
    pub(crate) fn wait_for_stop(&self) {
        wait_until("the stop", || self.is_stopped());
    }

    fn is_stopped(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    }

    /// Waits until it has said something on its standard error.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        wait_until(text, || content(&self.stderr).contains(text));
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(self, arena: &Arena) -> End {
        self.end_after(arena, |_| {})
    }

    /// Waits for its end, and lets it go on whenever it comes to its point again.
    #[track_caller]
    pub(crate) fn end_without_stops(self, arena: &Arena) -> End {
        self.end_after(arena, |process| {
            if process.is_stopped() {
                process.send(Signal::CONT);
            }
        })
    }

    #[track_caller]
    fn end_after(mut self, arena: &Arena, each_time: impl Fn(&Self)) -> End {
        let limit = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            each_time(&self);
            if Instant::now() > limit {
                self.child.kill().unwrap();
                panic!("it did not end: {}", content(&self.stderr));
            }
            thread::sleep(Duration::from_millis(5));
        };
        let (stdout, stderr) = (content(&self.stdout), content(&self.stderr));
        arena.is_silent(&stdout);
        arena.is_silent(&stderr);
        let json = serde_json::from_str(&stdout).unwrap_or(Value::Null);
        let signal = status.signal().and_then(Signal::from_named_raw);
        End { signal, ran: Ran { code: status.code(), json, stderr } }
    }
}

/// Read by position: the process writes at the same one.
fn content(file: &File) -> String {
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
