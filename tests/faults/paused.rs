//! An owner that was stopped, and wakes up when somebody else had its turn.

use std::time::Instant;

use rustix::process::Signal;

use crate::arena::Arena;
use crate::process::{LEASE, Process, at, fast, run, side_by_side};

/// Stopped under the lease and before the check of its age: whoever wakes up sees that the lease is gone.
#[test]
fn who_sleeps_before_the_post_does_not_post() {
    side_by_side(["stop:after:lease", "stop:before:recover-again"], |point| {
        let arena = Arena::due();
        let (here, elsewhere) = (arena.first(), arena.runner(2, 2));
        run(&arena, fast(&arena, &elsewhere, &["restore"]), "").fine();
        let owner = Process::start(at(fast(&arena, &here, &["refresh"]), point), "");
        owner.wait_for_stop();
        assert_eq!(arena.phase(), "leased");
        let begin = Instant::now();
        run(&arena, fast(&arena, &elsewhere, &["refresh"]), "").refreshed(true);
        assert!(begin.elapsed() >= LEASE);
        owner.send(Signal::CONT);
        let end = owner.end(&arena);
        assert_eq!(end.signal, None);
        end.ran.refreshed(false);
        assert_eq!((arena.authority.posts(), arena.authority.exchanges()), (1, 1), "{point}");
        assert_eq!((arena.phase().as_str(), arena.state().generation), ("idle", 2));
        arena.holds_a_living_token();
        for home in [&here, &elsewhere] {
            assert_eq!(home.access_token(), arena.held_access_token());
            assert!(arena.journals(home).is_empty());
        }
        arena.nothing_lies_around();
    });
}

/// Stopped with the reply, past the end of the lease: this is the window, and nobody says that it went well.
#[test]
fn who_sleeps_before_the_store_loses_the_login() {
    let arena = Arena::due();
    let (here, elsewhere) = (arena.first(), arena.runner(2, 2));
    let old = here.access_token();
    let owner = Process::start(at(fast(&arena, &here, &["refresh"]), "stop:before:store"), "");
    owner.wait_for_stop();
    run(&arena, fast(&arena, &elsewhere, &["refresh"]), "").failed(5, "login-reused");
    owner.send(Signal::CONT);
    let end = owner.end_without_stops(&arena);
    assert_eq!((end.signal, end.ran.code), (None, Some(5)), "{}", end.ran.stderr);
    assert_eq!((arena.authority.exchanges(), here.access_token()), (1, old));
    assert!(arena.phase().starts_with("dead "), "{}", arena.phase());
    arena.nothing_lies_around();
}
