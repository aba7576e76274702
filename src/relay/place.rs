//! Step 9: an access-only file in the home, and a note of where it came from.

use chrono::TimeDelta;

use crate::baton::{Mark, Phase, State};
use crate::credential::{Credential, FullLogin, Handle};
use crate::home::{Found, Sidecar};
use crate::policy::Approved;

use super::{Loaded, Relay, RelayError, Session, Step};

/// What a home may be made to give up for a placement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Nothing: only an empty home, or an access-only file in which there is nothing to lose, is written.
    Careful,
    /// `--replace`: whatever is there.
    Replace,
}

/// What a home gets of a login.
#[derive(Clone, Copy)]
enum Form<'a> {
    /// The access token, and nothing to spend.
    AccessOnly,
    /// The access token, and a handle with which a broker renews it.
    Brokered(&'a Handle),
}

impl Relay<'_> {
    /// Returns what the slot holds, if it is a login that may be used.
    ///
    /// # Errors
    /// When the slot is empty, dead, or must be refreshed before anyone relies on it.
    pub fn usable(&self) -> Result<Loaded, RelayError> {
        self.recover()?;
        let loaded = self.load()?;
        usable(loaded.baton().state())?;
        Ok(loaded)
    }

    /// Places what the slot holds into the home, access-only.
    ///
    /// # Errors
    /// When the policy does not allow it, its access token lasts less than `min_ttl`, or the home has a login that we
    /// did not place.
    pub fn place(
        &self,
        session: &Session,
        loaded: &Loaded,
        placement: Placement,
        min_ttl: Option<TimeDelta>,
    ) -> Result<Approved<Credential>, RelayError> {
        usable(loaded.baton().state())?;
        let login = loaded.baton().login().ok_or(RelayError::SlotEmpty)?;
        self.check_lifetime(login, min_ttl)?;
        self.place_over(session, loaded, &session.file.look(self.around.clock)?, placement)
    }

    /// Places a seed that the slot would take, access-only: for a run that may not write. Nothing is stored, and nothing
    /// will be exchanged; the refresh token stays where the seed came from.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub fn place_seed(
        &self,
        session: &Session,
        seed: &Approved<FullLogin>,
        placement: Placement,
    ) -> Result<Approved<Credential>, RelayError> {
        let found = session.file.look(self.around.clock)?;
        self.put(session, seed, 0, &found, placement, Form::AccessOnly)
    }

    /// Places what the slot holds for the clients of a broker.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub fn place_brokered(
        &self,
        session: &Session,
        loaded: &Loaded,
        handle: &Handle,
    ) -> Result<Approved<Credential>, RelayError> {
        let found = session.file.look(self.around.clock)?;
        self.place_form(session, loaded, &found, Placement::Careful, Form::Brokered(handle))
    }

    /// The same, over what was found in the home before; refuses when that has changed.
    ///
    /// # Errors
    /// As [`Self::place`].
    pub fn place_over(
        &self,
        session: &Session,
        loaded: &Loaded,
        found: &Found,
        placement: Placement,
    ) -> Result<Approved<Credential>, RelayError> {
        self.place_form(session, loaded, found, placement, Form::AccessOnly)
    }

    fn place_form(
        &self,
        session: &Session,
        loaded: &Loaded,
        found: &Found,
        placement: Placement,
        form: Form<'_>,
    ) -> Result<Approved<Credential>, RelayError> {
        let state = loaded.baton().state();
        usable(state)?;
        let login = loaded.baton().login().ok_or(RelayError::SlotEmpty)?;
        let approved = self.around.gate.approve_login(login.clone())?;
        self.put(session, &approved, state.generation, found, placement, form)
    }

    fn put(
        &self,
        session: &Session,
        approved: &Approved<FullLogin>,
        generation: u64,
        found: &Found,
        placement: Placement,
        form: Form<'_>,
    ) -> Result<Approved<Credential>, RelayError> {
        let free = match found {
            Found::Nothing => true,
            Found::Credential(there) => there.is_placed_copy(),
            Found::Unparsable(_) | Found::Unusable(_) => false,
        };
        if !free && placement == Placement::Careful {
            return Err(RelayError::HomeOccupied);
        }
        let now = self.around.clock.now();
        let client = self.around.home.client();
        let credential = match form {
            Form::AccessOnly => approved.access_only(client, now),
            Form::Brokered(handle) => approved.brokered(client, handle, now),
        };
        let patience = self.around.patience(&|_| {});
        Step::Place.run(|| session.file.place(&credential, found, &patience))?;
        let sidecar = Sidecar {
            schema: Sidecar::SCHEMA,
            store: self.store.name(),
            slot: self.id.slot.to_string(),
            generation,
            placed_at: now,
        };
        Step::Sidecar.run(|| sidecar.write(self.around.home))?;
        Ok(credential)
    }

    fn check_lifetime(&self, login: &FullLogin, min_ttl: Option<TimeDelta>) -> Result<(), RelayError> {
        let Some(wanted) = min_ttl else { return Ok(()) };
        let left = login.lifetime().left(self.around.clock.now()).ok_or(RelayError::UnknownEnd)?;
        if left < wanted {
            return Err(RelayError::TooShort { left: left.num_seconds(), wanted: wanted.num_seconds() });
        }
        Ok(())
    }
}

/// Nobody may rely on a login that is dead, or that must be exchanged first.
fn usable(state: &State) -> Result<(), RelayError> {
    match (&state.phase, state.mark()) {
        (Phase::Empty, _) => Err(RelayError::SlotEmpty),
        (_, Some(Mark::Dead { reason })) => Err(RelayError::Dead(reason)),
        _ if state.unproven.is_some() => Err(RelayError::Unproven),
        _ => Ok(()),
    }
}
