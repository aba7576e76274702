//! What gets lost: jobs in the middle of an exchange, reservations, records of the cache.

use std::{slice, thread, time::Duration};

use chrono::TimeDelta;

use super::first::FOUND;
use crate::{
    runner::{Cancellation, Status},
    support::cache_server::Route,
    trigger::Trigger,
    world::{DUE, FRESH, LIMIT, World},
};

/// What a shell says of a program that SIGINT has ended.
const INTERRUPTED: i32 = 130;

const NEW: TimeDelta = TimeDelta::zero();
const OLD: TimeDelta = TimeDelta::days(9);

/// A repository whose default branch has stored a login that is due.
fn with_due_login() -> World {
    let mut world = World::new();
    let seed = world.login(DUE, OLD);
    world.play(&Trigger::push(), &[("auth-json", &seed), ("refresh", "never")]).well();
    world
}

#[test]
fn a_job_that_is_cancelled_during_the_exchange_stores_what_came_of_it() {
    let world = with_due_login();
    world.authority.hold_replies();
    let cancelled = world.play_with(
        &Trigger::push(),
        &[],
        Some(Cancellation {
            when: &mut || assert!(world.authority.wait_for_exchanges(1, LIMIT)),
            // Nothing tells from outside that a signal was noted. By now it was; and if not, the promise is the same.
            then: &mut || {
                thread::sleep(Duration::from_millis(500));
                world.authority.release();
            },
        }),
        |job| assert!(job.run("true").is_none(), "a cancelled job went on"),
    );
    assert_eq!(cancelled.ended.status, Status::Cancelled);
    assert_eq!(cancelled.main.signals.len(), 1, "it did not end before the second signal");
    assert_eq!(cancelled.main.code, INTERRUPTED, "{}", cancelled.ended.record.log);
    assert!(cancelled.main.took < Duration::from_secs(5), "{:?}", cancelled.main.took);
    assert_eq!((world.authority.posts(), world.generation()), (1, Some(2)));
    world.login_is_alive();
    world.note("cancelled during the exchange", &cancelled);

    let next = world.play(&Trigger::push(), &[]).well().asked(&FOUND).has(&[("generation", "2")]);
    assert_eq!(world.authority.posts(), 1);
    world.note("the run after that", &next);
}

#[test]
fn a_job_that_is_cancelled_while_another_renews_ends_at_once() {
    let world = with_due_login();
    world.authority.hold();
    thread::scope(|scope| {
        let writer = scope.spawn(|| world.play(&Trigger::push(), &[]));
        assert!(world.authority.wait_for_posts(1, LIMIT));
        let before = world.cache.requests().len();
        let waiting = world.play_with(
            &Trigger::push(),
            &[],
            Some(Cancellation {
                // It has seen the lease, and looks again.
                when: &mut || assert!(world.cache.wait_for(Route::Download, before, 2, LIMIT)),
                then: &mut || {},
            }),
            |_| (),
        );
        assert_eq!((waiting.main.code, waiting.main.signals.len()), (INTERRUPTED, 1), "{:?}", waiting.main);
        assert!(waiting.main.took < Duration::from_secs(2), "{:?}", waiting.main.took);
        world.authority.release();
        writer.join().unwrap().well().has(&[("refreshed", "true"), ("generation", "2")]);
        assert_eq!(world.authority.posts(), 1);
        world.login_is_alive();
        let requests = world.cache.requests().split_off(before);
        world.note_together("cancelled while another job renews", slice::from_ref(&waiting), &requests);
    });
}

#[test]
fn a_reservation_that_nobody_finishes_is_stepped_over() {
    let world = with_due_login();
    world.cache.reserve_next();
    let run = world.play(&Trigger::push(), &[]).well().has(&[("refreshed", "true"), ("generation", "2")]);
    assert_eq!(world.authority.posts(), 1);
    world.login_is_alive();
    world.note("an orphaned reservation", &run);
}

#[test]
fn a_login_that_came_back_from_the_past_is_found_out() {
    let mut world = with_due_login();
    world.play(&Trigger::push(), &[]).well().has(&[("generation", "2")]);
    world.play(&Trigger::push(), &[("refresh", "always")]).well().has(&[("generation", "3")]);
    // The last lease and what was stored over it.
    world.cache.evict_newest(2);
    let fresh = world.play(&Trigger::push(), &[]).well().asked(&FOUND).has(&[("generation", "2")]);
    world.note("the newest evicted, the login before it is fresh", &fresh);

    let spent = world.play(&Trigger::push(), &[("refresh", "always")]).failed(5, "login-reused");
    world.note("the same, renewed all the same", &spent);

    let seed = world.login(FRESH, NEW);
    let reseeded = world.play(&Trigger::push(), &[("auth-json", &seed)]).well();
    world.login_is_alive();
    world.note("and reseeded", &reseeded);
}

#[test]
fn an_empty_cache_takes_the_seed_again_and_says_what_it_lacks_without() {
    let mut world = World::new();
    let seed = world.login(FRESH, NEW);
    world.play(&Trigger::push(), &[("auth-json", &seed)]).well();
    world.cache.evict_all();
    let without = world.play(&Trigger::push(), &[]).failed(3, "slot-empty").asked(&[Route::Lookup]);
    world.note("all evicted, no seed", &without);
    let again = world.play(&Trigger::push(), &[("auth-json", &seed)]).well();
    let again = again.has(&[("generation", "1"), ("cache-hit", "false"), ("saved", "true")]);
    world.login_is_alive();
    world.note("all evicted, with the seed", &again);
}

#[test]
fn a_step_that_fails_leaves_neither_home_nor_broker() {
    let world = with_due_login();
    let failed = world.play_with(&Trigger::push(), &[("broker", "always")], None, |job| {
        assert_eq!(job.processes().len(), 1, "{:?}", job.processes());
        let step = job.run("test -s \"$CODEX_HOME/auth.json\" && exit 3").unwrap();
        assert_eq!(step.code, 3, "{}", step.log);
    });
    assert_eq!((failed.ended.status, failed.ended.posts.len()), (Status::Failure, 1));
    world.login_is_alive();
    world.note("a later step fails, with a broker", &failed);
}
