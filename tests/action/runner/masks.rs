//! What the runner hides in a log: every registered value, in each form that its encoders make of it.
//!
//! Written from the runner's rules, not from what would be good for us: a form that the runner does not know is not
//! hidden here either.

use std::{collections::BTreeSet, fmt::Write as _};

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// All values of one job that are hidden from now on, encoded forms included.
#[derive(Default)]
pub(crate) struct Masks(BTreeSet<String>);

impl Masks {
    /// Registers one value in all its forms. White space alone is not registered: it would hide every blank.
    pub(crate) fn add(&mut self, value: &str) {
        if value.trim().is_empty() {
            return;
        }
        self.0.insert(value.to_owned());
        self.0.extend(forms(value).into_iter().filter(|form| !form.trim().is_empty()));
    }

    /// Registers a value and each of its lines, as the runner does with a secret and with `add-mask`.
    pub(crate) fn add_lines(&mut self, value: &str) {
        self.add(value);
        for line in value.split(['\r', '\n']) {
            self.add(line.trim());
        }
    }

    /// Returns the text with `***` for everything that is hidden. What overlaps or touches is hidden as one.
    pub(crate) fn apply(&self, text: &str) -> String {
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for value in &self.0 {
            let mut from = 0;
            while let Some(at) = text.get(from..).and_then(|rest| rest.find(value.as_str())) {
                ranges.push((from + at, from + at + value.len()));
                // Overlapping occurrences of one value are found as well.
                from += at + text[from + at..].chars().next().map_or(1, char::len_utf8);
            }
        }
        ranges.sort_unstable();
        let (mut masked, mut end) = (String::new(), 0);
        let mut ranges = ranges.into_iter().peekable();
        while let Some((start, mut stop)) = ranges.next() {
            while let Some((_, next)) = ranges.next_if(|(next, _)| *next <= stop) {
                stop = stop.max(next);
            }
            masked.push_str(&text[end..start]);
            masked.push_str("***");
            end = stop;
        }
        masked.push_str(&text[end..]);
        masked
    }

    /// Returns whether something in the text would be hidden.
    pub(crate) fn touch(&self, text: &str) -> bool {
        self.0.iter().any(|value| text.contains(value.as_str()))
    }
}

fn forms(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let shifted = |shift: usize| {
        BASE64_STANDARD.encode(bytes.get(shift..).filter(|it| !it.is_empty()).unwrap_or(bytes))
    };
    let mut forms = vec![
        shifted(0),
        shifted(1),
        shifted(2),
        value.replace('"', "\\\""),
        value.replace('\'', "''"),
        json(value),
        uri(value),
        xml(value),
    ];
    if value.len() > 8 && value.starts_with('"') && value.ends_with('"') {
        forms.push(value[1..value.len() - 1].to_owned());
    }
    forms.extend(powershell(value));
    forms
}

fn json(value: &str) -> String {
    let quoted = serde_json::to_string(value).unwrap();
    let escaped = &quoted[1..quoted.len() - 1];
    [('\u{85}', "\\u0085"), ('\u{2028}', "\\u2028"), ('\u{2029}', "\\u2029")]
        .iter()
        .fold(escaped.to_owned(), |text, (character, escape)| text.replace(*character, escape))
}

fn uri(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").unwrap();
        }
        text
    })
}

fn xml(value: &str) -> String {
    let ampersands = value.replace('&', "&amp;");
    [('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&apos;")]
        .iter()
        .fold(ampersands, |text, (character, escape)| text.replace(*character, escape))
}

/// PowerShell splits what it does not understand at the ampersands, and colours the pieces.
fn powershell(value: &str) -> Vec<String> {
    let cut = value.find("&+").map(|at| at + 2).or_else(|| value.rfind('&').map(|at| at + 1));
    let Some(cut) = cut else { return Vec::new() };
    [&value[..cut], &value[cut..]]
        .into_iter()
        .map(str::trim)
        .filter(|piece| piece.chars().count() >= 6)
        .map(str::to_owned)
        .collect()
}

#[test]
fn hides_each_form_that_the_encoders_make() {
    let secret = "a\"b<c>&d'e/\u{e9}+ f1234567";
    let mut masks = Masks::default();
    masks.add(secret);
    let encode = |text: &str| BASE64_STANDARD.encode(text);
    let table = [
        (secret.to_owned(), "***".to_owned()),
        (format!("x{secret}y"), "x***y".to_owned()),
        (encode(secret), "***".to_owned()),
        (encode(&secret[1..]), "***".to_owned()),
        (encode(&secret[2..]), "***".to_owned()),
        ("a\\\"b<c>&d'e/\u{e9}+ f1234567".to_owned(), "***".to_owned()),
        ("a\"b<c>&d''e/\u{e9}+ f1234567".to_owned(), "***".to_owned()),
        ("a%22b%3Cc%3E%26d%27e%2F%C3%A9%2B%20f1234567".to_owned(), "***".to_owned()),
        ("a&quot;b&lt;c&gt;&amp;d&apos;e/\u{e9}+ f1234567".to_owned(), "***".to_owned()),
        // What the runner does not know it does not hide: hexadecimal digits, and the secret reversed.
        ("6122623c633e".to_owned(), "6122623c633e".to_owned()),
        (secret.chars().rev().collect(), secret.chars().rev().collect()),
    ];
    for (text, masked) in table {
        assert_eq!(masks.apply(&text), masked, "{text}");
    }
}

#[test]
fn hides_what_overlaps_or_touches_as_one() {
    let table: [(&[&str], &str, &str); 7] = [
        (&["abc", "cde"], "xabcdex", "x***x"),
        (&["abc", "def"], "xabcdefx", "x***x"),
        (&["abc"], "abc abc", "*** ***"),
        (&["aa"], "aaab", "***b"),
        (&["abc"], "abd", "abd"),
        (&[" "], "a b", "a b"),
        (&["\"quoted-text\""], "quoted-text", "***"),
    ];
    for (values, text, masked) in table {
        let mut masks = Masks::default();
        values.iter().for_each(|value| masks.add(value));
        assert_eq!(masks.apply(text), masked, "{values:?} in {text}");
        assert_eq!(masks.touch(text), masked != text, "{values:?} in {text}");
    }
}

/// Why nobody may register a pretty-printed document: from then on no log has a brace.
#[test]
fn hides_every_line_of_a_document() {
    let mut masks = Masks::default();
    masks.add_lines("{\n  \"a\": 1\n}");
    assert_eq!(masks.apply("fn x() { \"a\": 1 }"), "fn x() *** *** ***");
}
