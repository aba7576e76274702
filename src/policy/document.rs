//! One configuration file, with the place of each of its top-level keys. Only those count: the restrictions are no part
//! of any table.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Spanned, Table, Value};

use super::PolicyError;
use crate::disk::{DiskError, Read, read_capped};

/// A configuration file is not larger than this, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// A value, and where it stands: `file:line:column`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) place: String,
}

/// The top-level keys of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Document(BTreeMap<String, Entry>);

impl Document {
    /// Reads a file; a missing one has no keys.
    ///
    /// # Errors
    /// When it is no regular file, too large, cannot be read, or is not TOML.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, PolicyError> {
        match read_capped(path, MAX_BYTES)? {
            Read::Missing => Ok(None),
            Read::Content(bytes) => Self::parse(&bytes, &path.display().to_string()).map(Some),
        }
    }

    /// Reads a file that does not count: the client reads it all the same, and stops where it cannot. What is in it, or how
    /// much, is nobody's business.
    ///
    /// # Errors
    /// When it is no regular file, or cannot be read.
    pub(super) fn refuse_unreadable(path: &Path) -> Result<(), PolicyError> {
        match read_capped(path, MAX_BYTES) {
            Ok(Read::Content(bytes)) if std::str::from_utf8(&bytes).is_err() => {
                let problem = "it is not UTF-8".to_owned();
                Err(PolicyError::Invalid { place: path.display().to_string(), problem })
            }
            Ok(_) | Err(DiskError::TooLarge { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads the text of `place`. A byte order mark is passed over, as Codex does.
    ///
    /// # Errors
    /// When it is not TOML.
    pub(super) fn parse(bytes: &[u8], place: &str) -> Result<Self, PolicyError> {
        let at = |position: &str, problem: String| PolicyError::Invalid {
            place: format!("{place}{position}"),
            problem,
        };
        let text = std::str::from_utf8(bytes).map_err(|_| at("", "it is not UTF-8".to_owned()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // The parser's words, without the line that it would quote: that may be a secret of somebody else's.
        let keys: BTreeMap<String, Spanned<Value>> = toml::from_str(text).map_err(|error| {
            let position = error.span().map(|span| position(text, span.start)).unwrap_or_default();
            at(&position, format!("it is not valid TOML: {}", error.message()))
        })?;
        let entry = |value: Spanned<Value>| {
            let place = format!("{place}{}", position(text, value.span().start));
            Entry { value: value.into_inner(), place }
        };
        Ok(Self(keys.into_iter().map(|(key, value)| (key, entry(value))).collect()))
    }

    /// Takes a table that was not read from a file.
    pub(super) fn of_table(table: Table, place: &str) -> Self {
        let entry = |(key, value)| (key, Entry { value, place: place.to_owned() });
        Self(table.into_iter().map(entry).collect())
    }

    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.0.get(key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Drops keys that do not count in this file.
    pub(super) fn without(mut self, keys: &[&str]) -> Self {
        self.0.retain(|key, _| !keys.contains(&key.as_str()));
        self
    }
}

/// `:line:column` of a byte, both from 1, the column in characters.
fn position(text: &str, byte: usize) -> String {
    let before = text.get(..byte).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!(":{line}:{column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Document, PolicyError> {
        Document::parse(text.as_bytes(), "f.toml")
    }

    #[test]
    fn knows_where_each_value_stands() {
        let document = parse("a = 1\n\"b\u{e9}\" = \"x\"\n[t]\nc = 2\n").unwrap();
        assert_eq!(document.get("b\u{e9}").unwrap().place, "f.toml:2:8");
        assert_eq!(document.get("b\u{e9}").unwrap().value.as_str(), Some("x"));
        assert!(document.get("c").is_none(), "a key of a table is not at the top");
        assert_eq!(document.keys().collect::<Vec<_>>(), ["a", "b\u{e9}", "t"]);
    }

    #[test]
    fn takes_byte_order_marks_and_crlf() {
        assert_eq!(parse("\u{feff}a = 1\r\n").unwrap().get("a").unwrap().value.as_integer(), Some(1));
        assert_eq!(parse("").unwrap(), Document::default());
    }

    #[test]
    fn a_broken_file_is_named_and_not_quoted() {
        let error = parse("a = 1\nsecret = \"hunter2").unwrap_err().to_string();
        assert!(error.starts_with("f.toml:2:") && !error.contains("hunter2"), "{error}");
        let twice = parse("a = 1\na = 2").unwrap_err().to_string();
        assert!(twice.contains("f.toml:2:1") && twice.contains("duplicate key"), "{twice}");
        assert!(Document::parse(b"a = \"\xff\"", "f.toml").is_err());
    }
}
