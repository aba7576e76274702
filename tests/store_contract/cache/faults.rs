//! Connections that break, servers that fail, and writes that take too long: what is unknown is found out, and what came too
//! late does not count.

use std::time::Duration;

use authbaton::store::{Store, StoreError, Swap, Version};

use super::{Cache, SystemLike};
use crate::cache_server::Route::{self, Download, Finish, Lookup, Reserve, Upload};
use crate::cache_server::{Fault, Speaks};
use crate::place::{Place, content, get, put, slot};

const BOTH: [Speaks; 2] = [Speaks::V2, Speaks::V1];

/// A cache with one record, and a store that has just read it.
fn one(speaks: Speaks) -> (Cache, SystemLike, authbaton::store::ActionsCacheStore, Version) {
    let (cache, clock) = (Cache::new(speaks), SystemLike::default());
    let store = cache.at(&clock);
    let version = put(&store, &slot(), None, "one");
    cache.server.asked();
    (cache, clock, store, version)
}

#[test]
fn faults_that_pass_are_outlasted() {
    for speaks in BOTH {
        for route in [Lookup, Download, Reserve, Upload, Finish] {
            let faults: [fn() -> Fault; 3] =
                [|| Fault::Html(500), || Fault::Html(503), || Fault::LoseRequest];
            for fault in faults {
                let (cache, clock, store, version) = one(speaks);
                cache.server.faults(route, 2, fault);
                assert_eq!(get(&store, &slot()).unwrap().0, "one");
                let version = put(&store, &slot(), Some(&version), "two");
                assert_eq!(get(&store, &slot()), Some(("two".to_owned(), version)), "{speaks:?} {route:?}");
                assert!(clock.passed() < Duration::from_secs(5), "{:?}", clock.passed());
            }
        }
    }
}

#[test]
fn a_service_that_goes_on_failing_is_given_up() {
    for speaks in BOTH {
        for route in [Lookup, Download, Reserve, Upload, Finish] {
            let (cache, clock, store, version) = one(speaks);
            cache.server.faults(route, 20, || Fault::Html(502));
            if matches!(route, Lookup | Download) {
                assert!(matches!(store.load(&slot()), Err(StoreError::Unreachable(_))), "{route:?}");
            }
            let swapped = store.swap(&slot(), Some(&version), &content("two"));
            match route {
                Download => assert!(matches!(swapped, Ok(Swap::Done(_)))),
                _ => assert!(matches!(swapped, Err(StoreError::Unreachable(_))), "{route:?}"),
            }
            assert!(clock.passed() < Duration::from_secs(10), "{:?}", clock.passed());
        }
    }
}

/// The content was heard, or the end of it: the record is ours, and there.
#[test]
fn an_answer_that_is_lost_is_asked_for_again() {
    for speaks in BOTH {
        for route in [Upload, Finish, Lookup] {
            let (cache, _, store, version) = one(speaks);
            cache.server.fault(route, Fault::LoseReply);
            let version = put(&store, &slot(), Some(&version), "two");
            assert_eq!(
                get(&*cache.open(), &slot()),
                Some(("two".to_owned(), version)),
                "{speaks:?} {route:?}"
            );
            assert_eq!(cache.server.there().len(), 2);
        }
    }
}

/// The key is reserved, and nobody knows by whom. It is waited out like any other, and then the next one is taken.
#[test]
fn a_lost_answer_to_a_reservation_leaves_an_orphan_of_our_own() {
    for speaks in BOTH {
        let (cache, clock, store, version) = one(speaks);
        cache.server.fault(Reserve, Fault::LoseReply);
        let swapped = store.swap(&slot(), Some(&version), &content("two")).unwrap();
        assert!(matches!(swapped, Swap::Done(_)), "{swapped:?}");
        assert!(clock.passed() >= Duration::from_secs(60), "{:?}", clock.passed());
        assert_eq!(get(&*cache.open(), &slot()).unwrap().0, "two");
        let there = cache.server.there();
        assert!(there[1].2.is_none() && there[2].2.is_some() && there.len() == 3, "{speaks:?}");
    }
}

/// What we gave up before it was finished, we need not wait for.
#[test]
fn a_key_that_we_gave_up_is_stepped_over_at_once() {
    let (cache, clock, store, version) = one(Speaks::V2);
    cache.server.faults(Upload, 3, || Fault::Html(500));
    assert!(store.swap(&slot(), Some(&version), &content("two")).is_err());
    assert_eq!(get(&store, &slot()).unwrap().0, "one");
    put(&store, &slot(), Some(&version), "three");
    assert!(clock.passed() < Duration::from_secs(10), "{:?}", clock.passed());
    assert_eq!(get(&*cache.open(), &slot()).unwrap().0, "three");
}

#[test]
fn a_write_that_took_too_long_is_late_wherever_it_was() {
    for speaks in BOTH {
        for route in [Reserve, Upload, Finish, Lookup] {
            for (seconds, is_late) in [(29, false), (31, true)] {
                let (cache, clock, store, version) = one(speaks);
                let passing = clock.clone();
                cache.server.fault(route, Fault::Then(Box::new(move || passing.pass(seconds))));
                let swapped = store.swap(&slot(), Some(&version), &content("two")).unwrap();
                assert_eq!(swapped == Swap::Late, is_late, "{speaks:?} {route:?} {seconds} s: {swapped:?}");
                assert!(is_late || matches!(swapped, Swap::Done(_)));
            }
        }
    }
}

/// A failure and a conflict, too: what was sent may have been passed by.
#[test]
fn late_is_stronger_than_every_other_outcome() {
    let (cache, clock, store, version) = one(Speaks::V2);
    let passing = clock.clone();
    cache.server.fault(Finish, Fault::First(Box::new(move || passing.pass(31))));
    cache.server.faults(Lookup, 9, || Fault::Html(500));
    assert_eq!(store.swap(&slot(), Some(&version), &content("two")).unwrap(), Swap::Late);
}

#[test]
fn a_pause_of_the_machine_counts() {
    let (cache, clock, store, version) = one(Speaks::V2);
    let (passing, other) = (clock.clone(), cache.at(&SystemLike::default()));
    assert_eq!(get(&other, &slot()).unwrap().0, "one");
    // Stopped between the reservation and the upload, for longer than others wait.
    cache.server.fault(Reserve, Fault::Then(Box::new(move || passing.pass(200))));
    // It wakes up after its deadline, and sends nothing more.
    assert!(store.swap(&slot(), Some(&version), &content("two")).is_err());
    put(&other, &slot(), Some(&version), "three");
    assert_eq!(get(&store, &slot()).unwrap().0, "three");
}

#[test]
fn an_answer_that_hangs_is_asked_for_again() {
    let (cache, _, store, version) = one(Speaks::V2);
    // For longer than a request may take.
    cache.server.fault(Route::Upload, Fault::Slow(Duration::from_secs(11)));
    put(&store, &slot(), Some(&version), "two");
    assert_eq!(cache.server.asked(), [Reserve, Upload, Upload, Finish, Lookup]);
}
