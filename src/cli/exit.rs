//! The exit codes: a contract with scripts. Documented, few, never given another meaning.

use std::process::ExitCode;

/// How the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// 0: done.
    Ok = 0,
    /// 1: a fault of this program or its machine.
    Internal = 1,
    /// 2: the command line or the configuration is wrong.
    Usage = 2,
    /// 3: there is no usable credential.
    NoCredential = 3,
    /// 4: the policy does not allow the credential.
    Policy = 4,
    /// 5: the refresh token is dead; a person must log in.
    LoginNeeded = 5,
    /// 6: the authority or the network failed; the login may still be good.
    Authority = 6,
    /// 7: a lock or a lease was held for too long.
    Timeout = 7,
    /// 8: the store failed; nothing is lost.
    Store = 8,
    /// 9: the store or the home has moved on; both are kept.
    Conflict = 9,
    /// 10: renewed, but not stored: the new login is only here.
    NotStored = 10,
    /// 126: the command of `run` cannot be executed, as shells have it.
    CommandNotExecutable = 126,
    /// 127: the command of `run` is not there, as shells have it.
    CommandNotFound = 127,
}

impl Exit {
    /// Returns the number.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
