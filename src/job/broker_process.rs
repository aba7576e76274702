//! Starts the broker: this very program once more, with next to nothing of our environment, and out of reach of Ctrl-C.
//!
//! Between the two there are three pipes. The broker says on its stdout that nobody can look into it any more; only then
//! it is told its settings, on stdin, to the end; then it says where it answers, one line of JSON. Its stderr comes
//! through us line by line: the command has the terminal. Both ends of that are in this file.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write, stdin, stdout};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::{Clock, harden, spawn};

/// Where the state directory and the authority are found: paths, and proxies of this machine. The last one is a name by
/// which GitHub's runner finds and ends what a job leaves running. Nothing else is passed on, no `PATH` either: the broker
/// starts nothing.
const KEPT: [&str; 9] = [
    "HOME",
    "XDG_STATE_HOME",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "RUNNER_TRACKING_ID",
];
/// What the fault suite bends.
#[cfg(feature = "failpoints")]
const BENT: [&str; 3] = ["AUTHBATON_FAILPOINT", "AUTHBATON_CLOCK_SPEED", "AUTHBATON_CLOCK_OFFSET"];
#[cfg(not(feature = "failpoints"))]
const BENT: [&str; 0] = [];

const GREETING: &[u8] = b"authbaton broker\n";
const MAX_SETTINGS: usize = 512 * 1024;
const MAX_ANSWER: usize = 16 * 1024;
const MAX_LINE: u64 = 4 * 1024;
/// How long a broker that gave up may take to end, so that its exit code can be told.
const ENDING: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(5);

/// Where a broker's words go.
pub enum Voice {
    /// To this one, line by line, on a thread, until it ends.
    Heard(Box<dyn FnMut(&str) + Send>),
    /// Into a file: it outlives whoever started it.
    Written(File),
}

/// A broker that has been started. It outlives this value: it leaves when nobody uses its home any more.
pub struct BrokerProcess {
    child: Child,
    listener: Option<JoinHandle<()>>,
}

/// The broker does not answer. It has been told to end; it has spent nothing before it says where it answers.
#[derive(Debug, thiserror::Error)]
pub enum BrokerProcessError {
    /// It could not be started.
    #[error("the broker cannot be started")]
    NotStarted(#[source] io::Error),
    /// It ended, or closed its pipes. What it had to say went to whoever listens.
    #[error("the broker ended before it answered{}", code.map_or_else(String::new, |code| format!(" (exit code {code})")))]
    Ended {
        /// Its exit code, if it ended by itself.
        code: Option<i32>,
    },
    /// It said nothing for too long.
    #[error("the broker did not answer within {} s", .0.as_secs())]
    TimedOut(Duration),
    /// It said something else than a broker of this version.
    #[error("the broker's answer cannot be understood")]
    Garbled,
}

impl BrokerProcess {
    /// Starts `command`, which is this program with the broker's arguments, tells it `settings`, and returns where it
    /// answers. What it says on stderr goes where `voice` says.
    ///
    /// # Errors
    /// When it does not answer within `limit`, or not as a broker does.
    pub fn start<T: DeserializeOwned>(
        mut command: Command,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        settings: Zeroizing<Vec<u8>>,
        limit: Duration,
        clock: &dyn Clock,
        voice: Voice,
    ) -> Result<(Self, T), BrokerProcessError> {
        let kept = |name: &OsString| KEPT.iter().chain(&BENT).any(|kept| name == kept);
        command.env_clear().envs(environment.into_iter().filter(|(name, _)| kept(name)));
        let (stderr, heard) = match voice {
            Voice::Heard(heard) => (Stdio::piped(), Some(heard)),
            Voice::Written(file) => (file.into(), None),
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(stderr);
        // Ctrl-C, Ctrl-Z and a hang-up go to the group that has the terminal.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = spawn(&mut command).map_err(BrokerProcessError::NotStarted)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let listener = stderr.zip(heard).map(|(stderr, heard)| thread::spawn(move || listen(stderr, heard)));
        let mut broker = Self { child, listener };

        // On a thread: a broker that neither reads nor writes would block us.
        let (sender, receiver) = channel();
        thread::spawn(move || sender.send(talk(stdin, stdout, settings)));
        let problem = match receiver.recv_timeout(limit) {
            Ok(Ok(answer)) => match serde_json::from_slice(&answer) {
                Ok(answer) => return Ok((broker, answer)),
                Err(_) => BrokerProcessError::Garbled,
            },
            Ok(Err(error)) if error.kind() == ErrorKind::InvalidData => BrokerProcessError::Garbled,
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => {
                BrokerProcessError::Ended { code: broker.ended_within(ENDING, clock).flatten() }
            }
            Err(RecvTimeoutError::Timeout) => BrokerProcessError::TimedOut(limit),
        };
        broker.tell_to_end();
        Err(problem)
    }

    /// Waits until the broker has ended and everything that it said was heard; returns its exit code, `None` if it has
    /// not ended by then. It is not ended by force: it may be in the middle of an exchange.
    pub fn ended_within(&mut self, limit: Duration, clock: &dyn Clock) -> Option<Option<i32>> {
        let start = clock.boot();
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                self.listener.take().map(JoinHandle::join);
                return Some(status.code());
            }
            if clock.boot().saturating_sub(start) >= limit {
                return None;
            }
            clock.sleep(POLL);
        }
    }

