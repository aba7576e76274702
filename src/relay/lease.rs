//! Steps 3 to 5: load, see whether an exchange is due, preflight, take the lease, or wait for whoever has it.

use std::rc::Rc;
use std::time::Duration;

use crate::baton::{
    Lease, LeaseId, Observed, Owner, OwnerId, Permission, State, StoreMark, TokenHash, UNPROVEN_WAIT, View,
};
use crate::credential::{AccessToken, Due, Freshness};
use crate::home::Journal;
use crate::job::{Deferral, Level, explain, random};
use crate::store::{Exclusive, StoreError};

use super::cell::{Swapped, nonce};
use super::wait::{jittered, pause};
use super::{Loaded, Relay, RelayError, Session, Step, Want};

/// The lease of one exchange.
pub(super) struct Held {
    pub(super) loaded: Box<Loaded>,
    pub(super) id: LeaseId,
    /// When it was taken, on our own clock; measured from before the swap.
    pub(super) taken: Duration,
    pub(super) owner: Owner,
    /// Made before the lease was taken.
    pub(super) journal: Journal,
    /// Whether a reply came.
    pub(super) has_reply: bool,
    /// Whether the journal has it, whole.
    pub(super) is_journaled: bool,
    pub(super) due: Due,
    /// From the lease to its end no signal is obeyed.
    pub(super) deferral: Rc<Deferral>,
}

/// What step 3 led to.
pub(super) enum Admission {
    /// Nothing is due.
    Use(Box<Loaded>),
    /// We have the lease.
    Lease(Box<Held>),
}

