//! `authbaton.json` in a home: what we placed there, and from where. Advice for people and for `status`: nothing is
//! ever deleted or overwritten because of it, and no secret is in it.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Home, HomeError};
use crate::disk::{Read, read_capped, remove, replace};

const NAME: &str = "authbaton.json";
const MAX_BYTES: usize = 16 * 1024;

/// What we placed in a home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sidecar {
    /// Version of this format.
    pub schema: u32,
    /// The store, by the name that it gives itself.
    pub store: String,
    /// The slot.
    pub slot: String,
    /// The generation that was placed.
    pub generation: u64,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
}

impl Sidecar {
    /// The version that this program writes.
    pub const SCHEMA: u32 = 1;

    /// Returns where it is.
    #[must_use]
    pub fn path(home: &Home) -> PathBuf {
        home.path().join(NAME)
    }

    /// Reads the sidecar of a home. One that cannot be read is none: it is only advice.
    #[must_use]
    pub fn read(home: &Home) -> Option<Self> {
        let Ok(Read::Content(bytes)) = read_capped(&Self::path(home), MAX_BYTES) else { return None };
        serde_json::from_slice(&bytes).ok().filter(|sidecar: &Self| sidecar.schema == Self::SCHEMA)
    }

    /// Writes it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, home: &Home) -> Result<(), HomeError> {
        let text = serde_json::to_vec_pretty(self).unwrap_or_default();
        Ok(replace(&Self::path(home), &text)?)
    }

    /// Deletes the sidecar of a home, if there is one.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub fn remove(home: &Home) -> Result<(), HomeError> {
        remove(&Self::path(home))?;
        Ok(())
    }
}
