//! The keys of a cell, one per record: `ab1-<hash of slot, audience and writing ref>-<number>`. Pure.
//!
//! The number has always as many digits, so that no key is the beginning of another, and what is asked by a whole key is
//! answered by that key or not at all. A key of any other form is never ours.

use sha2::{Digest, Sha256};

use crate::baton::{Audience, SlotName};

/// The format of what lies under our keys; the service keeps versions apart as it keeps keys apart.
const FORMAT: &str = "authbaton: one sealed baton as it is, format 1";
/// Half of a SHA-256, as all our names.
const HASH_BYTES: usize = 16;
const DIGITS: usize = 12;

/// The name of a cell in the cache: the slot of an audience, as the jobs of one branch write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    prefix: String,
}

/// The number of a record; the first is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sequence(u64);

impl Cell {
    pub(super) fn new(slot: &SlotName, audience: &Audience, writing_ref: &str) -> Self {
        let mut hash = Sha256::new();
        for part in [slot.as_str(), &audience.to_string(), writing_ref] {
            // With its length in front: `a` and `bc` are not `ab` and `c`.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let digest = hash.finalize();
        Self { prefix: format!("ab1-{}-", hex(digest.get(..HASH_BYTES).unwrap_or(&digest))) }
    }

    /// Returns what all keys of the cell begin with, and no other key.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn key(&self, sequence: Sequence) -> String {
        format!("{}{:0DIGITS$}", self.prefix, sequence.0)
    }

    /// Reads the number of a key; none for what is no key of this cell.
    pub(super) fn sequence(&self, key: &str) -> Option<Sequence> {
        let digits = key.strip_prefix(&self.prefix)?;
        let is_number = digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_digit());
        digits.parse().ok().filter(|number| is_number && *number > 0).map(Sequence)
    }
}

impl Sequence {
    /// Returns the number after this one.
    pub(super) fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Returns the version under which all our records lie.
pub(super) fn version() -> String {
    hex(&Sha256::digest(FORMAT))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(slot: &str, audience: &str, writing_ref: &str) -> Cell {
        Cell::new(&SlotName::new(slot).unwrap(), &Audience::new(audience).unwrap(), writing_ref)
    }

    #[test]
    fn each_slot_audience_and_ref_has_keys_of_its_own() {
        let cells = [
            cell("default", "1", "refs/heads/main"),
            cell("default", "12", "refs/heads/main"),
            cell("default1", "", "refs/heads/main"),
            cell("default", "1", "refs/heads/main2"),
            cell("other", "1", "refs/heads/main"),
        ];
        for (place, one) in cells.iter().enumerate() {
            for other in &cells[place + 1..] {
                assert_ne!(one, other);
                assert!(!one.prefix().starts_with(other.prefix()));
            }
        }
    }

    #[test]
    fn a_key_never_changes_its_form() {
        let cell = cell("default", "4711", "refs/heads/main");
        assert_eq!(cell.key(Sequence(7)), "ab1-49e95b08bf3a6d75ea5bf7d59b2e4c8d-000000000007");
        assert_eq!(version().len(), 64);
    }

    #[test]
    fn what_is_no_key_of_the_cell_has_no_number() {
        let cell = cell("default", "1", "refs/heads/main");
        let good = cell.key(Sequence(42));
        assert_eq!(cell.sequence(&good), Some(Sequence(42)));
        let prefix = cell.prefix();
        let bad = [
            String::new(),
            prefix.to_owned(),
            format!("{prefix}42"),
            format!("{prefix}000000000000"),
            format!("{prefix}+00000000042"),
            format!("{good}0"),
            format!("{good}-x"),
            good.to_uppercase(),
            good.replacen("ab1", "ab2", 1),
            good.replacen(|c: char| c.is_ascii_hexdigit() && c != 'a' && c != 'b' && c != '1', "e", 1) + "x",
        ];
        for key in bad {
            assert_eq!(cell.sequence(&key), None, "{key}");
        }
    }
}