impl Relay<'_> {
    /// Loads the slot until nothing is due or the lease is ours; `first` is what was loaded already.
    ///
    /// # Errors
    /// When the slot is empty or dead, the preflight fails, or somebody else has the lease for too long.
    pub(super) fn admit(
        &self,
        session: &Session,
        want: &Want,
        refused: Option<&AccessToken>,
        mut first: Option<Loaded>,
    ) -> Result<Admission, RelayError> {
        let clock = self.around.clock;
        let start = clock.boot();
        let mut observed: Option<Observed> = None;
        let mut unproven: Option<(TokenHash, Duration)> = None;
        let mut told = Duration::ZERO;
        // Whether the store does not answer one who waits already.
        let mut away = false;
        loop {
            let looked = Step::Recover.run(|| self.recover()).and_then(|recovered| {
                let loaded = first.take().map_or_else(|| Step::Load.run(|| self.load()), Ok)?;
                Ok((recovered, loaded))
            });
            let (recovered, loaded) = match looked {
                // Whoever waits for a lease waits for the store, too.
                Err(RelayError::Store(error)) if error.may_pass() && observed.is_some() => {
                    let waited = clock.boot().saturating_sub(start);
                    if waited >= self.waiting() {
                        return Err(error.into());
                    }
                    if !away {
                        let text = format!("waiting for the store: {}", explain(&error));
                        self.around.tell(Level::Info, &text);
                    }
                    away = true;
                    clock.sleep(jittered(self.lengths().pause(waited))?);
                    continue;
                }
                looked => looked?,
            };
            away = false;
            let state = loaded.baton().state();
            if let Some(lease) = state.lease()
                && observed.is_none_or(|observed| observed.id != lease.id)
            {
                observed = Some(Observed { id: lease.id, since: clock.boot() });
            }
            let doubtful = state.holds.filter(|_| state.unproven.is_some());
            if doubtful != unproven.map(|(token, _)| token) {
                unproven = doubtful.map(|token| (token, clock.boot()));
            }
            let view = View {
                due: self.due(&loaded, want, refused),
                force: want.force,
                now: clock.now(),
                boot: clock.boot(),
                observed,
                home: session.lock.id(),
                request_under_way: recovered.under_way.iter().any(|owner| state.is_leased_by(*owner)),
            };
            match state.permits(&view) {
                Permission::Empty => return Err(RelayError::SlotEmpty),
                Permission::Dead(reason) => return Err(RelayError::Dead(reason)),
                Permission::Suspect { until } => return Err(RelayError::Suspect(until)),
                Permission::Use => return Ok(Admission::Use(Box::new(loaded))),
                Permission::Lease(due) => {
                    if !want.force && self.is_rolled_back(&loaded)? {
                        // A job of this machine may have the result still in its hand, or in its journal.
                        let waited = clock.boot().saturating_sub(start);
                        if !self.journals().exist() || waited >= self.waiting() {
                            return Err(RelayError::RolledBack);
                        }
                        clock.sleep(jittered(self.lengths().pause(waited))?);
                        continue;
                    }
                    if let Some(held) = self.take(session, loaded, due, unproven.map(|(_, since)| since))? {
                        return Ok(Admission::Lease(Box::new(held)));
                    }
                    // Others have their way first, and whoever is too slow may be for ever.
                    if clock.boot().saturating_sub(start) >= self.waiting() {
                        return Err(self.late.why().map_or(RelayError::Restless, RelayError::from));
                    }
                }
                Permission::Wait(lease) => {
                    let waited = clock.boot().saturating_sub(start);
                    if waited >= self.waiting() {
                        return Err(RelayError::LeaseTimeout { owner: lease.owner.printable_name(), waited });
                    }
                    if waited >= told {
                        let owner = lease.owner.printable_name();
                        let text = format!("waiting for the lease of {owner}, {} s", waited.as_secs());
                        self.around.tell(Level::Info, &text);
                        told = (waited * 2).max(Duration::from_secs(2));
                    }
                    clock.sleep(jittered(self.lengths().pause(waited))?);
                }
            }
        }
    }

    /// Says why an exchange is due, as far as the login itself tells.
    fn due(&self, loaded: &Loaded, want: &Want, refused: Option<&AccessToken>) -> Option<Due> {
        if want.force || want.must {
            return Some(Due::Forced);
        }
        let login = loaded.baton().login()?;
        if refused.is_some_and(|refused| refused.expose() == login.access_token().expose()) {
            return Some(Due::Refused);
        }
        match login.lifetime().freshness(self.around.clock.now(), self.around.margin) {
            Freshness::Due(due) => Some(due),
            Freshness::Fresh => None,
        }
    }

    /// Takes the lease over what was loaded; `None` when somebody else was quicker.
    ///
    /// `unproven`: since when, on our own clock, we know that an older request may be under way.
    fn take(
        &self,
        session: &Session,
        loaded: Loaded,
        due: Due,
        unproven: Option<Duration>,
    ) -> Result<Option<Held>, RelayError> {
        Step::Preflight.run(|| self.preflight(session, &loaded))?;
        let owner = Owner {
            id: OwnerId::new(random()?),
            name: self.around.job.name.clone(),
            home: session.lock.id(),
        };
        let patience = self.around.patience(&|_| {});
        let journal = Step::MakeJournal.run(|| self.journals().create(owner.id, &patience))?;
        let deferral = Rc::new(Deferral::begin().map_err(RelayError::Signals)?);
        let taken = self.around.clock.boot();
        let (lease, id) = self.lease_of(&owner)?;
        let leased = loaded.baton().leased(lease, nonce()?);
        match Step::Lease.run(|| self.swap(&loaded, leased)) {
            Ok(Swapped::Done(loaded)) => {
                self.around.tell(Level::Detail, &format!("took the lease of slot `{}`: {due}", self.id.slot));
                if let Some(since) = unproven {
                    self.wait_for_older_requests(since, &deferral);
                }
                self.prove(Held {
                    loaded,
                    id,
                    taken,
                    owner,
                    journal,
                    has_reply: false,
                    is_journaled: false,
                    due,
                    deferral,
                })
            }
            Ok(Swapped::Conflict) => journal.discard().map(|()| None).map_err(Into::into),
            Err(error) => {
                journal.discard()?;
                Err(self.unless_read_only(error))
            }
        }
    }

    fn lease_of(&self, owner: &Owner) -> Result<(Lease, LeaseId), RelayError> {
        let id = LeaseId::new(random()?);
        let seconds = self.lengths().lease.as_secs();
        Ok((Lease { id, owner: owner.clone(), taken_at: self.around.clock.now(), seconds }, id))
    }

    /// Swaps a new lease in over our own. `false` when it is not ours any more.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) fn renew_lease(&self, held: &mut Held) -> Result<bool, RelayError> {
        self.relet(held, None)
    }

    /// The same, and says what was proven of the store.
    fn relet(&self, held: &mut Held, proven: Option<StoreMark>) -> Result<bool, RelayError> {
        let taken = self.around.clock.boot();
        let (lease, id) = self.lease_of(&held.owner)?;
        match self.swap_under(
            held,
            &held.loaded,
            held.loaded.baton().leased(lease, nonce()?).with(|state| state.proven(proven)),
        )? {
            Swapped::Done(loaded) => {
                held.loaded = loaded;
                held.id = id;
                held.taken = taken;
                Ok(true)
            }
            Swapped::Conflict => Ok(false),
        }
    }

    /// Returns whether the slot holds what this machine has spent.
    fn is_rolled_back(&self, loaded: &Loaded) -> Result<bool, RelayError> {
        let held = loaded.baton().state().holds;
        Ok(held.map(|held| self.spent_here().has(held)).transpose()?.unwrap_or(false))
    }

    /// Step 4: everything that could keep the result from being stored and used shows before anything is spent.
    fn preflight(&self, session: &Session, loaded: &Loaded) -> Result<(), RelayError> {
        self.refuse_writing()?;
        if let Some(login) = loaded.baton().login() {
            self.around.gate.approve_login(login.clone())?;
        }
        session.file.preflight()?;
        self.around.authority.prepare().map_err(super::ExchangeError::Client)?;
        self.tell_durability();
        Ok(())
    }

    /// What a store's service promises is seen to be so before the first token is spent in reliance on it. Under the lease:
    /// of many who come at once only who has it tries. `None` when it is somebody else's by now.
    fn prove(&self, mut held: Held) -> Result<Option<Held>, RelayError> {
        let mark = StoreMark::of(&self.store.name());
        let is_proven = held.loaded.baton().state().proven == Some(mark);
        if self.facts.exclusive != Exclusive::Unproven || is_proven {
            return Ok(Some(held));
        }
        let proven = self.store.prove(&self.id.slot).map_err(RelayError::from).and_then(|()| {
            self.around.tell(Level::Detail, "the store was seen to keep two jobs from writing at once");
            self.relet(&mut held, Some(mark))
        });
        match proven {
            Ok(true) => Ok(Some(held)),
            Ok(false) => held.journal.discard().map(|()| None).map_err(Into::into),
            Err(error) => {
                self.finish(&held, State::handed_back);
                held.journal.discard()?;
                Err(self.unless_read_only(error))
            }
        }
    }

    /// A store that was found only now to let this run read alone is one that this run may not write.
    fn unless_read_only(&self, error: RelayError) -> RelayError {
        match (&error, self.refuse_writing()) {
            (RelayError::Store(StoreError::Denied(_)), Err(read_only)) => read_only,
            _ => error,
        }
    }

    /// A request of the exchange before may still be on its way: it must not arrive after ours.
    ///
    /// Measured from when we first saw it: the time that the slot names is some other machine's wall clock.
    fn wait_for_older_requests(&self, since: Duration, deferral: &Deferral) {
        let waited = self.around.clock.boot().saturating_sub(since);
        pause(self.around.clock, UNPROVEN_WAIT.saturating_sub(waited), || deferral.noted() > 0);
    }
}
