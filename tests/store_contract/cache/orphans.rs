//! Keys that somebody reserved and did not finish; entries that are seen late, or vanish.

use std::sync::mpsc;
use std::time::Duration;

use authbaton::store::{Store, StoreError, Swap};

use super::{Cache, SystemLike};
use crate::cache_server::Route::{Finish, Lookup, Reserve};
use crate::cache_server::{Fault, Speaks};
use crate::place::{Place, content, get, put, slot};

const BOTH: [Speaks; 2] = [Speaks::V2, Speaks::V1];
const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn an_orphan_is_waited_out_and_stepped_over() {
    for speaks in BOTH {
        let (cache, clock) = (Cache::new(speaks), SystemLike::default());
        let store = cache.at(&clock);
        let version = put(&store, &slot(), None, "one");
        cache.server.orphan(1);
        let second = put(&store, &slot(), Some(&version), "two");
        assert!((MINUTE..MINUTE + Duration::from_secs(10)).contains(&clock.passed()), "{:?}", clock.passed());
        assert_eq!(get(&*cache.open(), &slot()), Some(("two".to_owned(), second.clone())));
        // Whoever comes next does not meet it again.
        put(&store, &slot(), Some(&second), "three");
        assert!(clock.passed() < MINUTE * 2);
    }
}

#[test]
fn the_owner_of_a_lease_hardly_waits() {
    let (cache, clock) = (Cache::new(Speaks::V2), SystemLike::default());
    let store = cache.at(&clock);
    let version = put(&store, &slot(), None, "one");
    (1..=3).for_each(|number| cache.server.orphan(number));
    let swapped = store.swap_as_owner(&slot(), Some(&version), &content("two")).unwrap();
    assert!(matches!(swapped, Swap::Done(_)));
    assert!(clock.passed() < Duration::from_secs(30), "{:?}", clock.passed());
    assert_eq!(get(&*cache.open(), &slot()).unwrap().0, "two");
}

#[test]
fn no_more_than_eight_orphans_are_stepped_over() {
    for (orphans, lands) in [(8, true), (9, false)] {
        let (cache, clock) = (Cache::new(Speaks::V2), SystemLike::default());
        let store = cache.at(&clock);
        let version = put(&store, &slot(), None, "one");
        (1..=orphans).for_each(|number| cache.server.orphan(number));
        let swapped = store.swap(&slot(), Some(&version), &content("two"));
        match swapped {
            Ok(Swap::Done(_)) => assert!(lands),
            Err(StoreError::Unreachable(_)) => assert!(!lands),
            other => panic!("{orphans}: {other:?}"),
        }
        assert!(clock.passed() >= MINUTE * 8, "{:?}", clock.passed());
    }
}

/// A second waits while the first is at work, and sees what it has written as soon as it can be read.
#[test]
fn whoever_is_at_work_is_waited_for() {
    for speaks in BOTH {
        let (cache, clock) = (Cache::new(speaks), SystemLike::default());
        let (store, other) = (cache.at(&clock), cache.at(&SystemLike::default()));
        let version = put(&store, &slot(), None, "one");
        let loaded = get(&other, &slot()).unwrap().1;
        let (reserved, is_reserved) = mpsc::channel();
        let (go_on, may_go_on) = mpsc::channel::<()>();
        cache.server.fault(
            Finish,
            Fault::First(Box::new(move || {
                reserved.send(()).unwrap();
                may_go_on.recv().unwrap();
            })),
        );
        std::thread::scope(|scope| {
            let cache = &cache;
            let first = scope.spawn(move || {
                let store = cache.at(&SystemLike::default());
                store.load(&slot()).unwrap().unwrap();
                store.swap(&slot(), Some(&loaded), &content("two")).unwrap()
            });
            is_reserved.recv().unwrap();
            // The second has looked often enough in vain when the first may go on.
            let passing = clock.clone();
            cache.server.fault(Lookup, Fault::Then(Box::new(move || passing.pass(20))));
            cache.server.fault(Lookup, Fault::Then(Box::new(move || go_on.send(()).unwrap())));
            assert_eq!(store.swap(&slot(), Some(&version), &content("three")).unwrap(), Swap::Conflict);
            assert!(matches!(first.join().unwrap(), Swap::Done(_)));
        });
        assert!(clock.passed() < MINUTE, "{:?}", clock.passed());
        assert_eq!(get(&store, &slot()).unwrap().0, "two");
    }
}

