//! `kill -9` while the authority holds its reply: what is found afterwards on this machine, and elsewhere.

use std::time::Duration;

use authbaton::rehearsal::{Behaviour, Fault};
use authbaton::relay::{ExchangeError, RelayError};

use crate::arena::{Arena, Runner};
use crate::lab::{Lab, lease};
use crate::launch::{Done, LIMIT};

/// Starts a refresh and kills it after its token was rotated, before it got the reply.
fn kill_during_exchange(arena: &Arena, runner: &Runner) {
    arena.authority.hold_replies();
    let started = arena.start(runner, &["refresh"], "");
    assert!(arena.authority.wait_for_exchanges(1, LIMIT));
    started.kill();
    arena.authority.release();
    let journals = arena.journals(runner);
    assert!(journals.len() == 1 && journals[0].1 == 0, "{journals:?}");
    assert_eq!(arena.phase(), "leased");
    arena.nothing_lies_around();
}

/// The request may be under way, so not even the same home takes the lease over before it is over. What comes then is
/// the documented window: the token was spent, and that is told as a dead login, never as success.
#[test]
fn the_lease_of_a_request_under_way_is_waited_out() {
    let arena = Arena::due();
    let runner = arena.first();
    kill_during_exchange(&arena, &runner);
    let lab = Lab::new(&arena, runner.clone());
    let refreshed = lab.refresh(&lab.store());
    assert!(matches!(refreshed, Err(RelayError::Exchange(ExchangeError::Dead(_)))));
    assert!(lab.clock.slept() >= lease(), "the lease was taken over after {:?}", lab.clock.slept());
    assert_eq!((arena.authority.posts(), arena.phase().as_str()), (2, "dead reused"));
    assert!(lab.told().contains("waiting for the lease of shell on "), "{}", lab.told());
    arena.refresh().failed(5, "login-reused");
    assert_eq!(arena.authority.posts(), 2);
    assert!(arena.journals(&runner).is_empty(), "a blank journal of nobody was kept");
}

/// The same from a process that does not wait as long: it says who has the lease, and asks nobody.
#[test]
fn whoever_cannot_wait_asks_nobody() {
    let arena = Arena::due();
    let runner = arena.first();
    kill_during_exchange(&arena, &runner);
    for other in [runner, arena.runner(2, 0), arena.runner(3, 3)] {
        let ran = arena.run(&other, &["refresh", "--lock-timeout", "1s"]);
        ran.failed(7, "lease-timeout");
        assert!(ran.stderr.contains("waiting for the lease of shell on "), "{}", ran.stderr);
    }
    assert_eq!((arena.authority.posts(), arena.phase().as_str()), (1, "leased"));
}

/// Killed before anything happened to its token: when the lease is over, somebody else goes on.
#[test]
fn a_lease_that_was_left_behind_runs_out() {
    let arena = Arena::due();
    arena.authority.script(Behaviour::Failing(Fault::HangUp));
    arena.authority.hold();
    let started = arena.start(&arena.first(), &["refresh"], "");
    assert!(arena.authority.wait_for_posts(1, LIMIT));
    started.kill();
    arena.authority.release();
    let mut lab = Lab::new(&arena, arena.runner(2, 2));
    lab.lock_timeout = Some(lease() - Duration::from_secs(10));
    let refreshed = lab.refresh(&lab.store());
    assert!(matches!(refreshed, Err(RelayError::LeaseTimeout { .. })));
    assert_eq!(arena.authority.posts(), 1);
    // The next one has not seen the lease before, so it measures anew.
    let lab = Lab::new(&arena, arena.runner(3, 3));
    assert!(lab.refresh(&lab.store()).unwrap().exchanged);
    assert!(lab.clock.slept() >= lease(), "{:?}", lab.clock.slept());
    assert_eq!((arena.authority.exchanges(), arena.phase().as_str()), (1, "idle"));
    arena.holds_a_living_token();
}

/// A reader of this machine that is only looking does not make a dead owner seem alive.
#[test]
fn two_who_look_at_once_both_see_the_request_under_way() {
    let arena = Arena::due();
    let runner = arena.first();
    kill_during_exchange(&arena, &runner);
    let mut lab = Lab::new(&arena, runner);
    lab.lock_timeout = Some(Duration::from_secs(10));
    let keys = arena.keys();
    // Another home of this machine looks at the journals again and again, each time holding their locks for a moment.
    let done = Done::default();
    std::thread::scope(|scope| {
        for home in 2..4 {
            let (arena, keys, done) = (&arena, &keys, &done);
            scope.spawn(move || {
                let other = Lab::new(arena, arena.runner(home, 0));
                while !done.is_said() {
                    other.with(&other.store(), keys, |relay, _| relay.recover_journals()).unwrap();
                }
            });
        }
        let _done = done.in_the_end();
        let waited = |_| matches!(lab.refresh(&lab.store()), Err(RelayError::LeaseTimeout { .. }));
        assert!((0..20).all(waited), "the lease was taken over at once");
    });
    assert_eq!(arena.authority.posts(), 1);
}
