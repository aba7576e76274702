//! Secrets as people hand them over, and each way to get it wrong.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::*;

fn key(bytes: &[u8]) -> Result<String, InputError> {
    api_key(bytes).map(|key| key.expose().to_owned())
}

#[test]
fn an_api_key_is_trimmed_as_codex_trims_it() {
    let table = [
        ("sk-test", "sk-test"),
        ("  sk-test\r\n", "sk-test"),
        ("\u{2003}\u{a0}sk-test\u{3000}\n\n", "sk-test"),
        // Not white space: Codex keeps it, so a key with a BOM fails there as here, visibly.
        ("\u{feff}sk-test\n", "\u{feff}sk-test"),
        ("sk test", "sk test"),
        ("sk-\0", "sk-\0"),
    ];
    for (given, expected) in table {
        assert_eq!(key(given.as_bytes()).as_deref(), Ok(expected), "{given:?}");
    }
}

#[test]
fn every_mistake_has_its_own_error() {
    let mistakes: [(&[u8], InputError); 7] = [
        (b"", InputError::Empty),
        (b" ", InputError::Blank),
        ("\n\u{2003}\r\n".as_bytes(), InputError::Blank),
        (b"sk-\xff", InputError::NotUtf8),
        (b"sk-a\nsk-b", InputError::SeveralLines),
        (b"sk-a\rsk-b", InputError::SeveralLines),
        (b"at-a\r\nat-b\n", InputError::SeveralLines),
    ];
    for (given, expected) in mistakes {
        assert_eq!(key(given).err(), Some(expected));
        assert_eq!(personal_access_token(given).err(), Some(expected));
    }
    for given in ["sk-test", "AT-x", "a.b.c", "\u{feff}at-x"] {
        assert_eq!(
            personal_access_token(given.as_bytes()).err(),
            Some(InputError::NotAnAccessToken),
            "{given}"
        );
    }
    assert_eq!(personal_access_token(b" at-x\n").ok().unwrap().expose(), "at-x");
}

#[test]
fn the_limits_are_exact() {
    const MAX_KEY_BYTES: usize = 16 * 1024;
    assert_eq!(MAX_INPUT_BYTES, 65_536);
    let too_large = InputError::TooLarge(MAX_INPUT_BYTES);
    // What was given counts, white space included.
    let largest = "k".to_owned() + &" ".repeat(MAX_INPUT_BYTES - 1);
    assert!(key(largest.as_bytes()).is_ok());
    assert_eq!(key(format!("{largest}\n").as_bytes()), Err(too_large));
    assert_eq!(auth_json(format!("{largest}k").as_bytes()).err(), Some(too_large));
    // Refused by size before anything is decoded.
    assert_eq!(key(&[0xff; MAX_INPUT_BYTES + 1]), Err(too_large));
    // A key fits into a file that can be read back.
    let longest = "k".repeat(MAX_KEY_BYTES);
    let file = Credential::of_api_key(Client::Codex, &api_key(longest.as_bytes()).ok().unwrap()).to_text();
    assert!(AuthJson::parse(file.as_bytes()).is_ok());
    assert_eq!(key(format!("{longest}k").as_bytes()), Err(InputError::TooLarge(MAX_KEY_BYTES)));
}

/// Breaks a text into lines of 76, as `base64` and `openssl` do.
fn folded(text: &str) -> String {
    text.as_bytes().chunks(76).map(|line| format!("{}\r\n", str::from_utf8(line).unwrap())).collect()
}

#[test]
fn a_document_may_come_in_any_base64() {
    let mut value = Sample::default().document();
    // In standard base64 this gives both of the characters that the alphabets spell differently.
    value["filler"] = "???>>>~~~\u{ff}".into();
    let expected = document(&value).to_text();
    for filler in ["", " ", "  "] {
        let json = format!("{value}{filler}");
        let standard = STANDARD.encode(&json);
        let spellings = [
            json.clone(),
            format!("\n {json}\n"),
            standard.clone(),
            format!("  {standard}\n"),
            folded(&standard),
            STANDARD_NO_PAD.encode(&json),
            URL_SAFE.encode(&json),
            URL_SAFE_NO_PAD.encode(&json),
            folded(&URL_SAFE_NO_PAD.encode(&json)),
            format!("\"{standard}\""),
            format!("'{}'\n", folded(&standard)),
            format!(" ' {json} ' "),
        ];
        assert!(spellings[2] != spellings[6], "the two alphabets differ here");
        for given in spellings {
            let read = auth_json(given.as_bytes()).unwrap_or_else(|error| panic!("{error}: {given}"));
            assert!(*read.to_text() == *expected);
        }
    }
}

#[test]
fn a_document_that_is_none_is_reported_as_it_was_given() {
    let not_json = |given: &[u8]| {
        matches!(auth_json(given).err(), Some(InputError::Document(ParseError::NotJson { .. })))
    };
    assert_eq!(auth_json(b"").err(), Some(InputError::Empty));
    assert_eq!(auth_json(b"\n").err(), Some(InputError::Blank));
    assert_eq!(auth_json(b"\xff").err(), Some(InputError::NotUtf8));
    assert!(not_json(b"{"));
    for quoted in ["\"", "'{\"", "\"sk-test\"", "\"e30"] {
        assert!(not_json(quoted.as_bytes()), "{quoted}");
    }
    assert_eq!(auth_json(b"\"\"").err(), Some(InputError::Document(ParseError::Blank)));
    assert!(not_json(b"sk-test"));
    assert!(not_json(STANDARD.encode("no JSON").as_bytes()));
    assert!(not_json("\u{feff}{}".as_bytes()));
    assert!(not_json(STANDARD.encode("{\"cut").as_bytes()));
    let twice = STANDARD.encode(STANDARD.encode("{}"));
    assert!(not_json(twice.as_bytes()), "base64 is taken off once");
    let broken_in_base64 = STANDARD.encode(b"{\"x\":\"\xff\"}");
    assert_eq!(auth_json(broken_in_base64.as_bytes()).err(), Some(InputError::Document(ParseError::NotUtf8)));
    let odd = auth_json(STANDARD.encode(r#"{"auth_mode":"x"}"#).as_bytes()).err();
    assert!(matches!(odd, Some(InputError::Document(ParseError::NotACredential { .. }))));
}

#[test]
fn no_error_repeats_what_was_given() {
    let secret = "secret-secret";
    for given in [
        secret.to_owned(),
        format!("{secret}\n{secret}"),
        format!("{{\"auth_mode\":\"{secret}\"}}"),
        format!("{{\"tokens\":\"{secret}\"}}"),
        format!("{{\"last_refresh\":\"{secret}\"}}"),
        format!("{{\"{secret}\":"),
        format!("{{\"tokens\":{{\"id_token\":\"{secret}\",\"access_token\":\"\",\"refresh_token\":\"\"}}}}"),
    ] {
        let errors = [api_key(given.as_bytes()).err(), auth_json(given.as_bytes()).err()];
        for error in errors.into_iter().chain([personal_access_token(given.as_bytes()).err()]).flatten() {
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }
}
