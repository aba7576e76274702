//! A sealed text has one spelling: whatever is cut, flipped, added, moved or made up is refused, and nothing panics.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::Value;

use super::seal::{FIRST, error, keys, random, sealed, slot};
use super::*;
use crate::testing::config;

#[test]
fn a_text_cut_anywhere_is_refused_as_cut() {
    let sealed = sealed();
    let text = sealed.as_slice();
    let keys = keys(FIRST);
    let recognisable = br#"{"clear":{"magic":"authbaton""#.len();
    for length in 0..text.len() {
        let expected = if length < recognisable { OpenError::NotSealed } else { OpenError::Truncated };
        assert_eq!(error(&keys, &slot(), &text[..length]), Some(expected), "{length} bytes");
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let sealed = sealed();
    let ciphertext =
        sealed.as_slice().windows(14).position(|part| part == br#""ciphertext":""#).unwrap() + 14;
    let end = sealed.as_slice().len() - 2;
    let keys = keys(FIRST);
    let mut text = sealed.as_slice().to_vec();
    for place in 0..text.len() {
        for bit in 0..8 {
            text[place] ^= 1 << bit;
            let error = error(&keys, &slot(), &text);
            assert!(error.is_some(), "bit {bit} of byte {place}");
            // A bit of the ciphertext may also end its string or begin an escape; it is our text all the same.
            if (ciphertext..end).contains(&place) {
                let named = matches!(error, Some(OpenError::Damaged | OpenError::Truncated));
                assert!(named, "bit {bit} of byte {place}: {error:?}");
            }
            text[place] ^= 1 << bit;
        }
    }
    assert_eq!(error(&keys, &slot(), &text), None);
}

#[test]
fn another_spelling_of_the_same_content_is_damaged() {
    let sealed = sealed();
    let text = String::from_utf8(sealed.as_slice().to_vec()).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let hash = value.pointer("/clear/header/state/holds").unwrap().as_str().unwrap();
    let last = value.pointer("/ciphertext").unwrap().as_str().unwrap();
    let spellings = [
        text.replacen(':', ": ", 1).replacen("{\"clear\": ", "{\"clear\":", 1).replacen(
            "\"header\":",
            "\"header\": ",
            1,
        ),
        format!("{text}\n"),
        format!("{text} "),
        text.replace(hash, &hash.to_uppercase()),
        text.replace("repository", "\\u0072epository"),
        text.replace("\"generation\":1", "\"generation\":1.0"),
        text.replace("\"generation\":1", "\"generation\":01"),
        text.replace("\"unproven\":null,", ""),
        text.replace("\"writer\":", "\"proven\":null,\"writer\":"),
        text.replace("\"clear\":{", "\"clear\":{\"extra\":1,"),
        text.replace(",\"ciphertext\"", ",\"extra\":1,\"ciphertext\""),
        text.replace(
            &format!(",\"ciphertext\":\"{last}\""),
            &format!(",\"ciphertext\":\"{last}\",\"ciphertext\":\"{last}\""),
        ),
        text.replace(last, last.trim_end_matches('=')),
        serde_json::to_string_pretty(&value).unwrap(),
    ];
    for spelling in spellings {
        if spelling == text {
            continue;
        }
        let error = error(&keys(FIRST), &slot(), spelling.as_bytes());
        assert_eq!(error, Some(OpenError::Damaged), "{spelling}");
    }
    for (one, two) in [("salt", "nonce"), ("version", "kind")] {
        let mut moved = value.clone();
        let clear = moved["clear"].as_object_mut().unwrap();
        let (one_value, two_value) = (clear.remove(one).unwrap(), clear.remove(two).unwrap());
        clear.insert(two.to_owned(), two_value);
        clear.insert(one.to_owned(), one_value);
        let moved = serde_json::to_vec(&moved).unwrap();
        assert_eq!(error(&keys(FIRST), &slot(), &moved), Some(OpenError::Damaged), "{one} behind {two}");
    }
}

#[test]
fn what_was_never_ours_is_no_sealed_baton() {
    for text in [
        "",
        "{}",
        "null",
        "[]",
        "authbaton",
        r#"{"clear":{"magic":"other","version":1,"kind":"baton","key_id":""}}"#,
    ] {
        assert_eq!(error(&keys(FIRST), &slot(), text.as_bytes()), Some(OpenError::NotSealed), "{text}");
    }
    let deep = [b"{\"clear\":".repeat(10_000), b"[".repeat(10_000)];
    for text in deep {
        assert!(error(&keys(FIRST), &slot(), &text).is_some());
    }
}

#[test]
fn arbitrary_bytes_never_open_and_never_panic() {
    let keys = keys(FIRST);
    let sealed = sealed();
    let text = sealed.as_slice();
    let spliced = (any::<prop::sample::Index>(), 0..40_usize, prop::collection::vec(any::<u8>(), 0..40))
        .prop_map(|(index, cut, new)| {
            let from = index.index(text.len());
            let to = (from + cut).min(text.len());
            [&text[..from], &new, &text[to..]].concat()
        });
    let garbage = prop::collection::vec(any::<u8>(), 0..300);
    TestRunner::new(config(300, 30_000))
        .run(&prop_oneof![garbage, spliced], |bytes| {
            let error = error(&keys, &slot(), &bytes);
            prop_assert_eq!(error.is_none(), bytes == text);
            Ok(())
        })
        .unwrap();
}

#[test]
fn any_secret_and_any_randomness_round_trips() {
    let keys = keys(FIRST);
    let SlotId { slot, audience } = slot();
    let header =
        JournalHeader { slot, audience, store: "file:".to_owned(), parent: token(HELD), lease: lease_id(1) };
    let anything = (prop::collection::vec(any::<u8>(), 0..600), any::<[u8; 32]>(), any::<[u8; 24]>());
    TestRunner::new(config(100, 5_000))
        .run(&anything, |(secret, salt, nonce)| {
            let random = SealRandom { salt, nonce };
            let sealed = super::super::seal(&keys, &header, &secret, &random).unwrap();
            let opened = open::<JournalHeader>(&keys, &sealed).unwrap();
            prop_assert_eq!(opened.secret.as_slice(), secret.as_slice());
            Ok(())
        })
        .unwrap();
}

#[test]
fn sealing_is_a_function_of_what_it_is_given() {
    let again = super::seal::baton().seal(&keys(FIRST), &slot(), &random()).unwrap();
    assert!(again == sealed());
}
