//! Whether a service lets this run write. It is not asked: that it does not shows when it refuses a swap.

use std::cell::Cell;

use super::{Access, StoreError};

/// What is known of it so far.
#[derive(Default)]
pub(super) struct Refusal(Cell<bool>);

impl Refusal {
    /// Takes note of what came of a swap, and passes it on.
    pub(super) fn seen_in<T>(&self, swapped: Result<T, StoreError>) -> Result<T, StoreError> {
        if matches!(swapped, Err(StoreError::Denied(_))) {
            self.0.set(true);
        }
        swapped
    }

    /// Returns what this run may do, for all that is known.
    pub(super) fn access(&self, reason: &str) -> Access {
        if self.0.get() { Access::ReadOnly(reason.to_owned()) } else { Access::Write }
    }
}
