//! The command that `run` starts: it has our terminal, our standard streams and our process group, and the signals that
//! are sent to us alone. We wait for it and for nothing that it leaves running; its exit code becomes ours.
//!
//! Stopping is left to the terminal: Ctrl-Z stops the whole group, us with it, and `fg` lets all of it go on.

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::process::{Child, Command, ExitStatus};

use super::{ChildEnvironment, spawn};

#[cfg(not(unix))]
pub use elsewhere::Signals;
#[cfg(unix)]
pub use unix::Signals;

/// A longer name of a program is no name.
const LONGEST_NAME: usize = 200;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this code.
    Code(u8),
    /// By this signal.
    Signal(u8),
}

/// The command did not run, or was lost sight of.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// There is no such program.
    #[error("{} was not found", named(program))]
    NotFound {
        /// Its name, as it was typed.
        program: OsString,
    },
    /// It is there, and cannot be executed.
    #[error("{} cannot be executed", named(program))]
    NotExecutable {
        /// Its name, as it was typed.
        program: OsString,
        /// Why not.
        source: io::Error,
    },
    /// Its end could not be waited for.
    #[error("the command cannot be waited for")]
    Lost(#[source] io::Error),
}

impl Ended {
    /// Returns the exit code as a shell tells it: 128 and the signal, if one ended it.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => signal.saturating_add(128),
        }
    }

    #[cfg(unix)]
    fn of(status: ExitStatus) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let byte = |number: i32| u8::try_from(number).unwrap_or(u8::MAX);
        status.signal().map_or_else(
            || Self::Code(status.code().map_or(u8::MAX, byte)),
            |signal| Self::Signal(byte(signal)),
        )
    }

    #[cfg(not(unix))]
    fn of(status: ExitStatus) -> Self {
        Self::Code(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }
}

impl ChildError {
    /// Returns the exit code with which a shell tells that it could not start a program.
    #[must_use]
    pub fn shell_code(&self) -> Option<u8> {
        match self {
            Self::NotFound { .. } => Some(127),
            Self::NotExecutable { .. } => Some(126),
            Self::Lost(_) => None,
        }
    }
}

/// A program's name for people. `run -- OPENAI_API_KEY=…` is quickly typed, and then the name is a secret.
fn named(program: &OsStr) -> String {
    let name = program.to_string_lossy();
    if name.contains('=') || name.chars().any(char::is_control) || name.len() > LONGEST_NAME {
        return "the command".to_owned();
    }
    format!("`{name}`")
}

/// Returns whether there is a process of this number.
#[cfg(unix)]
#[must_use]
pub fn is_running(process: u32) -> bool {
    use rustix::process::{Pid, test_kill_process};
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    // One of another user is there, too.
    process.is_some_and(|process| test_kill_process(process) != Err(rustix::io::Errno::SRCH))
}

/// Cannot tell here, and says yes: who asks stays longer, and does no harm.
#[cfg(not(unix))]
#[must_use]
pub fn is_running(_process: u32) -> bool {
    true
}

/// Starts a command: its program, then its arguments.
fn start(command: &[OsString], environment: &ChildEnvironment) -> Result<Child, ChildError> {
    let (program, arguments) = command
        .split_first()
        .map_or((OsStr::new(""), [].as_slice()), |(program, rest)| (program.as_os_str(), rest));
    let started = match spawn(&mut prepared(program, arguments, environment)) {
        Err(error) if is_no_binary(&error) => as_script(program, arguments, environment),
        started => started,
    };
    started.map_err(|source| match source.kind() {
        ErrorKind::NotFound => ChildError::NotFound { program: program.to_owned() },
        _ => ChildError::NotExecutable { program: program.to_owned(), source },
    })
}

#[expect(clippy::disallowed_methods, reason = "the command is the user's; its environment is made for it")]
fn prepared(program: &OsStr, arguments: &[OsString], environment: &ChildEnvironment) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).env_clear().envs(environment.iter());
    command
}

/// A script without `#!`: every shell runs such a file with `sh` (POSIX, 2.9.1.6).
#[cfg(unix)]
fn as_script(program: &OsStr, arguments: &[OsString], environment: &ChildEnvironment) -> io::Result<Child> {
    let arguments: Vec<OsString> = std::iter::once(program.to_owned()).chain(arguments.to_vec()).collect();
    spawn(&mut prepared(OsStr::new("/bin/sh"), &arguments, environment))
}

#[cfg(unix)]
fn is_no_binary(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error())
}

