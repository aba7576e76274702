//! What a helper says on stderr, as people may see it: one line, short, without what moves a cursor or speaks to a CI's log,
//! and without what looks like a secret. Pure.

use std::ffi::OsString;

const MAX_SHOWN: usize = 300;
/// A shorter value would blot out ordinary words.
const SHORTEST_SECRET: usize = 6;
/// As long as this, and with letters and digits: a token, a signature, a hash.
const LONGEST_WORD: usize = 24;
const SECRETIVE: [&str; 6] = ["TOKEN", "SECRET", "PASS", "KEY", "CREDENTIAL", "AUTH"];
const HIDDEN: &str = "[hidden]";

/// Makes a helper's complaint fit to be shown. `environment` is what it was given: secrets in it may come back.
pub(super) fn shown(complaint: &[u8], environment: &[(OsString, OsString)]) -> String {
    let mut text = String::from_utf8_lossy(complaint).into_owned();
    for (name, value) in environment {
        let name = name.to_string_lossy().to_uppercase();
        let value = value.to_string_lossy();
        if value.len() >= SHORTEST_SECRET && SECRETIVE.iter().any(|part| name.contains(part)) {
            text = text.replace(&*value, HIDDEN);
        }
    }
    let text: String = text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
    let words: Vec<String> = text.split_whitespace().map(hide_tokens).collect();
    let text = words.join(" ");
    let mut shown: String = text.chars().take(MAX_SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Hides each part of a word that looks like a token.
fn hide_tokens(word: &str) -> String {
    let is_part = |it: char| it.is_alphanumeric() || "+/=_~-".contains(it);
    let mut hidden = String::new();
    let mut part = String::new();
    for character in word.chars().map(Some).chain([None]) {
        match character {
            Some(character) if is_part(character) => part.push(character),
            other => {
                let long = part.chars().count() >= LONGEST_WORD;
                let is_token = long && part.contains(|it: char| it.is_ascii_digit());
                hidden.push_str(if is_token { HIDDEN } else { &part });
                part.clear();
                hidden.extend(other);
            }
        }
    }
    // `::` at the beginning, and `##[`, would speak to a CI.
    hidden.replace("::", ": :").replace("##", "# #")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_may_see() {
        let environment = [("ETCD_PASSWORD", "hunter2x"), ("API_TOKEN", "abc"), ("PATH", "/usr/bin")];
        let environment = environment.map(|(name, value)| (name.into(), value.into()));
        let table = [
            ("no such key: default\n", "no such key: default"),
            ("wrong password hunter2x for abc", "wrong password [hidden] for abc"),
            ("a\x1b[31mb\r\nc\0d", "a [31mb c d"),
            ("::set-output name=x::y", ": :set-output name=x: :y"),
            ("##vso[task.setvariable]x", "# #vso[task.setvariable]x"),
            ("at https://h/x?sig=aGVsbG8gd29ybGQgaGVsbG8gMTIz&e=1", "at https://h/x?[hidden]&e=1"),
            ("bearer eyJhbGciOiJIUzI1NiJ9abcdefgh.x", "bearer [hidden].x"),
            ("directory /usr/lib/python3/dist", "directory /usr/lib/python3/dist"),
            ("an-ordinary-word-of-many-letters", "an-ordinary-word-of-many-letters"),
            ("", ""),
        ];
        for (complaint, expected) in table {
            assert_eq!(shown(complaint.as_bytes(), &environment), expected, "{complaint:?}");
        }
        let long = shown("ä ".repeat(1000).as_bytes(), &[]);
        assert_eq!(long.chars().count(), MAX_SHOWN + 1);
        assert!(!shown(&[0xff, 0xfe], &[]).is_empty());
    }
}
