//! What answers of a service mean: nothing is sent twice, a busy service is asked again, a missing object is an empty slot
//! only if the service says so, and nothing that it says is repeated.

use std::time::{Duration, Instant};

use authbaton::baton::MAX_BATON_BYTES;
use authbaton::store::{StoreError, Swap};

use super::{Bucket, open};
use crate::bucket_server::{BucketServer, Fault, On};
use crate::place::{Place, content, get, put, slot};

const KEY: &str = "ci/authbaton/default.baton";

fn kinds(server: &BucketServer) -> Vec<On> {
    server.asked().into_iter().map(|asked| asked.on).collect()
}

/// A place whose slot holds "one".
fn written() -> Bucket {
    let place = Bucket::strict("s3");
    put(&*place.open(), &slot(), None, "one");
    place.server().asked();
    place
}

#[test]
fn a_write_is_sent_once_whatever_becomes_of_its_reply() {
    let faults =
        [Fault::DoneAnd(500), Fault::DoneAnd(503), Fault::DoneAnd(429), Fault::LoseReply, Fault::LoseRequest];
    for fault in faults {
        let place = written();
        let store = place.open();
        let (_, version) = get(&*store, &slot()).unwrap();
        place.server().asked();
        place.server().fault(On::Update, fault.clone());
        let swapped = store.swap(&slot(), Some(&version), &content("two"));
        // Not a conflict: it may be ours that is there.
        assert!(matches!(swapped, Err(StoreError::Unreachable(_))), "{fault:?}: {swapped:?}");
        assert_eq!(kinds(place.server()), [On::Update], "{fault:?}");
        let landed = !matches!(fault, Fault::LoseRequest);
        assert_eq!(get(&*store, &slot()).unwrap().0 == "two", landed, "{fault:?}");
    }
}

#[test]
fn a_contended_create_of_what_is_not_there_is_tried_again() {
    let place = Bucket::strict("s3");
    for _ in 0..2 {
        place.server().fault(On::Create, Fault::Answer(409, "ConditionalRequestConflict"));
    }
    put(&*place.open(), &slot(), None, "one");
    assert_eq!(kinds(place.server()), [On::Create, On::Get, On::Create, On::Get, On::Create]);
    // And it ends: others may be at it for ever.
    let place = Bucket::strict("s3");
    for _ in 0..9 {
        place.server().fault(On::Create, Fault::Answer(409, "ConditionalRequestConflict"));
    }
    let swapped = place.open().swap(&slot(), None, &content("one"));
    assert!(matches!(swapped, Err(StoreError::Unreachable(_))), "{swapped:?}");
    assert_eq!(kinds(place.server()).len(), 6);
}

#[test]
fn a_contended_write_that_somebody_else_won_is_a_conflict() {
    let place = written();
    let store = place.open();
    let (_, version) = get(&*store, &slot()).unwrap();
    place.server().fault(On::Update, Fault::Answer(409, "ConditionalRequestConflict"));
    put(&*store, &slot(), Some(&version), "two");
    let (_, version) = get(&*store, &slot()).unwrap();
    place.server().fault(On::Update, Fault::Overtaken(b"theirs".to_vec()));
    assert_eq!(store.swap(&slot(), Some(&version), &content("three")).unwrap(), Swap::Conflict);
    assert_eq!(get(&*store, &slot()).unwrap().0, "theirs");
    // What a create meets: Azure says 409 where S3 says 412.
    place.server().fault(On::Create, Fault::Answer(409, "BlobAlreadyExists"));
    assert_eq!(store.swap(&slot(), None, &content("four")).unwrap(), Swap::Conflict);
}

#[test]
fn replacing_what_is_gone_is_a_conflict_and_creates_nothing() {
    let place = written();
    let store = place.open();
    let (_, version) = get(&*store, &slot()).unwrap();
    place.server().remove(KEY);
    assert_eq!(store.swap(&slot(), Some(&version), &content("two")).unwrap(), Swap::Conflict);
    assert!(get(&*store, &slot()).is_none());
}

