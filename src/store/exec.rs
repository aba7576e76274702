//! `exec:PROGRAM`: a program of the user's keeps the sealed baton, in a secret manager or wherever it can compare and swap.
//!
//! It is started for each operation, without a shell and without arguments; `docs/exec-store.md` tells its authors what it is
//! asked. It gets sealed bytes and nothing else of ours. What it claims of itself (`facts`) is believed: nobody else could
//! know.

mod complaint;
mod message;

use std::cell::OnceCell;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::time::Duration;

use message::{MAX_ANSWER, Operation};

use super::{Facts, Store, StoreError, Swap, Version};
use crate::baton::{MAX_BATON_BYTES, SealedBytes, SlotName};
use crate::job::{Deadline, Environment, Tool, ToolError, for_helper};

/// For `facts`, which asks nobody.
const FACTS_LIMIT: Duration = Duration::from_secs(10);
/// A read may take as long as a swap may at worst, and at least this long.
const SHORTEST_LIMIT: Duration = Duration::from_secs(10);

/// The exit codes by which a helper says what is wrong (those of `sysexits.h`).
const UNREACHABLE: i32 = 75;
const DENIED: i32 = 77;
const NOT_SET_UP: i32 = 78;

/// Which program. Neither argument nor shell: what it needs to know it finds in its environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper(String);

/// Why a text names no helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`exec:` needs an absolute path, or the name of a program on the `PATH`; arguments are not for it")]
pub struct HelperError;

/// A store behind a helper.
pub struct ExecStore {
    helper: Helper,
    environment: Vec<(OsString, OsString)>,
    facts: OnceCell<Facts>,
}

impl Helper {
    /// Reads what stands behind `exec:`.
    ///
    /// # Errors
    /// When it is a relative path, or has what a person meant as arguments.
    pub fn parse(text: &str) -> Result<Self, HelperError> {
        let is_path = text.starts_with('/');
        let is_name = !text.is_empty() && !text.starts_with('-') && !text.contains(['/', ' ']);
        let fits = (is_path || is_name) && !text.contains(char::is_control);
        if fits { Ok(Self(text.to_owned())) } else { Err(HelperError) }
    }
}

impl ExecStore {
    /// Names the helper, and the variables that have secrets of ours in them. Nothing is started yet.
    #[must_use]
    pub fn new(helper: Helper, environment: &Environment, secrets: &[String]) -> Self {
        Self { helper, environment: for_helper(environment.all(), secrets), facts: OnceCell::new() }
    }

    /// Returns what the helper says of itself; it is asked once.
    fn known(&self) -> Result<&Facts, StoreError> {
        if let Some(facts) = self.facts.get() {
            return Ok(facts);
        }
        let facts = message::facts(&self.ask(Operation::Facts, FACTS_LIMIT)?)?;
        Ok(self.facts.get_or_init(|| facts))
    }

    fn limit(&self) -> Result<Duration, StoreError> {
        Ok(self.known()?.worst_swap.max(SHORTEST_LIMIT))
    }

    fn ask(&self, operation: Operation<'_>, limit: Duration) -> Result<Vec<u8>, StoreError> {
        let tool = Tool {
            program: OsStr::new(&self.helper.0),
            arguments: &[],
            // Nowhere in particular: the directory of a job is its checkout.
            directory: Path::new("/"),
            environment: &self.environment,
            input: &operation.write(),
            max_output: MAX_ANSWER,
            max_file: None,
            deadline: Deadline::after(limit),
        };
        let said = tool.run().map_err(|error| match error {
            ToolError::NotFound => StoreError::NotHere("the store's helper was not found".to_owned()),
            ToolError::NotStarted(_) => {
                StoreError::NotHere("the store's helper cannot be executed".to_owned())
            }
            ToolError::TimedOut => {
                StoreError::Unreachable(format!("the helper did not end within {} s", limit.as_secs()))
            }
            ToolError::TooMuch(max) => {
                StoreError::Garbled(format!("the helper answers more than {max} bytes"))
            }
        })?;
        if said.code == Some(0) {
            return Ok(said.stdout);
        }
        let words = complaint::shown(&said.stderr, &self.environment);
        let with = |text: &str| if words.is_empty() { text.to_owned() } else { format!("{text}: {words}") };
        Err(match said.code {
            Some(UNREACHABLE) => StoreError::Unreachable(with("the helper does not reach its service")),
            Some(DENIED) => StoreError::Denied(with("the helper's service does not let it in")),
            Some(NOT_SET_UP) => StoreError::NotHere(with("the helper misses a setting")),
            Some(code) => StoreError::Helper(with(&format!("it ended with exit code {code}"))),
            None => StoreError::Helper(with("it was ended by a signal")),
        })
    }
}

impl Store for ExecStore {
    fn name(&self) -> String {
        format!("exec:{}", self.helper.0)
    }

    fn facts(&self) -> Result<Facts, StoreError> {
        self.known().cloned()
    }

    fn load(&self, slot: &SlotName) -> Result<Option<(SealedBytes, Version)>, StoreError> {
        message::loaded(&self.ask(Operation::load(slot), self.limit()?)?)
    }

    fn swap(
        &self,
        slot: &SlotName,
        expected: Option<&Version>,
        new: &SealedBytes,
    ) -> Result<Swap, StoreError> {
        if new.as_slice().len() > MAX_BATON_BYTES {
            // It could never be read again.
            return Err(StoreError::Garbled("this is more than a baton".to_owned()));
        }
        // No longer than it says: leases are as long as that takes.
        let limit = self.known()?.worst_swap;
        let answer = self.ask(Operation::swap(slot, expected, new), limit)?;
        Ok(message::swapped(&answer)?.map_or(Swap::Conflict, Swap::Done))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helper_is_a_program_and_nothing_else() {
        for good in ["/usr/lib/authbaton/etcd", "/opt/my tools/store", "authbaton-etcd"] {
            assert_eq!(Helper::parse(good), Ok(Helper(good.to_owned())));
        }
        for bad in ["", "-c", "./store", "bin/store", "vault kv get", "sh -c x", "/bin/x\n", "~/store"] {
            assert_eq!(Helper::parse(bad), Err(HelperError), "{bad}");
        }
    }
}
