//! A store that counts what is asked of it, for jobs that are tasks of the bench.

use std::cell::Cell;

use authbaton::baton::{SealedBytes, SlotName};
use authbaton::store::{Facts, Store, StoreError, Swap, Version};

/// Passes everything on.
pub(crate) struct Counted {
    inner: Box<dyn Store>,
    loads: Cell<usize>,
    swaps: Cell<usize>,
    lost: Cell<usize>,
}

fn more(cell: &Cell<usize>) {
    cell.set(cell.get() + 1);
}

impl Counted {
    pub(crate) fn new(inner: Box<dyn Store>) -> Self {
        Self { inner, loads: Cell::new(0), swaps: Cell::new(0), lost: Cell::new(0) }
    }

    /// Returns how often the store was asked anything.
    pub(crate) fn asked(&self) -> usize {
        self.loads.get() + self.swaps.get()
    }

    /// Returns how often somebody looked only because he waits: neither at first nor after a lost attempt for the lease, which
    /// is read back and then looked at anew.
    pub(crate) fn looks_while_waiting(&self) -> usize {
        self.loads.get().saturating_sub(1 + 2 * self.lost.get())
    }
}

impl Store for Counted {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn facts(&self) -> Result<Facts, StoreError> {
        self.inner.facts()
    }

    fn load(&self, slot: &SlotName) -> Result<Option<(SealedBytes, Version)>, StoreError> {
        more(&self.loads);
        self.inner.load(slot)
    }

    fn swap(
        &self,
        slot: &SlotName,
        expected: Option<&Version>,
        new: &SealedBytes,
    ) -> Result<Swap, StoreError> {
        more(&self.swaps);
        let swapped = self.inner.swap(slot, expected, new);
        if !matches!(swapped, Ok(Swap::Done(_))) {
            more(&self.lost);
        }
        swapped
    }

    fn prove(&self, slot: &SlotName) -> Result<(), StoreError> {
        self.inner.prove(slot)
    }

    fn tidy(&self, slot: &SlotName) -> Result<(), StoreError> {
        self.inner.tidy(slot)
    }
}
