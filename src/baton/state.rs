//! The state of a slot, and the only ways in which it changes.
//!
//! Every change of a slot is one of the functions here; each returns the next state and leaves the login beside it to
//! [`super::Baton`]. `spent` and `seeds` never shrink but by the limit of `spent`: that is what makes a token that has
//! had its turn stay out.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{AccountPin, Exchanged, HomeId, LeaseId, Nonce, OwnerId, Seed, StoreMark, TokenHash};

/// How many spent tokens a slot remembers. The oldest is forgotten first.
pub const MAX_SPENT: usize = 256;
/// How many seeds a slot remembers. None is ever forgotten; one more is refused.
pub const MAX_SEEDS: usize = 512;

/// What a slot knows, all of it in clear text and authenticated: no secret is in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// What may be done with the slot now.
    pub phase: Phase,
    /// Counts the logins that the slot has held. For people: no decision looks at it.
    pub generation: u64,
    /// The refresh token that the slot holds; none in `empty`.
    pub holds: Option<TokenHash>,
    /// When a result was stored over anything but the lease that it was made under: it must be exchanged first.
    pub unproven: Option<DateTime<Utc>>,
    /// Whose login it is.
    pub account: Option<AccountPin>,
    /// The latest `iat` of a seed, in the authority's clock (seconds since 1970).
    pub seed_iat: Option<i64>,
    /// Every seed that was ever taken, in the order of their coming.
    pub seeds: Vec<TokenHash>,
    /// The last tokens that were spent, displaced or purged, oldest first.
    pub spent: Vec<TokenHash>,
    /// Which store was seen to keep its conditions, under the slot's first lease there. Absent from batons of stores that
    /// need no such proof, and from those that were written before there were others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proven: Option<StoreMark>,
    /// The mark of whoever wrote this record.
    pub writer: Nonce,
}

/// What may be done with a slot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Phase {
    /// It holds nothing: never seeded, or purged.
    Empty,
    /// It holds a login.
    Idle,
    /// Somebody has the exclusive right to spend the token.
    Leased {
        /// Who, since when, for how long.
        lease: Lease,
        /// What the lease was taken over.
        mark: Option<Mark>,
    },
    /// The authority answered an unclear 401 once: nobody asks again for ten minutes.
    Suspect {
        /// When that was.
        since: DateTime<Utc>,
    },
    /// The refresh token is dead: a new seed is needed.
    Dead {
        /// Why.
        reason: DeadReason,
    },
}

/// What a lease was taken over, to be restored when it is handed back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Mark {
    /// As [`Phase::Suspect`].
    Suspect {
        /// When that was.
        since: DateTime<Utc>,
    },
    /// As [`Phase::Dead`].
    Dead {
        /// Why.
        reason: DeadReason,
    },
}

/// Why a refresh token is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeadReason {
    /// The authority said `refresh_token_expired`.
    Expired,
    /// The authority said `refresh_token_reused`: somebody else spent it, or an old baton came back.
    Reused,
    /// The authority said `refresh_token_invalidated`: revoked.
    Invalidated,
    /// The authority answered 400 `invalid_grant`.
    InvalidGrant,
    /// The authority answered a second 401 without saying why.
    Unauthorized,
    /// The authority gave tokens of somebody else, or an empty one.
    ReplyRefused,
}

/// The exclusive right to spend the token of a slot.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// A new one with each taking and renewal.
    pub id: LeaseId,
    /// Who has it.
    pub owner: Owner,
    /// When, by the owner's clock. For people: others measure with their own.
    pub taken_at: DateTime<Utc>,
    /// How long it lasts, in seconds.
    pub seconds: u64,
}

/// Who has a lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    /// Stays through renewals; the owner's journal is called by it.
    pub id: OwnerId,
    /// The job, for people.
    pub name: String,
    /// The home whose lock the owner held when it took the lease.
    pub home: HomeId,
}

impl State {
    /// Returns the state of a slot that never held anything.
    #[must_use]
    pub fn new(writer: Nonce) -> Self {
        Self {
            phase: Phase::Empty,
            generation: 0,
            holds: None,
            unproven: None,
            account: None,
            seed_iat: None,
            seeds: Vec::new(),
            spent: Vec::new(),
            proven: None,
            writer,
        }
    }

    /// Returns whether the phase and the token say the same of the slot: it is empty, or it holds one. Leasing, handing
    /// back or finishing an empty slot would make a state that is neither.
    pub(super) fn is_consistent(&self) -> bool {
        (self.phase == Phase::Empty) == self.holds.is_none()
    }

    /// Returns whether the token is known as spent.
    #[must_use]
    pub fn is_spent(&self, token: TokenHash) -> bool {
        self.spent.contains(&token)
    }

    /// Returns whether the token has had its turn here: held, spent or seeded.
    #[must_use]
    pub fn knows(&self, token: TokenHash) -> bool {
        self.holds == Some(token) || self.is_spent(token) || self.seeds.contains(&token)
    }

    /// Returns whether the slot still shows the lease `id`.
    #[must_use]
    pub fn is_leased_as(&self, id: LeaseId) -> bool {
        self.lease().is_some_and(|lease| lease.id == id)
    }

