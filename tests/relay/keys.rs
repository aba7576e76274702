//! Sealed where it rests: with the right key, slot and audience or not at all; and how a key is replaced.

use std::fs;

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::arena::{Arena, fresh};

const OLD: u8 = 7;
const NEW: u8 = 8;

/// Gives the runs these keys, newest first.
fn give(arena: &Arena, keys: &[u8]) {
    let keys: Vec<_> = keys.iter().map(|key| BASE64_STANDARD.encode([*key; 32])).collect();
    arena.sandbox.write("seal.key", keys.join("\n").as_bytes());
}

#[test]
fn a_key_is_replaced_by_giving_both_for_a_while() {
    let arena = Arena::due();
    let sealed = || fs::read(arena.sandbox.path("store/default.baton")).unwrap();
    let before = sealed();
    give(&arena, &[NEW]);
    arena.run(&arena.first(), &["restore"]).failed(8, "baton-unknown-key");
    arena.refresh().failed(8, "baton-unknown-key");
    give(&arena, &[NEW, OLD]);
    arena.run(&arena.first(), &["restore"]).fine();
    assert!(sealed() == before, "reading sealed it anew");
    arena.refresh().refreshed(true);
    give(&arena, &[NEW]);
    arena.refresh().refreshed(false);
    arena.holds_a_living_token();
    give(&arena, &[OLD]);
    arena.refresh().failed(8, "baton-unknown-key");
    assert_eq!(arena.authority.posts(), 1);
}

#[test]
fn another_slot_or_audience_does_not_open_it() {
    let arena = Arena::new();
    arena.seed(&fresh());
    arena.run(&arena.first(), &["restore", "--audience", "x"]).failed(8, "baton-wrong-audience");
    let store = arena.sandbox.path("store");
    fs::copy(store.join("default.baton"), store.join("other.baton")).unwrap();
    arena.run(&arena.first(), &["restore", "--slot", "other"]).failed(8, "baton-wrong-slot");
}

/// Whatever is wrong with what the slot has, a seed does not replace it: it is never "empty".
#[test]
fn what_cannot_be_opened_is_never_seeded_over() {
    let arena = Arena::new();
    let login = arena.seed(&fresh());
    let path = arena.sandbox.path("store/default.baton");
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    let last = damaged.len() - 10;
    damaged[last] ^= 1;
    let table: [(&[u8], &str); 4] = [
        (b"", "baton-not-sealed"),
        (b"{}", "baton-not-sealed"),
        (&whole[..whole.len() / 2], "baton-truncated"),
        (&damaged, "baton-damaged"),
    ];
    for (content, id) in table {
        fs::write(&path, content).unwrap();
        arena.restore(&arena.first(), &login).failed(8, id);
        arena.refresh().failed(8, id);
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    assert!(arena.authority.received().is_empty());
}
