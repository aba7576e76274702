//! The policy changes while a job is under way. It is caught at the next gate, and no token is lost: the policy stops
//! placing, never storing.

use std::fs;

use authbaton::rehearsal::IssueOptions;
use serde_json::Value;

use crate::arena::{Arena, Ran, due, fresh};
use crate::launch::LIMIT;
use crate::scene::{MANAGED, is_there, write};

const FORBIDS: &str = "forced_login_method = \"api\"\n";
const KEYRING: &str = "cli_auth_credentials_store = \"keyring\"\n";

/// Refreshes, and writes the administrator's file while the authority keeps its reply back.
#[track_caller]
fn refresh_during_which(arena: &Arena, options: &[&str], content: &str) -> Ran {
    arena.authority.hold_replies();
    let started = arena.start(&arena.first(), &[&["refresh"], options].concat(), "");
    assert!(arena.authority.wait_for_exchanges(1, LIMIT), "{}", started.said());
    write(arena, MANAGED, content);
    arena.authority.release();
    arena.ended(started)
}

/// Demands that the slot has the renewed login, one generation on, proven, and that nothing else is left of it.
#[track_caller]
fn was_stored(arena: &Arena, generation: u64) {
    let state = arena.state();
    assert_eq!((state.generation, state.unproven, arena.phase().as_str()), (generation + 1, None, "idle"));
    assert!(arena.journals(&arena.first()).is_empty(), "a journal is left");
    arena.holds_a_living_token();
    arena.nothing_lies_around();
    assert_eq!(arena.authority.posts(), 1);
}

#[test]
fn between_restore_and_refresh_it_stops_before_the_request() {
    let arena = Arena::due();
    let state = arena.state();
    write(&arena, MANAGED, FORBIDS);
    arena.refresh().failed(4, "policy-logged-out");
    assert!(arena.authority.received().is_empty());
    assert!(arena.state() == state, "the slot was written");
    assert!(!is_there(&arena.first().auth_json()), "the copy is still in the home");
    assert!(arena.journals(&arena.first()).is_empty());
}

#[test]
fn during_an_exchange_it_stops_placing_and_not_storing() {
    let arena = Arena::due();
    let generation = arena.state().generation;
    refresh_during_which(&arena, &[], FORBIDS).failed(4, "policy-logged-out");
    was_stored(&arena, generation);
    // Neither the new token nor what it had: the old copy is of a forbidden login, too.
    assert!(!is_there(&arena.first().auth_json()));
    fs::remove_file(arena.sandbox.path(MANAGED)).unwrap();
    arena.run(&arena.first(), &["restore"]).fine();
    assert!(arena.first().access_token() == arena.held_access_token());
    assert_eq!(arena.authority.posts(), 1, "restoring cost another exchange");
}

#[test]
fn between_two_jobs_the_second_gets_nothing() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let state = arena.state();
    write(&arena, MANAGED, FORBIDS);
    let second = arena.runner(2, 2);
    arena.run(&second, &["restore"]).failed(4, "policy-forbidden");
    assert!(!is_there(&second.auth_json()) && !is_there(&second.home.join("authbaton.json")));
    assert!(arena.state() == state && arena.authority.received().is_empty());
    // And in the first job's home the copy goes.
    arena.run(&arena.first(), &["restore"]).failed(4, "policy-logged-out");
    assert!(!is_there(&arena.first().auth_json()));
}

/// Nobody can tell then whether the new login is allowed: it is stored, the home keeps what it has.
#[test]
fn unreadable_during_an_exchange_stops_placing_and_not_storing() {
    let huge = format!("a = \"{}\"\n", "x".repeat(2 << 20));
    let table = [
        ("forced_login_method = 5\n", "policy-invalid"),
        ("not toml\n", "policy-invalid"),
        (&huge, "policy-unreadable"),
        ("forced_login_method = \"chatgpt\"\n[t]\nx = 1\nx = 2\n", "policy-invalid"),
    ];
    for (content, id) in table {
        let arena = Arena::due();
        let (generation, old) = (arena.state().generation, fs::read(arena.first().auth_json()).unwrap());
        refresh_during_which(&arena, &[], content).failed(2, id);
        was_stored(&arena, generation);
        assert!(fs::read(arena.first().auth_json()).unwrap() == old, "{id}");
        fs::remove_file(arena.sandbox.path(MANAGED)).unwrap();
        arena.run(&arena.first(), &["restore"]).fine();
        assert!(arena.first().access_token() == arena.held_access_token());
        assert_eq!(arena.authority.posts(), 1);
    }
}