#[cfg(not(unix))]
fn as_script(program: &OsStr, arguments: &[OsString], environment: &ChildEnvironment) -> io::Result<Child> {
    spawn(&mut prepared(program, arguments, environment))
}

#[cfg(not(unix))]
fn is_no_binary(_error: &io::Error) -> bool {
    false
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsString;
    use std::io;
    use std::process::Child;

    use rustix::process::{Pid, Signal, getpid, getsid, kill_process};
    use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::raw::WithRawSiginfo;

    use super::super::signals::{Undisturbed, not_ignored};
    use super::{ChildEnvironment, ChildError, Ended, start};

    /// What ends us if it is not handed on. SIGWINCH and the like reach the command by the terminal.
    const HANDED_ON: [i32; 6] = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2];

    /// From the making of this value until it is dropped, signals do not end us: they are the command's, those that come
    /// before it has started included. After its end they are nobody's, so that we can clean up.
    ///
    /// SIGQUIT, SIGUSR1 and SIGUSR2 stay without effect afterwards: whoever drops this is about to end.
    pub struct Signals {
        // First, so that the default is back before nobody listens any more.
        _undisturbed: Undisturbed,
        signals: SignalsInfo<WithRawSiginfo>,
    }

    impl Signals {
        /// Begins to listen. What whoever started us has ignored stays ignored, for us and for the command.
        ///
        /// # Errors
        /// When the handlers cannot be installed.
        pub fn listen() -> io::Result<Self> {
            let mut wanted = not_ignored(&HANDED_ON);
            // Never ignored: then the kernel would drop the command's exit code.
            wanted.push(SIGCHLD);
            let (undisturbed, signals) = Undisturbed::begin(|| SignalsInfo::new(wanted))?;
            Ok(Self { _undisturbed: undisturbed, signals })
        }

        /// Runs a command, its program first, and waits for its end.
        ///
        /// # Errors
        /// When it cannot be started. The rest would be a fault of the kernel.
        pub fn run(
            &mut self,
            command: &[OsString],
            environment: &ChildEnvironment,
        ) -> Result<Ended, ChildError> {
            let mut child = start(command, environment)?;
            loop {
                for info in self.signals.wait() {
                    hand_on(info.si_signo, info.si_code, &child);
                }
                // Only here is it reaped: until then its number is nobody else's.
                if let Some(status) = child.try_wait().map_err(ChildError::Lost)? {
                    return Ok(Ended::of(status));
                }
            }
        }
    }

    fn hand_on(signal: i32, code: i32, child: &Child) {
        let Some(signal) = Signal::from_named_raw(signal) else { return };
        if signal != Signal::CHILD && !command_has_it(signal, code) {
            // It may just have ended.
            let _ = kill_process(Pid::from_child(child), signal);
        }
    }

    /// Ctrl-C and the end of a session are sent to the whole group by the kernel; once more would be twice. A hang-up is
    /// sent to the leader of the session alone.
    ///
    /// A process that signals the whole group (`timeout` does) cannot be told from one that signals us: then the command
    /// gets it twice.
    fn command_has_it(signal: Signal, code: i32) -> bool {
        let leads = || getsid(None).is_ok_and(|leader| leader == getpid());
        is_of_kernel(code) && !(signal == Signal::HUP && leads())
    }

    /// `SI_FROMUSER` of Linux.
    #[cfg(target_os = "linux")]
    fn is_of_kernel(code: i32) -> bool {
        code > 0
    }

    /// macOS says `SI_USER` for processes and nothing for the terminal. Not verified there.
    #[cfg(not(target_os = "linux"))]
    fn is_of_kernel(code: i32) -> bool {
        code == 0
    }
}

#[cfg(not(unix))]
mod elsewhere {
    use std::ffi::OsString;
    use std::io;

    use super::{ChildEnvironment, ChildError, Ended, start};

    /// Listens to nothing: not verified on this system, where Ctrl-C reaches both of us.
    pub struct Signals;

    impl Signals {
        /// Begins to listen to nothing.
        ///
        /// # Errors
        /// Never.
        pub fn listen() -> io::Result<Self> {
            Ok(Self)
        }

        /// Runs a command, its program first, and waits for its end.
        ///
        /// # Errors
        /// When it cannot be started or waited for.
        pub fn run(
            &mut self,
            command: &[OsString],
            environment: &ChildEnvironment,
        ) -> Result<Ended, ChildError> {
            let mut child = start(command, environment)?;
            child.wait().map(Ended::of).map_err(ChildError::Lost)
        }
    }
}
