//! What git says, and what it means for a slot. Pure. Nothing of it is repeated to people: a host's own words may carry
//! addresses with secrets in them.

use crate::store::StoreError;

/// What a push says of the one ref that it was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    /// The ref is ours. Nobody else makes this commit, so it is also where the ref had it already.
    Done,
    /// The ref has another value than the one that was expected.
    Stale,
    /// The other side was quicker with another writer, or has a rule against it: the ref tells which.
    Rejected {
        /// It says so itself that it is a rule.
        by_rule: bool,
    },
}

/// What a revision is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) size: usize,
}

/// Words of a host that refuses a push by a rule of its own.
const RULES: [&str; 9] = [
    "hook",
    "deny",
    "denied",
    "protected",
    "prohibited",
    "not allowed",
    "permission",
    "forbidden",
    "non-fast-forward",
];

/// Words of git, curl, ssh and hosts about who we are. In lower case.
const DENIED: [&str; 14] = [
    "authentication failed",
    "could not read username",
    "could not read password",
    "terminal prompts disabled",
    "unable to get password from user",
    "permission denied",
    "access denied",
    "permission to ",
    "error: 401",
    "error: 403",
    "unauthorized",
    "not authorized",
    "not allowed to push",
    "host key verification failed",
];
/// The same about the repository. Hosts say this, too, of one that they do not show us.
const ABSENT: [&str; 5] = [
    "error: 404",
    "not found",
    "does not exist",
    "does not appear to be a git repository",
    "no such file or directory",
];

/// Reads `git version 2.47.3 (…)`.
pub(super) fn version(said: &[u8]) -> Option<(u32, u32)> {
    let text = std::str::from_utf8(said).ok()?;
    let mut numbers = text.trim().strip_prefix("git version ")?.split('.');
    Some((numbers.next()?.parse().ok()?, numbers.next()?.trim().parse().ok()?))
}

/// Reads what `ls-remote` says of exactly this ref: its object, or that there is none.
///
/// # Errors
/// When the list cannot be read.
pub(super) fn tip(said: &[u8], reference: &str) -> Result<Option<String>, StoreError> {
    let text = std::str::from_utf8(said).map_err(|_| garbled())?;
    for line in text.lines() {
        let (id, name) = line.split_once('\t').ok_or_else(garbled)?;
        if name == reference {
            return if is_id(id) { Ok(Some(id.to_owned())) } else { Err(garbled()) };
        }
    }
    Ok(None)
}

/// Reads a line of `cat-file --batch-check`; `None`: there is no such thing.
pub(super) fn object(line: &str) -> Option<Object> {
    let mut words = line.split(' ');
    let (id, kind, size) = (words.next()?, words.next()?, words.next()?);
    let size = size.parse().ok()?;
    is_id(id).then(|| Object { id: id.to_owned(), kind: kind.to_owned(), size })
}

/// Returns whether this is the number of an object.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Reads `push --porcelain`; `None`: it says nothing of this ref, so it did not come to it.
pub(super) fn pushed(said: &[u8], reference: &str) -> Option<Pushed> {
    let text = String::from_utf8_lossy(said);
    text.lines().find_map(|line| {
        let mut fields = line.splitn(3, '\t');
        let (flag, refs, summary) = (fields.next()?, fields.next()?, fields.next()?);
        let (_, to) = refs.split_once(':')?;
        if to != reference {
            return None;
        }
        let summary = summary.to_lowercase();
        match flag {
            " " | "+" | "*" | "=" => Some(Pushed::Done),
            "!" if summary.contains("stale info") => Some(Pushed::Stale),
            "!" if summary.starts_with("[remote rejected]") || summary.starts_with("[rejected]") => {
                Some(Pushed::Rejected { by_rule: RULES.iter().any(|rule| summary.contains(rule)) })
            }
            // `[remote failure]`: it does not say what came of it.
            _ => None,
        }
    })
}

/// Says why a fetch failed. What is too large to be written down, or no pack, makes git's own child fail.
pub(super) fn fetch_failure(complaint: &[u8]) -> StoreError {
    let text = String::from_utf8_lossy(complaint);
    if text.contains("index-pack") || text.contains("File too large") {
        return StoreError::Garbled("what the git repository sends is no baton".to_owned());
    }
    failure(complaint)
}

/// Says why git could not talk to the other side.
pub(super) fn failure(complaint: &[u8]) -> StoreError {
    let text = String::from_utf8_lossy(complaint).to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&["dubious ownership"]) {
        let text = "the repository belongs to another user, and git's `safe.directory` does not name it";
        StoreError::Denied(text.to_owned())
    } else if says(&["returned error: 30"]) {
        StoreError::Unreachable(
            "it answers with a redirect, which is not followed: give its new address".to_owned(),
        )
    } else if says(&DENIED) {
        StoreError::Denied("the git host does not let this run in, or not do this".to_owned())
    } else if says(&ABSENT) {
        StoreError::Denied("there is no such git repository, or this run may not see it".to_owned())
    } else {
        StoreError::Unreachable("git could not talk to the repository".to_owned())
    }
}

