//! One actor: where it is in its steps, and what it knows.

use crate::world::{Reply, Token};

/// What an actor does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum At {
    Lock,
    Recover,
    Settle,
    Load,
    Lease,
    LeaseRead,
    LookAgain,
    PostCheck,
    Post,
    Unclear,
    Gone,
    WriteDead,
    Denied,
    Journal,
    Refuse,
    Store,
    StoreRead,
    Drop,
    DropAndLook,
    Seed,
    SeedRead,
    Purge,
    SaveLook,
    SaveSeed,
    Strip,
    // From here on it has ended.
    Ok,
    /// A person's verb has ended and said what it did.
    Told,
    /// Empty.
    Exit3,
    /// Refused by the authority.
    Exit5,
    /// Nobody knows what came of the request.
    Exit6,
    /// The store failed.
    Exit8,
    /// Rotated and not stored.
    Exit10,
    Crashed,
}

/// What step 2 is done for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    /// Before a person's verb.
    Verb,
    /// Before the slot is loaded.
    Admit,
    /// With the lease held.
    Again,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Actor {
    pub(crate) at: At,
    pub(crate) stage: Stage,
    /// No swap has happened since this actor loaded (or swapped): its own will succeed.
    pub(crate) fresh: bool,
    /// Its lease has run out.
    pub(crate) late: bool,
    pub(crate) force: bool,
    pub(crate) must: bool,
    /// The authority said that its token is dead, and no exchange has succeeded since.
    pub(crate) told: bool,
    /// Requests without a usable answer.
    pub(crate) unclear: u8,
    /// The owners, as bits, whose journals step 2 found blank under their lease.
    pub(crate) under_way: u8,
    /// What is exchanged; with `save`: what was found in the home.
    pub(crate) parent: Option<Token>,
    /// A reply, until the slot holds it.
    pub(crate) reply: Option<Reply>,
    /// With `save`: what the home holds.
    pub(crate) home: Option<Token>,
}

impl Actor {
    pub(crate) const fn new(at: At) -> Self {
        Self {
            at,
            stage: Stage::Admit,
            fresh: false,
            late: false,
            force: false,
            must: false,
            told: false,
            unclear: 0,
            under_way: 0,
            parent: None,
            reply: None,
            home: None,
        }
    }

    pub(crate) const fn has_ended(&self) -> bool {
        self.at as u8 >= At::Ok as u8
    }
}
