//! The slot as the steps see it: opened, changed, sealed, swapped. What became of an uncertain swap is found out here.

use std::cell::RefCell;

use crate::baton::{Baton, Nonce, OpenedBaton, SealRandom};
use crate::job::random;
use crate::store::{StoreError, Swap, Version};

use super::lease::Held;
use super::{Relay, RelayError};

/// How often in a row a swap may come too late before the store is given up.
const MAX_LATE: usize = 3;

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

/// What this run wrote too late ([`Swap::Late`]). Such a record is never taken for written because it is read back: it
/// counts once another swap, in time, stands on top of it.
#[derive(Default)]
pub struct Late(RefCell<Vec<Nonce>>);

/// Whether a swap is made under a lease of ours that still lasts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Owner,
    Anybody,
}

impl Late {
    fn note(&self, writer: Nonce) {
        self.0.borrow_mut().push(writer);
    }

    fn has(&self, writer: Nonce) -> bool {
        self.0.borrow().contains(&writer)
    }
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

    fn writer(&self) -> Nonce {
        self.baton().state().writer
    }

    /// Returns the same content as a record of its own.
    fn rewritten(&self) -> Result<Baton, RelayError> {
        let writer = nonce()?;
        Ok(self.baton().with(|state| state.rewritten(writer)))
    }
}

impl Relay<'_> {
    /// Loads the slot (step 3).
    ///
    /// # Errors
    /// When the store fails, or its content cannot be opened. A slot that was never written is empty.
    pub fn load(&self) -> Result<Loaded, RelayError> {
        for _ in 0..MAX_LATE {
            let loaded = self.look()?;
            if !self.late.has(loaded.writer()) {
                return Ok(loaded);
            }
            if let Swapped::Done(confirmed) = self.swap(&loaded, loaded.rewritten()?)? {
                return Ok(*confirmed);
            }
        }
        Err(RelayError::Restless)
    }

    /// Loads what the store shows, whoever wrote it and however late.
    fn look(&self) -> Result<Loaded, RelayError> {
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
    /// only, so the writer's nonce decides. What came too late is swapped again, whatever is read back.
    ///
    /// # Errors
    /// When the store failed and our record is not there.
    pub(super) fn swap(&self, loaded: &Loaded, next: Baton) -> Result<Swapped, RelayError> {
        self.swap_as(Standing::Anybody, loaded, next)
    }

    /// The same while we hold the lease, as far as it is still in the slot and lasts until the swap has ended.
    ///
    /// # Errors
    /// As [`Self::swap`].
    pub(super) fn swap_under(
        &self,
        held: &Held,
        loaded: &Loaded,
        next: Baton,
    ) -> Result<Swapped, RelayError> {
        let age = self.around.clock.boot().saturating_sub(held.taken);
        let lasts = age + self.facts.worst_swap <= self.lengths().lease;
        let is_ours = loaded.baton().state().is_leased_as(held.id);
        self.swap_as(if lasts && is_ours { Standing::Owner } else { Standing::Anybody }, loaded, next)
    }

    fn swap_as(&self, standing: Standing, loaded: &Loaded, next: Baton) -> Result<Swapped, RelayError> {
        let mut result = self.swap_once(standing, loaded, &next)?;
        for _ in 1..MAX_LATE {
            let Once::Late(writer) = result else { break };
            let there = self.look()?;
            if there.writer() != writer {
                return Ok(Swapped::Conflict);
            }
            result = self.swap_once(standing, &there, &there.rewritten()?)?;
        }
        match result {
            Once::Done(loaded) => Ok(Swapped::Done(loaded)),
            Once::Conflict => Ok(Swapped::Conflict),
            Once::Late(_) => Err(StoreError::Unreachable("writing takes it too long".to_owned()).into()),
        }
    }

    fn swap_once(&self, standing: Standing, loaded: &Loaded, next: &Baton) -> Result<Once, RelayError> {
        let random = SealRandom { salt: random()?, nonce: random()? };
        let sealed = next.seal_over(&loaded.opened, self.keys, &self.id, &random)?;
        let writer = next.state().writer;
        let (slot, expected) = (&self.id.slot, loaded.version.as_ref());
        let swapped = match standing {
            Standing::Owner => self.store.swap_as_owner(slot, expected, &sealed),
            Standing::Anybody => self.store.swap(slot, expected, &sealed),
        };
        let failure = match swapped {
            Ok(Swap::Done(version)) => {
                let opened = Baton::open(self.keys, &self.id, &sealed)?;
                return Ok(Once::Done(Box::new(Loaded { opened, version: Some(version) })));
            }
            Ok(Swap::Late) => {
                self.late.note(writer);
                return Ok(Once::Late(writer));
            }
            Ok(Swap::Conflict) => None,
            Err(error) => Some(error),
        };
        match (self.look(), failure) {
            (Ok(there), _) if there.writer() == writer => Ok(Once::Done(Box::new(there))),
            (Ok(_), None) => Ok(Once::Conflict),
            (Err(error), None) => Err(error),
            (_, Some(failure)) => Err(failure.into()),
        }
    }
}

/// What came of one swap of the store.
enum Once {
    Done(Box<Loaded>),
    Conflict,
    /// Ours, by this writer, and too late.
    Late(Nonce),
}

/// Returns a mark for a record of ours.
pub(super) fn nonce() -> Result<Nonce, RelayError> {
    Ok(Nonce::new(random()?))
}
