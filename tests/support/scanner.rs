//! Finds a secret in bytes, however it was written: raw, in base64 at each of its three shifts, URL-encoded,
//! JSON-escaped, in hex, broken into lines, or only its end.

use std::fmt::Write as _;

use base64::{
    Engine as _,
    prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD},
};

/// Shorter pieces turn up by chance.
const TAIL: usize = 20;

/// What is searched: as it is, and without white space, which may have broken a secret into lines.
pub(crate) struct Hay([String; 2]);

/// A secret in all its forms.
pub(crate) struct Needle(Vec<(&'static str, String)>);

impl Hay {
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let joined = text.split_whitespace().collect();
        Self([text, joined])
    }
}

impl Needle {
    pub(crate) fn new(secret: &str) -> Self {
        let forms = forms(secret).into_iter();
        Self(forms.map(|(name, form)| (name, String::from_utf8(form).unwrap())).collect())
    }

    /// Returns the form in which the secret is in there, if it is.
    pub(crate) fn find(&self, hay: &Hay) -> Option<&'static str> {
        let is_in = |form: &str| hay.0.iter().any(|text| text.contains(form));
        self.0.iter().find(|(_, form)| is_in(form)).map(|(name, _)| *name)
    }
}

fn forms(secret: &str) -> Vec<(&'static str, Vec<u8>)> {
    let bytes = secret.as_bytes();
    let hex = bytes.iter().fold(String::new(), |mut hex, byte| {
        write!(hex, "{byte:02x}").unwrap();
        hex
    });
    let json = serde_json::to_string(secret).unwrap();
    let json = json.trim_matches('"').to_owned();
    let mut forms = vec![
        ("raw", bytes.to_vec()),
        ("hex", hex.to_uppercase().into_bytes()),
        ("hex", hex.into_bytes()),
        ("JSON", json.replace('/', "\\/").into_bytes()),
        ("JSON", json.into_bytes()),
        ("URL-encoded", url_encoded(bytes, "-_.~").into_bytes()),
        ("URL-encoded", url_encoded(bytes, "-_.~").to_lowercase_escapes().into_bytes()),
        ("URL-encoded", url_encoded(bytes, "").into_bytes()),
    ];
    for shift in 0..3 {
        forms.push(("base64", shifted(&BASE64_STANDARD_NO_PAD, bytes, shift)));
        forms.push(("base64", shifted(&BASE64_URL_SAFE_NO_PAD, bytes, shift)));
    }
    if bytes.len() >= 2 * TAIL {
        forms.push(("its end", bytes.iter().copied().skip(bytes.len() - TAIL).collect()));
    }
    forms
}

/// What base64 makes of the secret behind `shift` bytes, without the characters that depend on its neighbours.
fn shifted(engine: &base64::engine::GeneralPurpose, secret: &[u8], shift: usize) -> Vec<u8> {
    let shifted: Vec<u8> = std::iter::repeat_n(0, shift).chain(secret.iter().copied()).collect();
    let first = (shift * 8).div_ceil(6);
    let end = shifted.len() * 8 / 6;
    engine.encode(&shifted).into_bytes().into_iter().take(end).skip(first).collect()
}

fn url_encoded(bytes: &[u8], kept: &str) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let character = char::from(*byte);
        if character.is_ascii_alphanumeric() || kept.contains(character) {
            text.push(character);
        } else {
            write!(text, "%{byte:02X}").unwrap();
        }
        text
    })
}

trait Escapes {
    fn to_lowercase_escapes(&self) -> String;
}

impl Escapes for String {
    /// `%2F` becomes `%2f`.
    fn to_lowercase_escapes(&self) -> String {
        let mut since_percent = 3;
        self.chars()
            .map(|character| {
                since_percent = if character == '%' { 0 } else { since_percent + 1 };
                if since_percent <= 2 { character.to_ascii_lowercase() } else { character }
            })
            .collect()
    }
}

fn find(secret: &str, bytes: &[u8]) -> Option<&'static str> {
    Needle::new(secret).find(&Hay::new(bytes))
}

#[test]
fn finds_a_secret_in_every_form() {
    let secret = "sk-canary/+ \"A\\b=~\u{e9}0123456789";
    let encode = |prefix: &str| BASE64_STANDARD_NO_PAD.encode(format!("{prefix}{secret} and more"));
    let hex = |upper: bool| {
        let text: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        if upper { text.to_uppercase() } else { text }
    };
    let wrapped: Vec<String> =
        encode("xx").as_bytes().chunks(7).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    let json = serde_json::json!({ "deep": [{ "key": secret }] }).to_string();
    let planted = [
        ("raw", format!("before{secret}after")),
        ("base64", encode("")),
        ("base64", encode("x")),
        ("base64", encode("xx")),
        ("base64", encode("xxx")),
        ("base64", BASE64_URL_SAFE_NO_PAD.encode(format!("x{secret}?"))),
        ("base64", wrapped.join("\n")),
        ("hex", hex(false)),
        ("hex", hex(true)),
        ("JSON", json.replace('/', "\\/")),
        ("JSON", json),
        ("URL-encoded", format!("a={}&b", url_encoded(secret.as_bytes(), "-_.~"))),
        ("URL-encoded", url_encoded(secret.as_bytes(), "-_.~").to_lowercase_escapes()),
        ("URL-encoded", url_encoded(secret.as_bytes(), "")),
    ];
    for (form, text) in planted {
        assert_eq!(find(secret, text.as_bytes()), Some(form), "{text}");
    }
    let long = "rt_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ";
    assert_eq!(find(long, b"...uvwxyz and ...qrstuvwxyzABCDEFGHIJ"), Some("its end"));
}

#[test]
fn finds_nothing_where_nothing_is() {
    let secret = "sk-canary-0123456789";
    for text in ["", "sk-canary-012345678", "a key", "c2stY2FuYXJ5", "736b2d63616e617279"] {
        assert_eq!(find(secret, text.as_bytes()), None, "{text}");
    }
}
