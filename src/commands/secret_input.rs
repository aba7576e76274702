//! Reads secrets from where a person put them: stdin, a file, a variable. Never from an argument.

use std::io::{IsTerminal, Read as _, stdin};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Bench, CommandError};
use crate::baton::SealKeys;
use crate::credential::{InputError, MAX_INPUT_BYTES};
use crate::disk::{DiskError, Read, read_capped};

/// A journal of 96 KiB in base64, and a log around it.
const MAX_RESCUE_BYTES: usize = 1024 * 1024;

/// Where a secret comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// Standard input, which must not be a terminal.
    Stdin,
    /// A file.
    File(PathBuf),
    /// A variable, by its name.
    Variable(String),
}

impl Bench<'_> {
    /// Reads a secret of at most 64 KiB.
    pub(super) fn read_secret(
        &self,
        source: &SecretSource,
        what: &'static str,
    ) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        self.read(source, what, MAX_INPUT_BYTES)
    }

    /// Reads a rescue text, with as much of a log around it.
    pub(super) fn read_rescue_text(&self, source: &SecretSource) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        self.read(source, "the rescue text", MAX_RESCUE_BYTES)
    }

    fn read(
        &self,
        source: &SecretSource,
        what: &'static str,
        max: usize,
    ) -> Result<Zeroizing<Vec<u8>>, CommandError> {
        match source {
            SecretSource::Stdin => from_stdin(what, max),
            SecretSource::Variable(name) if !is_variable(name) => {
                Err(CommandError::SecretAsName { what: "a variable" })
            }
            SecretSource::File(path) => match read_capped(path, max) {
                Ok(Read::Content(bytes)) => Ok(bytes),
                Ok(Read::Missing) | Err(DiskError::Io { .. }) if may_be_secret(path) => {
                    Err(CommandError::SecretAsName { what: "a file" })
                }
                Ok(Read::Missing) => Err(CommandError::NoSecretFile(path.clone())),
                Err(DiskError::TooLarge { .. }) => {
                    Err(CommandError::Input { what, problem: InputError::TooLarge(max) })
                }
                Err(error) => Err(CommandError::SecretFile(error)),
            },
            SecretSource::Variable(name) => {
                let value = self.environment.get(name);
                let value = value.ok_or_else(|| CommandError::NoSecretVariable(name.clone()))?;
                Ok(Zeroizing::new(value.as_bytes().to_vec()))
            }
        }
    }
}

/// Whether a text that should name a file may be a secret instead: a key, a token, a JWT, an auth.json as it is or as
/// base64 (which begins with `ey` or `ew`), seal keys, or anything longer than the names that people give to files. Such
/// a mix-up is quickly made, and a message with the name of the file that could not be opened would print it.
#[must_use]
pub fn may_be_secret(path: &Path) -> bool {
    const LONGEST_NAME: usize = 200;
    const LONGEST_PART: usize = 64;
    let text = path.to_string_lossy();
    let begins = ["{", "sk-", "at-", "rt_", "rt.", "ey", "ew"];
    text.len() > LONGEST_NAME
        || begins.iter().any(|it| text.trim_start().starts_with(it))
        || text.split('/').any(|part| part.len() > LONGEST_PART)
        || SealKeys::parse(&text).is_ok()
}

/// Whether a text can name a variable; all else may be the value, and is not repeated.
fn is_variable(name: &str) -> bool {
    let named = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    named && !name.starts_with(|first: char| first.is_ascii_digit()) && (1..=64).contains(&name.len())
}

fn from_stdin(what: &'static str, max: usize) -> Result<Zeroizing<Vec<u8>>, CommandError> {
    let stdin = stdin();
    if stdin.is_terminal() {
        return Err(CommandError::Terminal { what });
    }
    // Made at its full size: a vector that grows leaves copies of a secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(max + 1));
    let limit = max as u64 + 1;
    stdin.lock().take(limit).read_to_end(&mut bytes).map_err(CommandError::Stdin)?;
    if bytes.len() > max {
        return Err(CommandError::Input { what, problem: InputError::TooLarge(max) });
    }
    Ok(bytes)
}
