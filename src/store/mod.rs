//! Where the sealed baton rests: a compare-and-swap cell per named slot.
//!
//! There is no remove: a purged slot holds the state `empty`, so that it goes on remembering. What cannot be read is
//! an error, never "empty". Every store passes one contract suite (`tests/store_contract/`).

mod actions_cache;
mod error;
mod exec;
mod file;
mod git;
mod object;
mod open;
mod read_only;
mod refusal;
mod url;

use std::fmt;
use std::time::Duration;

pub use actions_cache::ActionsCacheStore;
pub use error::StoreError;
pub use exec::{ExecStore, Helper, HelperError};
pub use file::FileStore;
pub use git::{GitStore, GitUrl, GitUrlError};
pub use object::{ObjectStore, ObjectUrl, ObjectUrlError};
pub use open::Opening;
use read_only::ReadOnlyStore;
pub use url::{StoreUrl, StoreUrlError};

use crate::baton::{SealedBytes, SlotName};

/// What a store says of the content of a slot at one moment. Only the store that made it understands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(String);

/// What came of a swap.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Swap {
    /// The slot has the new content, under this version.
    Done(Version),
    /// The slot has something else than was expected; nothing was written.
    Conflict,
    /// The write was sent and took so long that others may have passed it by. It has not landed, whatever is read back:
    /// only another swap, in time, can show that the slot has it.
    Late,
}

/// What a store can do, here and now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Whether of two swaps at once only one succeeds.
    pub exclusive: Exclusive,
    /// Whether this run may write.
    pub access: Access,
    /// When a swap is safe from the loss of this machine.
    pub durability: Durability,
    /// The longest time that a swap takes.
    pub worst_swap: Duration,
}

/// Whether of two swaps at once only one succeeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusive {
    /// The store sees to it.
    Always,
    /// The store's service says that it does; it has to be proven in a slot before a token is spent ([`Store::prove`]).
    Unproven,
    /// Only under a mutex of the CI, which somebody declared.
    UnderDeclaredMutex,
    /// Only under a mutex of the CI, which nobody declared: no lease may be taken.
    No,
}

/// Whether this run may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// It may.
    Write,
    /// It may not, for this reason.
    ReadOnly(String),
}

/// When a swap is safe from the loss of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When it returns.
    Now,
    /// When the CI has uploaded the directory, after the job.
    AtJobEnd,
}

/// A place with one compare-and-swap cell per slot.
pub trait Store {
    /// Returns the store's name for people and journals: stable, without secrets.
    fn name(&self) -> String;

    /// Says what the store can do, without waiting for anybody.
    ///
    /// # Errors
    /// When the store cannot be reached.
    fn facts(&self) -> Result<Facts, StoreError>;

    /// Returns the content of a slot and its version; `None` only when the slot was never written.
    ///
    /// # Errors
    /// When the slot cannot be read, whatever the reason.
    fn load(&self, slot: &SlotName) -> Result<Option<(SealedBytes, Version)>, StoreError>;

    /// Replaces the content of a slot if it still has the version `expected` (`None`: was never written).
    ///
    /// # Errors
    /// When the store failed; whether the write landed is then unknown, and the writer's nonce tells.
    fn swap(
        &self,
        slot: &SlotName,
        expected: Option<&Version>,
        new: &SealedBytes,
    ) -> Result<Swap, StoreError>;

    /// The same by the owner of a lease that is in the slot and still lasts: others have no business there, so that such a
    /// store need not wait for writes that somebody began and did not end.
    ///
    /// # Errors
    /// As [`Self::swap`].
    fn swap_as_owner(
        &self,
        slot: &SlotName,
        expected: Option<&Version>,
        new: &SealedBytes,
    ) -> Result<Swap, StoreError> {
        self.swap(slot, expected, new)
    }

    /// Proves that of two swaps at once only one succeeds, beside the slot and not in it. Asked for where the store is
    /// [`Exclusive::Unproven`], once per slot, before the first token is spent.
    ///
    /// # Errors
    /// When it does not keep two jobs from writing at once, or could not be asked.
    fn prove(&self, _slot: &SlotName) -> Result<(), StoreError> {
        Ok(())
    }

    /// Removes what a slot has left behind that nobody can need any more, after something was stored.
    ///
    /// # Errors
    /// When it could not; that harms nobody.
    fn tidy(&self, _slot: &SlotName) -> Result<(), StoreError> {
        Ok(())
    }
}

impl Facts {
    /// Returns whether a token may be spent for a slot of this store by this run.
    #[must_use]
    pub fn may_lease(&self) -> bool {
        self.exclusive != Exclusive::No && self.access == Access::Write
    }
}

impl fmt::Display for Durability {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Now => "now",
            Self::AtJobEnd => "at-job-end",
        })
    }
}
