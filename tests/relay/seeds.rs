//! Seeds: a login that a person provides enters the slot once, if it is newer. And `save`, which is a seed from a home.

use std::fs;

use authbaton::rehearsal::{Account, Behaviour, Fault, IssueOptions, Refusal, Twist};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::arena::{Arena, due, fresh, issued};

/// Logins in the order in which they were issued.
fn older() -> IssueOptions {
    issued(TimeDelta::hours(-20), TimeDelta::days(9))
}

fn newer() -> IssueOptions {
    issued(TimeDelta::hours(-1), TimeDelta::days(9))
}

fn refresh_token(login: &str) -> String {
    let login: Value = serde_json::from_str(login).unwrap();
    login["tokens"]["refresh_token"].as_str().unwrap().to_owned()
}

#[test]
fn the_secret_of_a_queued_job_is_ignored() {
    let arena = Arena::new();
    let seed = arena.seed(&due());
    arena.refresh().refreshed(true);
    let (token, generation) = (arena.held_token(), arena.state().generation);
    for text in [seed, arena.issue(&older())] {
        let ran = arena.restore(&arena.runner(2, 2), &text);
        assert!(ran.fine().stderr.contains("the seed is ignored"), "{}", ran.stderr);
        assert_eq!((arena.held_token(), arena.state().generation), (token.clone(), generation));
    }
    assert_eq!(arena.runner(2, 2).access_token(), arena.held_access_token());
}

#[test]
fn a_newer_seed_replaces_what_is_there_in_any_state() {
    let refused = |status, code: &str| Behaviour::Failing(Fault::Refusal(Refusal::new(status, code)));
    let table = [
        (Behaviour::Honest, "idle"),
        (refused(400, "invalid_grant"), "dead invalid-grant"),
        (refused(401, "something_new"), "suspect"),
        (Behaviour::Twisted(Twist::OtherUser), "dead reply-refused"),
    ];
    for (behaviour, phase) in table {
        let arena = Arena::due();
        arena.authority.script(behaviour);
        arena.refresh();
        assert_eq!(arena.phase(), phase);
        let before = arena.held_token();
        let seed = arena.seed(&newer());
        assert_eq!((arena.phase().as_str(), arena.held_token()), ("idle", refresh_token(&seed)));
        assert!(before != arena.held_token());
        assert_eq!(arena.state().spent.len(), if phase == "idle" { 2 } else { 1 });
        arena.run(&arena.first(), &["refresh", "--force"]).refreshed(true);
        arena.holds_a_living_token();
    }
}

#[test]
fn without_iat_only_a_fresh_slot_takes_it() {
    let undated = || IssueOptions { issued: None, ..fresh() };
    let arena = Arena::new();
    let seed = arena.seed(&undated());
    assert_eq!(arena.held_token(), refresh_token(&seed));
    let ran = arena.restore(&arena.first(), &arena.issue(&undated()));
    assert!(ran.fine().stderr.contains("ignored"));
    assert_eq!(arena.held_token(), refresh_token(&seed));
    // A dated one is newer than one that does not say.
    let dated = arena.seed(&older());
    assert_eq!(arena.held_token(), refresh_token(&dated));
}

#[test]
fn another_account_needs_a_flag() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let (token, home) = (arena.held_token(), fs::read(arena.first().auth_json()).unwrap());
    let other = arena.authority.issue(&Account::named("two"), &newer()).unwrap();
    arena.restore(&arena.first(), &other).failed(9, "account-change");
    assert!(arena.held_token() == token && fs::read(arena.first().auth_json()).unwrap() == home);
    let arguments = ["restore", "--seed-stdin", "--allow-account-change"];
    arena.run_with(&arena.first(), &arguments, &other).fine();
    assert_eq!(arena.held_token(), refresh_token(&other));
}

#[test]
fn a_purged_slot_remembers() {
    let arena = Arena::new();
    let seed = arena.seed(&due());
    arena.refresh().refreshed(true);
    let rotated = arena.baton().state().holds.unwrap();
    arena.run(&arena.first(), &["logout", "--purge"]).fine();
    assert_eq!((arena.phase().as_str(), arena.baton().login().is_none()), ("empty", true));
    assert!(arena.state().is_spent(rotated));
    assert!(!arena.first().auth_json().exists());
    // Promise 9: nothing was revoked.
    assert_eq!(arena.authority.received().len(), 1);
    for text in [seed, arena.issue(&older())] {
        arena.restore(&arena.first(), &text).failed(3, "slot-empty");
    }
    let fresh = arena.seed(&newer());
    assert_eq!(arena.held_token(), refresh_token(&fresh));
}

