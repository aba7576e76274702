//! The one place that reads environment variables. A variable that is set to nothing counts as unset, because CI
//! systems set variables to nothing when a secret is missing.

#![expect(clippy::disallowed_methods, reason = "this file owns the environment")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use zeroize::Zeroizing;

/// Where variables come from.
pub enum Environment {
    /// This process.
    Process,
    /// A fixed set: for tests.
    Fixed(BTreeMap<String, String>),
    /// What another process of ours has handed over, or what the inputs of an action come to.
    HandedOver(BTreeMap<String, Zeroizing<String>>),
}

impl Environment {
    /// Returns a variable's text, wiped when dropped; `None` when it is unset, empty or not UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Zeroizing<String>> {
        let value = match self {
            Self::Process => std::env::var(name).ok(),
            Self::Fixed(variables) => variables.get(name).cloned(),
            Self::HandedOver(variables) => variables.get(name).map(|value| value.to_string()),
        };
        value.filter(|value| !value.is_empty()).map(Zeroizing::new)
    }

    /// Returns a variable that names a path; `None` when it is unset or empty.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = match self {
            Self::Process => std::env::var_os(name),
            Self::Fixed(variables) => variables.get(name).map(OsString::from),
            Self::HandedOver(variables) => variables.get(name).map(|value| OsString::from(value.as_str())),
        };
        value.filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// Returns the directory that this process works in; none for a fixed set.
    ///
    /// # Errors
    /// When it has been deleted, or cannot be read.
    pub fn current_directory(&self) -> io::Result<Option<PathBuf>> {
        match self {
            Self::Process | Self::HandedOver(_) => std::env::current_dir().map(Some),
            Self::Fixed(_) => Ok(None),
        }
    }

    /// Returns every variable, for the environment of a child.
    #[must_use]
    pub fn all(&self) -> Vec<(OsString, OsString)> {
        match self {
            Self::Process => std::env::vars_os().collect(),
            Self::HandedOver(variables) => {
                variables.iter().map(|(name, value)| (name.into(), value.as_str().into())).collect()
            }
            Self::Fixed(variables) => {
                variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
            }
        }
    }

    /// Returns the names of all variables, those that are set to nothing included.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Process => {
                std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect()
            }
            Self::HandedOver(variables) => variables.keys().cloned().collect(),
            Self::Fixed(variables) => variables.keys().cloned().collect(),
        }
    }

    /// Returns those of our variables whose names are wanted.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, Zeroizing<String>> {
        let named = self.names().into_iter().filter(|name| wanted(name));
        named.filter_map(|name| self.get(&name).map(|value| (name, value))).collect()
    }

    /// Returns whether a variable is set to something.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.path(name).is_some()
    }
}
