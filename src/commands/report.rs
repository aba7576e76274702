//! What a verb reports when it succeeds: fields for `--json`, lines for people.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

/// A verb's report. No secret is ever put into one.
#[derive(Debug, Default)]
pub struct Report {
    fields: Map<String, Value>,
    lines: Vec<String>,
    exit_code: Option<u8>,
}

impl Report {
    /// Adds a field of the JSON form.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// Adds a line of the text form (stdout).
    #[must_use]
    pub fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// Ends this program with the exit code of a command that it ran. Nothing is printed then: stdout was the command's.
    #[must_use]
    pub fn exiting(mut self, code: u8) -> Self {
        self.exit_code = Some(code);
        self
    }

    /// Returns the exit code of the command that was run, if one was.
    #[must_use]
    pub fn exit_code(&self) -> Option<u8> {
        self.exit_code
    }

    /// Returns the fields.
    #[must_use]
    pub fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }

    /// Returns the lines.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

/// RFC 3339 in UTC, whole seconds; null when there is none.
pub(super) fn time(at: Option<DateTime<Utc>>) -> Value {
    at.map_or(Value::Null, |at| at.to_rfc3339_opts(SecondsFormat::Secs, true).into())
}
