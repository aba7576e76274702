//! The managed preferences of macOS: TOML in base64, in a property list. (Written by the facts; not verified on a Mac.)
//!
//! `CFPreferencesCopyAppValue`, which the clients call, looks into the files that [`super::places`] names; reading them
//! needs no unsafe code, and can be tested anywhere.

use std::path::PathBuf;

use super::document::Document;
use super::{Layer, PolicyError};

/// Which preference of the client's domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preference {
    /// `config_toml_base64`: the strongest layer of the configuration.
    Config,
    /// `requirements_toml_base64`: replaces keys of `requirements.toml`.
    Requirements,
}

impl Preference {
    pub(super) fn layer(self) -> Layer {
        match self {
            Self::Config => Layer::ManagedPreferences,
            Self::Requirements => Layer::RequirementsPreferences,
        }
    }
}

/// Reads a preference from the first list that has it. Other systems have no lists.
///
/// # Errors
/// When a list cannot be read, or the value is no TOML in base64.
#[cfg(not(any(target_os = "macos", test)))]
pub(super) fn read(
    lists: &[PathBuf],
    _preference: Preference,
) -> Result<Option<(PathBuf, Document)>, PolicyError> {
    debug_assert!(lists.is_empty(), "only macOS has property lists");
    Ok(None)
}

#[cfg(any(target_os = "macos", test))]
pub(super) use of_lists::read;

#[cfg(any(target_os = "macos", test))]
mod of_lists {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::{Document, PathBuf, PolicyError, Preference};
    use crate::disk::{Read, read_capped};

    /// A property list is not larger than this, in bytes.
    const MAX_BYTES: usize = 4 * 1024 * 1024;

    impl Preference {
        fn key(self) -> &'static str {
            match self {
                Self::Config => "config_toml_base64",
                Self::Requirements => "requirements_toml_base64",
            }
        }
    }

    /// Reads a preference from the first list that has it.
    ///
    /// # Errors
    /// When a list cannot be read, or the value is no TOML in base64.
    pub(in crate::policy) fn read(
        lists: &[PathBuf],
        preference: Preference,
    ) -> Result<Option<(PathBuf, Document)>, PolicyError> {
        for path in lists {
            let Read::Content(bytes) = read_capped(path, MAX_BYTES)? else { continue };
            let place = path.display().to_string();
            let invalid = |problem: &str| PolicyError::Invalid {
                place: format!("{place}: `{}`", preference.key()),
                problem: problem.to_owned(),
            };
            let list = plist::Value::from_reader(std::io::Cursor::new(bytes.as_slice()))
                .map_err(|_| invalid("it is no property list"))?;
            let Some(value) = list.as_dictionary().and_then(|list| list.get(preference.key())) else {
                continue;
            };
            let text = value.as_string().ok_or_else(|| invalid("wanted a string"))?.trim();
            let toml = STANDARD.decode(text).map_err(|_| invalid("it is not base64"))?;
            let document = Document::parse(&toml, &format!("{place}: `{}`", preference.key()))?;
            return Ok(Some((path.clone(), document)));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;
    use crate::disk::replace;

    fn list(value: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\"><dict>\
             <key>config_toml_base64</key>{value}</dict></plist>"
        )
    }

    fn read_from(lists: &[&str], preference: Preference) -> Result<Option<i64>, PolicyError> {
        let directory = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> =
            (0..lists.len() + 1).map(|it| directory.path().join(it.to_string())).collect();
        // The first of them is not there.
        for (path, list) in paths.iter().skip(1).zip(lists) {
            replace(path, list.as_bytes()).unwrap();
        }
        let found = read(&paths, preference)?;
        Ok(found.and_then(|(_, document)| document.get("a").and_then(|entry| entry.value.as_integer())))
    }

    #[test]
    fn the_first_list_with_the_key_counts() {
        let toml = |text: &str| list(&format!("<string>\n{}\n</string>", STANDARD.encode(text)));
        let empty = "<plist version=\"1.0\"><dict/></plist>".to_owned();
        let lists = [empty, toml("a = 1"), toml("a = 2")];
        let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
        assert_eq!(read_from(&lists, Preference::Config).unwrap(), Some(1));
        assert_eq!(read_from(&lists, Preference::Requirements).unwrap(), None);
    }

    #[test]
    fn what_cannot_be_read_is_an_error() {
        for bad in [
            "no list",
            &list("<integer>1</integer>"),
            &list("<string>%</string>"),
            &list("<string>YQ==</string>"),
        ] {
            assert!(read_from(&[bad], Preference::Config).is_err(), "{bad}");
        }
    }
}
