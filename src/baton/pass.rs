//! The baton itself: the state of a slot together with the login that it speaks of.

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

use super::seal::{BatonHeader, SealKey, seal_under};
use super::{
    AccountPin, Exchanged, Lease, Nonce, OpenError, Phase, SealKeys, SealRandom, SealedBytes, Seed, SlotId,
    State, TokenHash, open,
};
use crate::credential::FullLogin;

/// A slot's content: its state, and the login unless it is empty. The two always belong together, because nothing
/// else can make one.
#[derive(Clone)]
pub struct Baton {
    state: State,
    login: Option<FullLogin>,
}

/// A baton that came out of a store.
#[derive(Clone)]
pub struct OpenedBaton {
    /// The baton.
    pub baton: Baton,
    /// The name of the key that it was sealed under.
    pub key_id: String,
    /// Whether that is another than the newest.
    pub old_key: bool,
}

impl Seed {
    /// Looks at a login as a seed.
    #[must_use]
    pub fn of(login: &FullLogin) -> Self {
        Self {
            token: TokenHash::of(login.refresh_token()),
            issued_at: login.issued_at().map(|at| at.timestamp()),
            account: AccountPin::of(&login.identity()),
        }
    }
}

impl Baton {
    /// Returns the baton of a slot that never held anything.
    #[must_use]
    pub fn new(writer: Nonce) -> Self {
        Self { state: State::new(writer), login: None }
    }

    /// Returns the state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Returns the login; none in an empty slot.
    #[must_use]
    pub fn login(&self) -> Option<&FullLogin> {
        self.login.as_ref()
    }

    /// See [`State::seeded`].
    #[must_use]
    pub fn seeded(&self, login: FullLogin, writer: Nonce) -> Self {
        Self { state: self.state.seeded(&Seed::of(&login), writer), login: Some(login) }
    }

    /// See [`State::stored`].
    #[must_use]
    pub fn stored(&self, result: &Exchanged, login: FullLogin, now: DateTime<Utc>, writer: Nonce) -> Self {
        let token = TokenHash::of(login.refresh_token());
        Self { state: self.state.stored(result, token, now, writer), login: Some(login) }
    }

    /// See [`State::purged`].
    #[must_use]
    pub fn purged(&self, writer: Nonce) -> Self {
        Self { state: self.state.purged(writer), login: None }
    }

    /// See [`State::leased`].
    #[must_use]
    pub fn leased(&self, lease: Lease, writer: Nonce) -> Self {
        Self { state: self.state.leased(lease, writer), ..self.clone() }
    }

    /// Changes the state and leaves the login as it is: hand-back, suspect, dead.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&State) -> State) -> Self {
        let state = change(&self.state);
        debug_assert_eq!(state.holds, self.state.holds, "only a login changes what a slot holds");
        Self { state, ..self.clone() }
    }

    /// Seals the baton for a slot, under the newest key.
    ///
    /// # Errors
    /// When it is larger than a baton may be, or could not be opened again.
    pub fn seal(&self, keys: &SealKeys, id: &SlotId, random: &SealRandom) -> Result<SealedBytes, OpenError> {
        self.seal_under(keys.newest(), id, random)
    }

    /// Seals the baton to replace `old` in a slot. Under the newest key, unless somebody may be in the middle of an
    /// exchange: whoever that is has the old key and perhaps not the newest.
    ///
    /// # Errors
    /// When it is larger than a baton may be.
    pub fn seal_over(
        &self,
        old: &OpenedBaton,
        keys: &SealKeys,
        id: &SlotId,
        random: &SealRandom,
    ) -> Result<SealedBytes, OpenError> {
        let quiet = matches!(old.baton.state.phase, Phase::Empty | Phase::Idle | Phase::Dead { .. });
        let same = keys.find(&old.key_id).map(|(key, _)| key).filter(|_| !quiet);
        self.seal_under(same.unwrap_or(keys.newest()), id, random)
    }

    fn seal_under(&self, key: &SealKey, id: &SlotId, random: &SealRandom) -> Result<SealedBytes, OpenError> {
        if !self.state.is_consistent() {
            return Err(OpenError::Inconsistent);
        }
        let header =
            BatonHeader { slot: id.slot.clone(), audience: id.audience.clone(), state: self.state.clone() };
        let text = self.login.as_ref().map_or_else(Zeroizing::default, FullLogin::to_text);
        seal_under(key, &header, text.as_bytes(), random)
    }

    /// Opens what a store holds for a slot.
    ///
    /// # Errors
    /// When it is not ours, damaged, or sealed for another key, slot or audience. Never "empty".
    pub fn open(keys: &SealKeys, id: &SlotId, bytes: &SealedBytes) -> Result<OpenedBaton, OpenError> {
        let opened = open::<BatonHeader>(keys, bytes)?;
        opened.header.check(id)?;
        let state = opened.header.state;
        if !state.is_consistent() {
            return Err(OpenError::Inconsistent);
        }
        let login = match state.holds {
            None if opened.secret.is_empty() => None,
            None => return Err(OpenError::Inconsistent),
            Some(holds) => {
                let login = FullLogin::from_text(&opened.secret)
                    .map_err(|_| OpenError::Inconsistent)?
                    .map_err(|_| OpenError::Inconsistent)?;
                if TokenHash::of(login.refresh_token()) != holds {
                    return Err(OpenError::Inconsistent);
                }
                Some(login)
            }
        };
        Ok(OpenedBaton { baton: Self { state, login }, key_id: opened.key_id, old_key: opened.old_key })
    }
}
