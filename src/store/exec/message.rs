//! The protocol of helpers, version 1: one JSON object in, one out. Pure; `docs/exec-store.md` tells it to their authors.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::baton::{MAX_BATON_BYTES, SealedBytes, SlotName};
use crate::store::{Access, Durability, Exclusive, Facts, StoreError, Version};

/// Another number is another protocol.
const PROTOCOL: u32 = 1;
/// A baton in base64, and room for the rest.
pub(super) const MAX_ANSWER: usize = MAX_BATON_BYTES.div_ceil(3) * 4 + 8 * 1024;
/// A helper's version goes back to it as it is, and into nothing else.
const MAX_VERSION: usize = 1024;
/// A swap that may take longer makes leases that nobody wants to wait for.
const LONGEST_SWAP: u64 = 120;

/// What a helper is asked.
#[derive(Serialize)]
#[serde(tag = "operation", rename_all = "kebab-case")]
pub(super) enum Operation<'a> {
    Facts,
    Load { slot: &'a str },
    Swap { slot: &'a str, expected: Option<&'a str>, content: String },
}

#[derive(Serialize)]
struct Request<'a> {
    protocol: u32,
    #[serde(flatten)]
    operation: Operation<'a>,
}

/// What it may answer. Fields that are not ours are left to later versions.
#[derive(Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
enum Answer {
    Facts { exclusive: bool, access: Permission, durability: When, worst_swap_seconds: u64 },
    Found { content: String, version: String },
    Absent,
    Done { version: String },
    Conflict,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Permission {
    Write,
    ReadOnly,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum When {
    Now,
    AtJobEnd,
}

impl<'a> Operation<'a> {
    pub(super) fn load(slot: &'a SlotName) -> Self {
        Self::Load { slot: slot.as_str() }
    }

    pub(super) fn swap(slot: &'a SlotName, expected: Option<&'a Version>, new: &SealedBytes) -> Self {
        let expected = expected.map(|version| version.0.as_str());
        Self::Swap { slot: slot.as_str(), expected, content: STANDARD.encode(new.as_slice()) }
    }

    /// Writes the request: one line.
    pub(super) fn write(self) -> Vec<u8> {
        let request = Request { protocol: PROTOCOL, operation: self };
        // Strings and numbers: there is nothing that could not be written.
        let mut line = serde_json::to_vec(&request).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// Reads the answer to `facts`.
pub(super) fn facts(said: &[u8]) -> Result<Facts, StoreError> {
    let Answer::Facts { exclusive, access, durability, worst_swap_seconds } = read(said)? else {
        return Err(garbled("it answers something else than it was asked"));
    };
    if !(1..=LONGEST_SWAP).contains(&worst_swap_seconds) {
        return Err(garbled("its `worst_swap_seconds` is not between 1 and 120"));
    }
    Ok(Facts {
        exclusive: if exclusive { Exclusive::Always } else { Exclusive::No },
        access: match access {
            Permission::Write => Access::Write,
            Permission::ReadOnly => Access::ReadOnly("the store's helper says so".to_owned()),
        },
        durability: match durability {
            When::Now => Durability::Now,
            When::AtJobEnd => Durability::AtJobEnd,
        },
        worst_swap: Duration::from_secs(worst_swap_seconds),
    })
}

/// Reads the answer to `load`.
pub(super) fn loaded(said: &[u8]) -> Result<Option<(SealedBytes, Version)>, StoreError> {
    match read(said)? {
        Answer::Absent => Ok(None),
        Answer::Found { content, version } => {
            let content = STANDARD.decode(content).map_err(|_| garbled("its `content` is not base64"))?;
            if content.len() > MAX_BATON_BYTES {
                return Err(garbled("its `content` is more than a baton"));
            }
            Ok(Some((SealedBytes::from_store(content), checked(version)?)))
        }
        _ => Err(garbled("it answers something else than it was asked")),
    }
}

/// Reads the answer to `swap`; `None`: a conflict.
pub(super) fn swapped(said: &[u8]) -> Result<Option<Version>, StoreError> {
    match read(said)? {
        Answer::Done { version } => checked(version).map(Some),
        Answer::Conflict => Ok(None),
        _ => Err(garbled("it answers something else than it was asked")),
    }
}

fn read(said: &[u8]) -> Result<Answer, StoreError> {
    if said.iter().all(u8::is_ascii_whitespace) {
        return Err(garbled("it answers nothing"));
    }
    let json: serde_json::Value =
        serde_json::from_slice(said).map_err(|_| garbled("its answer is not one JSON object"))?;
    match json.get("protocol").and_then(serde_json::Value::as_u64) {
        Some(protocol) if protocol == u64::from(PROTOCOL) => {}
        _ => return Err(garbled("its answer does not say `\"protocol\":1`")),
    }
    serde_json::from_value::<Answer>(json)
        .map_err(|_| garbled("its answer misses a field, or has another type"))
}

fn checked(version: String) -> Result<Version, StoreError> {
    if version.is_empty() || version.len() > MAX_VERSION {
        return Err(garbled("its `version` is empty, or longer than 1024 bytes"));
    }
    Ok(Version(version))
}

fn garbled(why: &str) -> StoreError {
    StoreError::Garbled(format!("the helper speaks another protocol: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot() -> SlotName {
        SlotName::default()
    }

    #[test]
    fn requests_are_one_line_of_json() {
        let text = |operation: Operation<'_>| String::from_utf8(operation.write()).unwrap();
        assert_eq!(text(Operation::Facts), "{\"protocol\":1,\"operation\":\"facts\"}\n");
        assert_eq!(
            text(Operation::load(&slot())),
            "{\"protocol\":1,\"operation\":\"load\",\"slot\":\"default\"}\n"
        );
        let sealed = SealedBytes::from_store(b"sealed".to_vec());
        assert_eq!(
            text(Operation::swap(&slot(), None, &sealed)),
            "{\"protocol\":1,\"operation\":\"swap\",\"slot\":\"default\",\"expected\":null,\"content\":\"c2VhbGVk\"}\n"
        );
        assert_eq!(
            text(Operation::swap(&slot(), Some(&Version("7".to_owned())), &sealed)),
            "{\"protocol\":1,\"operation\":\"swap\",\"slot\":\"default\",\"expected\":\"7\",\"content\":\"c2VhbGVk\"}\n"
        );
    }

    #[test]
    fn answers_are_read() {
        let found = loaded(br#"{"protocol":1,"result":"found","content":"c2VhbGVk","version":"7","more":1}"#);
        let (content, version) = found.unwrap().unwrap();
        assert_eq!((content.as_slice(), version), (b"sealed".as_slice(), Version("7".to_owned())));
        assert!(loaded(br#" {"protocol":1,"result":"absent"} "#).unwrap().is_none());
        let done = swapped(br#"{"protocol":1,"result":"done","version":"8"}"#).unwrap();
        assert_eq!(done, Some(Version("8".to_owned())));
        assert_eq!(swapped(br#"{"protocol":1,"result":"conflict"}"#).unwrap(), None);
        let said = br#"{"protocol":1,"result":"facts","exclusive":false,"access":"read-only","durability":"at-job-end","worst_swap_seconds":9}"#;
        let facts = facts(said).unwrap();
        assert_eq!((facts.exclusive, facts.durability), (Exclusive::No, Durability::AtJobEnd));
        assert!(matches!(facts.access, Access::ReadOnly(_)));
        assert_eq!(facts.worst_swap, Duration::from_secs(9));
    }

    #[test]
    fn what_is_no_answer_is_an_error_of_its_own() {
        let long = format!(
            "{{\"protocol\":1,\"result\":\"found\",\"content\":\"\",\"version\":\"{}\"}}",
            "x".repeat(1025)
        );
        let large = STANDARD.encode(vec![0; MAX_BATON_BYTES + 1]);
        let large =
            format!("{{\"protocol\":1,\"result\":\"found\",\"content\":\"{large}\",\"version\":\"1\"}}");
        let table = [
            ("", "answers nothing"),
            (" \n", "answers nothing"),
            ("null", "protocol"),
            ("[]", "protocol"),
            ("{", "not one JSON object"),
            ("error: no such key", "not one JSON object"),
            (r#"{"protocol":1,"result":"absent"}{"#, "not one JSON object"),
            (r#"{"result":"absent"}"#, "protocol"),
            (r#"{"protocol":2,"result":"absent"}"#, "protocol"),
            (r#"{"protocol":"1","result":"absent"}"#, "protocol"),
            (r#"{"protocol":1}"#, "misses a field"),
            (r#"{"protocol":1,"result":"lost"}"#, "misses a field"),
            (r#"{"protocol":1,"result":"found","version":"1"}"#, "misses a field"),
            (r#"{"protocol":1,"result":"found","content":null,"version":"1"}"#, "misses a field"),
            (r#"{"protocol":1,"result":"found","content":"?","version":"1"}"#, "not base64"),
            (r#"{"protocol":1,"result":"found","content":"","version":""}"#, "`version`"),
            (long.as_str(), "`version`"),
            (large.as_str(), "more than a baton"),
            (r#"{"protocol":1,"result":"conflict"}"#, "something else"),
        ];
        for (said, part) in table {
            match loaded(said.as_bytes()).map(|_| ()) {
                Err(StoreError::Garbled(text)) => assert!(text.contains(part), "{said}: {text}"),
                other => panic!("{said}: {other:?}"),
            }
        }
        for seconds in ["0", "121", "-1", "1.5"] {
            let said = format!(
                r#"{{"protocol":1,"result":"facts","exclusive":true,"access":"write","durability":"now","worst_swap_seconds":{seconds}}}"#
            );
            assert!(facts(said.as_bytes()).is_err(), "{seconds}");
        }
    }
}
