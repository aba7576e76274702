//! `--profile NAME`: Codex lays `NAME.config.toml` of the home over its `config.toml`.

use std::path::Path;

use toml::Table;

use super::PolicyError;

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
    pub(super) fn refuse_legacy(&self, tables: &Table, user_file: &Path) -> Result<(), PolicyError> {
        if !tables.contains_key(&self.0) {
            return Ok(());
        }
        let name = &self.0;
        Err(PolicyError::Invalid {
            place: user_file.display().to_string(),
            problem: format!(
                "--profile `{name}` cannot be used while there is a legacy `[profiles.{name}]`; move those settings \
                 into {}",
                self.file_name()
            ),
        })
    }
}
