//! The compare-and-swap cell, by one writer: what is written is there, what was not expected stays.

use authbaton::baton::{MAX_BATON_BYTES, SealedBytes, SlotName};
use authbaton::store::{Access, Swap};

use crate::place::{Place, content, get, put, slot};

pub(crate) fn a_slot_that_was_never_written_is_none(place: &dyn Place) {
    let store = place.open();
    assert!(get(&*store, &slot()).is_none());
    // And stays so when another one is written.
    put(&*store, &SlotName::new("other").unwrap(), None, "one");
    assert!(get(&*store, &slot()).is_none());
}

pub(crate) fn what_was_created_is_read_back_exactly(place: &dyn Place) {
    let every_byte: Vec<u8> = (0..=u8::MAX).cycle().take(5000).chain([0, 0, b'\n']).collect();
    let Swap::Done(written) =
        place.open().swap(&slot(), None, &SealedBytes::from_store(every_byte.clone())).unwrap()
    else {
        panic!("creating met a conflict")
    };
    let (read, version) = place.open().load(&slot()).unwrap().unwrap();
    assert!(read.as_slice() == every_byte, "other bytes came back");
    assert_eq!(version, written, "the version of the swap is not the one that is loaded");
}

pub(crate) fn creating_twice_conflicts(place: &dyn Place) {
    let store = place.open();
    put(&*store, &slot(), None, "one");
    for text in ["two", "one"] {
        assert_eq!(place.open().swap(&slot(), None, &content(text)).unwrap(), Swap::Conflict);
    }
    assert_eq!(get(&*store, &slot()).unwrap().0, "one");
}

pub(crate) fn only_the_right_version_is_replaced(place: &dyn Place) {
    let store = place.open();
    let first = put(&*store, &slot(), None, "one");
    let second = put(&*store, &slot(), Some(&first), "two");
    assert_ne!(first, second);
    // Stale, and one that another slot has.
    let other = put(&*store, &SlotName::new("other").unwrap(), None, "three");
    for wrong in [&first, &other] {
        assert_eq!(store.swap(&slot(), Some(wrong), &content("four")).unwrap(), Swap::Conflict);
    }
    // A version says nothing of a slot that was never written.
    let unwritten = SlotName::new("unwritten").unwrap();
    assert_eq!(store.swap(&unwritten, Some(&second), &content("five")).unwrap(), Swap::Conflict);
    assert!(get(&*store, &unwritten).is_none());
    put(&*store, &slot(), Some(&second), "six");
    assert_eq!(get(&*store, &slot()).unwrap().0, "six");
}

pub(crate) fn a_conflict_leaves_the_content(place: &dyn Place) {
    let store = place.open();
    let stale = put(&*store, &slot(), None, "one");
    let version = put(&*store, &slot(), Some(&stale), "two");
    for expected in [None, Some(&stale)] {
        assert_eq!(store.swap(&slot(), expected, &content("three")).unwrap(), Swap::Conflict);
        assert_eq!(get(&*store, &slot()), Some(("two".to_owned(), version.clone())));
    }
}

/// A, B, A: whoever loaded the first A must not replace the second, unless the two are the same record to the last
/// byte. Sealed records never are: each has a nonce of its own.
pub(crate) fn a_content_that_comes_back_has_its_old_version_only_by_being_the_same_record(place: &dyn Place) {
    let store = place.open();
    let first = put(&*store, &slot(), None, "A, nonce 1");
    let between = put(&*store, &slot(), Some(&first), "B, nonce 2");
    let again = put(&*store, &slot(), Some(&between), "A, nonce 3");
    assert_ne!(first, again);
    assert_eq!(store.swap(&slot(), Some(&first), &content("C")).unwrap(), Swap::Conflict);
    assert_eq!(get(&*store, &slot()).unwrap().0, "A, nonce 3");
}

pub(crate) fn slots_are_independent(place: &dyn Place) {
    let store = place.open();
    let names = ["default", "Default", "default.lock", "default.baton", "a-b_c.1", &"x".repeat(64)];
    let slots: Vec<_> = names.iter().map(|name| SlotName::new(name).unwrap()).collect();
    let versions: Vec<_> = slots.iter().map(|slot| put(&*store, slot, None, slot.as_str())).collect();
    put(&*store, &slots[0], Some(&versions[0]), "changed");
    for (slot, version) in slots.iter().zip(&versions).skip(1) {
        assert_eq!(get(&*store, slot), Some((slot.to_string(), version.clone())));
    }
}

pub(crate) fn the_largest_baton_fits(place: &dyn Place) {
    let store = place.open();
    let first = put(&*store, &slot(), None, "small");
    let largest = "x".repeat(MAX_BATON_BYTES);
    let version = put(&*store, &slot(), Some(&first), &largest);
    assert!(get(&*store, &slot()).unwrap().0 == largest, "the largest baton came back changed");
    put(&*store, &slot(), Some(&version), "small again");
}

/// Before it is written: a slot with more in it could never be read again.
pub(crate) fn more_than_a_baton_is_refused(place: &dyn Place) {
    let store = place.open();
    let oversized = "x".repeat(MAX_BATON_BYTES + 1);
    assert!(store.swap(&slot(), None, &content(&oversized)).is_err());
    assert!(get(&*store, &slot()).is_none());
    let version = put(&*store, &slot(), None, "one");
    assert!(store.swap(&slot(), Some(&version), &content(&oversized)).is_err());
    assert_eq!(get(&*store, &slot()), Some(("one".to_owned(), version)));
}

pub(crate) fn facts_allow_a_lease(place: &dyn Place) {
    let store = place.open();
    for _ in 0..2 {
        let facts = store.facts().unwrap();
        assert_eq!(facts.access, Access::Write);
        assert!(facts.may_lease());
        assert!(!facts.worst_swap.is_zero());
        put(
            &*store,
            &SlotName::new("facts").unwrap(),
            get(&*store, &SlotName::new("facts").unwrap()).map(|it| it.1).as_ref(),
            "x",
        );
    }
}

pub(crate) fn the_name_is_stable(place: &dyn Place) {
    // Journals are found by it, before and after the store was first written.
    let before = place.open().name();
    put(&*place.open(), &slot(), None, "one");
    assert_eq!(place.open().name(), before);
}
