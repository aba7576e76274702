//! Secrets as people hand them over: on stdin, in a file, in a variable. Each way to get it wrong has its own error,
//! and none of them repeats what was given.

use base64::{Engine, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE};
use zeroize::Zeroizing;

use super::{ApiKey, AuthJson, ParseError, PersonalAccessToken};

/// The most that is read from stdin or a secret file, in bytes.
pub const MAX_INPUT_BYTES: usize = 64 * 1024;

/// The most that a key or an access token may have, in bytes. With it in a file, the file can still be read back.
const MAX_KEY_BYTES: usize = 16 * 1024;

/// What is wrong with a secret that was handed over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InputError {
    /// Nothing at all.
    #[error("nothing was given")]
    Empty,
    /// Only white space.
    #[error("only white space was given")]
    Blank,
    /// Not UTF-8.
    #[error("it is not UTF-8")]
    NotUtf8,
    /// More than it may have.
    #[error("it has more than {0} bytes")]
    TooLarge(usize),
    /// An API key of several lines: Codex would store them all as one key.
    #[error("an API key is one line, and this has several")]
    SeveralLines,
    /// An access token that does not begin with `at-`.
    #[error("it is no access token: those begin with `at-`")]
    NotAnAccessToken,
    /// A document that is no `auth.json`.
    #[error(transparent)]
    Document(#[from] ParseError),
}

/// Reads an API key. White space around it is trimmed as Codex does (Unicode's; a BOM is kept).
///
/// # Errors
/// When it is missing, not text, too large or has several lines.
pub fn api_key(bytes: &[u8]) -> Result<ApiKey, InputError> {
    one_line(bytes).map(ApiKey::new)
}

/// Reads a personal access token.
///
/// # Errors
/// As [`api_key`], and when it does not begin with `at-`.
pub fn personal_access_token(bytes: &[u8]) -> Result<PersonalAccessToken, InputError> {
    let text = one_line(bytes)?;
    if text.strip_prefix(PersonalAccessToken::PREFIX).is_none_or(str::is_empty) {
        return Err(InputError::NotAnAccessToken);
    }
    Ok(PersonalAccessToken::new(text))
}

/// Reads an `auth.json`, as it is or as base64 of it (standard or URL-safe, with or without line breaks and padding):
/// some platforms mask only values without braces and line breaks. Quotes around the whole of it, as they are left from a
/// file of variables, are no part of it.
///
/// # Errors
/// When it is missing, not text, too large, or no `auth.json`.
pub fn auth_json(bytes: &[u8]) -> Result<AuthJson, InputError> {
    let text = unquoted(text(bytes)?);
    let json = if text.starts_with('{') { None } else { from_base64(text) };
    let document = json.as_deref().map_or(text.as_bytes(), Vec::as_slice);
    Ok(AuthJson::parse(document)?)
}

fn unquoted(text: &str) -> &str {
    let within = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).map_or(text, str::trim)
}

fn one_line(bytes: &[u8]) -> Result<&str, InputError> {
    let text = text(bytes)?;
    if text.len() > MAX_KEY_BYTES {
        return Err(InputError::TooLarge(MAX_KEY_BYTES));
    }
    if text.contains(['\n', '\r']) { Err(InputError::SeveralLines) } else { Ok(text) }
}

fn text(bytes: &[u8]) -> Result<&str, InputError> {
    if bytes.is_empty() {
        return Err(InputError::Empty);
    }
    if bytes.len() > MAX_INPUT_BYTES {
        return Err(InputError::TooLarge(MAX_INPUT_BYTES));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| InputError::NotUtf8)?.trim();
    if text.is_empty() { Err(InputError::Blank) } else { Ok(text) }
}

/// Returns the decoded bytes only if they look like a JSON object, so that garbage is reported as what was given.
fn from_base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut compact: Zeroizing<String> = Zeroizing::new(String::with_capacity(text.len() + 4));
    compact.extend(text.chars().filter(|character| !character.is_whitespace() && *character != '='));
    while !compact.len().is_multiple_of(4) {
        compact.push('=');
    }
    let bytes = STANDARD.decode(compact.as_bytes()).or_else(|_| URL_SAFE.decode(compact.as_bytes())).ok()?;
    let bytes = Zeroizing::new(bytes);
    bytes.trim_ascii_start().starts_with(b"{").then_some(bytes)
}
