//! The document `auth.json`: read as strictly as Codex reads it, kept whole, written as Codex writes it.
//!
//! Fields that we do not know survive, with their place behind the known ones and every digit of their numbers. The
//! document holds every secret of a login as plain JSON strings, so it has no `Debug` and wipes them when dropped.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};
use zeroize::{Zeroize, Zeroizing};

use super::mode::{Material, Mode};
use super::{Client, IdClaims, schema};

/// The most that a login may take, in bytes. Real ones have 3 to 6 KiB; the sealed baton's limit rests on this one.
pub const MAX_LOGIN_BYTES: usize = 32 * 1024;

/// Fields that name an account, a kind or a time.
const NO_SECRET: [&str; 3] = ["account_id", "auth_mode", "last_refresh"];
const FIELDS: [&str; 8] = [
    "auth_mode",
    "OPENAI_API_KEY",
    "tokens",
    "last_refresh",
    "agent_identity",
    "personal_access_token",
    "bedrock_api_key",
    "bedrock_access_keys",
];
const TOKEN_FIELDS: [&str; 4] = ["id_token", "access_token", "refresh_token", "account_id"];

/// Why a document is no `auth.json`. Positions are given, values never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Nothing but white space.
    #[error("it is empty")]
    Blank,
    /// More than [`MAX_LOGIN_BYTES`].
    #[error("it has {0} bytes, more than {MAX_LOGIN_BYTES}")]
    TooLarge(usize),
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// Not JSON, or JSON cut short.
    #[error("it is not JSON (line {line}, column {column})")]
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// JSON, but a field has a type or a name that Codex refuses.
    #[error("it is JSON, but not a credential that the client can read (line {line}, column {column})")]
    NotACredential {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// `tokens.id_token` is no JWT: Codex refuses the whole file.
    #[error("its id token is no JWT")]
    IdTokenNotJwt,
}

/// One `auth.json`, lossless.
#[derive(Clone)]
pub struct AuthJson {
    fields: Map<String, Value>,
}

