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

/// Runs the command with this standard input.
///
/// # Errors
///
/// The command cannot be started, or it was still running at the limit and was killed (`TimedOut`).
///
/// The three streams are unnamed files, not pipes: neither a full pipe nor a grandchild that keeps one open can make
/// the test wait.
pub(crate) fn run(command: &mut Command, input: &[u8], limit: Duration) -> io::Result<Outcome> {
    let mut stdin = unnamed();
    stdin.write_all(input).unwrap();
    stdin.rewind().unwrap();
    let (stdout, stderr) = (unnamed(), unnamed());
    let mut child = command
        .stdin(stdin)
        .stdout(Stdio::from(stdout.try_clone().unwrap()))
        .stderr(Stdio::from(stderr.try_clone().unwrap()))
        .process_group(0)
        .spawn()?;
    let status = wait(&mut child, limit)?;
    Ok(Outcome { code: status.code(), stdout: content(stdout), stderr: content(stderr) })
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

fn content(mut file: File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}
