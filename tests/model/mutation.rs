//! The rules, each broken on purpose: what a mutation changes is what a function of the program has said.

use authbaton::baton::ResultVerdict;

use crate::protocol::Protocol;
use crate::world::{Kind, Reply, Slot};

/// The rules, each broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutation {
    /// A result may be stored although its token has had its turn, or its parent is not what the slot holds.
    SpentIsStored,
    /// A result that is stored over another's lease counts as proven.
    NoUnproven,
    /// Whoever exchanges an unproven token does not wait for older requests.
    NoWaiting,
    /// A lease is taken over at once although its owner's journal is blank.
    BlankIsIgnored,
    /// No second look for journals with the lease held.
    NoSecondLook,
    /// A journal that somebody else is just recovering is not waited for.
    NoRecoveryLock,
    /// A refused reply ends the slot whatever it holds.
    RefusedOverAnyParent,
    /// A lease forgets what it was taken over.
    MarkForgotten,
    /// A reply without a new refresh token is stored over another's lease.
    SameOverAnyLease,
    /// The reply of another account is stored.
    OtherIsStored,
    /// After a dead token a newer one is adopted as it is.
    NoMust,
    /// An older seed replaces a newer one.
    OlderSeed,
    /// With a token that the store did not take, the lease is handed back all the same.
    HandedBackUnstored,
    /// Requests without an answer are repeated without end.
    AskedAgain,
}

impl Protocol {
    pub(crate) fn breaks(&self, mutation: Mutation) -> bool {
        self.mutation == Some(mutation)
    }

    /// Returns what a mutation makes of the judgement of a reply.
    pub(crate) fn mutated(&self, slot: Slot, reply: Reply, verdict: ResultVerdict) -> ResultVerdict {
        let facts = self.facts(slot);
        let other = facts.holds.is_some_and(|holds| holds != reply.token);
        match (self.mutation, verdict) {
            (Some(Mutation::SpentIsStored), ResultVerdict::Landed | ResultVerdict::Keep)
                if other && reply.kind == Kind::New =>
            {
                ResultVerdict::Store(self.hash(reply.token))
            }
            (Some(Mutation::RefusedOverAnyParent), ResultVerdict::Keep)
                if reply.kind == Kind::Other && facts.holds.is_some() && !facts.is_dead =>
            {
                ResultVerdict::Refuse
            }
            (Some(Mutation::SameOverAnyLease), ResultVerdict::Landed)
                if reply.kind == Kind::Same && !other && facts.owner.is_some() =>
            {
                ResultVerdict::Store(self.hash(reply.token))
            }
            _ => verdict,
        }
    }
}
