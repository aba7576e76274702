//! What a home had when a command began to use it, and whether that is still all there is at the end.
//!
//! A login that code in the job puts there (another refresh token, an API key) is told to a person. Nobody stores it.

use std::path::PathBuf;

use super::{Home, HomeError};
use crate::credential::{AuthJson, MAX_LOGIN_BYTES};
use crate::disk::{Read, read_capped};

/// What we placed.
pub struct PlacedLogin {
    path: PathBuf,
    login: Option<AuthJson>,
}

/// What is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftLogin {
    /// What was placed, perhaps with other access tokens: the client may have renewed it through the broker.
    AsPlaced,
    /// Nothing: somebody logged out.
    Gone,
    /// Something else, or something that cannot be read.
    Foreign,
}

impl PlacedLogin {
    /// Remembers what is in a home now.
    ///
    /// # Errors
    /// When the file cannot be read. What cannot be understood counts as nothing: whatever is there later is foreign.
    pub fn note(home: &Home) -> Result<Self, HomeError> {
        let path = home.path().join("auth.json");
        let login = match read_capped(&path, MAX_LOGIN_BYTES)? {
            Read::Missing => None,
            Read::Content(bytes) => AuthJson::parse(&bytes).ok(),
        };
        Ok(Self { path, login })
    }

    /// Looks what is there now.
    #[must_use]
    pub fn look(&self) -> LeftLogin {
        let now = match read_capped(&self.path, MAX_LOGIN_BYTES) {
            Ok(Read::Missing) => return LeftLogin::Gone,
            Ok(Read::Content(bytes)) => AuthJson::parse(&bytes).ok(),
            Err(_) => None,
        };
        match (&self.login, now) {
            (Some(placed), Some(now)) if now.is_still(placed) => LeftLogin::AsPlaced,
            _ => LeftLogin::Foreign,
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests arrange files by themselves")]
mod tests {
    use super::*;
    use crate::credential::Client;

    #[test]
    fn what_somebody_else_put_there_is_foreign() {
        let root = tempfile::tempdir().unwrap();
        let home = Home::at(root.path().to_owned(), Client::Codex);
        let write = |text: &str| std::fs::write(root.path().join("auth.json"), text).unwrap();
        let nothing = PlacedLogin::note(&home).unwrap();
        assert_eq!(nothing.look(), LeftLogin::Gone);
        write(r#"{"OPENAI_API_KEY":"sk"}"#);
        let placed = PlacedLogin::note(&home).unwrap();
        assert_eq!((nothing.look(), placed.look()), (LeftLogin::Foreign, LeftLogin::AsPlaced));
        for text in [r#"{"OPENAI_API_KEY":"other"}"#, "{", "", &" ".repeat(MAX_LOGIN_BYTES + 1)] {
            write(text);
            assert_eq!(placed.look(), LeftLogin::Foreign, "{} bytes", text.len());
        }
        std::fs::remove_file(root.path().join("auth.json")).unwrap();
        assert_eq!(placed.look(), LeftLogin::Gone);
    }
}
