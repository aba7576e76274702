//! The gate: the one place that turns a credential into an [`Approved`] one.
//!
//! It reads the layers anew each time, because a job is long and an administrator does not wait for it: what was allowed
//! when a token was restored may be forbidden when its successor is to be placed.

use chrono::{DateTime, Utc};

use super::{Layers, Mismatch, Policy, PolicyError, Source};
use crate::credential::{Client, Credential, FullLogin, Handle, Refused, Renewal};

/// Who decides what may be placed in a home or taken as a seed.
pub struct Gate(Layers);

/// A credential that the policy allows here. Only the gate makes one out of something else, and a home takes nothing
/// else:
///
/// ```
/// # use authbaton::{credential::Credential, disk::Patience, home::{AuthFile, Found}, policy::{Approved, Gate}};
/// # type Done = Result<(), Box<dyn std::error::Error>>;
/// fn place(gate: &Gate, file: &AuthFile, found: &Found, patience: &Patience<'_>, credential: Credential) -> Done {
///     let approved = gate.approve(credential)?;
///     Ok(file.place(&approved, found, patience)?)
/// }
/// ```
///
/// There is no way around. What nobody has approved is not placed,
///
/// ```compile_fail,E0308
/// # use authbaton::{credential::Credential, disk::Patience, home::{AuthFile, Found}, policy::{Approved, Gate}};
/// # type Done = Result<(), Box<dyn std::error::Error>>;
/// fn place(gate: &Gate, file: &AuthFile, found: &Found, patience: &Patience<'_>, credential: Credential) -> Done {
///     let approved = credential;
///     Ok(file.place(&approved, found, patience)?)
/// }
/// ```
///
/// nobody else can approve,
///
/// ```compile_fail,E0423
/// # use authbaton::{credential::Credential, disk::Patience, home::{AuthFile, Found}, policy::{Approved, Gate}};
/// # type Done = Result<(), Box<dyn std::error::Error>>;
/// fn place(gate: &Gate, file: &AuthFile, found: &Found, patience: &Patience<'_>, credential: Credential) -> Done {
///     let approved = Approved(credential);
///     Ok(file.place(&approved, found, patience)?)
/// }
/// ```
///
/// and what was approved cannot be exchanged for something that was not.
///
/// ```compile_fail,E0594
/// # use authbaton::{credential::Credential, policy::{Approved, Gate}};
/// fn exchange(approved: &mut Approved<Credential>, other: Credential) {
///     *approved.get() = other;
/// }
/// ```
///
/// The same holds for a seed,
///
/// ```
/// # use authbaton::{credential::FullLogin, policy::Gate, relay::Relay};
/// # type Done = Result<(), Box<dyn std::error::Error>>;
/// fn seed(gate: &Gate, relay: &Relay<'_>, login: FullLogin) -> Done {
///     let approved = gate.approve_login(login)?;
///     relay.seed(&approved, false)?;
///     Ok(())
/// }
/// ```
///
/// which is no login that nobody has approved.
///
/// ```compile_fail,E0308
/// # use authbaton::{credential::FullLogin, policy::Gate, relay::Relay};
/// # type Done = Result<(), Box<dyn std::error::Error>>;
/// fn seed(gate: &Gate, relay: &Relay<'_>, login: FullLogin) -> Done {
///     let approved = login;
///     relay.seed(&approved, false)?;
///     Ok(())
/// }
/// ```
#[derive(Clone)]
pub struct Approved<T>(T);

/// The gate stays shut.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The policy does not allow the credential.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// The policy cannot be decided.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The client would not read the file that we place.
    #[error(
        "`cli_auth_credentials_store = \"{store}\"` ({from}): the client would not read an auth.json",
        from = .by.as_ref().map_or_else(String::new, ToString::to_string)
    )]
    NotRead {
        /// Where the client keeps its credential instead.
        store: &'static str,
        /// Who says so.
        by: Option<Source>,
    },
}

impl Gate {
    /// Sets up a gate before the layers; nothing is read yet.
    #[must_use]
    pub fn new(layers: Layers) -> Self {
        Self(layers)
    }

    /// Reads the policy that is in force now.
    ///
    /// # Errors
    /// When a file cannot be read, a value that counts means nothing, or nothing is allowed at all.
    pub fn policy(&self) -> Result<Policy, PolicyError> {
        self.0.read()
    }

    /// Lets a credential through.
    ///
    /// # Errors
    /// When the policy does not allow it, or cannot be decided.
    pub fn approve(&self, credential: Credential) -> Result<Approved<Credential>, GateError> {
        let policy = self.open()?;
        policy.check(&credential)?;
        Ok(Approved(credential))
    }

    /// Lets a full login through.
    ///
    /// # Errors
    /// As [`Self::approve`].
    pub fn approve_login(&self, login: FullLogin) -> Result<Approved<FullLogin>, GateError> {
        let policy = self.open()?;
        policy.check(&login.as_credential(policy.client()))?;
        Ok(Approved(login))
    }

    /// The policy of a client that would read what we place.
    fn open(&self) -> Result<Policy, GateError> {
        let policy = self.policy()?;
        policy.refuse_other_stores()?;
        Ok(policy)
    }
}

impl Policy {
    /// Refuses a client that keeps its credential elsewhere, so that the file that we place would be ignored.
    ///
    /// # Errors
    /// When it does.
    pub fn refuse_other_stores(&self) -> Result<(), GateError> {
        let store = self.demands().credentials_store;
        if store.reads_the_file() {
            return Ok(());
        }
        let setting = self.settings().iter().find(|it| it.key == super::values::CREDENTIALS_STORE);
        Err(GateError::NotRead { store: store.name(), by: setting.map(|it| it.source.clone()) })
    }
}

impl<T> Approved<T> {
    /// Returns what was approved.
    pub fn get(&self) -> &T {
        &self.0
    }

    /// Returns what was approved, without its approval.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl Approved<FullLogin> {
    /// Returns the form for a home in which there is nothing to spend: what is allowed whole is allowed in part.
    #[must_use]
    pub fn access_only(&self, client: Client, now: DateTime<Utc>) -> Approved<Credential> {
        Approved(self.0.access_only(client, now).into_credential())
    }

    /// Returns the form for a home that a broker serves.
    #[must_use]
    pub fn brokered(&self, client: Client, handle: &Handle, now: DateTime<Utc>) -> Approved<Credential> {
        Approved(self.0.brokered(client, handle, now))
    }

    /// Applies the reply to an exchange of this login. The approval carries over, because the reply belongs to the
    /// same account and user or is refused: what an approved exchange gave may always be stored.
    ///
    /// # Errors
    /// When the reply must not be used.
    pub fn renewed(&self, renewal: &Renewal, now: DateTime<Utc>) -> Result<Self, Refused> {
        renewal.apply(&self.0, now).map(|renewed| Self(renewed.login))
    }

    /// Returns the login as a credential, refresh token included: for a home that is the holder.
    #[must_use]
    pub fn whole(&self, client: Client) -> Approved<Credential> {
        Approved(self.0.as_credential(client))
    }
}
