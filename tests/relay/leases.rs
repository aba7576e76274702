//! The lease: who waits for whom, who may take it over when, and that it is handed back.

use std::time::Duration;

use authbaton::baton::{
    Baton, HomeId, Lease, LeaseId, Nonce, Owner, OwnerId, SealRandom, SlotId, SlotName, State,
};
use authbaton::rehearsal::{Behaviour, Fault, Refusal};
use authbaton::relay::{RelayError, Want};
use authbaton::store::{Store, Swap};

use crate::arena::{Arena, fresh, phase};
use crate::lab::{Lab, lease};

const OWNER: [u8; 16] = [9; 16];

/// Changes the slot as somebody else would.
fn change(arena: &Arena, change: impl Fn(&State, Nonce) -> State) {
    let lab = Lab::new(arena, arena.first());
    let (store, id) = (lab.store(), SlotId { slot: SlotName::default(), audience: Default::default() });
    let (sealed, version) = store.load(&id.slot).unwrap().unwrap();
    let old = Baton::open(&arena.keys(), &id, &sealed).unwrap();
    let next = old.baton.with(|state| change(state, Nonce::new([1; 16])));
    let sealed = next.seal(&arena.keys(), &id, &SealRandom { salt: [2; 32], nonce: [3; 24] }).unwrap();
    assert!(matches!(store.swap(&id.slot, Some(&version), &sealed), Ok(Swap::Done(_))));
}

/// Somebody else leases the slot, from this home.
fn lease_it(arena: &Arena, name: &str, home: HomeId) {
    change(arena, |state, writer| {
        let owner = Owner { id: OwnerId::new(OWNER), name: name.to_owned(), home };
        let lease = Lease {
            id: LeaseId::new([4; 16]),
            owner,
            taken_at: chrono::Utc::now(),
            seconds: lease().as_secs(),
        };
        state.leased(lease, writer)
    });
}

/// The name of the first home.
fn home_of(arena: &Arena) -> HomeId {
    let text = std::fs::read_to_string(arena.first().home.join("authbaton.lock")).unwrap();
    HomeId::parse(text.lines().next().unwrap()).unwrap()
}

#[test]
fn a_live_lease_is_waited_for_and_its_owner_named() {
    let arena = Arena::due();
    lease_it(&arena, "job 7", HomeId::new([8; 16]));
    let ran = arena.run(&arena.first(), &["refresh", "--lock-timeout", "1s"]);
    ran.failed(7, "lease-timeout");
    assert!(ran.stderr.contains("waiting for the lease of job 7, 0 s"), "{}", ran.stderr);
    assert!(arena.authority.received().is_empty());
}

/// The name comes out of the store: it must not be able to speak to a terminal or to a CI's log.
#[test]
fn the_name_of_an_owner_is_one_line() {
    let arena = Arena::due();
    lease_it(&arena, "x\n::add-mask::a\u{1b}[2J\r", HomeId::new([8; 16]));
    let ran = arena.run(&arena.first(), &["refresh", "--lock-timeout", "1s"]);
    ran.failed(7, "lease-timeout");
    assert!(ran.stderr.contains(r"x\n::add-mask::a\u{1b}[2J\r"), "{}", ran.stderr);
    assert!(!ran.stderr.contains('\u{1b}') && !ran.stderr.contains("\n::"), "{}", ran.stderr);
    let message = ran.json["error"]["message"].as_str().unwrap();
    assert!(!message.contains(char::is_control), "{message}");
}

#[test]
fn a_lease_is_taken_over_after_it_was_seen_for_its_whole_duration() {
    let arena = Arena::due();
    lease_it(&arena, "gone", HomeId::new([8; 16]));
    let lab = Lab::new(&arena, arena.first());
    // Its own clock says that it was taken a day ago: that means nothing here.
    lab.clock.set_wall_off_by(chrono::TimeDelta::days(1));
    assert!(lab.refresh(&lab.store()).unwrap().exchanged);
    let slept = lab.clock.slept();
    assert!(slept >= lease() && slept < lease() + Duration::from_secs(1), "{slept:?}");
    assert_eq!(arena.authority.exchanges(), 1);
}

#[test]
fn a_lease_of_this_home_is_taken_over_at_once() {
    let arena = Arena::due();
    lease_it(&arena, "gone", home_of(&arena));
    let lab = Lab::new(&arena, arena.first());
    assert!(lab.refresh(&lab.store()).unwrap().exchanged);
    assert_eq!(lab.clock.slept(), Duration::ZERO);
}