impl AuthJson {
    /// Reads a document.
    ///
    /// # Errors
    /// When Codex could not read it either, or when it is larger than [`MAX_LOGIN_BYTES`], as it is or as we would
    /// write it: indented, a short text can become a very long one.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseError> {
        if bytes.len() > MAX_LOGIN_BYTES {
            return Err(ParseError::TooLarge(bytes.len()));
        }
        let document = Self::parse_of_any_size(bytes)?;
        match document.to_text().len() {
            written if written > MAX_LOGIN_BYTES => Err(ParseError::TooLarge(written)),
            _ => Ok(document),
        }
    }

    /// Reads a document that was ours before. An exchange may have made it larger than a login may be when it comes:
    /// what was sealed must open, and its size was limited there.
    pub(super) fn parse_of_any_size(bytes: &[u8]) -> Result<Self, ParseError> {
        let text = std::str::from_utf8(bytes).map_err(|_| ParseError::NotUtf8)?;
        if text.trim().is_empty() {
            return Err(ParseError::Blank);
        }
        // Twice on purpose: the first pass keeps all, the second has Codex's types (and refuses a field given twice).
        let document = Self { fields: serde_json::from_str(text).map_err(|error| positioned(&error))? };
        // It is JSON by now, although serde_json calls some values of a wrong type a syntax error.
        schema::check(text)
            .map_err(|error| ParseError::NotACredential { line: error.line(), column: error.column() })?;
        match document.token("id_token") {
            Some(id_token) if IdClaims::read(id_token).is_err() => Err(ParseError::IdTokenNotJwt),
            _ => Ok(document),
        }
    }

    /// Returns a document with nothing but an API key, as Codex writes it at `login --with-api-key`. LLMX does not
    /// know `auth_mode`.
    pub(super) fn of_api_key(client: Client, key: &str) -> Self {
        let mut document = Self { fields: Map::new() };
        if client == Client::Codex {
            document.set("auth_mode", Mode::ApiKey.name().into());
        }
        document.set("OPENAI_API_KEY", key.into());
        document
    }

    /// Returns a document with nothing but a personal access token, deliberately without `auth_mode`, as Codex does.
    pub(super) fn of_personal_access_token(token: &str) -> Self {
        let mut document = Self { fields: Map::new() };
        document.set("OPENAI_API_KEY", Value::Null);
        document.set("personal_access_token", token.into());
        document
    }

    /// Returns the text as Codex writes it: its field order, then the fields that it does not know; two spaces; no
    /// final newline.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut written = self.fields.clone();
        written.entry("OPENAI_API_KEY").or_insert(Value::Null);
        if let Some(Value::Object(tokens)) = written.get_mut("tokens") {
            in_order(tokens, &TOKEN_FIELDS, &["account_id"]);
        }
        in_order(&mut written, &FIELDS, &["OPENAI_API_KEY"]);
        let written = Self { fields: written };
        // A map of strings cannot fail to serialise; were it to, an empty file would be refused by every reader.
        Zeroizing::new(serde_json::to_string_pretty(&written.fields).unwrap_or_default())
    }

    /// Returns every secret by itself, to be hidden from a log: what its owner spends or shows, and no names of accounts.
    #[must_use]
    pub fn secrets(&self) -> Vec<Zeroizing<String>> {
        self.texts_but(&NO_SECRET)
    }

    /// Returns those that a job is given: all but the refresh token.
    #[must_use]
    pub fn secrets_of_a_job(&self) -> Vec<Zeroizing<String>> {
        let [one, two, three] = NO_SECRET;
        self.texts_but(&[one, two, three, "refresh_token"])
    }

    fn texts_but(&self, left_out: &[&str]) -> Vec<Zeroizing<String>> {
        let mut texts = Vec::new();
        for name in FIELDS.into_iter().filter(|name| !left_out.contains(name)) {
            self.fields.get(name).into_iter().for_each(|value| collect(value, left_out, &mut texts));
        }
        texts
    }

    pub(super) fn mode(&self, client: Client) -> Mode {
        let present = |name| self.fields.get(name).is_some_and(|value| !value.is_null());
        let auth_mode = self.fields.get("auth_mode").and_then(|value| Mode::deserialize(value).ok());
        let material = Material {
            auth_mode,
            personal_access_token: present("personal_access_token"),
            bedrock_api_key: present("bedrock_api_key"),
            bedrock_access_keys: present("bedrock_access_keys"),
            api_key: present("OPENAI_API_KEY"),
        };
        Mode::resolve(client, material)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).and_then(Value::as_str)
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some_and(|value| !value.is_null())
    }

    pub(super) fn token(&self, name: &str) -> Option<&str> {
        self.fields.get("tokens").and_then(|tokens| tokens.get(name)).and_then(Value::as_str)
    }

    /// Returns a field of the object `agent_identity`, or of nothing when it is a JWT.
    pub(super) fn agent_identity_field(&self, name: &str) -> Option<&str> {
        self.fields.get("agent_identity").and_then(|identity| identity.get(name)).and_then(Value::as_str)
    }

    pub(super) fn last_refresh(&self) -> Option<DateTime<Utc>> {
        self.text("last_refresh").and_then(|text| text.parse().ok())
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        if let Some(mut old) = self.fields.insert(name.to_owned(), value) {
            wipe(&mut old);
        }
    }

    pub(super) fn unset(&mut self, name: &str) {
        if let Some(mut old) = self.fields.shift_remove(name) {
            wipe(&mut old);
        }
    }

    pub(super) fn set_token(&mut self, name: &str, value: &str) {
        if let Some(Value::Object(tokens)) = self.fields.get_mut("tokens")
            && let Some(mut old) = tokens.insert(name.to_owned(), value.into())
        {
            wipe(&mut old);
        }
    }

    /// Sets `last_refresh` with nine digits and `Z`, as Codex writes it.
    pub(super) fn set_last_refresh(&mut self, now: DateTime<Utc>) {
        self.set("last_refresh", now.to_rfc3339_opts(SecondsFormat::Nanos, true).into());
    }
}

impl Drop for AuthJson {
    fn drop(&mut self) {
        self.fields.values_mut().for_each(wipe);
    }
}

