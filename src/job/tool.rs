//! Runs a program of the machine for us (git, a store's helper): with the environment that it is given and no other, in a
//! process group of its own, with a cap on what it may say and a deadline after which the whole group is ended.
//!
//! Its words are returned, never printed: whoever knows what may be in them decides that. What it wrote on stdout is
//! returned whole or not at all. What it leaves running in its group is ended with it.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::{Deadline, spawn};

/// Something that the program has put into the background for good (a master of ssh) may hold its stderr open.
const FOR_COMPLAINTS: Duration = Duration::from_secs(2);

/// What to run, and within which limits.
pub struct Tool<'a> {
    /// A path, or a name that is looked up on the `PATH` of `environment`.
    pub program: &'a OsStr,
    /// Its arguments. They can be read by every process of the machine.
    pub arguments: &'a [&'a str],
    /// The directory that it works in.
    pub directory: &'a Path,
    /// Its whole environment.
    pub environment: &'a [(OsString, OsString)],
    /// What it reads on stdin, to the end.
    pub input: &'a [u8],
    /// How many bytes it may write on stdout.
    pub max_output: usize,
    /// How large a file it may write (Linux alone); `None`: as large as it can.
    pub max_file: Option<u64>,
    /// When it is ended, with everything that it has started.
    pub deadline: Deadline,
}

/// How a program ended, and what it said.
pub struct Said {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// What it wrote on stdout.
    pub stdout: Vec<u8>,
    /// The beginning of what it wrote on stderr.
    pub stderr: Vec<u8>,
}

/// A program did not do its work. Only [`ToolError::NotFound`] and [`ToolError::NotStarted`] say that it did nothing.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// There is no such program.
    #[error("it was not found")]
    NotFound,
    /// It is there, and cannot be started.
    #[error("it cannot be started")]
    NotStarted(#[source] std::io::Error),
    /// It took too long, and was ended.
    #[error("it did not end in time")]
    TimedOut,
    /// It said more than it may.
    #[error("it said more than {0} bytes")]
    TooMuch(usize),
}

/// More of an error message is of no use to anybody.
const MAX_COMPLAINT: usize = 16 * 1024;