#[test]
fn not_at_once_while_its_journal_is_blank() {
    let arena = Arena::due();
    // A first exchange makes the directory of the journals, and their names show.
    let lab = Lab::new(&arena, arena.first());
    let journal = std::cell::RefCell::new(None);
    let store = lab.scripted(|_| {
        *journal.borrow_mut() = arena.journals(&arena.first()).pop().map(|(path, _)| path);
        Ok(())
    });
    assert!(lab.refresh_as(&store, Want { force: true, must: false }).unwrap().exchanged);
    let path = journal.borrow().clone().unwrap();
    let (slot, _) = path.file_name().unwrap().to_str().unwrap().split_once('-').unwrap();
    std::fs::write(path.with_file_name(format!("{slot}-{}.journal", OwnerId::new(OWNER))), [0; 100]).unwrap();
    lease_it(&arena, "gone", home_of(&arena));
    let lab = Lab::new(&arena, arena.first());
    assert!(lab.refresh_as(&lab.store(), Want { force: true, must: false }).unwrap().exchanged);
    assert!(lab.clock.slept() >= lease(), "{:?}", lab.clock.slept());
}

/// The home's lock is ours while we hold the lease, so no lease of this home has a living owner.
#[test]
fn two_verbs_never_have_one_home() {
    let arena = Arena::new();
    arena.seed(&fresh());
    let lab = Lab::new(&arena, arena.first());
    let keys = arena.keys();
    lab.with(&lab.store(), &keys, |_, _| {
        let ran = arena.run(&arena.first(), &["refresh", "--lock-timeout", "1s"]);
        ran.failed(7, "lock-timeout");
    });
}

#[test]
fn a_lease_is_handed_back_with_what_it_was_taken_over() {
    type Change = fn(&State, Nonce) -> State;
    let idle: Change = State::handed_back;
    let suspect: Change =
        |state, writer| state.denied(chrono::Utc::now() - chrono::TimeDelta::hours(1), writer);
    let dead: Change = |state, writer| state.dead(authbaton::baton::DeadReason::Expired, writer);
    for (before, name) in [(idle, "idle"), (suspect, "suspect"), (dead, "dead expired")] {
        let arena = Arena::due();
        change(&arena, before);
        assert_eq!(arena.phase(), name);
        arena.authority.always(Behaviour::Failing(Fault::Refusal(Refusal::new(500, "server_error"))));
        arena.run(&arena.first(), &["refresh", "--force"]).failed(6, "authority-unclear");
        assert_eq!((arena.phase().as_str(), arena.authority.posts()), (name, 2));
        assert!(arena.journals(&arena.first()).is_empty());
    }
}

/// The first unclear 401 makes it suspect; ten minutes later somebody asks again, and the second one ends it.
#[test]
fn a_second_unclear_401_ends_the_slot() {
    for second in [Behaviour::Failing(Fault::Refusal(Refusal::new(401, "something_new"))), Behaviour::Honest]
    {
        let arena = Arena::due();
        arena.authority.script(Behaviour::Failing(Fault::Refusal(Refusal::new(401, "something_new"))));
        arena.refresh().failed(5, "login-suspect");
        let lab = Lab::new(&arena, arena.first());
        lab.clock.set_wall_off_by(chrono::TimeDelta::minutes(9));
        assert!(matches!(lab.refresh(&lab.store()), Err(RelayError::Suspect(_))));
        assert_eq!(arena.authority.posts(), 1);
        lab.clock.set_wall_off_by(chrono::TimeDelta::minutes(11));
        let clears = second == Behaviour::Honest;
        arena.authority.script(second);
        let refreshed = lab.refresh(&lab.store());
        assert_eq!((refreshed.is_ok(), arena.authority.posts()), (clears, 2));
        assert_eq!(phase(&arena.state()), if clears { "idle" } else { "dead unauthorized" });
    }
}

/// A copied home (an image, a cache, a template) has its lock file copied, too: holding that is not holding the original.
#[test]
fn a_copy_of_a_home_is_another_home() {
    let arena = Arena::due();
    let original = home_of(&arena);
    let copy = arena.runner(2, 2);
    std::fs::create_dir_all(&copy.home).unwrap();
    std::fs::copy(arena.first().home.join("authbaton.lock"), copy.home.join("authbaton.lock")).unwrap();
    lease_it(&arena, "job 7", original);
    arena.run(&copy, &["refresh", "--lock-timeout", "1s"]).failed(7, "lease-timeout");
    assert!(arena.authority.received().is_empty());
    let named = std::fs::read_to_string(copy.home.join("authbaton.lock")).unwrap();
    assert!(HomeId::parse(named.lines().next().unwrap()).unwrap() != original);
    assert!(home_of(&arena) == original, "the original keeps its name");
}
