//! What a service answers that is neither an entry nor the plain word that there is none: never an empty slot, never "exists",
//! never repeated.

use std::error::Error as _;
use std::sync::{Arc, Mutex};

use authbaton::baton::MAX_BATON_BYTES;
use authbaton::job::{Hidden, Masks};
use authbaton::store::{Store, StoreError, Swap};

use super::{Cache, SystemLike, open};
use crate::cache_server::Route::{Download, Finish, Lookup, Reserve, Upload};
use crate::cache_server::{Fault, MAIN, Mint, Says, Speaks, environment, on_main};
use crate::place::{content, get, put, slot};

const BOTH: [Speaks; 2] = [Speaks::V2, Speaks::V1];

/// A run whose token the service treats otherwise than it reads: its claim says nothing to us.
fn trusting(cache: &Cache, token: &str) -> authbaton::store::ActionsCacheStore {
    cache.with(token, &[("GITHUB_REF", MAIN)], SystemLike::default()).unwrap()
}

fn kind(error: &StoreError) -> &'static str {
    match error {
        StoreError::Denied(_) => "denied",
        StoreError::Unreachable(_) => "unreachable",
        StoreError::Garbled(_) => "garbled",
        _ => "other",
    }
}

/// What the error says, with what is beneath it.
fn whole(error: &StoreError) -> String {
    format!("{error} {error:?} {:?}", error.source().map(ToString::to_string))
}

