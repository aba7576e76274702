//! What was renewed but not stored comes back: by `rescue` with the printed text, on any machine that has the key, and from
//! journals in whatever condition they are.

use std::fs;

use chrono::TimeDelta;

use crate::arena::{Arena, issued};
use crate::unstored::refresh_without_storing;

/// 32 other bytes in hex, which nothing has been sealed with.
const NEW_KEY: &str = "0101010101010101010101010101010101010101010101010101010101010101";

#[test]
fn the_printed_text_is_stored_on_another_machine() {
    let arena = Arena::due();
    let text = refresh_without_storing(&arena, &arena.first()).text;
    let elsewhere = arena.runner(2, 2);
    let log = format!("a log, and in it\n{text}and more of the log\n");
    let ran = arena.run_with(&elsewhere, &["rescue"], &log);
    ran.fine();
    assert_eq!(ran.json["rescued"], true);
    // Stored under its own lease, so there is nothing to prove.
    assert_eq!((arena.phase().as_str(), arena.state().unproven), ("idle", None));
    arena.holds_a_living_token();
    arena.run(&elsewhere, &["restore"]).fine();
    arena.run(&elsewhere, &["refresh"]).refreshed(false);
    assert_eq!(arena.authority.posts(), 1, "it was exchanged again");
    // A second time there is nothing to do; nor is there where the journal still lies.
    assert_eq!(arena.run_with(&elsewhere, &["rescue"], &text).fine().json["rescued"], false);
    arena.run(&arena.first(), &["rescue"]).fine();
    assert!(arena.journals(&arena.first()).is_empty());
    arena.nothing_lies_around();
}

#[test]
fn a_broken_policy_keeps_nothing_out_of_the_store() {
    let arena = Arena::due();
    let first = arena.first();
    let text = refresh_without_storing(&arena, &first).text;
    fs::write(first.home.join("config.toml"), "forced_login_method = 5\n").unwrap();
    arena.run_with(&first, &["rescue"], &text).fine();
    arena.holds_a_living_token();
    // Using it is another matter.
    arena.run(&first, &["restore"]).failed(2, "policy-invalid");
}

#[test]
fn the_journal_of_this_machine_needs_no_text() {
    let arena = Arena::due();
    refresh_without_storing(&arena, &arena.first());
    arena.run(&arena.first(), &["rescue"]).fine();
    arena.holds_a_living_token();
    assert!(arena.journals(&arena.first()).is_empty());
}

#[test]
fn a_text_of_a_slot_that_moved_on_changes_nothing() {
    let arena = Arena::due();
    let text = refresh_without_storing(&arena, &arena.first()).text;
    let elsewhere = arena.runner(2, 2);
    arena.restore(&elsewhere, &arena.issue(&issued(TimeDelta::minutes(1), TimeDelta::days(10)))).fine();
    let before = arena.state();
    arena.run_with(&elsewhere, &["rescue"], &text).failed(9, "rescue-moved-on");
    assert!(arena.state() == before);
}

#[test]
fn what_is_no_text_or_does_not_open_changes_nothing() {
    let arena = Arena::due();
    let text = refresh_without_storing(&arena, &arena.first()).text;
    let elsewhere = arena.runner(2, 2);
    let before = arena.state();
    let refused = |arguments: &[&str], input: &str, code: i32, id: &str| {
        arena.run_with(&elsewhere, arguments, input).failed(code, id);
    };
    refused(&["rescue"], "nothing of ours", 3, "rescue-unreadable");
    let (first_half, _) = text.split_at(text.len() / 2);
    refused(&["rescue"], first_half, 3, "rescue-unreadable");
    refused(&["rescue", "--slot", "another"], &text, 8, "baton-wrong-slot");
    refused(&["rescue", "--audience", "another"], &text, 8, "baton-wrong-audience");
    let key = fs::read(arena.sandbox.path("seal.key")).unwrap();
    arena.sandbox.write("seal.key", NEW_KEY.as_bytes());
    refused(&["rescue"], &text, 8, "baton-unknown-key");
    arena.sandbox.write("seal.key", &key);
    // A baton is no reply, although it is sealed.
    let baton = fs::read_to_string(arena.sandbox.path("store/default.baton")).unwrap();
    refused(&["rescue"], &baton, 8, "baton-not-sealed");
    assert!(arena.state() == before);
}

#[test]
fn a_journal_under_an_older_key_is_opened_with_both() {
    let arena = Arena::due();
    refresh_without_storing(&arena, &arena.first());
    let old = fs::read_to_string(arena.sandbox.path("seal.key")).unwrap();
    arena.sandbox.write("seal.key", format!("{NEW_KEY}\n{old}").as_bytes());
    arena.run(&arena.first(), &["rescue"]).fine();
    assert!(arena.journals(&arena.first()).is_empty());
    assert_eq!(arena.authority.exchanges(), 1);
}

#[test]
fn a_torn_journal_is_kept_and_named_and_stops_nobody() {
    let arena = Arena::due();
    let runner = arena.first();
    refresh_without_storing(&arena, &runner);
    let (path, _) = arena.journals(&runner).remove(0);
    let mut journal = fs::read(&path).unwrap();
    let length = journal.iter().rposition(|byte| *byte != 0).unwrap();
    journal[length / 2..].fill(0);
    fs::write(&path, &journal).unwrap();
    let ran = arena.run(&runner, &["rescue"]);
    ran.fine();
    assert!(ran.stderr.contains("is kept") && ran.stderr.contains(path.to_str().unwrap()), "{}", ran.stderr);
    assert!(fs::read(&path).unwrap() == journal);
}

#[test]
fn a_journal_of_another_store_is_not_this_slots() {
    let arena = Arena::due();
    let runner = arena.first();
    refresh_without_storing(&arena, &runner);
    let journals = arena.journals(&runner);
    // The same slot in another directory: its journals have other names.
    let other = format!("file:{}", arena.sandbox.path("other-store").display());
    let ran = arena.run(&runner, &["rescue", "--store", &other]);
    ran.fine();
    assert!(!ran.stderr.contains("journal `"), "{}", ran.stderr);
    assert_eq!(arena.journals(&runner), journals);
}

#[test]
fn whoever_may_not_write_the_store_leaves_the_journal() {
    let arena = Arena::due();
    let runner = arena.first();
    let text = refresh_without_storing(&arena, &runner).text;
    let (before, journals) = (arena.state(), arena.journals(&runner));
    let carried = format!("{}?carried=ci-cache", arena.sandbox.store());
    arena.run(&runner, &["restore", "--store", &carried]).fine();
    arena.run_with(&runner, &["rescue", "--store", &carried], &text).failed(8, "store-not-exclusive");
    assert!(arena.state() == before);
    assert_eq!(arena.journals(&runner), journals);
}

/// Also what a run spent that ended before it could note it: whoever settles its journal knows, too.
#[test]
fn what_a_journal_tells_of_a_spent_token_is_remembered() {
    let arena = Arena::due();
    let runner = arena.first();
    let slot = arena.sandbox.path("store/default.baton");
    let old = fs::read(&slot).unwrap();
    refresh_without_storing(&arena, &runner);
    let (journal, _) = arena.journals(&runner).remove(0);
    fs::remove_dir_all(journal.parent().unwrap().with_file_name("spent")).unwrap();
    arena.run(&runner, &["rescue"]).fine();
    fs::write(&slot, &old).unwrap();
    arena.run(&runner, &["refresh"]).failed(5, "login-rolled-back");
    assert_eq!(arena.authority.posts(), 1);
}
