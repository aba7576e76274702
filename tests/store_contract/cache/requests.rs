//! How often the service is asked: no request is redundant.

use authbaton::store::{Store, Swap};

use super::{Cache, SystemLike};
use crate::cache_server::Route::{Download, Finish, Lookup, Reserve, Upload};
use crate::cache_server::{MAIN, Mint, Speaks};
use crate::place::{content, get, put, slot};

const BOTH: [Speaks; 2] = [Speaks::V2, Speaks::V1];

#[test]
fn reading_takes_two_requests_and_a_swap_after_it_four() {
    for speaks in BOTH {
        let cache = Cache::new(speaks);
        let store = cache.at(&SystemLike::default());
        assert!(get(&store, &slot()).is_none());
        assert_eq!(cache.server.asked(), [Lookup], "{speaks:?}: nothing there");
        let version = put(&store, &slot(), None, "one");
        assert_eq!(cache.server.asked(), [Reserve, Upload, Finish, Lookup], "{speaks:?}: the first record");
        get(&store, &slot()).unwrap();
        assert_eq!(cache.server.asked(), [Lookup, Download], "{speaks:?}: reading");
        put(&store, &slot(), Some(&version), "two");
        assert_eq!(cache.server.asked(), [Reserve, Upload, Finish, Lookup], "{speaks:?}: a swap");
    }
}

#[test]
fn whoever_is_late_asks_two_questions() {
    let cache = Cache::new(Speaks::V2);
    let (first, second) = (cache.at(&SystemLike::default()), cache.at(&SystemLike::default()));
    let version = put(&first, &slot(), None, "one");
    get(&second, &slot()).unwrap();
    put(&first, &slot(), Some(&version), "two");
    cache.server.asked();
    assert_eq!(second.swap(&slot(), Some(&version), &content("three")).unwrap(), Swap::Conflict);
    assert_eq!(cache.server.asked(), [Reserve, Lookup]);
}

/// Records may have come and gone meanwhile, so that the next number says nothing.
#[test]
fn whoever_has_not_looked_for_long_looks_first() {
    let (cache, clock) = (Cache::new(Speaks::V2), SystemLike::default());
    let (store, other) = (cache.at(&clock), cache.at(&SystemLike::default()));
    let version = put(&store, &slot(), None, "one");
    let second = put(&other, &slot(), Some(&version), "two");
    put(&other, &slot(), Some(&second), "three");
    // The entry after ours is evicted: without a look its number would be free.
    let records = cache.server.there();
    cache.server.evict(&records[1].1);
    cache.server.asked();
    clock.pass(61);
    assert_eq!(store.swap(&slot(), Some(&version), &content("four")).unwrap(), Swap::Conflict);
    assert_eq!(cache.server.asked(), [Lookup]);
    assert_eq!(get(&store, &slot()).unwrap().0, "three");
}

#[test]
fn a_reader_asks_twice_and_is_told_before_it_writes() {
    let cache = Cache::new(Speaks::V2);
    put(&cache.at(&SystemLike::default()), &slot(), None, "one");
    let token = Mint::scopes(&[("refs/pull/7/merge", 3), (MAIN, 1)]).token();
    let reader = cache.as_run(&token).unwrap();
    cache.server.asked();
    let (text, version) = get(&reader, &slot()).unwrap();
    assert_eq!((text.as_str(), cache.server.asked().as_slice()), ("one", &[Lookup, Download] as &[_]));
    assert!(reader.swap(&slot(), Some(&version), &content("two")).is_err());
    assert!(cache.server.asked().is_empty());
}
