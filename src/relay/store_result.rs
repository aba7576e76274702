//! Steps 7 and 8: the reply is journaled raw, judged, and stored; only then may anybody use it.

use std::rc::Rc;
use std::time::Duration;

use crate::baton::{DeadReason, JournalHeader, LeaseId, SealRandom, SealedBytes, TokenHash, seal};
use crate::credential::Renewed;
use crate::job::{Level, explain, random};

use super::cell::{Swapped, nonce};
use super::lease::Held;
use super::wait::{Urgency, jittered, pause};
use super::{Ending, ExchangeError, Relay, RelayError, Step, rescue_text};

const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Conflicts with other writers after which the slot is looked at again at once, whatever the clock says.
const MAX_CONFLICTS: usize = 8;

impl Relay<'_> {
    /// Journals, judges and stores the body of a 2xx reply.
    ///
    /// # Errors
    /// When the reply cannot be used, or the store does not take it ([`RelayError::NotStored`]).
    pub(super) fn keep_reply(&self, held: &mut Held, body: &[u8]) -> Result<Ending, RelayError> {
        let Some(parent) = held.loaded.baton().login().cloned() else { return Err(RelayError::SlotEmpty) };
        let header = self.journal_header(TokenHash::of(parent.refresh_token()), held.id);
        let random = SealRandom { salt: random()?, nonce: random()? };
        let sealed = seal(self.keys, &header, body, &random)?;
        held.has_reply = true;
        let journaled = Step::WriteJournal.run(|| held.journal.write(&sealed));
        held.is_journaled = journaled.is_ok();
        if let Err(error) = journaled {
            // The store is still to come: a lost journal is worth a warning, not the login.
            self.around
                .tell(Level::Warning, &format!("the journal could not be written: {}", explain(&error)));
        }
        let Some(judged) = self.judge(&header, body, Some(&parent)) else {
            return Err(ExchangeError::Unreadable.into());
        };
        self.remember_spent(&judged.exchanged);
        let Some(Renewed { login, rotated }) = judged.renewed else {
            return Err(self.refuse_reply(held, body, &parent));
        };
        let start = self.around.clock.boot();
        let mut interval = FIRST_PAUSE;
        let mut conflicts = 0;
        let urgency = Urgency::new(Rc::clone(&held.deferral), self.around.clock);
        loop {
            let outcome = self.load().and_then(|loaded| {
                if !loaded.is_written() {
                    return Err(RelayError::SlotGone);
                }
                let state = loaded.baton().state();
                if let Some(ending) = Ending::before_storing(state, &judged.exchanged) {
                    return Ok(Some(ending));
                }
                let now = self.around.clock.now();
                let stored = loaded.baton().stored(&judged.exchanged, login.clone(), now, nonce()?);
                Ok(match Step::Store.run(|| self.swap_under(held, &loaded, stored))? {
                    Swapped::Done(loaded) => {
                        held.loaded = loaded;
                        Some(Ending::after_storing(held.loaded.baton().state()))
                    }
                    Swapped::Conflict => None,
                })
            });
            let cause = match outcome {
                // The authority handed out a token that had its turn: the parent is spent, and nothing took its place.
                Ok(Some(Ending::Dropped)) if rotated => {
                    self.finish(held, |state, writer| state.dead(DeadReason::ReplyRefused, writer));
                    return Err(ExchangeError::ReplySpent.into());
                }
                Ok(Some(ending)) => return Ok(ending),
                // The store works, and somebody was quicker: what is there now decides.
                Ok(None) if conflicts < MAX_CONFLICTS => {
                    conflicts += 1;
                    continue;
                }
                Ok(None) => RelayError::Restless,
                Err(error) => error,
            };
            let waited = self.around.clock.boot().saturating_sub(start);
            if waited >= self.lengths().lease || urgency.is_great() {
                return Err(not_stored(cause, held, &sealed));
            }
            self.around.tell(
                Level::Warning,
                &format!("the store did not take the new login yet: {}", explain(&cause)),
            );
            pause(self.around.clock, jittered(interval)?, || urgency.is_great());
            interval = (interval * 2).min(LONGEST_PAUSE);
        }
    }

    fn journal_header(&self, parent: TokenHash, lease: LeaseId) -> JournalHeader {
        JournalHeader {
            slot: self.id.slot.clone(),
            audience: self.id.audience.clone(),
            store: self.store.name(),
            parent,
            lease,
        }
    }

    /// The reply must not be used, and its parent is spent: the slot is dead. The journal stays for a person.
    fn refuse_reply(&self, held: &Held, body: &[u8], parent: &crate::credential::FullLogin) -> RelayError {
        self.finish(held, |state, writer| state.dead(DeadReason::ReplyRefused, writer));
        let refused = crate::credential::Renewal::read(body)
            .ok()
            .and_then(|renewal| renewal.apply(parent, self.around.clock.now()).err());
        refused.map_or(ExchangeError::Unreadable, ExchangeError::ReplyRefused).into()
    }
}

fn not_stored(cause: RelayError, held: &Held, sealed: &SealedBytes) -> RelayError {
    RelayError::NotStored {
        cause: Box::new(cause),
        journal: held.is_journaled.then(|| held.journal.path()),
        rescue: rescue_text::write(sealed),
    }
}
