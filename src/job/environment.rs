//! The one place that reads environment variables. A variable that is set to nothing counts as unset, because CI
//! systems set variables to nothing when a secret is missing.

#![expect(clippy::disallowed_methods, reason = "this file owns the environment")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use zeroize::Zeroizing;

/// Where variables come from.
pub enum Environment {
    /// This process.
    Process,
    /// A fixed set: for tests.
    Fixed(BTreeMap<String, String>),
}

impl Environment {
    /// Returns a variable's text, wiped when dropped; `None` when it is unset, empty or not UTF-8.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Zeroizing<String>> {
        let value = match self {
            Self::Process => std::env::var(name).ok(),
            Self::Fixed(variables) => variables.get(name).cloned(),
        };
        value.filter(|value| !value.is_empty()).map(Zeroizing::new)
    }

    /// Returns a variable that names a path; `None` when it is unset or empty.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let value = match self {
            Self::Process => std::env::var_os(name),
            Self::Fixed(variables) => variables.get(name).map(OsString::from),
        };
        value.filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// Returns the directory that this process was started in, if there is one.
    #[must_use]
    pub fn current_directory(&self) -> Option<PathBuf> {
        match self {
            Self::Process => std::env::current_dir().ok(),
            Self::Fixed(_) => None,
        }
    }

    /// Returns every variable, for the environment of a child.
    #[must_use]
    pub fn all(&self) -> Vec<(OsString, OsString)> {
        match self {
            Self::Process => std::env::vars_os().collect(),
            Self::Fixed(variables) => {
                variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
            }
        }
    }

    /// Returns whether a variable is set to something.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.path(name).is_some()
    }
}