    /// Tells it to end, and waits for that. What it has begun it finishes first.
    pub fn end_within(&mut self, limit: Duration, clock: &dyn Clock) -> Option<Option<i32>> {
        self.tell_to_end();
        self.ended_within(limit, clock)
    }

    /// Asks as a CI does: obeyed at once, unless a token is being spent.
    #[cfg(unix)]
    fn tell_to_end(&mut self) {
        use rustix::process::{Pid, Signal, kill_process};
        if let Ok(None) = self.child.try_wait() {
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        }
    }

    #[cfg(not(unix))]
    fn tell_to_end(&mut self) {
        let _ = self.child.kill();
    }
}

/// Our half of the talk.
fn talk(
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    settings: Zeroizing<Vec<u8>>,
) -> io::Result<Zeroizing<Vec<u8>>> {
    let (Some(mut stdin), Some(mut stdout)) = (stdin, stdout) else {
        return Err(ErrorKind::BrokenPipe.into());
    };
    let mut greeting = [0; GREETING.len()];
    stdout.read_exact(&mut greeting)?;
    if greeting != GREETING {
        return Err(ErrorKind::InvalidData.into());
    }
    stdin.write_all(&settings)?;
    drop((stdin, settings));
    read_line(&mut stdout)
}

/// Reads the last line that comes: what is behind it is not waited for.
fn read_line(from: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(vec![0; MAX_ANSWER]);
    let mut length = 0;
    while !line.get(..length).is_some_and(|line| line.ends_with(b"\n")) {
        let free = line.get_mut(length..).filter(|free| !free.is_empty());
        let free = free.ok_or(ErrorKind::InvalidData)?;
        match from.read(free) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => length += read,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    line.truncate(length);
    Ok(line)
}

/// Passes on what the broker says, line by line, without what would move a cursor. A longer line comes in pieces.
fn listen(stderr: ChildStderr, mut heard: impl FnMut(&str)) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(1..) = stderr.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
        let text: String = String::from_utf8_lossy(&line).chars().filter(|it| !it.is_control()).collect();
        if !text.is_empty() {
            heard(&text);
        }
        line.clear();
    }
}

/// The broker's half, first part: makes sure that nobody can look into this process, says so, and reads its settings.
///
/// # Errors
/// When whoever started us has gone, or tells more than there can be.
pub fn receive_settings() -> io::Result<Zeroizing<Vec<u8>>> {
    harden();
    say(GREETING)?;
    // Made at its full size: a vector that grows leaves copies of a secret behind.
    let mut settings = Zeroizing::new(Vec::with_capacity(MAX_SETTINGS + 1));
    stdin().lock().take(MAX_SETTINGS as u64 + 1).read_to_end(&mut settings)?;
    if settings.len() > MAX_SETTINGS { Err(ErrorKind::InvalidData.into()) } else { Ok(settings) }
}

/// The second part: says where this broker answers. Nothing may have been spent before, because whoever started us may
/// not wait for it any longer.
///
/// # Errors
/// When whoever started us has gone.
pub fn announce(answer: &impl Serialize) -> io::Result<()> {
    let mut line = Zeroizing::new(serde_json::to_vec(answer)?);
    line.push(b'\n');
    say(&line)
}

fn say(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}
