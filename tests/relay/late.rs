//! Swaps that took too long: they have not landed, whatever is read back. Nothing is sent under such a lease, and nothing
//! is called stored because of such a write.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use authbaton::baton::{SealedBytes, SlotName};
use authbaton::credential::FullLogin;
use authbaton::relay::{RelayError, Seeded};
use authbaton::store::{Facts, FileStore, Store, StoreError, Swap, Version};

use crate::arena::{Arena, fresh};
use crate::lab::Lab;

/// What becomes of a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    InTime,
    /// Too late, and it is there.
    LateAndThere,
    /// Too late, and it is not there.
    LateAndLost,
}
use Fate::{InTime, LateAndLost, LateAndThere};

/// A store whose swaps have a fate, and whose last fate is that of all further ones.
struct Slow<'a> {
    inner: FileStore,
    fates: RefCell<Vec<Fate>>,
    clock: Rc<Cell<Duration>>,
    arena: &'a Arena,
    /// How many requests the authority had had at each swap, in order.
    posts: RefCell<Vec<usize>>,
}

impl<'a> Slow<'a> {
    fn new(arena: &'a Arena, lab: &Lab<'_>, fates: &[Fate]) -> Self {
        let fates = RefCell::new(fates.iter().rev().copied().collect());
        Self { inner: lab.store(), fates, clock: lab.clock.reading(), arena, posts: RefCell::default() }
    }

    fn fate(&self) -> Fate {
        let mut fates = self.fates.borrow_mut();
        if fates.len() > 1 { fates.pop().unwrap() } else { fates[0] }
    }
}

impl Store for Slow<'_> {
    fn name(&self) -> String {
        self.inner.name()
    }

    fn facts(&self) -> Result<Facts, StoreError> {
        Ok(Facts { worst_swap: Duration::from_secs(60), ..self.inner.facts()? })
    }

    fn load(&self, slot: &SlotName) -> Result<Option<(SealedBytes, Version)>, StoreError> {
        self.inner.load(slot)
    }

    fn swap(
        &self,
        slot: &SlotName,
        expected: Option<&Version>,
        new: &SealedBytes,
    ) -> Result<Swap, StoreError> {
        self.posts.borrow_mut().push(self.arena.authority.posts());
        let fate = self.fate();
        if fate == InTime {
            return self.inner.swap(slot, expected, new);
        }
        self.clock.set(self.clock.get() + Duration::from_secs(31));
        if fate == LateAndThere {
            let _ = self.inner.swap(slot, expected, new)?;
        }
        Ok(Swap::Late)
    }
}

#[test]
fn nothing_is_sent_under_a_lease_that_came_too_late() {
    let table: [(&[Fate], &[usize]); 3] = [
        // Late, confirmed, renewed because it is old by then; the POST; stored.
        (&[LateAndThere, InTime], &[0, 0, 0, 1]),
        // Late and lost: taken anew.
        (&[LateAndLost, InTime], &[0, 0, 1]),
        // The renewal is late as well, and confirmed just before the POST.
        (&[LateAndThere, InTime, LateAndThere, InTime], &[0, 0, 0, 0, 1]),
    ];
    for (fates, posts) in table {
        let arena = Arena::due();
        let lab = Lab::new(&arena, arena.first());
        let store = Slow::new(&arena, &lab, fates);
        assert!(lab.refresh(&store).unwrap().exchanged);
        assert_eq!(*store.posts.borrow(), posts);
        assert_eq!(arena.authority.posts(), 1);
        arena.holds_a_living_token();
        assert_eq!(arena.phase(), "idle");
    }
}

#[test]
fn a_store_that_is_always_too_late_gets_no_lease() {
    for fate in [LateAndThere, LateAndLost] {
        let arena = Arena::due();
        let mut lab = Lab::new(&arena, arena.first());
        lab.lock_timeout = Some(Duration::from_secs(200));
        let store = Slow::new(&arena, &lab, &[fate]);
        let refreshed = lab.refresh(&store);
        assert!(matches!(refreshed, Err(RelayError::Store(StoreError::Unreachable(_)))));
        assert_eq!(arena.authority.posts(), 0);
    }
}

#[test]
fn a_result_that_was_stored_too_late_is_stored_again() {
    for fate in [LateAndThere, LateAndLost] {
        let arena = Arena::due();
        let lab = Lab::new(&arena, arena.first());
        let store = Slow::new(&arena, &lab, &[InTime, fate, InTime]);
        let refreshed = lab.refresh(&store).unwrap();
        assert!(refreshed.exchanged);
        assert_eq!(*store.posts.borrow(), [0, 1, 1], "the lease, the late write, and the one that counts");
        assert_eq!(refreshed.loaded.baton().state().writer, arena.state().writer);
        assert_eq!((arena.authority.posts(), arena.state().generation), (1, 2));
        arena.holds_a_living_token();
        assert!(arena.journals(&arena.first()).is_empty());
    }
}

/// The store shows our own token all the time, and that is not enough.
#[test]
fn what_is_only_ever_written_too_late_is_not_called_stored() {
    let arena = Arena::due();
    let lab = Lab::new(&arena, arena.first());
    let store = Slow::new(&arena, &lab, &[InTime, LateAndThere]);
    let Err(RelayError::NotStored { journal, rescue, .. }) = lab.refresh(&store) else {
        panic!("it was called stored")
    };
    assert!(journal.is_some_and(|journal| journal.is_file()) && !rescue.is_empty());
    assert_eq!(arena.authority.posts(), 1);
    assert!(lab.clock.slept() >= Duration::from_secs(300), "it was not tried while the lease lasted");
    // The next run finds that the journal has landed, in time by now.
    arena.refresh().refreshed(false);
    arena.holds_a_living_token();
}

#[test]
fn a_seed_that_came_too_late_is_written_again() {
    for fate in [LateAndThere, LateAndLost] {
        let arena = Arena::new();
        let lab = Lab::new(&arena, arena.first());
        let store = Slow::new(&arena, &lab, &[fate, InTime]);
        let seed = arena.issue(&fresh());
        let login = FullLogin::from_text(seed.as_bytes()).unwrap().unwrap();
        let seeded = lab.with(&store, &arena.keys(), |relay, _| {
            relay.seed(&relay.around.gate.approve_login(login).unwrap(), false)
        });
        assert!(matches!(seeded, Ok(Seeded::Taken(_))), "{fate:?}");
        assert_eq!(store.posts.borrow().len(), 2);
    }
}