/// What was sent cannot be what we stored.
pub(super) fn too_much() -> StoreError {
    StoreError::Garbled("the git repository sends more than a baton".to_owned())
}

pub(super) fn garbled() -> StoreError {
    StoreError::Garbled("the git repository's list of refs cannot be read".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";
    const REF: &str = "refs/authbaton/default";

    #[test]
    fn versions() {
        let table = [
            ("git version 2.47.3\n", Some((2, 47))),
            ("git version 2.30.2", Some((2, 30))),
            ("git version 2.39.5 (Apple Git-154)", Some((2, 39))),
            ("git version 2.45.1.windows.1", Some((2, 45))),
            ("git version 3.0", Some((3, 0))),
            ("git version x", None),
            ("hub version 2.1", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(version(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn only_the_very_ref_counts() {
        let table = [
            (String::new(), Ok(None)),
            (format!("{ID}\t{REF}\n"), Ok(Some(ID.to_owned()))),
            (format!("{ID}\trefs/heads/{REF}\n"), Ok(None)),
            (format!("{ID}\t{REF}2\n{ID}\t{REF}\n"), Ok(Some(ID.to_owned()))),
            (format!("{ID}{ID}\t{REF}\n"), Err(())),
            (format!("--option\t{REF}\n"), Err(())),
            ("<html>".to_owned(), Err(())),
        ];
        for (said, expected) in table {
            assert_eq!(tip(said.as_bytes(), REF).map_err(drop), expected, "{said}");
        }
    }

    #[test]
    fn objects() {
        let blob = Object { id: ID.to_owned(), kind: "blob".to_owned(), size: 5 };
        assert_eq!(object(&format!("{ID} blob 5")), Some(blob));
        assert_eq!(object("refs/authbaton/there:baton missing"), None);
        assert_eq!(object(&format!("{ID} blob -1")), None);
        assert_eq!(object(""), None);
    }

    #[test]
    fn what_a_push_says_of_our_ref() {
        let rejected = |by_rule| Some(Pushed::Rejected { by_rule });
        let table = [
            ("*\tID:REF\t[new reference]", Some(Pushed::Done)),
            ("+\tID:REF\t1234567...89abcde (forced update)", Some(Pushed::Done)),
            (" \tID:REF\t1234567..89abcde", Some(Pushed::Done)),
            ("=\tID:REF\t[up to date]", Some(Pushed::Done)),
            ("!\tID:REF\t[rejected] (stale info)", Some(Pushed::Stale)),
            ("!\tID:REF\t[remote rejected] (failed to update ref)", rejected(false)),
            ("!\tID:REF\t[remote rejected] (cannot lock ref 'x': is at y)", rejected(false)),
            ("!\tID:REF\t[remote rejected] (pre-receive hook declined)", rejected(true)),
            ("!\tID:REF\t[remote rejected] (protected branch hook declined)", rejected(true)),
            ("!\tID:REF\t[remote rejected] (deny updating a hidden ref)", rejected(true)),
            ("!\tID:REF\t[remote rejected] (non-fast-forward)", rejected(true)),
            ("!\tID:REF\t[remote failure] (remote failed to report status)", None),
            ("*\tID:REFx\t[new reference]", None),
            ("To somewhere\nDone", None),
            ("", None),
        ];
        for (text, expected) in table {
            let said = text.replace("ID", ID).replace("REF", REF);
            assert_eq!(pushed(format!("To there\n{said}\nDone\n").as_bytes(), REF), expected, "{text}");
        }
    }

    #[test]
    fn failures_are_told_apart_and_nothing_of_them_is_repeated() {
        let table = [
            ("fatal: Authentication failed for 'https://x/'", "denied", "not let this run in"),
            ("fatal: could not read Username for 'https://x': terminal prompts disabled", "denied", "in"),
            ("fatal: unable to get password from user", "denied", "not let this run in"),
            ("error: The requested URL returned error: 403", "denied", "not let this run in"),
            ("git@x: Permission denied (publickey).", "denied", "not let this run in"),
            ("Host key verification failed.", "denied", "not let this run in"),
            ("fatal: repository 'https://x/' not found", "denied", "no such git repository"),
            ("fatal: '/r' does not appear to be a git repository", "denied", "no such git repository"),
            ("fatal: detected dubious ownership in repository at '/r'", "denied", "safe.directory"),
            ("fatal: unable to access 'x': The requested URL returned error: 301", "unreachable", "redirect"),
            ("fatal: unable to access 'x': Could not resolve host: x", "unreachable", "could not talk"),
            ("fatal: unable to access 'x': Failed to connect to x port 1", "unreachable", "could not talk"),
            ("fatal: the remote end hung up unexpectedly", "unreachable", "could not talk"),
            ("", "unreachable", "could not talk"),
        ];
        for (complaint, kind, part) in table {
            let error = failure(complaint.as_bytes());
            let found = match &error {
                StoreError::Denied(text) => ("denied", text),
                StoreError::Unreachable(text) => ("unreachable", text),
                _ => panic!("{complaint}: {error}"),
            };
            assert_eq!(found.0, kind, "{complaint}");
            assert!(found.1.contains(part), "{complaint}: {error}");
        }
    }
}