impl Tool<'_> {
    /// Runs the program to its end.
    ///
    /// # Errors
    /// When it cannot be started, says too much, or does not end in time.
    pub fn run(&self) -> Result<Said, ToolError> {
        let mut child = self.start()?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let input = self.input.to_vec();
        thread::spawn(move || {
            // It may end without having read everything; its exit code says what that means.
            stdin.and_then(|mut stdin| stdin.write_all(&input).ok())
        });
        let (sender, events) = channel();
        let said = stdout.map(|from| Stream::read(from, self.max_output, Pipe::Output, sender.clone()));
        let complained =
            stderr.map(|from| Stream::read(from, MAX_COMPLAINT, Pipe::Complaints, sender.clone()));
        let ended = self.wait(&mut child, sender, &events);
        if !ended {
            end_group(&mut child);
        }
        // Only here is it reaped: until then its number is nobody else's.
        let status = child.wait().map_err(ToolError::NotStarted)?;
        let stdout = said.map(Stream::take).unwrap_or_default();
        if stdout.len() > self.max_output {
            return Err(ToolError::TooMuch(self.max_output));
        }
        if !ended {
            return Err(ToolError::TimedOut);
        }
        let stderr = complained.map(Stream::take).unwrap_or_default();
        Ok(Said { code: status.code(), stdout, stderr })
    }

    #[expect(clippy::disallowed_methods, reason = "this file owns the programs that work for us")]
    fn start(&self) -> Result<Child, ToolError> {
        let mut command = Command::new(self.program);
        command.args(self.arguments).current_dir(self.directory).env_clear();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let child = spawn(&mut command).map_err(|error| match error.kind() {
            ErrorKind::NotFound => ToolError::NotFound,
            _ => ToolError::NotStarted(error),
        })?;
        self.limit_files(&child);
        Ok(child)
    }

    #[cfg(target_os = "linux")]
    fn limit_files(&self, child: &Child) {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        if let Some(max) = self.max_file {
            // It may have ended already. What it starts later inherits the limit.
            let limit = Rlimit { current: Some(max), maximum: Some(max) };
            let _ = prlimit(Some(Pid::from_child(child)), Resource::Fsize, limit);
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn limit_files(&self, _child: &Child) {}

    /// Waits until the program has ended and everything that it wrote on stdout was read; `false` when it is to be ended.
    ///
    /// However slow this machine is, an output that was not read to its end is none: half a list is another list.
    fn wait(&self, child: &mut Child, sender: Sender<Event>, events: &Receiver<Event>) -> bool {
        watch(child, sender);
        let (mut ended, mut said, mut complained) = (false, false, false);
        while !(ended && said && complained) {
            let left = self.deadline.left();
            let left = if ended && said { left.min(FOR_COMPLAINTS) } else { left };
            match events.recv_timeout(left) {
                Ok(Event::Closed(Pipe::Output)) => {
                    said = true;
                    ended |= !cfg!(unix);
                }
                Ok(Event::Closed(Pipe::Complaints)) => complained = true,
                Ok(Event::Ended) => {
                    ended = true;
                    // Its pipes are closed with what it has left running.
                    end_group(child);
                }
                Ok(Event::TooMuch) => return false,
                Err(_) => break,
            }
        }
        ended && said
    }
}

enum Event {
    Closed(Pipe),
    TooMuch,
    Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pipe {
    Output,
    Complaints,
}

/// What came through a pipe so far, also while something still holds it open.
struct Stream(Arc<Mutex<Vec<u8>>>);

impl Stream {
    /// Reads on a thread up to one byte more than `max`, so that too much shows.
    fn read(mut from: impl Read + Send + 'static, max: usize, pipe: Pipe, events: Sender<Event>) -> Self {
        let read = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&read);
        thread::spawn(move || {
            let mut buffer = [0; 8 * 1024];
            loop {
                match from.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => {
                        let mut read = shared.lock().unwrap_or_else(PoisonError::into_inner);
                        let free = (max + 1).saturating_sub(read.len());
                        read.extend(buffer.iter().take(count.min(free)));
                        if read.len() > max && pipe == Pipe::Output {
                            let _ = events.send(Event::TooMuch);
                            return;
                        }
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    // Then it never comes to its end, and what was read is not used.
                    Err(_) => return,
                }
            }
            let _ = events.send(Event::Closed(pipe));
        });
        Self(read)
    }

    fn take(self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tells on a thread when the program has ended. It is not reaped, so that its number stays its own.
#[cfg(unix)]
fn watch(child: &mut Child, events: Sender<Event>) {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let pid = Pid::from_child(child);
    thread::spawn(move || {
        let wait = || waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT);
        while matches!(wait(), Err(rustix::io::Errno::INTR)) {}
        let _ = events.send(Event::Ended);
    });
}

/// Without such a wait the end is that of its stdout. Not verified.
#[cfg(not(unix))]
fn watch(_child: &mut Child, _events: Sender<Event>) {}

#[cfg(unix)]
fn end_group(child: &mut Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
}

#[cfg(not(unix))]
fn end_group(child: &mut Child) {
    let _ = child.kill();
}

#[cfg(all(test, unix))]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests look at what programs have written")]

    use super::*;

    fn shell(script: &str, seconds: u64) -> Result<Said, ToolError> {
        with(script, b"", 100, None, Duration::from_secs(seconds))
    }

    fn with(
        script: &str,
        input: &[u8],
        max_output: usize,
        max_file: Option<u64>,
        limit: Duration,
    ) -> Result<Said, ToolError> {
        let environment = [("PATH".into(), "/usr/bin:/bin".into())];
        let tool = Tool {
            program: OsStr::new("sh"),
            arguments: &["-c", script],
            directory: Path::new("/"),
            environment: &environment,
            input,
            max_output,
            max_file,
            deadline: Deadline::after(limit),
        };
        tool.run()
    }

    #[test]
    fn what_it_reads_and_says_and_how_it_ends() {
        let said = with("cat; pwd; env >&2; exit 3", b"in\0put\n", 100, None, Duration::from_secs(60));
        let said = said.unwrap();
        assert_eq!((said.code, said.stdout), (Some(3), b"in\0put\n/\n".to_vec()));
        let environment = String::from_utf8(said.stderr).unwrap();
        assert!(environment.contains("PATH=/usr/bin:/bin"), "{environment}");
        for line in environment.lines() {
            let name = line.split('=').next().unwrap();
            assert!(["PATH", "PWD", "OLDPWD", "SHLVL", "_"].contains(&name), "{line}");
        }
        assert_eq!(shell("kill -9 $$", 60).unwrap().code, None);
    }

    #[test]
    fn input_that_is_not_read_stops_nobody() {
        let much = vec![0; 1 << 20];
        assert_eq!(with("exit 0", &much, 100, None, Duration::from_secs(60)).unwrap().code, Some(0));
    }

    #[test]
    fn a_program_that_is_not_there() {
        let tool = Tool {
            program: OsStr::new("no-such-program"),
            arguments: &[],
            directory: Path::new("/"),
            environment: &[],
            input: b"",
            max_output: 1,
            max_file: None,
            deadline: Deadline::after(Duration::from_secs(60)),
        };
        assert!(matches!(tool.run(), Err(ToolError::NotFound)));
    }

    #[test]
    fn at_the_deadline_everything_that_it_started_is_ended() {
        let marks = tempfile::tempdir().unwrap();
        let file = marks.path().join("pid");
        let script = format!("sleep 300 & echo $! > {}; exec sleep 300", file.display());
        let limit = Duration::from_millis(700);
        assert!(matches!(with(&script, b"", 100, None, limit), Err(ToolError::TimedOut)));
        let pid: i32 = std::fs::read_to_string(&file).unwrap().trim().parse().unwrap();
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        // A killed process of somebody else's is a zombie until its new parent looks.
        let stat = format!("/proc/{pid}/stat");
        let is_gone = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z"));
        let patience = Deadline::after(Duration::from_secs(60));
        while !is_gone() {
            assert!(!patience.left().is_zero(), "the child of the program lives");
            thread::yield_now();
        }
    }

    #[test]
    fn what_it_leaves_running_in_its_group_is_ended_with_it() {
        let said = shell("echo said; sleep 300 & exit 0", 60).unwrap();
        assert_eq!((said.code, said.stdout), (Some(0), b"said\n".to_vec()));
    }

    #[test]
    fn what_it_leaves_running_elsewhere_may_have_its_stderr_and_not_its_stdout() {
        let said = shell("echo said; setsid sleep 30 >/dev/null & sleep 0.2", 60).unwrap();
        assert_eq!((said.code, said.stdout), (Some(0), b"said\n".to_vec()));
        let held = shell("echo said; setsid sleep 5 & sleep 0.2", 2);
        assert!(matches!(held, Err(ToolError::TimedOut)));
    }

    #[test]
    fn too_much_on_stdout_is_an_error_and_too_much_on_stderr_is_cut() {
        assert_eq!(shell("printf %100s x", 60).unwrap().stdout.len(), 100);
        assert!(matches!(shell("printf %101s x", 60), Err(ToolError::TooMuch(100))));
        assert!(matches!(shell("while :; do echo more; done", 60), Err(ToolError::TooMuch(100))));
        let said = shell("printf %99999s x >&2; echo end", 60).unwrap();
        assert_eq!((said.stdout, said.stderr.len()), (b"end\n".to_vec(), MAX_COMPLAINT + 1));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn files_have_a_limit_also_those_of_its_children() {
        let directory = tempfile::tempdir().unwrap();
        let script = format!("sleep 0.3; sh -c 'head -c 99999 /dev/zero > {}/x'", directory.path().display());
        let said = with(&script, b"", 100, Some(5000), Duration::from_secs(60)).unwrap();
        assert_ne!(said.code, Some(0));
        assert_eq!(directory.path().join("x").metadata().unwrap().len(), 5000);
    }
}
