//! `refresh`: the nine steps in their order.

use std::rc::Rc;

use crate::baton::{Nonce, State};
use crate::credential::AccessToken;
use crate::job::{Level, explain};

use super::cell::{Swapped, nonce};
use super::exchange::{Attempts, Exchange, is_young};
use super::lease::{Admission, Held};
use super::{Ending, ExchangeError, Loaded, Relay, RelayError, Session, Step};

/// One run makes no more exchanges than this; each but the first needs somebody else to have changed the slot.
const MAX_ROUNDS: usize = 4;

/// What a refresh is for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Want {
    /// Exchange although nothing is due, and although the slot is dead.
    pub force: bool,
    /// The authority told us of a spent token: only the exchange of a newer one is success.
    pub must: bool,
}

/// What a refresh came to.
pub struct Refreshed {
    /// What the slot holds.
    pub loaded: Loaded,
    /// Whether this run exchanged a token.
    pub exchanged: bool,
}

impl Relay<'_> {
    /// Renews the slot's login if that is due, exactly once among all who ask.
    ///
    /// # Errors
    /// When there is nothing to renew, the authority or the store refuses, or a lease lasts too long.
    pub fn refresh(&self, session: &Session, want: Want) -> Result<Refreshed, RelayError> {
        self.refresh_with(session, want, None)
    }

    /// The same for an access token that was refused where it was used: if the slot has another, that one is adopted.
    ///
    /// # Errors
    /// As [`Self::refresh`].
    pub fn replace(&self, session: &Session, refused: &AccessToken) -> Result<Refreshed, RelayError> {
        self.refresh_with(session, Want::default(), Some(refused))
    }

    fn refresh_with(
        &self,
        session: &Session,
        want: Want,
        refused: Option<&AccessToken>,
    ) -> Result<Refreshed, RelayError> {
        let (mut want, mut exchanged) = (want, false);
        for _ in 0..MAX_ROUNDS {
            let mut held = match self.admit(session, &want, refused)? {
                Admission::Use(loaded) => return Ok(Refreshed { loaded: *loaded, exchanged }),
                Admission::Lease(held) => *held,
            };
            let ended = self.under_lease(&mut held);
            let ending = match &ended {
                Ok(ending) => *ending,
                Err(RelayError::NotStored { .. }) => Ending::NotStored,
                Err(_) => Ending::Failed { has_reply: held.has_reply },
            };
            if ending.hands_back() {
                self.hand_back(&held);
            }
            if ending == Ending::NotStored {
                held.deferral.dismiss();
            }
            if !ending.keeps_journal() {
                // One that stays is found to have landed, or blank, by whoever comes next.
                if let Err(error) = Step::DropJournal.run(|| held.journal.discard()) {
                    let text = format!("a journal could not be deleted: {}", explain(&error));
                    self.around.tell(Level::Warning, &text);
                }
            }
            ended?;
            exchanged |= ending.has_exchanged();
            match ending.next(want) {
                Some(next) => want = next,
                None => {
                    self.tidy();
                    return Ok(Refreshed { loaded: *held.loaded, exchanged });
                }
            }
        }
        Err(RelayError::Restless)
    }

    fn under_lease(&self, held: &mut Held) -> Result<Ending, RelayError> {
        // Step 2 again: a job of this machine may have ended between our first look and our lease.
        Step::RecoverAgain.run(|| self.recover())?;
        if !self.is_still_ours(held)? {
            return Ok(Ending::Displaced);
        }
        match self.exchange(held)? {
            Exchange::Success(body) => self.keep_reply(held, &body),
            Exchange::Displaced => Ok(Ending::Displaced),
            Exchange::Dead(reason) => {
                let spent = held.loaded.baton().state().holds;
                match Ending::after_refusal(self.load()?.baton().state(), spent) {
                    Ending::Failed { .. } => {
                        self.finish(held, |state, writer| state.dead(reason, writer));
                        Err(ExchangeError::Dead(reason).into())
                    }
                    ending => Ok(ending),
                }
            }
            Exchange::Unauthorized => {
                let now = self.around.clock.now();
                self.finish(held, |state, writer| state.denied(now, writer));
                Err(ExchangeError::Unauthorized.into())
            }
            Exchange::Failed(error) => Err(error.into()),
        }
    }

    fn exchange(&self, held: &mut Held) -> Result<Exchange, RelayError> {
        let Some(login) = held.loaded.baton().login() else { return Err(RelayError::SlotEmpty) };
        let token = login.refresh_token().clone();
        let due = held.due;
        let around = self.around;
        let deferral = Rc::clone(&held.deferral);
        let attempts = Attempts {
            authority: around.authority,
            clock: around.clock,
            notices: around.notices,
            timeout: around.timeout,
            deferral: &deferral,
        };
        attempts.run(&token, due, || {
            if is_young(around.clock, held.taken) { Ok(true) } else { self.renew_lease(held) }
        })
    }

    /// Looks whether the slot still shows our lease, and takes up what it holds under it.
    fn is_still_ours(&self, held: &mut Held) -> Result<bool, RelayError> {
        let loaded = self.load()?;
        if !loaded.baton().state().is_leased_as(held.id) {
            return Ok(false);
        }
        *held.loaded = loaded;
        Ok(true)
    }

    /// Has the store remove what nobody can need any more. Failing to is no error: it is only room.
    fn tidy(&self) {
        if let Err(error) = self.store.tidy(&self.id.slot) {
            self.around.tell(Level::Detail, &format!("old records were not removed: {}", explain(&error)));
        }
    }

    /// Hands the lease back. Failing to is no error: it runs out.
    fn hand_back(&self, held: &Held) {
        self.finish(held, State::handed_back);
    }

    /// Ends our lease with a last change. Only its owner does, and whoever cannot be reached will see it run out.
    pub(super) fn finish(&self, held: &Held, change: impl FnOnce(&State, Nonce) -> State) {
        let ended = self.load().and_then(|loaded| {
            if !loaded.baton().state().is_leased_as(held.id) {
                return Ok(());
            }
            let writer = nonce()?;
            match self.swap_under(held, &loaded, loaded.baton().with(|state| change(state, writer)))? {
                Swapped::Done(_) | Swapped::Conflict => Ok(()),
            }
        });
        if let Err(error) = ended {
            self.around.tell(
                Level::Warning,
                &format!("the lease could not be handed back, it will run out: {}", explain(&error)),
            );
        }
    }
}