#[test]
fn a_read_is_tried_again_and_then_given_up() {
    let place = written();
    let passing = [Fault::Answer(503, "SlowDown"), Fault::LoseRequest];
    for fault in passing {
        place.server().fault(On::Get, fault.clone());
        place.server().fault(On::Get, fault);
        assert_eq!(get(&*place.open(), &slot()).unwrap().0, "one");
        assert_eq!(kinds(place.server()).len(), 3);
    }
    place.server().set_down(true);
    assert!(matches!(place.open().load(&slot()).err(), Some(StoreError::Unreachable(_))));
    assert_eq!(kinds(place.server()).len(), 3);
}

#[test]
fn only_a_missing_object_is_an_empty_slot() {
    let place = written();
    type Is = fn(&StoreError) -> bool;
    let table: [(Fault, Is); 8] = [
        (Fault::Page404, |it| matches!(it, StoreError::Denied(_))),
        (Fault::Answer(404, "NoSuchBucket"), |it| matches!(it, StoreError::Denied(_))),
        (Fault::Answer(403, "AccessDenied"), |it| matches!(it, StoreError::Denied(_))),
        (Fault::Answer(301, "PermanentRedirect"), |it| matches!(it, StoreError::Garbled(_))),
        (Fault::Answer(400, "AuthorizationHeaderMalformed"), |it| matches!(it, StoreError::Garbled(_))),
        (Fault::NoTags, |it| matches!(it, StoreError::Garbled(_))),
        (Fault::Oversized { announced: true }, |it| matches!(it, StoreError::Garbled(_))),
        (Fault::Oversized { announced: false }, |it| matches!(it, StoreError::Garbled(_))),
    ];
    for (fault, expected) in table {
        place.server().fault(On::Get, fault.clone());
        let error = place.open().load(&slot()).err().unwrap();
        assert!(expected(&error), "{fault:?}: {error}");
        assert!(!error.to_string().contains("canary"), "{fault:?}: {error}");
        assert_eq!(kinds(place.server()), [On::Get], "{fault:?} is asked for again");
    }
    place.server().put(KEY, &vec![b'x'; MAX_BATON_BYTES + 1]);
    assert!(place.open().load(&slot()).is_err());
    place.server().put(KEY, &vec![b'x'; MAX_BATON_BYTES]);
    assert!(place.open().load(&slot()).is_ok());
}

#[test]
fn a_generation_is_demanded_of_gcs() {
    let place = Bucket::strict("gs");
    place.server().fault(On::Create, Fault::NoTags);
    let swapped = place.open().swap(&slot(), None, &content("one"));
    assert!(matches!(swapped, Err(StoreError::Garbled(_))), "{swapped:?}");
    // It has landed all the same, which is for the caller to find out.
    assert_eq!(get(&*place.open(), &slot()).unwrap().0, "one");
}

#[test]
fn nothing_waits_longer_than_a_swap_may_take() {
    let place = written();
    let store = place.open();
    let (_, version) = get(&*store, &slot()).unwrap();
    let worst = store.facts().unwrap().worst_swap;
    place.server().fault(On::Update, Fault::Late(Duration::from_secs(20)));
    let start = Instant::now();
    let swapped = store.swap(&slot(), Some(&version), &content("two"));
    assert!(matches!(swapped, Err(StoreError::Unreachable(_))), "{swapped:?}");
    assert!(start.elapsed() < worst + Duration::from_secs(1), "{:?}", start.elapsed());
}

#[test]
fn a_body_that_trickles_is_given_up() {
    let place = written();
    for _ in 0..3 {
        place.server().fault(On::Get, Fault::SlowBody);
    }
    let start = Instant::now();
    assert!(matches!(
        place.open().load(&slot()).err(),
        Some(StoreError::Unreachable(_) | StoreError::Garbled(_))
    ));
    assert!(start.elapsed() < Duration::from_secs(21), "{:?}", start.elapsed());
}

#[test]
fn who_is_refused_once_may_only_read() {
    let place = written();
    let store = open(place.url());
    let (_, version) = get(&*store, &slot()).unwrap();
    assert!(store.facts().unwrap().may_lease());
    place.server().fault(On::Update, Fault::Answer(403, "AccessDenied"));
    let denied = store.swap(&slot(), Some(&version), &content("two"));
    assert!(matches!(denied, Err(StoreError::Denied(_))), "{denied:?}");
    assert!(!store.facts().unwrap().may_lease());
}
