//! What was renewed for a home that is the holder, until its `auth.json` has it.
//!
//! The journal of a home without a store: there the home may have the login whole, and nothing else may. Made before
//! the POST, named after the token that is spent; so whoever comes next knows whether it belongs to what the home holds.

use std::fs::File;
use std::path::PathBuf;

use zeroize::Zeroizing;

use super::{AuthFile, HomeError};
use crate::baton::TokenHash;
use crate::credential::FullLogin;
use crate::disk::{Read, fill, read_capped, remove, reserve};

/// A login with the tokens of one more reply, in bytes.
const SIZE: usize = 96 * 1024;

/// The place for what one exchange gives.
pub struct Renewed {
    file: File,
    path: PathBuf,
}

/// What an interrupted run left behind for the token that the home holds.
pub enum LeftInHome {
    /// Nothing.
    Nothing,
    /// A place without anything in it: its request may have been under way.
    Blank,
    /// The login that came out of that token.
    Login(Box<FullLogin>),
}

impl Renewed {
    fn path(auth: &AuthFile, parent: TokenHash) -> PathBuf {
        auth.directory().join(format!("authbaton-renewed-{parent}.json"))
    }

    /// Makes the place for what comes out of `parent`.
    ///
    /// # Errors
    /// When the home cannot be written, or its disk is full.
    pub fn reserve(auth: &AuthFile, parent: TokenHash) -> Result<Self, HomeError> {
        let path = Self::path(auth, parent);
        Ok(Self { file: reserve(&path, SIZE)?, path })
    }

    /// Writes the renewed login and syncs it.
    ///
    /// # Errors
    /// When the disk fails all the same.
    pub fn write(&self, login: &FullLogin) -> Result<(), HomeError> {
        Ok(fill(&self.file, &self.path, login.to_text().as_bytes())?)
    }

    /// Returns where it is.
    #[must_use]
    pub fn location(&self) -> PathBuf {
        self.path.clone()
    }

    /// Deletes it: `auth.json` has the login, or nothing came.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub fn discard(self) -> Result<(), HomeError> {
        remove(&self.path)?;
        Ok(())
    }

    /// Looks for what an interrupted run left behind.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn left(auth: &AuthFile, parent: TokenHash) -> Result<LeftInHome, HomeError> {
        let content: Zeroizing<Vec<u8>> = match read_capped(&Self::path(auth, parent), SIZE)? {
            Read::Missing => return Ok(LeftInHome::Nothing),
            Read::Content(content) => content,
        };
        let end = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let login = content.get(..end).and_then(|text| FullLogin::from_text(text).ok()?.ok());
        Ok(login.map_or(LeftInHome::Blank, |login| LeftInHome::Login(Box::new(login))))
    }

    /// Deletes what an interrupted run left behind.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub fn forget(auth: &AuthFile, parent: TokenHash) -> Result<(), HomeError> {
        remove(&Self::path(auth, parent))?;
        Ok(())
    }
}