#[test]
fn a_denied_lookup_is_no_empty_slot() {
    for speaks in BOTH {
        let cache = Cache::new(speaks);
        let token = Mint::scopes(&[(MAIN, 2)]).token();
        let store = cache.as_run(&token).unwrap();
        // Seen in the claim before anything is asked …
        assert!(matches!(store.load(&slot()), Err(StoreError::Denied(_))));
        assert!(cache.server.asked().is_empty());
        // … and told by the service.
        let denial = r#"{"code":"permission_denied","msg":"cache read denied: x"}"#;
        for (status, body) in
            [(403, denial), (403, ""), (401, "{}"), (200, r#"{"ok":false,"message":"cache read denied: x"}"#)]
        {
            if speaks == Speaks::V1 && status == 200 {
                continue;
            }
            let store = cache.as_run(&on_main()).unwrap();
            cache.server.fault(Lookup, Fault::Answer(status, body.into()));
            let error = store.load(&slot()).err().unwrap();
            assert_eq!(kind(&error), "denied", "{speaks:?} {status} {body}");
        }
    }
}

#[test]
fn an_invalid_token_is_denied() {
    for speaks in BOTH {
        let cache = Cache::new(speaks);
        let forged = format!("{}x", on_main());
        let store = cache.as_run(&forged).unwrap();
        assert_eq!(kind(&store.load(&slot()).err().unwrap()), "denied");
        assert_eq!(kind(&store.swap(&slot(), None, &content("x")).err().unwrap()), "denied");
    }
}

#[test]
fn a_denied_write_is_no_conflict() {
    for speaks in BOTH {
        for says in [Says::Words, Says::Status] {
            let cache = Cache::new(speaks);
            cache.server.say(says, says);
            // The claim is read by us as unknown, by the service as read-only: it is asked, and denies.
            cache.server.fault(
                Lookup,
                Fault::Answer(if speaks == Speaks::V1 { 204 } else { 200 }, r#"{"ok":false}"#.into()),
            );
            let denial = match (speaks, says) {
                (Speaks::V2, Says::Words) => (200, r#"{"ok":false,"message":"cache write denied: x"}"#),
                (Speaks::V2, Says::Status) => (403, r#"{"code":"permission_denied","msg":"x"}"#),
                (Speaks::V1, _) => (403, r#"{"message":"cache write denied: x"}"#),
            };
            cache.server.fault(Reserve, Fault::Answer(denial.0, denial.1.into()));
            let store = trusting(&cache, &on_main());
            let error = store.swap(&slot(), None, &content("one")).err().unwrap();
            assert_eq!(kind(&error), "denied", "{speaks:?} {says:?}");
            assert!(cache.server.there().is_empty());
        }
    }
}

#[test]
fn that_a_key_exists_is_a_conflict_however_it_is_said() {
    for speaks in BOTH {
        for says in [Says::Words, Says::Status] {
            let cache = Cache::new(speaks);
            cache.server.say(says, says);
            let (first, second) = (cache.at(&SystemLike::default()), cache.at(&SystemLike::default()));
            assert!(get(&second, &slot()).is_none());
            put(&first, &slot(), None, "one");
            assert_eq!(
                second.swap(&slot(), None, &content("two")).unwrap(),
                Swap::Conflict,
                "{speaks:?} {says:?}"
            );
        }
    }
}

#[test]
fn what_is_no_answer_of_such_a_service_is_no_empty_slot() {
    let cache = Cache::new(Speaks::V2);
    let store = cache.at(&SystemLike::default());
    put(&store, &slot(), None, "one");
    let garbled = [
        (200, ""),
        (200, "{}"),
        (200, "null"),
        (200, "<html>"),
        (200, r#"{"ok":"false"}"#),
        (200, r#"{"ok":true}"#),
        (200, r#"{"ok":true,"signed_download_url":"http://10.0.0.1/x?sig=1","matched_key":"x"}"#),
        (200, r#"{"ok":true,"signed_download_url":"https://127.0.0.1:1/x?sig=1","matched_key":"x"}"#),
        (204, ""),
        (302, ""),
        (404, r#"{"code":"bad_route"}"#),
        (404, r#"{"ok":false}"#),
        (400, "{}"),
    ];
    for (status, body) in garbled {
        cache.server.fault(Lookup, Fault::Answer(status, body.into()));
        let error = store.load(&slot()).err().unwrap_or_else(|| panic!("{status} {body} was taken"));
        assert_eq!(kind(&error), "garbled", "{status} {body}");
    }
    // The blob is gone, or more than a baton.
    for status in [404, 204] {
        cache.server.fault(Download, Fault::Answer(status, String::new()));
        assert_eq!(kind(&store.load(&slot()).err().unwrap()), "garbled");
    }
    cache.server.fault(Download, Fault::Answer(200, "x".repeat(MAX_BATON_BYTES + 1)));
    assert_eq!(kind(&store.load(&slot()).err().unwrap()), "garbled");
    cache
        .server
        .fault(Lookup, Fault::Answer(200, format!(r#"{{"ok":false,"message":"{}"}}"#, "x".repeat(70_000))));
    assert_eq!(kind(&store.load(&slot()).err().unwrap()), "garbled");
    assert_eq!(get(&store, &slot()).unwrap().0, "one");
}

/// A lookup by prefix finds whatever begins so. Only a key of our form is a record.
#[test]
fn an_entry_of_another_form_is_an_error() {
    for more in ["x", "12", "000000000007x", "+00000000007", "0000000000070"] {
        let cache = Cache::new(Speaks::V2);
        let store = cache.at(&SystemLike::default());
        put(&store, &slot(), None, "one");
        let (_, key, _) = cache.server.there().remove(0);
        let prefix = key.strip_suffix("000000000001").unwrap();
        let version = cache.server.version();
        cache.server.put(MAIN, &format!("{prefix}{more}"), &version, b"something else");
        assert_eq!(kind(&store.load(&slot()).err().unwrap()), "garbled", "{more}");
    }
}

#[test]
fn a_service_that_is_busy_or_full_says_so_and_is_not_asked_again() {
    let cache = Cache::new(Speaks::V2);
    let store = cache.at(&SystemLike::default());
    cache.server.fault(Lookup, Fault::RateLimited(17));
    let error = store.load(&slot()).err().unwrap();
    assert!(kind(&error) == "unreachable" && error.to_string().contains("asks to wait 17 s"), "{error}");
    assert_eq!(cache.server.asked(), [Lookup]);
    assert!(get(&store, &slot()).is_none());
    let full = r#"{"code":"resource_exhausted","msg":"insufficient usage to create cache"}"#;
    cache.server.fault(Reserve, Fault::Answer(403, full.into()));
    let error = store.swap(&slot(), None, &content("one")).err().unwrap();
    assert!(kind(&error) == "denied" && error.to_string().contains("full"), "{error}");
}

#[test]
fn nothing_that_a_service_says_is_repeated() {
    let cache = Cache::new(Speaks::V2);
    let store = cache.at(&SystemLike::default());
    let version = put(&store, &slot(), None, "one");
    let canary = "sig=canary-of-a-service";
    for route in [Lookup, Download, Reserve, Upload, Finish] {
        for status in [400, 401, 403, 404, 409, 418, 429, 501] {
            let body = format!(r#"{{"code":"{canary}","msg":"{canary}","message":"{canary}"}}"#);
            cache.server.fault(route, Fault::Answer(status, body));
            let errors =
                [store.load(&slot()).err(), store.swap(&slot(), Some(&version), &content("x")).err()];
            for error in errors.iter().flatten() {
                assert!(!whole(error).contains("canary"), "{}", whole(error));
                assert!(!whole(error).contains("127.0.0.1"), "{}", whole(error));
            }
        }
    }
}

#[test]
fn signatures_are_masked_before_they_are_used() {
    for speaks in BOTH {
        let cache = Cache::new(speaks);
        let masked = Arc::new(Mutex::new(Vec::new()));
        let there = Arc::clone(&masked);
        let masks = Masks::new(Hidden::All, move |texts| {
            there.lock().unwrap().extend(texts.iter().map(|text| (*text).to_owned()));
        });
        let variables = environment(cache.server.url(), speaks, &on_main());
        let store = open(variables, masks, SystemLike::default()).unwrap();
        put(&store, &slot(), None, "one");
        get(&store, &slot()).unwrap();
        let masked = masked.lock().unwrap();
        for signature in cache.server.signatures() {
            let encoded: String = url::form_urlencoded::byte_serialize(signature.as_bytes()).collect();
            assert!(masked.contains(&signature) && masked.contains(&encoded), "{speaks:?}");
        }
        if speaks == Speaks::V1 {
            assert!(masked.iter().any(|text| text.starts_with(cache.server.url())), "the whole address");
        }
    }
}
