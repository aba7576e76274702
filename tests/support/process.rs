//! Runs one program to its end, or kills it at a hard limit: a test that hangs is a test that failed.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Seek, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

/// How a program ended and what it said.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The exit code; none when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// Demands this exit code, and shows everything when it is another one.
    #[track_caller]
    pub(crate) fn exited(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "unexpected exit code: {self:#?}");
        self
    }

    /// Demands that the program said this on its standard error.
    #[track_caller]
    pub(crate) fn said(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "{text:?} is missing on stderr: {self:#?}");
        self
    }
}

/// A program that runs. Its three streams are unnamed files, not pipes: neither a full pipe nor a grandchild that keeps
/// one open can make the test wait.
pub(crate) struct Running {
    pub(crate) child: Child,
    stdout: File,
    stderr: File,
}

/// Runs the command with this standard input.
///
/// # Errors
///
/// The command cannot be started, or it was still running at the limit and was killed (`TimedOut`).
pub(crate) fn run(command: &mut Command, input: &[u8], limit: Duration) -> io::Result<Outcome> {
    start(command, input)?.finish(limit)
}

/// Starts the command with this standard input.
///
/// # Errors
///
/// It cannot be started.
pub(crate) fn start(command: &mut Command, input: &[u8]) -> io::Result<Running> {
    let mut stdin = unnamed();
    stdin.write_all(input).unwrap();
    stdin.rewind().unwrap();
    let (stdout, stderr) = (unnamed(), unnamed());
    let child = command
        .stdin(stdin)
        .stdout(Stdio::from(stdout.try_clone().unwrap()))
        .stderr(Stdio::from(stderr.try_clone().unwrap()))
        .process_group(0)
        .spawn()?;
    Ok(Running { child, stdout, stderr })
}

impl Running {
    /// Waits for its end.
    ///
    /// # Errors
    ///
    /// It was still running at the limit and was killed (`TimedOut`).
    pub(crate) fn finish(mut self, limit: Duration) -> io::Result<Outcome> {
        let status = wait(&mut self.child, limit)?;
        Ok(Outcome {
            code: status.code(),
            stdout: content(&mut self.stdout),
            stderr: content(&mut self.stderr),
        })
    }
}

impl Drop for Running {
    /// A test that fails leaves nothing behind, not even a program that it has stopped.
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            kill_process_group(Pid::from_child(&self.child), Signal::KILL).ok();
            self.child.wait().ok();
        }
    }
}

fn wait(child: &mut Child, limit: Duration) -> io::Result<ExitStatus> {
    let end = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if Instant::now() >= end {
            kill_process_group(Pid::from_child(child), Signal::KILL).unwrap();
            child.wait().unwrap();
            return Err(io::Error::new(ErrorKind::TimedOut, format!("killed after {limit:?}")));
        }
        thread::sleep(Duration::from_millis(5));
    }
}

fn unnamed() -> File {
    tempfile::tempfile().unwrap()
}

fn content(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
