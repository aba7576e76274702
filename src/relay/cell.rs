//! The slot as the steps see it: opened, changed, sealed, swapped. What became of an uncertain swap is found out here.

use crate::baton::{Baton, Nonce, OpenedBaton, SealRandom};
use crate::job::random;
use crate::store::{Swap, Version};

use super::{Relay, RelayError};

/// A slot's content at one moment.
pub struct Loaded {
    opened: OpenedBaton,
    /// `None` when the slot was never written.
    version: Option<Version>,
}

/// What came of a swap.
pub(super) enum Swapped {
    /// The slot holds ours.
    Done(Box<Loaded>),
    /// The slot holds somebody else's.
    Conflict,
}

impl Loaded {
    /// Returns the baton.
    #[must_use]
    pub fn baton(&self) -> &Baton {
        &self.opened.baton
    }

    /// Returns whether the store has the slot at all. What was written once is never unwritten, purged slots included: a
    /// store that has lost one is not the store, but what is there while it is away (a mount point, a new directory).
    pub(super) fn is_written(&self) -> bool {
        self.version.is_some()
    }
}

impl Relay<'_> {
    /// Loads the slot (step 3).
    ///
    /// # Errors
    /// When the store fails, or its content cannot be opened. A slot that was never written is empty.
    pub fn load(&self) -> Result<Loaded, RelayError> {
        match self.store.load(&self.id.slot)? {
            Some((bytes, version)) => {
                let opened = Baton::open(self.keys, &self.id, &bytes)?;
                Ok(Loaded { opened, version: Some(version) })
            }
            None => {
                let baton = Baton::new(nonce()?);
                Ok(Loaded {
                    opened: OpenedBaton { baton, key_id: String::new(), old_key: false },
                    version: None,
                })
            }
        }
    }

    /// Swaps `next` in over what was `loaded`.
    ///
    /// A conflict or a failure is read back: a store's client may have sent our write twice and heard of the second
    /// only, so the writer's nonce decides.
    ///
    /// # Errors
    /// When the store failed and our record is not there.
    pub(super) fn swap(&self, loaded: &Loaded, next: Baton) -> Result<Swapped, RelayError> {
        let random = SealRandom { salt: random()?, nonce: random()? };
        let sealed = next.seal_over(&loaded.opened, self.keys, &self.id, &random)?;
        let writer = next.state().writer;
        let failure = match self.store.swap(&self.id.slot, loaded.version.as_ref(), &sealed) {
            Ok(Swap::Done(version)) => {
                let opened = Baton::open(self.keys, &self.id, &sealed)?;
                return Ok(Swapped::Done(Box::new(Loaded { opened, version: Some(version) })));
            }
            Ok(Swap::Conflict) => None,
            Err(error) => Some(error),
        };
        let there = self.load();
        match (there, failure) {
            (Ok(there), _) if there.baton().state().writer == writer => Ok(Swapped::Done(Box::new(there))),
            (Ok(_), None) => Ok(Swapped::Conflict),
            (Err(error), None) => Err(error),
            (_, Some(failure)) => Err(failure.into()),
        }
    }
}

/// Returns a mark for a record of ours.
pub(super) fn nonce() -> Result<Nonce, RelayError> {
    Ok(Nonce::new(random()?))
}
