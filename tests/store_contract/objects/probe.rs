//! A service that does not keep its conditions is found out before a token is spent, and nothing of that is left behind.

use authbaton::store::StoreError;

use super::{Bucket, open};
use crate::bucket_server::{Fault, Keeps, On};
use crate::place::{Place, get, put, size, slot};

fn verdict(place: &Bucket) -> Result<(), String> {
    place.open().prove(&slot()).map_err(|error| match error {
        StoreError::NotExclusive(how) => how,
        other => format!("another error: {other}"),
    })
}

#[test]
fn services_that_keep_conditions_are_proven_and_nothing_is_left_behind() {
    for place in [Bucket::strict("s3"), Bucket::strict("gs")] {
        assert_eq!(verdict(&place), Ok(()));
        assert_eq!(place.server().keys(), [""; 0]);
    }
}

#[test]
fn the_servers_of_others_are_proven() {
    for place in [Bucket::moto(), Bucket::azurite()] {
        if !place.is_turned_off() {
            assert_eq!(verdict(&place), Ok(()));
        }
    }
}

#[test]
fn every_way_not_to_keep_conditions_is_found_out() {
    let table = [
        (Keeps::NotIfNoneMatch, "created the same object"),
        (Keeps::NotIfMatch, "replaced the same object"),
        (Keeps::LooksThenWrites, "created the same object"),
    ];
    for (keeps, how) in table {
        for scheme in ["s3", "gs"] {
            for _ in 0..size(&Bucket::strict(scheme), [3, 20], [3, 20]) {
                let place = Bucket::strict(scheme);
                place.server().keep(keeps);
                let found = verdict(&place).unwrap_err();
                assert!(found.contains(how), "{keeps:?}, {scheme}: {found}");
                assert_eq!(place.server().keys(), [""; 0]);
            }
        }
    }
}

#[test]
fn a_slot_and_its_content_are_not_touched() {
    let place = Bucket::strict("s3");
    let version = put(&*place.open(), &slot(), None, "one");
    assert_eq!(verdict(&place), Ok(()));
    assert_eq!(get(&*place.open(), &slot()), Some(("one".to_owned(), version)));
    assert_eq!(place.server().keys(), ["ci/authbaton/default.baton"]);
}

#[test]
fn a_service_that_is_busy_is_no_service_that_fails() {
    let place = Bucket::strict("s3");
    for _ in 0..6 {
        place.server().fault(On::Create, Fault::Answer(409, "ConditionalRequestConflict"));
    }
    // The first round tells nothing: nobody won.
    assert_eq!(verdict(&place), Ok(()));
}

#[test]
fn a_service_that_cannot_be_asked_proves_nothing() {
    let place = Bucket::strict("s3");
    place.server().set_down(true);
    assert!(verdict(&place).unwrap_err().starts_with("another error: the store cannot be reached"));
    place.server().set_down(false);
    for _ in 0..6 {
        place.server().fault(On::Create, Fault::Answer(403, "AccessDenied"));
    }
    let store = open(place.url());
    let denied = store.prove(&slot()).unwrap_err();
    assert!(matches!(denied, StoreError::Denied(_)), "{denied}");
    assert!(!store.facts().unwrap().may_lease(), "a run that may not write takes no lease");
}

#[test]
fn what_it_costs_is_known() {
    let place = Bucket::strict("s3");
    assert_eq!(verdict(&place), Ok(()));
    // Three rounds of six who create, a look, one more, six who replace, one more, and the end.
    assert_eq!(place.server().asked().len(), 3 * (6 + 1 + 1 + 6 + 1 + 1));
}
