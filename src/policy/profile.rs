//! `--profile NAME`: Codex lays `NAME.config.toml` of the home over its `config.toml`.

use super::PolicyError;
use super::document::Document;

/// The name of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile(String);

/// Why a text is no name of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a name of ASCII letters, digits, `-` and `_`")]
pub struct NotAProfile;

impl Profile {
    /// Takes a name, by Codex's rule for them.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(name: &str) -> Result<Self, NotAProfile> {
        let fits =
            |character: char| character.is_ascii_alphanumeric() || character == '-' || character == '_';
        if name.is_empty() || !name.chars().all(fits) { Err(NotAProfile) } else { Ok(Self(name.to_owned())) }
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    pub(super) fn file_name(&self) -> String {
        format!("{}.config.toml", self.0)
    }

    /// Codex refuses a profile that the configuration still has in the old way, too.
    /// It looks into the user's file alone.
    pub(super) fn refuse_legacy(&self, user: &Document) -> Result<(), PolicyError> {
        let Some(tables) = user.get("profiles") else { return Ok(()) };
        if !tables.value.as_table().is_some_and(|tables| tables.contains_key(&self.0)) {
            return Ok(());
        }
        let name = &self.0;
        Err(PolicyError::Invalid {
            place: tables.place.clone(),
            problem: format!(
                "--profile `{name}` cannot be used while there is a legacy `[profiles.{name}]`; move those settings \
                 into {}",
                self.file_name()
            ),
        })
    }
}
