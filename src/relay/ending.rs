//! How the holding of a lease ends, and what follows from that for the journal, the lease and the run. Pure: the model in
//! `tests/model/` drives these very functions through every interleaving.

use super::Want;
use crate::baton::{Exchanged, ResultVerdict, State, TokenHash};

/// How one holding of the lease ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// The slot holds our result.
    Stored,
    /// We exchanged a token, and the slot holds something else by now, or ours unproven: adopt that.
    Overtaken,
    /// The reply was dropped: the slot holds the token that we sent.
    Dropped,
    /// Nothing was exchanged, and the lease is not ours any more.
    Displaced,
    /// The authority refuses our token, and the slot holds a newer one, which proves nothing before it is exchanged.
    Outdated,
    /// The run failed.
    Failed {
        /// Whether the journal has a reply in it.
        has_reply: bool,
    },
    /// The run failed with a new token that the store did not take.
    NotStored,
}

impl Ending {
    /// Decides what a fresh reply comes to before it is stored; `None`: store it.
    #[must_use]
    pub fn before_storing(state: &State, result: &Exchanged) -> Option<Self> {
        match state.judge_result(result) {
            ResultVerdict::Store(_) => None,
            // While the slot holds what we sent, nothing has landed.
            ResultVerdict::Landed if state.holds == Some(result.parent) => Some(Self::Dropped),
            ResultVerdict::Landed | ResultVerdict::Keep | ResultVerdict::Refuse => Some(Self::Overtaken),
        }
    }

    /// Decides what our result is worth now that the slot holds it.
    #[must_use]
    pub fn after_storing(state: &State) -> Self {
        if state.unproven.is_none() { Self::Stored } else { Self::Overtaken }
    }

    /// Decides what a dead token means for a slot that was loaded once more.
    #[must_use]
    pub fn after_refusal(state: &State, refused: Option<TokenHash>) -> Self {
        if state.holds == refused { Self::Failed { has_reply: false } } else { Self::Outdated }
    }

    /// Returns whether the lease is handed back. With a spent token in the slot nobody else should be let in before it
    /// is over.
    #[must_use]
    pub fn hands_back(self) -> bool {
        matches!(self, Self::Failed { .. })
    }

    /// Returns whether the journal stays, for the next job or for a person.
    #[must_use]
    pub fn keeps_journal(self) -> bool {
        matches!(self, Self::NotStored | Self::Failed { has_reply: true })
    }

    /// Returns whether the run is one that exchanged a token. A dropped reply does not count.
    #[must_use]
    pub fn has_exchanged(self) -> bool {
        matches!(self, Self::Stored | Self::Overtaken)
    }

    /// Returns what the run, which wanted `want`, looks for next; `None`: it is over.
    #[must_use]
    pub fn next(self, want: Want) -> Option<Want> {
        match self {
            Self::Stored | Self::Failed { .. } | Self::NotStored => None,
            Self::Overtaken => Some(Want::default()),
            Self::Dropped | Self::Displaced => Some(want),
            Self::Outdated => Some(Want { must: true, ..want }),
        }
    }
}
