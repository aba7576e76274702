//! Store URLs as people write them, checked before anything is touched.

use std::path::PathBuf;

use super::exec::{Helper, HelperError};
use super::git::{GitUrl, GitUrlError};
use super::object::{ObjectUrl, ObjectUrlError};

/// Which store to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreUrl {
    /// `home:` — no store: this machine keeps its homes, and the home holds the login.
    Home,
    /// `file:DIR`.
    File {
        /// The directory.
        directory: PathBuf,
        /// `?carried=ci-cache`: a CI cache carries the directory from job to job.
        carried: bool,
        /// `?mutex=ci`: the CI lets one job at a time have it.
        mutex: bool,
    },
    /// `actions-cache:` — the cache of GitHub Actions.
    ActionsCache {
        /// `?ref=`: the branch whose jobs write; by default the repository's default branch.
        writing_ref: Option<String>,
    },
    /// `git:URL#REF`.
    Git(GitUrl),
    /// `exec:PROGRAM`.
    Exec(Helper),
    /// `s3://`, `gs://`, `az://`.
    Object(Box<ObjectUrl>),
}

/// Why a text is no store URL. The text itself is not repeated: some stores' URLs carry secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreUrlError {
    /// There is no such store.
    #[error(
        "there is no such store: there are `file:DIR`, `actions-cache:`, `git:URL#REF`, `s3://`, `gs://`, `az://`, `exec:PROGRAM` and `home:`"
    )]
    UnknownScheme,
    /// No `scheme:` in front.
    #[error("a store begins with its kind, as in `file:/var/lib/authbaton`")]
    NoScheme,
    /// `file:` without a directory.
    #[error("`file:` needs a directory")]
    NoDirectory,
    /// An option that this store does not have.
    #[error("`file:` has the options `carried=ci-cache` and `mutex=ci` and no others")]
    UnknownOption,
    /// `actions-cache:` with something else than `?ref=refs/heads/…` behind it.
    #[error("`actions-cache:` takes `?ref=refs/heads/BRANCH` behind it and nothing else")]
    NotABranch,
    /// `home:` with something behind it.
    #[error("`home:` takes nothing behind it")]
    HomeWithPath,
    /// `git:` with something that is no repository, or no ref.
    #[error(transparent)]
    Git(#[from] GitUrlError),
    /// `exec:` with something that is no program.
    #[error(transparent)]
    Exec(#[from] HelperError),
    /// `s3:`, `gs:` or `az:` with something that is no place.
    #[error(transparent)]
    Object(#[from] ObjectUrlError),
}

impl StoreUrl {
    /// Reads a store URL. A leading `~` is not expanded, and `%` is a character like others: `file:` takes a path.
    ///
    /// # Errors
    /// When it names no store of ours, or misses what the store needs.
    pub fn parse(text: &str) -> Result<Self, StoreUrlError> {
        let (scheme, rest) = text.split_once(':').ok_or(StoreUrlError::NoScheme)?;
        match scheme {
            "home" if rest.is_empty() => Ok(Self::Home),
            "home" => Err(StoreUrlError::HomeWithPath),
            "file" => Self::file(rest),
            "actions-cache" => Self::actions_cache(rest),
            "git" => Ok(Self::Git(GitUrl::parse(rest)?)),
            "exec" => Ok(Self::Exec(Helper::parse(rest)?)),
            "s3" | "gs" | "az" => Ok(Self::Object(Box::new(ObjectUrl::parse(scheme, rest)?))),
            _ => Err(StoreUrlError::UnknownScheme),
        }
    }

    fn actions_cache(rest: &str) -> Result<Self, StoreUrlError> {
        if rest.is_empty() {
            return Ok(Self::ActionsCache { writing_ref: None });
        }
        let branch = rest.strip_prefix("?ref=").filter(|name| is_branch(name));
        let writing_ref = Some(branch.ok_or(StoreUrlError::NotABranch)?.to_owned());
        Ok(Self::ActionsCache { writing_ref })
    }

    fn file(rest: &str) -> Result<Self, StoreUrlError> {
        let (path, options) = rest.split_once('?').unwrap_or((rest, ""));
        // `file:///dir` and `file://dir` are common; both slashes say nothing here.
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() {
            return Err(StoreUrlError::NoDirectory);
        }
        let (mut carried, mut mutex) = (false, false);
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option {
                "carried=ci-cache" => carried = true,
                "mutex=ci" => mutex = true,
                _ => return Err(StoreUrlError::UnknownOption),
            }
        }
        Ok(Self::File { directory: PathBuf::from(path), carried, mutex })
    }
}

/// Whether a text is the full name of a branch, as scopes of the cache are written.
pub(super) fn is_branch(name: &str) -> bool {
    const LONGEST: usize = 512;
    let odd = |character: char| {
        character.is_control() || character.is_whitespace() || "~^:?*[\\&".contains(character)
    };
    name.len() <= LONGEST
        && name.strip_prefix("refs/heads/").is_some_and(|branch| !branch.is_empty() && !branch.contains(odd))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(directory: &str, carried: bool, mutex: bool) -> Result<StoreUrl, StoreUrlError> {
        Ok(StoreUrl::File { directory: directory.into(), carried, mutex })
    }

    fn cache(writing_ref: Option<&str>) -> Result<StoreUrl, StoreUrlError> {
        Ok(StoreUrl::ActionsCache { writing_ref: writing_ref.map(str::to_owned) })
    }

    #[test]
    fn reads_store_urls() {
        let table = [
            ("home:", Ok(StoreUrl::Home)),
            ("file:/a/b", file("/a/b", false, false)),
            ("file:///a/b", file("/a/b", false, false)),
            ("file:relative", file("relative", false, false)),
            ("file:/a?carried=ci-cache&mutex=ci", file("/a", true, true)),
            ("file:", Err(StoreUrlError::NoDirectory)),
            ("file:?mutex=ci", Err(StoreUrlError::NoDirectory)),
            ("file:/a?mutex=yes", Err(StoreUrlError::UnknownOption)),
            ("actions-cache:", cache(None)),
            ("actions-cache:?ref=refs/heads/a/b-é", cache(Some("refs/heads/a/b-é"))),
            ("actions-cache:?ref=main", Err(StoreUrlError::NotABranch)),
            ("actions-cache:?ref=refs/heads/", Err(StoreUrlError::NotABranch)),
            ("actions-cache:?ref=refs/heads/a b", Err(StoreUrlError::NotABranch)),
            ("actions-cache:?ref=refs/heads/a&x=1", Err(StoreUrlError::NotABranch)),
            ("actions-cache:?ref=refs/tags/v1", Err(StoreUrlError::NotABranch)),
            ("actions-cache:?", Err(StoreUrlError::NotABranch)),
            ("actions-cache:x", Err(StoreUrlError::NotABranch)),
            ("/a/b", Err(StoreUrlError::NoScheme)),
            ("home:/x", Err(StoreUrlError::HomeWithPath)),
            ("ftp://host", Err(StoreUrlError::UnknownScheme)),
            ("git:store.git", Err(StoreUrlError::Git(GitUrlError::NotARepository))),
            ("git://host/a", Err(StoreUrlError::Git(GitUrlError::NotARepository))),
            ("exec:sh -c x", Err(StoreUrlError::Exec(HelperError))),
        ];
        for (text, expected) in table {
            assert_eq!(StoreUrl::parse(text), expected, "{text}");
        }
    }
}
