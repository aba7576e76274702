//! Step 2: journals of this slot that no living process has locked. Each is judged as a fresh reply is.

use crate::baton::{
    DeadReason, Exchanged, JournalHeader, OpenError, OwnerId, ReplyKind, ResultVerdict, SealedBytes,
    TokenHash, open,
};
use crate::credential::{FullLogin, Renewal, Renewed};
use crate::home::{Leftover, LeftoverContent};
use crate::job::{Level, explain};

use super::cell::{Swapped, nonce};
use super::{Relay, RelayError};

/// What step 2 found.
#[derive(Default)]
pub(super) struct Recovered {
    /// The owners whose journals are still blank: their requests may be under way.
    pub(super) under_way: Vec<OwnerId>,
    /// Whether there was a reply, so that the slot may hold something else by now.
    pub(super) has_replies: bool,
}

/// What became of a journaled reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The slot holds it now.
    Stored,
    /// The slot had it already.
    Landed,
    /// It belongs to somebody else, or has an empty refresh token; its slot is dead.
    Refused,
    /// It has no tokens in it.
    Unreadable,
    /// The slot holds something else by now.
    MovedOn,
}

impl Settled {
    /// Returns whether the journal has done its work and is deleted. Every other is kept for a person.
    #[must_use]
    pub fn drops_journal(self) -> bool {
        matches!(self, Self::Stored | Self::Landed)
    }
}

/// Conflicts with other writers that one reply may meet.
const MAX_ROUNDS: usize = 8;

/// A reply as it lies in a journal, applied to the login that it renews.
pub(super) struct Judged {
    pub(super) exchanged: Exchanged,
    /// `None` when the reply was refused.
    pub(super) renewed: Option<Renewed>,
}