#[test]
fn logout_revokes_only_when_told_to() {
    let arena = Arena::new();
    arena.seed(&fresh());
    arena.run(&arena.first(), &["logout"]).fine();
    assert!(arena.authority.received().is_empty());
    arena.holds_a_living_token();
    let token = arena.held_token();
    arena.run(&arena.first(), &["logout", "--purge", "--revoke"]).fine();
    assert!(!arena.authority.is_alive(&token));
}

/// Puts a login into the first home, as the client does.
fn log_in(arena: &Arena, login: &str) {
    arena.sandbox.place(login.as_bytes());
}

#[test]
fn save_moves_the_login_into_the_slot() {
    let arena = Arena::new();
    let login = arena.issue(&fresh());
    log_in(&arena, &login);
    let ran = arena.run(&arena.first(), &["save"]);
    assert_eq!(ran.fine().json["saved"], true);
    assert_eq!(arena.held_token(), refresh_token(&login));
    assert_eq!(arena.first().access_token(), arena.held_access_token());
    // Access-only now; there is nothing more to save.
    let ran = arena.run(&arena.first(), &["save"]);
    assert_eq!(ran.fine().json["saved"], false);
    assert_eq!(arena.state().generation, 1);
}

#[test]
fn save_of_what_the_slot_knows_leaves_the_slot() {
    let arena = Arena::new();
    let login = arena.seed(&due());
    arena.refresh().refreshed(true);
    log_in(&arena, &login);
    let ran = arena.run(&arena.first(), &["save"]);
    assert_eq!(ran.fine().json["saved"], false);
    arena.holds_a_living_token();
    assert_eq!(arena.first().access_token(), arena.held_access_token());
}

#[test]
fn save_of_what_is_not_newer_keeps_both() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let (token, login) = (arena.held_token(), arena.issue(&older()));
    log_in(&arena, &login);
    arena.run_only(&arena.first(), &["save"], "").failed(9, "not-newer");
    assert_eq!(arena.held_token(), token);
    assert!(fs::read_to_string(arena.first().auth_json()).unwrap() == login);
}

#[test]
fn save_of_another_account_keeps_both() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let token = arena.held_token();
    let login = arena.authority.issue(&Account::named("two"), &newer()).unwrap();
    log_in(&arena, &login);
    arena.run_only(&arena.first(), &["save"], "").failed(9, "account-change");
    assert!(arena.held_token() == token && fs::read_to_string(arena.first().auth_json()).unwrap() == login);
}

#[test]
fn save_takes_nothing_but_a_full_login() {
    let arena = Arena::new();
    arena.run(&arena.first(), &["save"]).failed(3, "not-logged-in");
    let key = json!({"auth_mode": "apikey", "OPENAI_API_KEY": "sk-test-key"}).to_string();
    log_in(&arena, &key);
    arena.run(&arena.first(), &["save"]).failed(3, "not-a-full-login");
    assert!(fs::read_to_string(arena.first().auth_json()).unwrap() == key);
}

#[test]
fn restore_leaves_a_login_that_it_did_not_place() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let login = arena.issue(&newer());
    log_in(&arena, &login);
    arena.run_only(&arena.first(), &["restore"], "").failed(9, "home-occupied");
    assert!(fs::read_to_string(arena.first().auth_json()).unwrap() == login);
    arena.run(&arena.first(), &["restore", "--replace"]).fine();
    assert_eq!(arena.first().access_token(), arena.held_access_token());
}

/// `refresh` renews the slot, and leaves a home alone that has a login of its own.
#[test]
fn refresh_leaves_a_login_that_it_did_not_place() {
    let arena = Arena::due();
    let login = arena.issue(&newer());
    log_in(&arena, &login);
    arena.run_only(&arena.first(), &["refresh"], "").refreshed(true);
    assert!(fs::read_to_string(arena.first().auth_json()).unwrap() == login);
}