/// Puts the known fields first, in Codex's order, and drops known fields that are null unless Codex writes them so.
fn in_order(object: &mut Map<String, Value>, order: &[&str], nullable: &[&str]) {
    let mut rest = std::mem::take(object);
    for name in order {
        if let Some(value) = rest.shift_remove(*name)
            && (!value.is_null() || nullable.contains(name))
        {
            object.insert((*name).to_owned(), value);
        }
    }
    object.append(&mut rest);
}

pub(super) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Keeps the position of a parse error and nothing else: its text may quote the value.
fn positioned(error: &serde_json::Error) -> ParseError {
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Data => ParseError::NotACredential { line, column },
        _ => ParseError::NotJson { line, column },
    }
}

/// Collects the texts in a value, but for those behind these names.
fn collect(value: &Value, without: &[&str], into: &mut Vec<Zeroizing<String>>) {
    match value {
        Value::String(text) if !text.trim().is_empty() => into.push(Zeroizing::new(text.clone())),
        Value::Array(values) => values.iter().for_each(|value| collect(value, without, into)),
        Value::Object(fields) => {
            let secret = fields.iter().filter(|(name, _)| !without.contains(&name.as_str()));
            secret.for_each(|(_, value)| collect(value, without, into));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "e30.e30.s";

    fn parse(text: &str) -> Result<AuthJson, ParseError> {
        AuthJson::parse(text.as_bytes())
    }

    fn full(extra: &str) -> String {
        format!(
            r#"{{"tokens":{{"refresh_token":"r","vendor":1.50,"id_token":"{ID}","access_token":"a"}},"x":{{"n":123456789012345678901234567890}}{extra}}}"#
        )
    }

    #[test]
    fn unknown_fields_survive_and_known_ones_are_ordered() {
        let text = parse(&full(r#","last_refresh":"2026-11-20T16:09:02+01:00""#)).unwrap().to_text();
        let expected = format!(
            "{{\n  \"OPENAI_API_KEY\": null,\n  \"tokens\": {{\n    \"id_token\": \"{ID}\",\n    \"access_token\": \"a\",\n    \"refresh_token\": \"r\",\n    \"vendor\": 1.50\n  }},\n  \"last_refresh\": \"2026-11-20T16:09:02+01:00\",\n  \"x\": {{\n    \"n\": 123456789012345678901234567890\n  }}\n}}"
        );
        assert_eq!(text.as_str(), expected);
    }

    #[test]
    fn an_api_key_file_is_codexs() {
        let text = AuthJson::of_api_key(Client::Codex, "sk-test").to_text();
        assert_eq!(text.as_str(), "{\n  \"auth_mode\": \"apikey\",\n  \"OPENAI_API_KEY\": \"sk-test\"\n}");
    }

    #[test]
    fn refuses_what_codex_refuses() {
        let not_a_credential = |text: &str| matches!(parse(text), Err(ParseError::NotACredential { .. }));
        assert_eq!(parse("").err(), Some(ParseError::Blank));
        assert_eq!(parse(" \n").err(), Some(ParseError::Blank));
        assert_eq!(AuthJson::parse(b"{\"a\":\"\xff\"}").err(), Some(ParseError::NotUtf8));
        assert!(matches!(parse("{").err(), Some(ParseError::NotJson { line: 1, column: 1 })));
        assert!(matches!(parse("{} x").err(), Some(ParseError::NotJson { .. })));
        assert!(not_a_credential("[]"));
        assert!(not_a_credential("5"));
        assert!(not_a_credential(r#"{"auth_mode":"ApiKey"}"#));
        assert!(not_a_credential(r#"{"OPENAI_API_KEY":5}"#));
        assert!(not_a_credential(r#"{"OPENAI_API_KEY":"a","OPENAI_API_KEY":"b"}"#));
        assert!(not_a_credential(&format!(r#"{{"tokens":{{"id_token":"{ID}","access_token":"a"}}}}"#)));
        assert!(not_a_credential(r#"{"last_refresh":"yesterday"}"#));
        let bad_id = full("").replace(ID, "notajwt");
        assert_eq!(parse(&bad_id).err(), Some(ParseError::IdTokenNotJwt));
        let large = format!("{{\"x\":\"{}\"}}", "a".repeat(MAX_LOGIN_BYTES));
        assert!(matches!(parse(&large).err(), Some(ParseError::TooLarge(_))));
    }
}
