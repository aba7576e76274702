//! A store that this run may read and nothing else, whatever the store itself would allow: because somebody asked for
//! that, or because the event that started the run is not to be trusted with more.

use super::{Access, Facts, Store, StoreError, Swap, Version};
use crate::baton::{SealedBytes, SlotName};

/// Any store, without its writing.
pub(super) struct ReadOnlyStore {
    inner: Box<dyn Store>,
    reason: String,
}

impl ReadOnlyStore {
    /// Takes the writing from a store, for this reason.
    pub(super) fn new(inner: Box<dyn Store>, reason: String) -> Self {
        Self { inner, reason }
    }
}

impl Store for ReadOnlyStore {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn facts(&self) -> Result<Facts, StoreError> {
        Ok(Facts { access: Access::ReadOnly(self.reason.clone()), ..self.inner.facts()? })
    }

    fn load(&self, slot: &SlotName) -> Result<Option<(SealedBytes, Version)>, StoreError> {
        self.inner.load(slot)
    }

    fn swap(&self, _: &SlotName, _: Option<&Version>, _: &SealedBytes) -> Result<Swap, StoreError> {
        Err(StoreError::Denied(self.reason.clone()))
    }
}
