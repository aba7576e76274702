//! The names that a baton is bound to: its slot and its audience.

use std::fmt;

use serde::{Deserialize, Serialize};

const MAX_SLOT_LENGTH: usize = 64;
const MAX_AUDIENCE_BYTES: usize = 256;

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A slot is a file, a key, a ref: letters, digits, `.`, `_`, `-`; no dot in front.
    #[error("a slot has 1 to {MAX_SLOT_LENGTH} letters, digits, `.`, `_` or `-`, and no dot in front")]
    Slot,
    /// An audience is any text without control characters.
    #[error("an audience has at most {MAX_AUDIENCE_BYTES} bytes and no control characters")]
    Audience,
}

/// The name of a slot in a store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct SlotName(String);

/// Who may open a baton, besides having the key. May be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Audience(String);

/// A slot for an audience: what a sealed baton is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SlotId {
    /// The slot.
    pub slot: SlotName,
    /// The audience.
    pub audience: Audience,
}

impl SlotName {
    /// Checks a name.
    ///
    /// # Errors
    /// When a store could not use it as it is.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let fits = (1..=MAX_SLOT_LENGTH).contains(&text.len());
        if fits && text.bytes().all(allowed) && !text.starts_with('.') {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Slot)
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for SlotName {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl Audience {
    /// Checks an audience.
    ///
    /// # Errors
    /// When it is too long or has control characters.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.len() <= MAX_AUDIENCE_BYTES && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err(NameError::Audience)
        }
    }
}

impl TryFrom<String> for SlotName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl TryFrom<String> for Audience {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(&text)
    }
}

impl fmt::Display for SlotName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_a_plain_name() {
        for good in ["default", "team-a_1.x", "a"] {
            assert!(SlotName::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", ".hidden", "a/b", "a b", "ä", &"a".repeat(65)] {
            assert_eq!(SlotName::new(bad), Err(NameError::Slot), "{bad}");
        }
        assert_eq!(Audience::new("a\nb"), Err(NameError::Audience));
        assert!(Audience::new("").is_ok());
    }
}
