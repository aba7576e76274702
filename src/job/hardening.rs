//! No core dump of ours holds a secret; children get the limit back that we were started with.

#![expect(clippy::disallowed_methods, reason = "this file owns the starting of children")]

use std::io;
use std::process::{Child, Command};

/// Makes this process write no core dump, and keeps other processes of this user from reading its memory (Linux).
/// Best effort: a sandbox may forbid either, and root reads memory all the same.
#[cfg(unix)]
pub fn harden() {
    unix::forbid_core_dumps();
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}

/// Does nothing here: there is no such limit.
#[cfg(not(unix))]
pub fn harden() {}

/// Returns whether [`harden`] had its way.
#[cfg(unix)]
#[must_use]
pub fn is_hardened() -> bool {
    let forbids_dumps = rustix::process::getrlimit(rustix::process::Resource::Core).current == Some(0);
    #[cfg(target_os = "linux")]
    let is_private = {
        use rustix::process::{DumpableBehavior, dumpable_behavior};
        dumpable_behavior().is_ok_and(|it| it != DumpableBehavior::Dumpable)
    };
    #[cfg(not(target_os = "linux"))]
    let is_private = true;
    forbids_dumps && is_private
}

/// Nothing can be said here.
#[cfg(not(unix))]
#[must_use]
pub fn is_hardened() -> bool {
    true
}

/// Starts a child with the core limit that we were started with. (Whether it can be dumped is its own again.)
///
/// # Errors
/// When the program cannot be started.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    // The limit is a process's, and setting it between fork and exec would need `unsafe`; so for a moment ours is the
    // child's. This process stays non-dumpable meanwhile.
    #[cfg(unix)]
    unix::allow_core_dumps();
    let child = command.spawn();
    #[cfg(unix)]
    unix::forbid_core_dumps();
    child
}

/// Returns a command for this very program.
///
/// # Errors
/// When its path cannot be found out.
pub fn this_program() -> io::Result<Command> {
    Ok(Command::new(std::env::current_exe()?))
}

#[cfg(unix)]
mod unix {
    use std::sync::OnceLock;

    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    static STARTED_WITH: OnceLock<Option<u64>> = OnceLock::new();

    pub(super) fn forbid_core_dumps() {
        let limit = getrlimit(Resource::Core);
        STARTED_WITH.get_or_init(|| limit.current);
        // Only the soft limit: the hard one could never be raised again for a child.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: limit.maximum });
    }

    pub(super) fn allow_core_dumps() {
        if let Some(current) = STARTED_WITH.get() {
            let maximum = getrlimit(Resource::Core).maximum;
            let _ = setrlimit(Resource::Core, Rlimit { current: *current, maximum });
        }
    }
}