    /// Returns whether the slot's lease belongs to `owner`, renewed or not.
    #[must_use]
    pub fn is_leased_by(&self, owner: OwnerId) -> bool {
        self.lease().is_some_and(|lease| lease.owner.id == owner)
    }

    /// Returns the lease, if there is one.
    #[must_use]
    pub fn lease(&self) -> Option<&Lease> {
        match &self.phase {
            Phase::Leased { lease, .. } => Some(lease),
            Phase::Empty | Phase::Idle | Phase::Suspect { .. } | Phase::Dead { .. } => None,
        }
    }

    /// Returns what the phase says beneath a lease.
    #[must_use]
    pub fn mark(&self) -> Option<Mark> {
        match &self.phase {
            Phase::Suspect { since } => Some(Mark::Suspect { since: *since }),
            Phase::Dead { reason } => Some(Mark::Dead { reason: *reason }),
            Phase::Leased { mark, .. } => *mark,
            Phase::Empty | Phase::Idle => None,
        }
    }

    /// A seed was taken, in whatever state the slot was.
    #[must_use]
    pub fn seeded(&self, seed: &Seed, writer: Nonce) -> Self {
        let mut seeds = self.seeds.clone();
        seeds.push(seed.token);
        Self {
            phase: Phase::Idle,
            generation: self.generation + 1,
            holds: Some(seed.token),
            unproven: None,
            account: Some(seed.account),
            seed_iat: self.seed_iat.max(seed.issued_at),
            seeds,
            spent: self.left(),
            proven: self.proven,
            writer,
        }
    }

    /// A lease was taken, renewed or taken over. What it was taken over is kept beneath it.
    #[must_use]
    pub fn leased(&self, lease: Lease, writer: Nonce) -> Self {
        Self { phase: Phase::Leased { lease, mark: self.mark() }, writer, ..self.clone() }
    }

    /// The store was seen to keep its conditions. Who says so renews its lease with the same record.
    #[must_use]
    pub fn proven(&self, store: Option<StoreMark>) -> Self {
        Self { proven: store.or(self.proven), ..self.clone() }
    }

    /// The lease was handed back with nothing done.
    #[must_use]
    pub fn handed_back(&self, writer: Nonce) -> Self {
        let phase = match self.mark() {
            None => Phase::Idle,
            Some(Mark::Suspect { since }) => Phase::Suspect { since },
            Some(Mark::Dead { reason }) => Phase::Dead { reason },
        };
        Self { phase, writer, ..self.clone() }
    }

    /// The result of an exchange was stored.
    #[must_use]
    pub fn stored(&self, result: &Exchanged, token: TokenHash, now: DateTime<Utc>, writer: Nonce) -> Self {
        Self {
            phase: Phase::Idle,
            generation: self.generation + 1,
            holds: Some(token),
            unproven: (!self.is_leased_as(result.lease)).then_some(now),
            // Nothing is spent when the authority gave no new refresh token.
            spent: if self.holds == Some(token) { self.spent.clone() } else { self.left() },
            writer,
            ..self.clone()
        }
    }

    /// Nothing changed but who wrote it: the same once more, as a record of its own.
    #[must_use]
    pub fn rewritten(&self, writer: Nonce) -> Self {
        Self { writer, ..self.clone() }
    }

    /// The refresh token is dead.
    #[must_use]
    pub fn dead(&self, reason: DeadReason, writer: Nonce) -> Self {
        Self { phase: Phase::Dead { reason }, writer, ..self.clone() }
    }

    /// The authority answered an unclear 401: suspect at the first, dead at the second.
    #[must_use]
    pub fn denied(&self, now: DateTime<Utc>, writer: Nonce) -> Self {
        match self.mark() {
            None => Self { phase: Phase::Suspect { since: now }, writer, ..self.clone() },
            Some(Mark::Suspect { .. }) => self.dead(DeadReason::Unauthorized, writer),
            Some(Mark::Dead { reason }) => self.dead(reason, writer),
        }
    }

    /// The slot was emptied. It forgets the login and remembers everything else.
    #[must_use]
    pub fn purged(&self, writer: Nonce) -> Self {
        Self { phase: Phase::Empty, holds: None, unproven: None, spent: self.left(), writer, ..self.clone() }
    }

    /// `spent` with the token that the slot holds, which is about to leave it.
    fn left(&self) -> Vec<TokenHash> {
        let leaving = self.holds.filter(|token| !self.is_spent(*token));
        let all: Vec<_> = self.spent.iter().copied().chain(leaving).collect();
        all.iter().skip(all.len().saturating_sub(MAX_SPENT)).copied().collect()
    }
}

impl std::fmt::Display for DeadReason {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::Expired => "it has expired",
            Self::Reused => "it was used before, elsewhere or by an older baton",
            Self::Invalidated => "it was revoked",
            Self::InvalidGrant => "the authority does not accept it",
            Self::Unauthorized => "the authority refused it twice without a reason",
            Self::ReplyRefused => "the authority answered with somebody else's tokens, or with none",
        })
    }
}
