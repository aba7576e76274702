//! What a loaded slot allows: use it as it is, take the lease, wait, or stop.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::{DeadReason, HomeId, Lease, LeaseId, Mark, Owner, Phase, State};
use crate::credential::Due;

/// After an unclear 401 nobody asks the authority again for this long.
const SUSPECT_PAUSE: TimeDelta = TimeDelta::minutes(10);
/// A request takes 30 s at most; whoever exchanges an unproven token waits until an older request must have ended.
pub const UNPROVEN_WAIT: Duration = Duration::from_secs(35);

/// How much of an owner's name is shown: the address of its job is at the end.
const MAX_SHOWN_NAME: usize = 240;

/// How long leases and waiting last, from the store's worst time for a swap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// How long a lease lasts.
    pub lease: Duration,
    /// How long to wait for somebody else's lease, by default.
    pub waiting: Duration,
    /// After how long a waiter looks again, at the earliest: a store that is slow is also one that counts requests.
    pub poll: Duration,
    /// The longest pause between two looks: nobody is told that a lease has ended.
    pub longest_poll: Duration,
}

impl Lengths {
    /// A request to the authority, from connecting to the last byte.
    pub const REQUEST: Duration = Duration::from_secs(30);
    /// A POST goes out only under a lease younger than this.
    pub const YOUNG: Duration = Duration::from_secs(5);

    /// No lease is shorter, however quick its store.
    const SHORTEST_LEASE: Duration = Duration::from_secs(90);
    /// Nobody gives up earlier by default, however quick the store.
    const SHORTEST_WAITING: Duration = Duration::from_secs(150);
    /// Nobody looks more often, however quick the store.
    const SHORTEST_POLL: Duration = Duration::from_millis(250);
    /// A store that takes longer at worst is reached by a network, and shared with everybody else's jobs.
    const WORST_LOCAL_SWAP: Duration = Duration::from_secs(5);
    /// With jitter, less than one look a second on average.
    const SHORTEST_NETWORK_POLL: Duration = Duration::from_millis(700);
    /// A waiter's share of what it has waited for already: who comes a little later than it could has not lost much.
    const PATIENCE: u32 = 4;
    const LONGEST_NETWORK_POLL: Duration = Duration::from_secs(5);

    /// Returns the lengths for a store whose swap takes `worst_swap` at worst: the lease outlasts two requests and
    /// four swaps, the waiting outlasts the lease and two swaps.
    #[must_use]
    pub fn for_store(worst_swap: Duration) -> Self {
        let lease = (Self::REQUEST * 2 + worst_swap * 4).max(Self::SHORTEST_LEASE);
        let waiting = (lease + worst_swap * 2).max(Self::SHORTEST_WAITING);
        let (shortest, longest) = if worst_swap > Self::WORST_LOCAL_SWAP {
            (Self::SHORTEST_NETWORK_POLL, Self::LONGEST_NETWORK_POLL)
        } else {
            (Self::SHORTEST_POLL, Self::SHORTEST_POLL)
        };
        let poll = (worst_swap / 30).max(shortest);
        Self { lease, waiting, poll, longest_poll: longest.max(poll) }
    }

    /// Returns how long a waiter pauses before it looks again, jitter aside, after it has waited so long.
    #[must_use]
    pub fn pause(&self, waited: Duration) -> Duration {
        (waited / Self::PATIENCE).clamp(self.poll, self.longest_poll)
    }
}

/// A lease as one waiter saw it: leases are measured with the waiter's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Which lease.
    pub id: LeaseId,
    /// When this waiter saw it first, on its clock since boot.
    pub since: Duration,
}

/// What the one who loads a slot knows besides it.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Why an exchange is due, if one is.
    pub due: Option<Due>,
    /// `refresh --force`: may try a dead slot again.
    pub force: bool,
    /// The wall clock.
    pub now: DateTime<Utc>,
    /// The clock since boot.
    pub boot: Duration,
    /// The lease that we have seen so far.
    pub observed: Option<Observed>,
    /// The home whose lock we hold.
    pub home: HomeId,
    /// An unlocked journal of the lease's owner is still empty: its request may be under way.
    pub request_under_way: bool,
}

/// What a loaded slot allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Permission {
    /// The slot holds nothing.
    Empty,
    /// The refresh token is dead.
    Dead(DeadReason),
    /// Nothing is due: use what is there.
    Use,
    /// The authority must not be asked yet.
    Suspect {
        /// Until when.
        until: DateTime<Utc>,
    },
    /// Somebody else has the lease: look again.
    Wait(Lease),
    /// Take the lease.
    Lease(Due),
}

impl State {
    /// Decides what may be done with the slot.
    #[must_use]
    pub fn permits(&self, view: &View) -> Permission {
        if self.phase == Phase::Empty {
            return Permission::Empty;
        }
        let revived = match self.mark() {
            Some(Mark::Dead { reason }) if !view.force => return Permission::Dead(reason),
            // Only an exchange can show that it lives: what is there is never used as it is.
            Some(Mark::Dead { .. }) => Some(Due::Forced),
            _ => None,
        };
        let unproven = self.unproven.map(|_| Due::Unproven);
        let Some(due) = view.due.or(unproven).or(revived) else {
            return Permission::Use;
        };
        match &self.phase {
            Phase::Suspect { since }
                if view.now < *since + SUSPECT_PAUSE && view.now >= *since - SUSPECT_PAUSE =>
            {
                Permission::Suspect { until: *since + SUSPECT_PAUSE }
            }
            Phase::Leased { lease, .. } if !lease.may_be_taken_over(view) => Permission::Wait(lease.clone()),
            _ => Permission::Lease(due),
        }
    }
}

impl Owner {
    /// Returns the name for a person's eyes: what would speak to a terminal or to a CI's log is escaped.
    #[must_use]
    pub fn printable_name(&self) -> String {
        let shown = self.name.chars().take(MAX_SHOWN_NAME);
        shown
            .map(|it| if it.is_control() { it.escape_default().to_string() } else { it.to_string() })
            .collect()
    }
}

impl Lease {
    /// A lease may be taken over when it was seen for its whole duration, or at once when it was taken under the very
    /// lock that we hold now: then its owner is gone, and so is its request unless its journal is still empty.
    fn may_be_taken_over(&self, view: &View) -> bool {
        let owner_is_gone = self.owner.home == view.home && !view.request_under_way;
        let over = view.observed.is_some_and(|observed| {
            observed.id == self.id
                && view.boot.saturating_sub(observed.since) >= Duration::from_secs(self.seconds)
        });
        owner_is_gone || over
    }
}
