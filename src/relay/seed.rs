//! Seeds: a login that a person provides enters the slot, once.

use crate::baton::{Seed, SeedVerdict};
use crate::credential::FullLogin;
use crate::policy::Approved;

use super::cell::{Swapped, nonce};
use super::{Loaded, Relay, RelayError};

/// Conflicts with other writers that one seed may meet.
const MAX_ROUNDS: usize = 16;

/// What became of a seed.
pub enum Seeded {
    /// The slot holds it.
    Taken(Loaded),
    /// The slot had it already, or has a later token of it: ignored.
    Known(Loaded),
    /// The slot has a newer seed, or this one does not say when it was issued: ignored.
    Older(Loaded),
}

impl Seeded {
    /// Returns what the slot holds, by itself.
    #[must_use]
    pub fn into_loaded(self) -> Loaded {
        let (Self::Taken(loaded) | Self::Known(loaded) | Self::Older(loaded)) = self;
        loaded
    }

    /// Refuses what the slot has not taken and has not got, for whoever would give the login up otherwise. One that it
    /// remembers from before another account took it is such a login, too.
    ///
    /// # Errors
    /// [`RelayError::NotNewer`]; the login is the caller's still.
    pub fn or_kept(self, login: &Approved<FullLogin>) -> Result<Self, RelayError> {
        let pin = self.loaded().baton().state().account;
        let is_displaced = pin.is_some_and(|pin| !pin.matches(&Seed::of(login.get()).account));
        if is_displaced || matches!(self, Self::Older(_)) { Err(RelayError::NotNewer) } else { Ok(self) }
    }

    /// Returns what the slot holds.
    #[must_use]
    pub fn loaded(&self) -> &Loaded {
        let (Self::Taken(loaded) | Self::Known(loaded) | Self::Older(loaded)) = self;
        loaded
    }
}

impl Relay<'_> {
    /// Offers a login to the slot.
    ///
    /// # Errors
    /// When it belongs to another account and `allow_account_change` is not given, or the store cannot take it.
    pub fn seed(
        &self,
        login: &Approved<FullLogin>,
        allow_account_change: bool,
    ) -> Result<Seeded, RelayError> {
        let loaded = self.load()?;
        self.seed_over(loaded, login, allow_account_change)
    }

    /// The same over what was loaded a moment ago.
    ///
    /// # Errors
    /// As [`Self::seed`].
    pub fn seed_over(
        &self,
        loaded: Loaded,
        login: &Approved<FullLogin>,
        allow_account_change: bool,
    ) -> Result<Seeded, RelayError> {
        let mut first = Some(loaded);
        for _ in 0..MAX_ROUNDS {
            let loaded = match first.take() {
                Some(loaded) => loaded,
                None => self.load()?,
            };
            match loaded.baton().state().judge_seed(&Seed::of(login.get()), allow_account_change) {
                SeedVerdict::Known => return Ok(Seeded::Known(loaded)),
                SeedVerdict::Older => return Ok(Seeded::Older(loaded)),
                SeedVerdict::OtherAccount => return Err(RelayError::AccountChange),
                SeedVerdict::TooMany => return Err(RelayError::TooManySeeds),
                SeedVerdict::Replace => {}
            }
            self.refuse_writing()?;
            let next = loaded.baton().seeded(login.get().clone(), nonce()?);
            if let Swapped::Done(loaded) = self.swap(&loaded, next)? {
                self.tell_durability();
                return Ok(Seeded::Taken(*loaded));
            }
        }
        Err(RelayError::Restless)
    }

    /// Returns whether the slot would take a login, for a run that may not write.
    ///
    /// # Errors
    /// When it belongs to another account and `allow_account_change` is not given, or the slot knows too many.
    pub fn would_take(
        &self,
        loaded: &Loaded,
        login: &Approved<FullLogin>,
        allow_account_change: bool,
    ) -> Result<bool, RelayError> {
        match loaded.baton().state().judge_seed(&Seed::of(login.get()), allow_account_change) {
            SeedVerdict::Known | SeedVerdict::Older => Ok(false),
            SeedVerdict::OtherAccount => Err(RelayError::AccountChange),
            SeedVerdict::TooMany => Err(RelayError::TooManySeeds),
            SeedVerdict::Replace => Ok(true),
        }
    }

    /// Empties the slot. It goes on remembering every token that it has seen.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn purge(&self) -> Result<Loaded, RelayError> {
        for _ in 0..MAX_ROUNDS {
            let loaded = self.load()?;
            if loaded.baton().login().is_none() {
                return Ok(loaded);
            }
            self.refuse_writing()?;
            let next = loaded.baton().purged(nonce()?);
            if let Swapped::Done(loaded) = self.swap(&loaded, next)? {
                return Ok(*loaded);
            }
        }
        Err(RelayError::Restless)
    }
}
