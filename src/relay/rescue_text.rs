//! The sealed reply as a text that a person can copy out of a log and bring back: base64 between two markers.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::baton::SealedBytes;

const BEGIN: &str = "-----BEGIN AUTHBATON RESCUE-----";
const END: &str = "-----END AUTHBATON RESCUE-----";
const LINE: usize = 76;

/// Returns the text, with a final line break.
#[must_use]
pub fn write(sealed: &SealedBytes) -> String {
    let encoded = STANDARD.encode(sealed.as_slice());
    let mut text = format!("{BEGIN}\n");
    for (place, character) in (1..).zip(encoded.chars()) {
        text.push(character);
        if place % LINE == 0 {
            text.push('\n');
        }
    }
    if !encoded.len().is_multiple_of(LINE) {
        text.push('\n');
    }
    text + END + "\n"
}

/// Reads the text back. What a log puts in front of each line (a time, a prefix that ends in a space) or behind it is
/// passed over; a journal's own file, sealed JSON with zeroes behind it, is taken, too.
///
/// `None` when there is no such text in it.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<SealedBytes> {
    let end = bytes.iter().rposition(|byte| *byte != 0)? + 1;
    let bytes = bytes.get(..end)?.trim_ascii();
    if bytes.starts_with(b"{") {
        return Some(SealedBytes::from_store(bytes.to_vec()));
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let (_, after) = text.split_once(BEGIN)?;
    let (inside, _) = after.split_once(END)?;
    // What stands between the last line break and the end marker is the log's.
    let (inside, _) = inside.rsplit_once('\n')?;
    let encoded: String = inside.lines().filter_map(|line| line.split_whitespace().next_back()).collect();
    STANDARD.decode(encoded).ok().map(SealedBytes::from_store)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_back_through_a_log() {
        for length in [1, 56, 57, 58, 400] {
            let sealed = SealedBytes::from_store(vec![b'x'; length]);
            let text = write(&sealed);
            assert!(read(text.as_bytes()) == Some(sealed.clone()), "{length}");
            let log: String = text.lines().map(|line| format!("2026-11-20T10:00:00Z  {line} \r\n")).collect();
            let log = format!("before\n{log}after\n");
            assert!(read(log.as_bytes()) == Some(sealed), "{length} in a log");
        }
    }

    #[test]
    fn a_journals_file_is_taken() {
        let mut file = b"{\"clear\":{}}".to_vec();
        file.extend([0; 9]);
        assert!(read(&file) == Some(SealedBytes::from_store(b"{\"clear\":{}}".to_vec())));
    }

    #[test]
    fn other_text_is_not() {
        for text in ["", "hello", "-----BEGIN AUTHBATON RESCUE-----\nAAAA", "\0\0"] {
            assert!(read(text.as_bytes()).is_none(), "{text}");
        }
        let damaged = write(&SealedBytes::from_store(vec![1; 90])).replace("AQEB", "A!EB");
        assert!(read(damaged.as_bytes()).is_none());
    }
}
