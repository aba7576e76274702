//! Keys and names: what is accepted at the limits, and which mistake is which.

use super::seal::{FIRST, SECOND};
use super::*;

#[test]
fn sixteen_keys_are_enough() {
    let many = |count| vec![FIRST; count].join("\n");
    assert!(SealKeys::parse(&many(16)).is_ok());
    assert_eq!(SealKeys::parse(&many(17)).err(), Some(KeyError::TooMany));
    assert_eq!(SealKeys::parse("").err(), Some(KeyError::Missing));
    assert_eq!(SealKeys::parse(" ,\n, ").err(), Some(KeyError::Missing));
}

#[test]
fn a_bad_key_is_named_by_its_place_and_not_by_its_text() {
    let error = SealKeys::parse(&format!("{FIRST}, {SECOND} \"{FIRST}\"")).err().unwrap();
    assert_eq!(error, KeyError::NotAKey(3));
    assert!(!format!("{error} {error:?}").contains("0011"));
    let not_quite_hex = FIRST.replace("ff", "fg");
    assert_eq!(SealKeys::parse(&not_quite_hex).err(), Some(KeyError::NotAKey(1)));
    assert_eq!(SealKeys::parse(FIRST.strip_suffix("ff").unwrap()).err(), Some(KeyError::NotAKey(1)));
}

#[test]
fn an_audience_has_at_most_256_bytes() {
    assert!(Audience::new(&"a".repeat(256)).is_ok());
    assert!(Audience::new(&"\u{fc}".repeat(128)).is_ok());
    assert_eq!(Audience::new(&"\u{fc}".repeat(129)), Err(NameError::Audience));
    assert_eq!(Audience::new("a\u{85}"), Err(NameError::Audience));
    assert_eq!(Audience::default().to_string(), "");
    assert_eq!(SlotName::default().as_str(), "default");
    assert!(SlotName::new(&"s".repeat(64)).is_ok());
}

#[test]
fn a_name_is_checked_when_it_is_read_too() {
    let slot = |text: &str| serde_json::from_value::<SlotName>(text.into());
    assert_eq!(slot("team-a").unwrap(), SlotName::new("team-a").unwrap());
    assert_eq!(serde_json::to_value(slot("team-a").unwrap()).unwrap(), "team-a");
    assert!(slot("../other").is_err() && slot("").is_err());
    let audience = |text: &str| serde_json::from_value::<Audience>(text.into());
    assert_eq!(serde_json::to_value(audience("42").unwrap()).unwrap(), "42");
    assert!(audience("a\nb").is_err());
}

#[test]
fn a_home_keeps_its_name_in_its_lock_file() {
    assert!(HomeId::parse(&home(0xab).to_string()) == Some(home(0xab)));
    for text in ["", "ab", &"AB".repeat(16), &format!("{}\n", "ab".repeat(16)), &"ab".repeat(17)] {
        assert!(HomeId::parse(text).is_none(), "{text}");
    }
}
