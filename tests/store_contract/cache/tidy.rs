//! Old records are deleted by whoever may, and only those that nobody can need.

use authbaton::store::{ActionsCacheStore, Store, StoreError};
use chrono::TimeDelta;

use super::{Cache, SystemLike};
use crate::cache_server::Route::{Delete, List};
use crate::cache_server::{Fault, MAIN, REST_READ, REST_WRITE, Speaks, on_main};
use crate::place::{get, put, slot};

fn store(cache: &Cache, token: &str) -> ActionsCacheStore {
    cache.with(&on_main(), &[("AUTHBATON_GITHUB_TOKEN", token)], SystemLike::default()).unwrap()
}

/// Five records, two days old.
fn old(cache: &Cache, token: &str) -> ActionsCacheStore {
    let store = store(cache, token);
    let mut version = None;
    for text in ["1", "2", "3", "4", "5"] {
        version = Some(put(&store, &slot(), version.as_ref(), text));
    }
    cache.server.age(TimeDelta::days(2));
    cache.server.asked();
    store
}

fn contents(cache: &Cache) -> String {
    cache
        .server
        .there()
        .iter()
        .map(|(_, _, content)| String::from_utf8(content.clone().unwrap()).unwrap())
        .collect()
}

#[test]
fn all_but_the_last_two_are_deleted() {
    let cache = Cache::new(Speaks::V2);
    let store = old(&cache, REST_WRITE);
    // Others' entries stay: of another branch, another slot, another version, another name.
    let (_, key, _) = cache.server.there().remove(0);
    let (version, other) = (cache.server.version(), "0".repeat(64));
    cache.server.put("refs/heads/topic", &key, &version, b"a");
    cache.server.put(MAIN, &key, &other, b"b");
    cache.server.put(MAIN, &format!("{key}x"), &version, b"c");
    cache.server.put(MAIN, "ab1-somebody-000000000001", &version, b"d");
    cache.server.age(TimeDelta::days(2));
    store.tidy(&slot()).unwrap();
    assert_eq!(contents(&cache), "45abcd");
    assert_eq!(cache.server.asked(), [List, Delete, Delete, Delete]);
    // With nothing to delete it is one question.
    store.tidy(&slot()).unwrap();
    assert_eq!(cache.server.asked(), [List]);
}

#[test]
fn what_is_younger_than_a_day_stays() {
    let cache = Cache::new(Speaks::V2);
    let store = old(&cache, REST_WRITE);
    cache.server.age(TimeDelta::hours(-25));
    store.tidy(&slot()).unwrap();
    assert_eq!(contents(&cache), "12345");
}

#[test]
fn without_a_token_nothing_is_asked() {
    let cache = Cache::new(Speaks::V2);
    let store = old(&cache, "");
    store.tidy(&slot()).unwrap();
    assert_eq!(contents(&cache), "12345");
    assert!(cache.server.asked().is_empty());
    // Nor for a slot that this run has not seen.
    let other = self::store(&cache, REST_WRITE);
    other.tidy(&slot()).unwrap();
    assert!(cache.server.asked().is_empty());
}

#[test]
fn a_token_that_may_not_delete_is_an_error_that_says_what_it_needs() {
    let cache = Cache::new(Speaks::V2);
    for token in [REST_READ, "unknown"] {
        cache.server.evict_all();
        let store = old(&cache, token);
        let error = store.tidy(&slot()).err().unwrap();
        assert!(matches!(error, StoreError::Denied(_)), "{error}");
        assert_eq!(contents(&cache), "12345");
    }
}

#[test]
fn somebody_else_may_have_deleted_it() {
    let cache = Cache::new(Speaks::V2);
    let store = old(&cache, REST_WRITE);
    cache.server.fault(Delete, Fault::Answer(404, "{}".into()));
    store.tidy(&slot()).unwrap();
    assert_eq!(contents(&cache), "145");
    assert_eq!(get(&store, &slot()).unwrap().0, "5");
}
