//! Rotated, and the store does not take it: the journal has the only token, and whoever comes next stores it.

use std::cell::Cell;
use std::fs;
use std::time::Duration;

use authbaton::relay::{RelayError, Want};
use authbaton::store::Store;
use chrono::TimeDelta;

use crate::arena::{Arena, Runner, issued};
use crate::lab::{Lab, lease};

/// How a refresh ended that the store did not take.
pub(crate) struct Unstored {
    /// How long it went on trying, by its own clock.
    slept: Duration,
    /// The text that a person is told to keep.
    pub(crate) text: String,
}

/// Refreshes with a store that takes the lease, and then nothing until the last try has failed. It would take a
/// hand-back again, which must not come.
pub(crate) fn refresh_without_storing(arena: &Arena, runner: &Runner) -> Unstored {
    let lab = Lab::new(arena, runner.clone());
    let (reading, last_try) = (lab.clock.reading(), Cell::new(false));
    let store = lab.scripted(move |number| {
        let works = number == 1 || reading.get() >= lease() && last_try.replace(true);
        if works { Ok(()) } else { Err(()) }
    });
    let home = fs::read(runner.auth_json()).ok();
    let Err(RelayError::NotStored { journal, rescue, .. }) = lab.refresh(&store) else {
        panic!("it was stored")
    };
    assert!(journal.is_some_and(|journal| journal.is_file()) && !rescue.is_empty());
    arena.is_silent(&rescue);
    arena.nothing_lies_around();
    assert_eq!(fs::read(runner.auth_json()).ok(), home, "the home has what the store has not");
    assert_eq!(arena.phase(), "leased", "the lease was handed back with a spent token in the slot");
    assert_eq!(arena.authority.exchanges(), 1);
    Unstored { slept: lab.clock.slept(), text: rescue }
}

#[test]
fn the_store_is_tried_while_the_lease_lasts() {
    let arena = Arena::due();
    let slept = refresh_without_storing(&arena, &arena.first()).slept;
    assert!(slept >= lease() && slept < lease() * 2, "{slept:?}");
}

#[test]
fn the_next_run_on_this_machine_stores_the_journal() {
    for home in [None, Some(2)] {
        let arena = Arena::due();
        refresh_without_storing(&arena, &arena.first());
        // Also from another home: the journal belongs to the machine.
        let runner = home.map_or(arena.first(), |home| arena.runner(home, 0));
        arena.run(&runner, &["restore"]).fine();
        assert_eq!(arena.authority.posts(), 1, "it was exchanged again");
        arena.holds_a_living_token();
        assert_eq!((arena.phase().as_str(), arena.state().unproven), ("idle", None));
        assert_eq!(runner.access_token(), arena.held_access_token());
        assert!(arena.journals(&runner).is_empty());
        arena.run(&runner, &["refresh"]).refreshed(false);
    }
}

/// Elsewhere nobody has the journal. The token is reused, and that is told as it is: then the journal still saves it.
#[test]
fn a_journal_saves_a_slot_that_died_elsewhere_meanwhile() {
    let arena = Arena::due();
    refresh_without_storing(&arena, &arena.first());
    // The authority forgets that it was used twice, as it would within its grace: the answer alone ends the slot.
    let reused = authbaton::rehearsal::Refusal::new(401, "refresh_token_reused");
    arena.authority.script(authbaton::rehearsal::Behaviour::Failing(reused.into()));
    let elsewhere = Lab::new(&arena, arena.runner(2, 2));
    assert!(elsewhere.refresh(&elsewhere.store()).is_err());
    assert!(elsewhere.clock.slept() >= lease());
    assert_eq!(arena.phase(), "dead reused");
    // Stored over another lease than its own: it proves itself by an exchange before anyone relies on it.
    arena.run(&arena.first(), &["restore"]).failed(3, "refresh-first");
    assert_eq!(arena.phase(), "idle");
    assert!(arena.state().unproven.is_some());
    let lab = Lab::new(&arena, arena.first());
    // Whatever the wall clocks say: the wait is measured here.
    lab.clock.set_wall_off_by(TimeDelta::minutes(3));
    assert!(lab.refresh(&lab.store()).unwrap().exchanged);
    let slept = lab.clock.slept();
    assert!((Duration::from_secs(35)..Duration::from_secs(40)).contains(&slept), "{slept:?}");
    assert_eq!(arena.state().unproven, None);
    arena.holds_a_living_token();
}