impl Relay<'_> {
    /// Step 2 for verbs that do not go on to a lease.
    ///
    /// # Errors
    /// When the state directory or the store cannot be used.
    pub fn recover_journals(&self) -> Result<(), RelayError> {
        self.recover().map(drop)
    }

    /// Returns whether this machine has a journal of the slot, of a living process or left behind.
    #[must_use]
    pub fn has_journals(&self) -> bool {
        self.journals().exist()
    }

    /// Takes a sealed reply that a person kept (`rescue`).
    ///
    /// # Errors
    /// When it cannot be opened here, or the store cannot be used or may not be written.
    pub fn rescue(&self, sealed: &SealedBytes) -> Result<Settled, RelayError> {
        self.refuse_writing()?;
        let (header, body) = self.open_journal(sealed)?;
        self.settle(&header, &body)
    }

    /// Looks for journals that were left behind, and does with each what its owner would have done.
    ///
    /// # Errors
    /// When the state directory or the store cannot be used. A journal that cannot be read is kept, and told of.
    pub(super) fn recover(&self) -> Result<Recovered, RelayError> {
        let mut recovered = Recovered::default();
        let journals = self.journals();
        let Some(turn) = journals.turn(&self.around.patience(&|_| {}))? else { return Ok(recovered) };
        for leftover in journals.leftovers(&turn)? {
            match &leftover.content {
                LeftoverContent::Blank => self.look_at_blank(leftover, &mut recovered)?,
                // Whoever may write this store comes later.
                LeftoverContent::Sealed(_) if !self.facts.may_lease() => {
                    self.keep(&leftover, "this run may not write the store");
                }
                LeftoverContent::Sealed(sealed) => match self.open_journal(sealed) {
                    Ok((header, body)) => {
                        recovered.has_replies = true;
                        self.recover_reply(leftover, &header, &body)?;
                    }
                    Err(error) => self.keep(&leftover, &explain(&error)),
                },
            }
        }
        Ok(recovered)
    }

    /// A blank journal matters only while its owner's lease is the slot's: a request may be under way.
    fn look_at_blank(&self, leftover: Leftover, recovered: &mut Recovered) -> Result<(), RelayError> {
        let loaded = self.load()?;
        // Journals are made for slots that hold something: one that is not there is away, and says nothing of leases.
        if !loaded.is_written() || loaded.baton().state().is_leased_by(leftover.owner) {
            recovered.under_way.push(leftover.owner);
            return Ok(());
        }
        Ok(leftover.journal.discard()?)
    }

    fn open_journal(
        &self,
        sealed: &SealedBytes,
    ) -> Result<(JournalHeader, zeroize::Zeroizing<Vec<u8>>), OpenError> {
        let opened = open::<JournalHeader>(self.keys, sealed)?;
        if opened.header.slot != self.id.slot {
            return Err(OpenError::WrongSlot(opened.header.slot));
        }
        if opened.header.audience != self.id.audience {
            return Err(OpenError::WrongAudience);
        }
        Ok((opened.header, opened.secret))
    }

    fn recover_reply(
        &self,
        leftover: Leftover,
        header: &JournalHeader,
        body: &[u8],
    ) -> Result<(), RelayError> {
        let settled = self.settle(header, body)?;
        match settled {
            Settled::Stored => self.around.tell(Level::Info, "the journal of an interrupted job was stored"),
            Settled::Landed => {
                self.around.tell(Level::Detail, "a journal was found whose content the store has");
            }
            Settled::Refused => self.keep(&leftover, "the authority's reply in it was refused"),
            Settled::Unreadable => self.keep(&leftover, "the reply in it has no tokens"),
            Settled::MovedOn => self.keep(&leftover, "the slot has moved on"),
        }
        if settled.drops_journal() {
            leftover.journal.discard()?;
        }
        Ok(())
    }

    /// Notes what this machine knows to be spent. Failing to is no error: it is a second guard.
    pub(super) fn remember_spent(&self, exchanged: &Exchanged) {
        if exchanged.reply == ReplyKind::Same {
            return;
        }
        let patience = self.around.patience(&|_| {});
        if let Err(error) = self.spent_here().remember(exchanged.parent, &patience) {
            let text = format!("this machine could not note what it has spent: {}", explain(&error));
            self.around.tell(Level::Warning, &text);
        }
    }

    /// Does with a journaled reply what its owner would have done.
    fn settle(&self, header: &JournalHeader, body: &[u8]) -> Result<Settled, RelayError> {
        for _ in 0..MAX_ROUNDS {
            let loaded = self.load()?;
            let (state, login) = (loaded.baton().state(), loaded.baton().login());
            let Some(judged) = self.judge(header, body, login.filter(|_| state.holds == Some(header.parent)))
            else {
                return Ok(Settled::Unreadable);
            };
            self.remember_spent(&judged.exchanged);
            let (next, settled) = match (state.judge_result(&judged.exchanged), judged.renewed) {
                (ResultVerdict::Landed, _) => return Ok(Settled::Landed),
                (ResultVerdict::Keep, _) | (ResultVerdict::Store(_), None) => return Ok(Settled::MovedOn),
                (ResultVerdict::Refuse, _) => {
                    let writer = nonce()?;
                    let dead = loaded.baton().with(|state| state.dead(DeadReason::ReplyRefused, writer));
                    (dead, Settled::Refused)
                }
                (ResultVerdict::Store(_), Some(renewed)) => {
                    let now = self.around.clock.now();
                    (loaded.baton().stored(&judged.exchanged, renewed.login, now, nonce()?), Settled::Stored)
                }
            };
            if let Swapped::Done(_) = self.swap(&loaded, next)? {
                return Ok(settled);
            }
        }
        Err(RelayError::Restless)
    }

    /// Applies a reply to its parent. Without the parent (the slot holds something else) only the new token's name is
    /// known, which is all that the descent rule needs.
    pub(super) fn judge(
        &self,
        header: &JournalHeader,
        body: &[u8],
        parent: Option<&FullLogin>,
    ) -> Option<Judged> {
        let renewal = Renewal::read(body).ok()?;
        let exchanged = |reply| Exchanged { parent: header.parent, lease: header.lease, reply };
        let Some(parent) = parent else {
            let reply = match renewal.refresh_token() {
                None => ReplyKind::Same,
                Some(Ok(token)) => ReplyKind::New(TokenHash::of(&token)),
                Some(Err(_)) => ReplyKind::Refused,
            };
            return Some(Judged { exchanged: exchanged(reply), renewed: None });
        };
        match renewal.apply(parent, self.around.clock.now()) {
            Err(_) => Some(Judged { exchanged: exchanged(ReplyKind::Refused), renewed: None }),
            Ok(renewed) => {
                let token = TokenHash::of(renewed.login.refresh_token());
                let reply = if renewed.rotated { ReplyKind::New(token) } else { ReplyKind::Same };
                Some(Judged { exchanged: exchanged(reply), renewed: Some(renewed) })
            }
        }
    }

    fn keep(&self, leftover: &Leftover, why: &str) {
        let text = format!("the journal `{}` is kept: {why}", leftover.journal.path().display());
        self.around.tell(Level::Warning, &text);
    }
}
