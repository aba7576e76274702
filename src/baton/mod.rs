//! How a login travels: the state of a slot, the decisions of the relay, the sealed format.
//!
//! Pure: time and randomness are handed in. The functions of [`State`] are the protocol (design, section 4); whoever
//! wants to know whether a token may be stored, seeded or spent asks them, and nobody decides it anywhere else.

mod hash;
mod lease;
mod pass;
mod seal;
mod slot;
mod state;
#[cfg(test)]
mod tests;
mod verdict;

pub use hash::{AccountPin, HomeId, LeaseId, Nonce, OwnerId, StoreMark, TokenHash};
pub use lease::{Lengths, Observed, Permission, UNPROVEN_WAIT, View};
pub use pass::{Baton, OpenedBaton};
pub use seal::{
    Header, JournalHeader, KeyError, MAX_BATON_BYTES, MAX_JOURNAL_BYTES, OpenError, Opened, SealKeys,
    SealRandom, SealedBytes, open, seal,
};
pub use slot::{Audience, NameError, SlotId, SlotName};
pub use state::{DeadReason, Lease, MAX_SEEDS, MAX_SPENT, Mark, Owner, Phase, State};
pub use verdict::{Descent, Exchanged, ReplyKind, ResultVerdict, Seed, SeedVerdict};