/// A job that still lives keeps its journal to itself. It may end just as we take the lease over its own: then its reply is
/// stored under our lease, and what we loaded before is spent.
#[test]
fn a_reply_that_turns_up_under_the_lease_is_renewed_and_not_what_was_loaded_before() {
    let arena = Arena::due();
    refresh_without_storing(&arena, &arena.first());
    let (path, _) = arena.journals(&arena.first()).remove(0);
    let journal = fs::read(&path).unwrap();
    // Where nobody knows of it until then.
    let runner = arena.runner(2, 2);
    let there = runner.state.join(path.strip_prefix(arena.first().state).unwrap());
    let lab = Lab::new(&arena, runner);
    let store = lab.scripted(move |number| {
        if number == 1 {
            fs::write(&there, &journal).unwrap();
        }
        Ok(())
    });
    assert!(lab.refresh(&store).unwrap().exchanged);
    assert!(lab.clock.slept() >= lease(), "the lease was not waited out");
    // The reply's token, and no other, went to the authority.
    assert_eq!((arena.authority.posts(), arena.authority.exchanges()), (2, 2));
    assert_eq!((arena.phase().as_str(), arena.state().unproven), ("idle", None));
    arena.holds_a_living_token();
    assert!(arena.journals(&arena.runner(2, 2)).is_empty());
}

#[test]
fn a_journal_is_dropped_once_its_content_has_landed() {
    let arena = Arena::due();
    let runner = arena.first();
    refresh_without_storing(&arena, &runner);
    let (path, _) = arena.journals(&runner).remove(0);
    let journal = fs::read(&path).unwrap();
    arena.refresh().refreshed(false);
    // It lies there again, as after a crash between the store and its deletion.
    fs::write(&path, journal).unwrap();
    let writer = arena.state().writer;
    arena.refresh().refreshed(false);
    assert!(arena.journals(&runner).is_empty());
    assert_eq!(arena.state().writer, writer, "it was stored twice");
}

#[test]
fn a_journal_of_a_slot_that_moved_on_is_kept() {
    for purge in [false, true] {
        let arena = Arena::due();
        let runner = arena.first();
        refresh_without_storing(&arena, &runner);
        // From another machine, which does not see the journal.
        let elsewhere = arena.runner(2, 2);
        if purge {
            arena.run(&elsewhere, &["logout", "--purge"]).fine();
            let ran = arena.refresh();
            ran.failed(3, "slot-empty");
            assert!(ran.stderr.contains("is kept: the slot has moved on"), "{}", ran.stderr);
        } else {
            let seed = arena.issue(&issued(TimeDelta::hours(-1), TimeDelta::days(9)));
            arena.restore(&elsewhere, &seed).fine();
            let held = arena.held_token();
            let ran = arena.refresh();
            assert!(ran.refreshed(false).stderr.contains("is kept: the slot has moved on"), "{}", ran.stderr);
            assert_eq!(arena.held_token(), held);
        }
        assert_eq!(arena.journals(&runner).len(), 1);
    }
}

/// The store took it and its answer was lost: the nonce tells, and nothing is stored twice.
#[test]
fn an_answer_of_the_store_that_was_lost_is_read_back() {
    let arena = Arena::due();
    let lab = Lab::new(&arena, arena.first());
    let swaps = Cell::new(0);
    let store = Deaf { inner: lab.store(), swaps: &swaps };
    let refreshed = lab.refresh_as(&store, Want::default()).unwrap();
    assert!(refreshed.exchanged && refreshed.loaded.baton().state().writer == arena.state().writer);
    assert_eq!((swaps.get(), arena.authority.posts(), arena.state().generation), (2, 1, 2));
    assert!(arena.journals(&arena.first()).is_empty());
    arena.holds_a_living_token();
}

/// A store whose writes land, and which always says that they did not.
struct Deaf<'a> {
    inner: authbaton::store::FileStore,
    swaps: &'a Cell<usize>,
}

impl Store for Deaf<'_> {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn facts(&self) -> Result<authbaton::store::Facts, authbaton::store::StoreError> {
        self.inner.facts()
    }

    fn load(
        &self,
        slot: &authbaton::baton::SlotName,
    ) -> Result<
        Option<(authbaton::baton::SealedBytes, authbaton::store::Version)>,
        authbaton::store::StoreError,
    > {
        self.inner.load(slot)
    }

    fn swap(
        &self,
        slot: &authbaton::baton::SlotName,
        expected: Option<&authbaton::store::Version>,
        new: &authbaton::baton::SealedBytes,
    ) -> Result<authbaton::store::Swap, authbaton::store::StoreError> {
        self.swaps.set(self.swaps.get() + 1);
        let _ = self.inner.swap(slot, expected, new)?;
        Ok(authbaton::store::Swap::Conflict)
    }
}
