//! The relay: how a login is handed from job to job without being dropped (design, section 4).
//!
//! Nine steps: lock the home, recover journals, load, preflight, lease, exchange, journal and judge, store, place.
//! What may be done is decided by the pure functions of `baton/`; this room carries it out, in the only order in which
//! a crash anywhere loses nothing. [`Relay`] is the slot of a store with everything around it; [`alone`] is the same
//! login without a store, where the home itself is the holder.

pub mod alone;
pub mod broker;
mod cell;
mod ending;
mod error;
mod exchange;
mod lease;
mod place;
mod recover;
mod refresh;
pub mod rescue_text;
mod seed;
mod step;
mod store_result;
mod wait;

use std::time::Duration;

pub use cell::{Late, Loaded};
pub use ending::Ending;
pub use error::{ExchangeError, RelayError};
pub use exchange::{Exchange, may_ask_again};
pub use place::Placement;
pub use recover::Settled;
pub use refresh::{Refreshed, Want};
pub use seed::Seeded;
pub use step::Step;

use crate::authority::Authority;
use crate::baton::{Lengths, SealKeys, SlotId};
use crate::credential::Margin;
use crate::disk::Patience;
use crate::home::{AuthFile, Home, HomeLock, JournalName, Journals, SpentHere, StateDirectory};
use crate::job::{Clock, Job, Level, Notices};
use crate::policy::Gate;
use crate::store::{Access, Durability, Exclusive, Facts, Store};

/// What every verb works with, whoever holds the login.
pub struct Surroundings<'a> {
    /// The client's home.
    pub home: &'a Home,
    /// Who may use a login here. Asked anew at each step that places or spends something.
    pub gate: &'a Gate,
    /// Who renews it.
    pub authority: &'a Authority,
    /// The job that we run in.
    pub job: &'a Job,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Whom to tell.
    pub notices: &'a dyn Notices,
    /// How early a token is renewed.
    pub margin: Margin,
    /// How long to wait for a lock or somebody else's lease; by default what the store's leases need.
    pub lock_timeout: Option<Duration>,
    /// How long to go on asking an authority that cannot be reached.
    pub timeout: Duration,
}

/// A slot of a store.
pub struct Relay<'a> {
    /// What is around it.
    pub around: &'a Surroundings<'a>,
    /// The store.
    pub store: &'a dyn Store,
    /// What the store can do here.
    pub facts: Facts,
    /// What opens and seals batons.
    pub keys: &'a SealKeys,
    /// The slot and its audience.
    pub id: SlotId,
    /// Where this machine keeps its journals.
    pub state: StateDirectory,
    /// What this run wrote too late; nothing at first.
    pub late: Late,
}

/// Step 1: our lock on the home, held for a whole verb.
pub struct Session {
    lock: HomeLock,
    file: AuthFile,
}

impl Surroundings<'_> {
    /// Locks the home, creating it if it is missing.
    ///
    /// # Errors
    /// When the home cannot be used, or another process holds it for too long.
    pub fn lock(&self) -> Result<Session, RelayError> {
        self.home.create()?;
        let tell = |waited| self.tell_waiting(waited);
        let patience = Patience { tell: &tell, ..self.patience(&|_| {}) };
        let lock = Step::Lock.run(|| HomeLock::acquire(self.home, &self.job.name, &patience))?;
        Ok(Session { lock, file: AuthFile::of(self.home) })
    }

    /// Returns how long to wait for a lock of this home.
    pub(crate) fn patience<'p>(&'p self, tell: &'p dyn Fn(Duration)) -> Patience<'p> {
        let limit = self.lock_timeout.unwrap_or(Lengths::for_store(Duration::ZERO).waiting);
        Patience { clock: self.clock, limit, tell }
    }

    fn tell_waiting(&self, waited: Duration) {
        let holder = HomeLock::holder(self.home).unwrap_or_else(|| "another process".to_owned());
        let text = format!("waiting for the lock held by {holder}, {} s", waited.as_secs());
        self.tell(Level::Info, &text);
    }

    pub(crate) fn tell(&self, level: Level, text: &str) {
        self.notices.tell(level, text);
    }
}

impl Session {
    /// Returns the home's `auth.json`.
    #[must_use]
    pub fn file(&self) -> &AuthFile {
        &self.file
    }
}

impl Relay<'_> {
    fn lengths(&self) -> Lengths {
        Lengths::for_store(self.facts.worst_swap)
    }

    fn waiting(&self) -> Duration {
        self.around.lock_timeout.unwrap_or(self.lengths().waiting)
    }

    /// Refuses a run that may not write the store, or not alone.
    fn refuse_writing(&self) -> Result<(), RelayError> {
        // As it is now: what lets us write may have an end.
        match (self.store.facts()?.access, self.facts.exclusive) {
            (Access::ReadOnly(reason), _) => Err(RelayError::ReadOnly(reason)),
            (Access::Write, Exclusive::No) => Err(RelayError::NotExclusive),
            (Access::Write, _) => Ok(()),
        }
    }

    /// Says, each time that a login enters the store, when it is not safe there yet.
    fn tell_durability(&self) {
        if self.facts.durability == Durability::AtJobEnd {
            let text = "this store is uploaded only after the job: if the job's machine is lost before, so is the login";
            self.around.tell(Level::Warning, text);
        }
    }

    fn spent_here(&self) -> SpentHere {
        SpentHere::new(&self.state, &JournalName::new(&self.id, &self.store.name()))
    }

    fn journals(&self) -> Journals {
        Journals::new(self.state.clone(), JournalName::new(&self.id, &self.store.name()))
    }
}
