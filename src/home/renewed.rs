//! What was renewed for a home that is the holder, until its `auth.json` has it.
//!
//! The journal of a home without a store: there the home may have the login whole, and nothing else may. Made before
//! the POST, named after the token that is spent; so whoever comes next knows whether it belongs to what the home holds.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use super::{AuthFile, HomeError};
use crate::baton::TokenHash;
use crate::credential::FullLogin;
use crate::disk::{DiskError, Read, fill, read_capped, remove, replace, reserve};

/// A login with the tokens of one more reply, in bytes.
const SIZE: usize = 96 * 1024;
const REPLY: &str = "reply";
const PREFIX: &str = "authbaton-renewed-";

/// The place for what one exchange gives.
pub struct Renewed {
    file: File,
    path: PathBuf,
}

/// What an interrupted run left behind for the token that the home holds.
pub enum LeftInHome {
    /// Nothing.
    Nothing,
    /// A place without anything in it, made at this time: its request may have been under way.
    Blank(DateTime<Utc>),
    /// The login that came out of that token.
    Login(Box<FullLogin>),
    /// Something that cannot be read.
    Torn,
}

impl Renewed {
    fn path(auth: &AuthFile, parent: TokenHash) -> PathBuf {
        auth.directory().join(format!("{PREFIX}{parent}.json"))
    }

    /// Where a reply is kept that cannot be used: under a name that no later exchange needs, and that nothing has yet.
    fn aside(path: &Path) -> PathBuf {
        let first = path.with_extension(REPLY);
        let numbered = (2..).map(|number: usize| path.with_extension(format!("{number}.{REPLY}")));
        std::iter::once(first.clone()).chain(numbered).find(|path| !path.exists()).unwrap_or(first)
    }

    /// Returns the reply that was kept for a token, which was spent for it: it must not be sent again.
    #[must_use]
    pub fn kept_reply(auth: &AuthFile, parent: TokenHash) -> Option<PathBuf> {
        Some(Self::path(auth, parent).with_extension(REPLY)).filter(|path| path.exists())
    }

    /// Notes that a request goes out now: whoever finds the place blank waits from then on.
    ///
    /// # Errors
    /// When the file's time cannot be set.
    pub fn touch(&self, now: DateTime<Utc>) -> Result<(), HomeError> {
        let path = self.path.clone();
        let touched = self.file.set_modified(now.into());
        Ok(touched.map_err(|source| DiskError::Io { action: "touch", path, source })?)
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

    /// Keeps a reply that cannot be used, for a person; returns where.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn keep_reply(self, body: &[u8]) -> Result<PathBuf, HomeError> {
        let aside = Self::aside(&self.path);
        replace(&aside, body)?;
        self.discard()?;
        Ok(aside)
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

    /// Looks for what an interrupted run left behind for the token that the home holds.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn left(auth: &AuthFile, parent: TokenHash) -> Result<LeftInHome, HomeError> {
        let path = Self::path(auth, parent);
        let Some(content) = content(&path)? else { return Ok(LeftInHome::Nothing) };
        if content.is_empty() {
            let made = path.metadata().and_then(|metadata| metadata.modified());
            let made = made.map_err(|source| DiskError::Io { action: "look at", path, source })?;
            return Ok(LeftInHome::Blank(made.into()));
        }
        Ok(login_in(&content).map_or(LeftInHome::Torn, |login| LeftInHome::Login(Box::new(login))))
    }

    /// Deletes what an interrupted run left behind for a token.
    ///
    /// # Errors
    /// When it cannot be deleted.
    pub fn forget(auth: &AuthFile, parent: TokenHash) -> Result<(), HomeError> {
        remove(&Self::path(auth, parent))?;
        Ok(())
    }

    /// Keeps what cannot be read under another name; returns where.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn set_aside(auth: &AuthFile, parent: TokenHash) -> Result<PathBuf, HomeError> {
        let path = Self::path(auth, parent);
        let aside = Self::aside(&path);
        replace(&aside, &content(&path)?.unwrap_or_default())?;
        remove(&path)?;
        Ok(aside)
    }

    /// Returns every file of this kind in a home, with the login in it where there is one.
    ///
    /// # Errors
    /// When the home cannot be read.
    pub fn all(auth: &AuthFile) -> Result<Vec<(PathBuf, Option<FullLogin>)>, HomeError> {
        let directory = auth.directory();
        let io = |source| DiskError::Io { action: "list", path: directory.to_owned(), source };
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io(error).into()),
        };
        let mut all = Vec::new();
        for entry in entries {
            let entry = entry.map_err(io)?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX)) {
                // What cannot be read has no login that anybody could use.
                let login = content(&entry.path()).ok().flatten().and_then(|content| login_in(&content));
                all.push((entry.path(), login));
            }
        }
        Ok(all)
    }

    /// Deletes every file of this kind in a home: whoever logs out leaves no login behind.
    ///
    /// # Errors
    /// When one cannot be deleted.
    pub fn remove_all(auth: &AuthFile) -> Result<(), HomeError> {
        for (path, _) in Self::all(auth)? {
            remove(&path)?;
        }
        Ok(())
    }
}

/// What was written into a place, without the zeroes behind it; `None` when there is no such file.
fn content(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, HomeError> {
    let Read::Content(mut content) = read_capped(path, SIZE)? else { return Ok(None) };
    let end = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    content.truncate(end);
    Ok(Some(content))
}

fn login_in(content: &[u8]) -> Option<FullLogin> {
    FullLogin::from_text(content).ok()?.ok()
}