/// It was stopped for so long that it was taken for gone. It finishes and learns of the other: by the next number.
#[test]
fn whoever_was_passed_by_has_lost() {
    for speaks in BOTH {
        let cache = Cache::new(speaks);
        let store = cache.at(&SystemLike::default());
        let version = put(&store, &slot(), None, "one");
        let (url, token) = (cache.server.url().to_owned(), crate::cache_server::on_main());
        let expected = version.clone();
        cache.server.fault(
            Finish,
            Fault::First(Box::new(move || {
                let other = super::reopen(&format!("{speaks:?}"), &format!("{url} {token}"));
                other.load(&slot()).unwrap().unwrap();
                let swapped = other.swap_as_owner(&slot(), Some(&expected), &content("three")).unwrap();
                assert!(matches!(swapped, Swap::Done(_)), "{swapped:?}");
            })),
        );
        let swapped = store.swap(&slot(), Some(&version), &content("two")).unwrap();
        assert_eq!(swapped, Swap::Conflict, "{speaks:?}");
        assert_eq!(get(&store, &slot()).unwrap().0, "three");
    }
}

/// The other way round: what was taken for an orphan is finished just before we are.
#[test]
fn an_orphan_that_comes_to_life_is_seen() {
    for speaks in BOTH {
        let (cache, clock) = (Cache::new(speaks), SystemLike::default());
        let store = cache.at(&clock);
        let version = put(&store, &slot(), None, "one");
        cache.server.orphan(1);
        let shared = cache.server.handle();
        // The second reservation is the one that succeeds.
        cache.server.fault(Reserve, Fault::Then(Box::new(|| {})));
        cache.server.fault(Reserve, Fault::Then(Box::new(move || shared.revive(b"from the dead"))));
        let swapped = store.swap(&slot(), Some(&version), &content("two")).unwrap();
        assert_eq!(swapped, Swap::Conflict, "{speaks:?}");
        assert!(clock.passed() >= MINUTE);
    }
}

#[test]
fn what_is_seen_late_is_waited_for() {
    for speaks in BOTH {
        let (cache, clock) = (Cache::new(speaks), SystemLike::default());
        let (writer, store) = (cache.at(&SystemLike::default()), cache.at(&clock));
        put(&writer, &slot(), None, "one");
        let version = get(&store, &slot()).unwrap().1;
        cache.server.hide_for(5);
        put(&writer, &slot(), Some(&version), "two");
        assert_eq!(store.swap(&slot(), Some(&version), &content("three")).unwrap(), Swap::Conflict);
        assert!(clock.passed() < MINUTE, "{:?}", clock.passed());
        assert_eq!(get(&store, &slot()).unwrap().0, "two");
    }
}

/// A lookup by prefix that has not heard of the newest does not bring an older one back.
#[test]
fn what_was_seen_once_is_not_forgotten() {
    let cache = Cache::new(Speaks::V2);
    let store = cache.at(&SystemLike::default());
    let version = put(&store, &slot(), None, "one");
    put(&store, &slot(), Some(&version), "two");
    let older = cache.server.there().remove(0).1;
    cache.server.asked();
    cache.server.fault(Lookup, Fault::Answer(200, cache.server.hit(&older)));
    assert_eq!(get(&store, &slot()).unwrap().0, "two");
    assert_eq!(cache.server.asked().len(), 3, "a question more, and no other");
}

#[test]
fn what_was_evicted_is_gone_and_the_rest_goes_on() {
    for speaks in BOTH {
        let cache = Cache::new(speaks);
        let store = cache.at(&SystemLike::default());
        let version = put(&store, &slot(), None, "one");
        let second = put(&store, &slot(), Some(&version), "two");
        cache.server.evict_newest();
        // The one before is there again, and can be written over.
        assert_eq!(get(&store, &slot()), Some(("one".to_owned(), version.clone())));
        put(&store, &slot(), Some(&version), "three");
        cache.server.evict_all();
        assert!(get(&store, &slot()).is_none());
        put(&store, &slot(), None, "four");
        assert_eq!(get(&*cache.open(), &slot()).unwrap().0, "four");
        let _ = second;
    }
}
