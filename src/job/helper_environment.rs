//! The environment of a helper program that works for us: the caller's, in which it finds what it needs to reach its service,
//! without the secrets that are ours. Pure.

use std::ffi::{OsStr, OsString};

/// Ours, and the inputs of an action, which have seeds and keys in them.
const OUR_PREFIXES: [&str; 2] = ["AUTHBATON_", "INPUT_"];

/// Makes the environment of a helper out of ours: without our variables and those named, which have seeds in them.
#[must_use]
pub fn for_helper(
    ours: impl IntoIterator<Item = (OsString, OsString)>,
    secrets: &[String],
) -> Vec<(OsString, OsString)> {
    ours.into_iter()
        .filter(|(name, _)| !is_ours(name) && !secrets.iter().any(|secret| name == secret.as_str()))
        .collect()
}

/// Returns whether a variable is ours alone.
pub(super) fn is_ours(name: &OsStr) -> bool {
    OUR_PREFIXES.iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
}
