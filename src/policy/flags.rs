//! `-c key=value`, understood as Codex does: the key is split at every dot, and a value that is no TOML is a text.

use toml::{Table, Value};

use super::document::Document;

/// Each part of a key is a table in a table.
const MAX_PARTS: usize = 64;

/// What the options `-c` say together: one layer of the client's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flags(Table);

/// Why a `-c` was not understood. It is not repeated: on a command line it may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAFlag {
    /// There is no `=`.
    #[error("expected `key=value`")]
    NoValue,
    /// The key has more parts than any.
    #[error("the key has too many parts")]
    TooDeep,
    /// There is nothing before the `=`.
    #[error("expected `key=value`, and the key is empty")]
    NoKey,
}

impl Flags {
    /// Reads the options in their order; a later one beats an earlier one.
    ///
    /// # Errors
    /// When one is not `key=value`.
    pub fn parse<'a>(options: impl IntoIterator<Item = &'a str>) -> Result<Self, NotAFlag> {
        let mut table = Table::new();
        for option in options {
            let (key, value) = option.split_once('=').ok_or(NotAFlag::NoValue)?;
            let key = key.trim();
            if key.is_empty() {
                return Err(NotAFlag::NoKey);
            }
            if key.matches('.').count() >= MAX_PARTS {
                return Err(NotAFlag::TooDeep);
            }
            insert(&mut table, key, value_of(value.trim()));
        }
        Ok(Self(table))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn document(&self) -> Document {
        Document::of_table(self.0.clone(), "-c")
    }
}

fn value_of(text: &str) -> Value {
    let parsed = toml::from_str::<Table>(&format!("value = {text}")).ok();
    match parsed.and_then(|mut table| table.remove("value")) {
        // To the client a date is the text that it was written as.
        Some(Value::Datetime(date)) => Value::String(date.to_string()),
        Some(value) => value,
        None => Value::String(text.trim_matches(['"', '\'']).to_owned()),
    }
}

/// Sets a key, making the tables on its way; what stands there and is no table is replaced.
fn insert(table: &mut Table, key: &str, value: Value) {
    let Some((first, rest)) = key.split_once('.') else {
        table.insert(key.to_owned(), value);
        return;
    };
    let inner = table.entry(first).or_insert_with(|| Value::Table(Table::new()));
    if !inner.is_table() {
        *inner = Value::Table(Table::new());
    }
    if let Value::Table(inner) = inner {
        insert(inner, rest, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(options: &[&str], key: &str) -> Option<String> {
        let document = Flags::parse(options.iter().copied()).unwrap().document();
        document.get(key).map(|entry| serde_json::to_string(&entry.value).unwrap())
    }

    #[test]
    fn values_are_toml_or_else_text() {
        let table = [
            ("k=api", "\"api\""),
            ("k=\"api\"", "\"api\""),
            ("k='api'", "\"api\""),
            ("k = \"api\" ", "\"api\""),
            ("k=[\"A\", \"B\"]", "[\"A\",\"B\"]"),
            ("k=[A", "\"[A\""),
            ("k=a,b", "\"a,b\""),
            ("k=5", "5"),
            ("k=", "\"\""),
            ("k=a=b", "\"a=b\""),
            ("k=\"\"a\"\"", "\"a\""),
            ("k=\"a\"x", "\"a\\\"x\""),
            ("k=\"api\" # c", "\"api\""),
            ("k=api # c", "\"api # c\""),
            ("k=2026-01-01", "\"2026-01-01\""),
            ("k=[A1]", "\"[A1]\""),
        ];
        for (option, expected) in table {
            assert_eq!(value(&[option], "k").as_deref(), Some(expected), "{option}");
        }
    }

    #[test]
    fn keys_are_split_at_every_dot() {
        assert_eq!(value(&["a.b=1"], "a").as_deref(), Some(r#"{"b":1}"#));
        assert_eq!(value(&["a.\"x.y\".z=1"], "a").as_deref(), Some(r#"{"\"x":{"y\"":{"z":1}}}"#));
        assert_eq!(value(&["a=1", "a.b=2"], "a").as_deref(), Some(r#"{"b":2}"#));
        assert_eq!(value(&["a=1", "a=2"], "a").as_deref(), Some("2"), "the last counts");
    }

    #[test]
    fn anything_else_is_refused_and_not_repeated() {
        assert_eq!(Flags::parse(["sk-secret"]), Err(NotAFlag::NoValue));
        assert_eq!(Flags::parse([" =sk-secret"]), Err(NotAFlag::NoKey));
    }
}
