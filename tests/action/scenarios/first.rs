//! The life of a login: a seed, a run after it, a renewal, another seed. Exact requests.

use chrono::TimeDelta;

use crate::{
    support::cache_server::Route,
    trigger::Trigger,
    world::{DUE, FRESH, SHORT, World},
};

/// Of a run that finds a fresh login: where the newest record is, and the record.
pub(crate) const FOUND: [Route; 2] = [Route::Lookup, Route::Download];

/// Of a run that renews a login: where it is, and the login; the lease, and what the authority gave, each with a look
/// whether somebody else has written the next record.
pub(crate) const RENEWED: [Route; 10] = [
    Route::Lookup,
    Route::Download,
    Route::Reserve,
    Route::Upload,
    Route::Finish,
    Route::Lookup,
    Route::Reserve,
    Route::Upload,
    Route::Finish,
    Route::Lookup,
];

const NEW: TimeDelta = TimeDelta::zero();
const OLD: TimeDelta = TimeDelta::days(9);

#[test]
fn a_seed_is_stored_by_the_first_run_and_found_by_the_second() {
    let mut world = World::new();
    let seed = world.login(FRESH, NEW);
    let first = world.play_with(&Trigger::push(), &[("auth-json", &seed)], None, |job| {
        for signature in world.cache.secrets() {
            let encoded: String = url::form_urlencoded::byte_serialize(signature.as_bytes()).collect();
            assert!(job.hides(&signature) && job.hides(&encoded), "a signature is not hidden");
        }
    });
    let first = first.well().has(&[
        ("auth-mode", "chatgptAuthTokens"),
        ("account-id", "account-robot"),
        ("plan-type", "pro"),
        ("refreshed", "false"),
        ("generation", "1"),
        ("cache-hit", "false"),
        ("saved", "true"),
    ]);
    // Nothing there; a record; nobody else has written the one after it.
    let first = first.asked(&[Route::Lookup, Route::Reserve, Route::Upload, Route::Finish, Route::Lookup]);
    assert_eq!(world.authority.posts(), 0);
    world.note("first run, with a seed, default branch", &first);

    let second = world.play(&Trigger::schedule(), &[]).well().asked(&FOUND);
    let second = second.has(&[("generation", "1"), ("cache-hit", "true"), ("saved", "false")]);
    assert_eq!(world.authority.posts(), 0);
    world.login_is_alive();
    world.note("second run: a fresh login", &second);
}

#[test]
fn a_pull_request_that_comes_first_leaves_nothing() {
    let mut world = World::new();
    let seed = world.login(FRESH, NEW);
    let first = world.play(&Trigger::pull_request(), &[("auth-json", &seed)]).well();
    let first = first
        .has(&[("saved", "false"), ("refreshed", "false"), ("cache-hit", "false")])
        .asked(&[Route::Lookup]);
    assert_eq!((world.authority.posts(), world.cache.records().len()), (0, 0));
    world.note("first run, on a pull request", &first);

    let next = world.play(&Trigger::push(), &[("auth-json", &seed)]).well();
    let next = next.has(&[("generation", "1"), ("cache-hit", "false"), ("saved", "true")]);
    world.login_is_alive();
    world.note("and then on the default branch", &next);
}

#[test]
fn a_due_login_is_renewed_and_stored_before_it_is_used() {
    let mut world = World::new();
    let seed = world.login(DUE, OLD);
    let first = world.play(&Trigger::push(), &[("auth-json", &seed), ("refresh", "never")]).well();
    assert_eq!((world.authority.exchanges(), first.output("generation")), (0, "1"));

    let renewing = world.play(&Trigger::push(), &[]).well();
    let renewing = renewing.has(&[("refreshed", "true"), ("saved", "true"), ("generation", "2")]);
    let renewing = renewing.asked(&RENEWED);
    assert_eq!((world.authority.posts(), world.authority.exchanges()), (1, 1));
    world.login_is_alive();
    world.note("a due login", &renewing);

    let next = world.play(&Trigger::push(), &[]).well().asked(&FOUND).has(&[("refreshed", "false")]);
    assert_eq!(world.authority.posts(), 1);
    world.note("the run after it", &next);
}

#[test]
fn a_due_seed_is_stored_before_it_is_renewed() {
    let mut world = World::new();
    let seed = world.login(DUE, OLD);
    let first = world.play(&Trigger::push(), &[("auth-json", &seed)]).well();
    let first = first.has(&[("refreshed", "true"), ("generation", "2"), ("cache-hit", "false")]);
    assert_eq!((world.authority.posts(), world.authority.exchanges()), (1, 1));
    world.login_is_alive();
    world.note("first run, with a due seed", &first);
}

#[test]
fn who_wants_nothing_renewed_gets_no_broker_that_renews() {
    let mut world = World::new();
    let seed = world.login(SHORT, OLD);
    world.play(&Trigger::push(), &[("auth-json", &seed), ("refresh", "never"), ("broker", "never")]).well();
    let run = world
        .play_with(&Trigger::push(), &[("refresh", "never")], None, |job| {
            assert!(job.processes().is_empty(), "{:?}", job.processes());
        })
        .well()
        .asked(&FOUND);
    assert_eq!(world.authority.posts(), 0);
    world.note("an hour is left, `refresh: never`", &run);
}

#[test]
fn a_later_seed_replaces_the_login_and_an_earlier_one_does_not() {
    let mut world = World::new();
    let old = world.login(FRESH, TimeDelta::days(2));
    let new = world.login(FRESH, NEW);
    world.play(&Trigger::push(), &[("auth-json", &old)]).well();
    let reseeded = world.play(&Trigger::push(), &[("auth-json", &new)]).well();
    let reseeded = reseeded.has(&[("generation", "2"), ("saved", "true")]);
    world.note("reseeded by a new secret", &reseeded);

    let queued = world.play(&Trigger::push(), &[("auth-json", &old)]).well().asked(&FOUND);
    let queued = queued.has(&[("generation", "2"), ("saved", "false")]);
    world.login_is_alive();
    world.note("a queued run with the old secret", &queued);
}