/// A home that is the holder: there is no other place for the new token, so it is saved there; then it goes.
#[test]
fn in_a_home_that_is_the_holder_saving_is_never_stopped() {
    let home = ["--store", "home:"];
    for content in [FORBIDS, "not toml\n", KEYRING] {
        let arena = with_login(&due());
        let old = refresh_token(&arena);
        let ran = refresh_during_which(&arena, &home, content);
        assert_eq!(ran.json["refreshed"], true, "{content}: {}", ran.stderr);
        let new = refresh_token(&arena);
        assert!(new != old && arena.authority.is_alive(&new), "{content}: the new token is lost");
        let enforce = arena.run_only(&arena.first(), &["enforce"], "");
        if content == FORBIDS {
            enforce.failed(4, "policy-logged-out");
            assert!(!is_there(&arena.first().auth_json()));
        } else {
            assert!(is_there(&arena.first().auth_json()), "{content}: {}", enforce.stderr);
        }
        assert_eq!(arena.authority.posts(), 1);
    }
}

#[test]
fn a_keyring_in_between_stops_before_anything_is_spent() {
    let arena = Arena::due();
    let (state, old) = (arena.state(), fs::read(arena.first().auth_json()).unwrap());
    write(&arena, MANAGED, KEYRING);
    for verb in [&["refresh"][..], &["refresh", "--force"], &["restore"]] {
        let ran = arena.run(&arena.first(), verb);
        ran.failed(2, "credentials-store-unsupported");
        assert!(ran.stderr.contains(arena.sandbox.path(MANAGED).to_str().unwrap()), "{}", ran.stderr);
    }
    assert!(arena.authority.received().is_empty() && arena.state() == state);
    assert!(fs::read(arena.first().auth_json()).unwrap() == old);
    // The same without a store.
    let arena = with_login(&due());
    let old = fs::read(arena.first().auth_json()).unwrap();
    write(&arena, MANAGED, KEYRING);
    let refresh = ["refresh", "--store", "home:"];
    arena.run(&arena.first(), &refresh).failed(2, "credentials-store-unsupported");
    assert!(arena.authority.received().is_empty());
    assert!(fs::read(arena.first().auth_json()).unwrap() == old);
}

/// It waits for a lease, and the administrator does not wait for it.
#[test]
fn while_waiting_for_a_lease_it_is_caught_too() {
    let arena = Arena::due();
    arena.authority.hold_replies();
    let other = arena.runner(2, 2);
    arena.run(&other, &["restore"]).fine();
    let owner = arena.start(&arena.first(), &["refresh"], "");
    assert!(arena.authority.wait_for_exchanges(1, LIMIT), "{}", owner.said());
    let waiting = arena.start(&other, &["refresh", "-v"], "");
    crate::arena::wait_until("the waiting", || waiting.said().contains("waiting"));
    write(&arena, MANAGED, FORBIDS);
    arena.authority.release();
    arena.ended(owner).failed(4, "policy-logged-out");
    arena.ended(waiting).failed(4, "policy-logged-out");
    assert!(!is_there(&other.auth_json()) && !is_there(&arena.first().auth_json()));
    assert_eq!(arena.authority.posts(), 1);
    arena.holds_a_living_token();
}

fn with_login(options: &IssueOptions) -> Arena {
    let arena = Arena::new();
    let login = arena.issue(options);
    arena.sandbox.place(login.as_bytes());
    arena
}

fn refresh_token(arena: &Arena) -> String {
    let document: Value = serde_json::from_slice(&arena.sandbox.auth_json().unwrap()).unwrap();
    document["tokens"]["refresh_token"].as_str().unwrap().to_owned()
}
