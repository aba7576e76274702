//! `refresh` where nothing goes wrong: one exchange when it is due, none when it is not, and the store comes first.

use std::cell::RefCell;
use std::fs;

use authbaton::credential::AccessToken;
use authbaton::relay::{Refreshed, Want};

use crate::arena::{Arena, due, fresh, wait_until};
use crate::lab::Lab;
use crate::launch::{Done, LIMIT};

#[test]
fn a_due_login_is_exchanged_once_and_placed() {
    let arena = Arena::due();
    let (parent, before) = (arena.held_token(), arena.first().access_token());
    arena.refresh().refreshed(true);
    assert_eq!((arena.authority.posts(), arena.authority.exchanges()), (1, 1));
    assert_ne!(arena.first().access_token(), before);
    assert_eq!(arena.first().access_token(), arena.held_access_token());
    assert!(!arena.authority.is_alive(&parent));
    arena.holds_a_living_token();
    assert_eq!((arena.phase(), arena.state().generation), ("idle".to_owned(), 2));
    assert!(arena.state().unproven.is_none());
    assert!(arena.journals(&arena.first()).is_empty(), "a journal was left behind");
    // And now there is nothing more to do.
    arena.refresh().refreshed(false);
    assert_eq!(arena.authority.posts(), 1);
}

#[test]
fn a_fresh_login_asks_nobody() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let written = arena.state().writer;
    arena.refresh().refreshed(false);
    assert!(arena.authority.received().is_empty());
    assert_eq!(arena.state().writer, written, "the slot was written");
}

#[test]
fn a_second_job_adopts_what_the_first_one_got() {
    let arena = Arena::due();
    arena.refresh().refreshed(true);
    let second = arena.runner(2, 2);
    arena.run(&second, &["restore"]).fine();
    arena.run(&second, &["refresh"]).refreshed(false);
    assert_eq!(second.access_token(), arena.first().access_token());
    assert_eq!(arena.authority.posts(), 1);
}

#[test]
fn a_refused_access_token_is_replaced_once_and_another_is_adopted() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let lab = Lab::new(&arena, arena.first());
    let replace = |refused: &AccessToken| {
        lab.with(&lab.store(), &arena.keys(), |relay, session| relay.replace(session, refused)).unwrap()
    };
    let held = |refreshed: &Refreshed| refreshed.loaded.baton().login().unwrap().access_token();
    let first = held(&lab.refresh(&lab.store()).unwrap());
    let replaced = replace(&first);
    assert!(replaced.exchanged);
    assert_ne!(held(&replaced).expose(), first.expose());
    let reason = arena.authority.received().remove(0).refresh_reason;
    assert_eq!(reason.as_deref(), Some("unauthorized_recovery"));
    // Whoever was refused the same token adopts what came of that.
    let adopted = replace(&first);
    assert!(!adopted.exchanged);
    assert_eq!(held(&adopted).expose(), held(&replaced).expose());
    assert_eq!(arena.authority.posts(), 1);
}

#[test]
fn force_exchanges_what_is_not_due() {
    let arena = Arena::new();
    arena.seed(&fresh());
    arena.run(&arena.first(), &["refresh", "--force"]).refreshed(true);
    assert_eq!(arena.authority.posts(), 1);
    assert_eq!(arena.first().access_token(), arena.held_access_token());
    let reason = arena.authority.received().remove(0).refresh_reason;
    assert_eq!(reason.as_deref(), Some("forced"));
}

#[test]
fn an_empty_home_stays_empty() {
    let arena = Arena::due();
    let other = arena.runner(2, 0);
    arena.run(&other, &["refresh"]).refreshed(true);
    assert!(!other.auth_json().exists());
}

/// While the store refuses, the reply is in the journal and nowhere else; when it takes it, the home gets it.
#[test]
fn the_home_waits_for_the_store() {
    let arena = Arena::due();
    let runner = arena.first();
    let before = fs::read(runner.auth_json()).unwrap();
    arena.authority.hold_replies();
    let started = arena.start(&runner, &["refresh"], "");
    assert!(arena.authority.wait_for_exchanges(1, LIMIT));
    // A directory where the store's lock should be: no swap can be made.
    let (lock, aside) = (arena.sandbox.path("store/default.lock"), arena.sandbox.path("store/aside"));
    fs::rename(&lock, &aside).unwrap();
    fs::create_dir(&lock).unwrap();
    arena.authority.release();
    let refused = "the store did not take the new login yet";
    wait_until("the store's refusal", || started.said().contains(refused));
    let journals = arena.journals(&runner);
    assert!(journals.len() == 1 && journals[0].1 > 0, "{journals:?}");
    assert!(fs::read(runner.auth_json()).unwrap() == before, "the home has what the store has not");
    arena.nothing_lies_around();
    fs::remove_dir(&lock).unwrap();
    fs::rename(&aside, &lock).unwrap();
    arena.ended(started).refreshed(true);
    assert_eq!(runner.access_token(), arena.held_access_token());
    arena.holds_a_living_token();
    assert_eq!(arena.authority.posts(), 1);
}

/// The same for every write of the slot: before each, the home has what it had.
#[test]
fn no_swap_finds_the_new_token_in_the_home() {
    let arena = Arena::due();
    let runner = arena.first();
    let before = runner.access_token();
    let seen = RefCell::new(Vec::new());
    let lab = Lab::new(&arena, runner.clone());
    let store = lab.scripted(|_| {
        seen.borrow_mut().push((arena.authority.exchanges(), runner.access_token() == before));
        Ok(())
    });
    let refreshed = lab.refresh_as(&store, Want::default());
    assert!(refreshed.is_ok_and(|refreshed| refreshed.exchanged));
    // The lease before the exchange, the result after it.
    assert_eq!(*seen.borrow(), [(0, true), (1, true)]);
}

/// Our own writes of the home are whole, whoever reads meanwhile.
#[test]
fn a_reader_never_sees_a_torn_file() {
    let arena = Arena::new();
    arena.seed(&due());
    let runner = arena.first();
    let done = Done::default();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut tokens = std::collections::BTreeSet::new();
            while !done.is_said() {
                tokens.insert(runner.access_token());
            }
            tokens.insert(runner.access_token());
            tokens
        });
        let ending = done.in_the_end();
        for _ in 0..5 {
            arena.run(&runner, &["refresh", "--force"]).refreshed(true);
        }
        drop(ending);
        assert!(reader.join().unwrap().len() > 1);
    });
    assert_eq!(runner.access_token(), arena.held_access_token());
}

/// An access-only file without our note may be anybody's.
#[test]
fn an_access_only_file_that_is_not_ours_is_left_alone() {
    let arena = Arena::due();
    arena.sandbox.place(&std::fs::read(arena.first().auth_json()).unwrap());
    std::fs::remove_file(arena.sandbox.path("home/authbaton.json")).unwrap();
    let before = std::fs::read(arena.first().auth_json()).unwrap();
    arena.refresh().refreshed(true);
    assert_eq!(std::fs::read(arena.first().auth_json()).unwrap(), before);
}
