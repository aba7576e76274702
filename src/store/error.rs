//! What can go wrong with a store. Texts are ours: a service's own words may carry a signed address, and are not repeated.

use crate::disk::DiskError;
use crate::transport::TransportError;

/// A store failed. Nothing is lost: what it held, it holds.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file of the store could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The store's directory is not one that we may trust.
    #[error("the store's directory cannot be trusted")]
    Untrusted(#[source] DiskError),
    /// The HTTP client cannot be made. Nothing was sent.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// Something that the store needs is not here: a variable of the platform, a program.
    #[error("the store cannot be used here: {0}")]
    NotHere(String),
    /// It does not answer, or is busy. A write may have landed.
    #[error("the store cannot be reached: {0}")]
    Unreachable(String),
    /// It does not let us in, or does not let us do this.
    #[error("the store denies access: {0}")]
    Denied(String),
    /// It answered, and not as such a store does. A write may have landed.
    #[error("the store's answer cannot be understood: {0}")]
    Garbled(String),
    /// The program that the user gave for a store failed, and not in a way that it has a code for. A write may have landed.
    #[error("the store's helper failed: {0}")]
    Helper(String),
    /// It was seen to let two writers win.
    #[error("the store does not keep two jobs from writing at once: {0}")]
    NotExclusive(String),
}

impl StoreError {
    /// Returns whether the store may be well a moment later, without anybody's doing.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}
