//! The gate: the one place that turns a credential into an [`Approved`] one.

use chrono::{DateTime, Utc};

use super::{Method, Policy};
use crate::credential::{Client, Credential, FullLogin, Mode, Refused, Renewal};

/// A credential that the policy allows here. Only this room makes one out of something else.
#[derive(Clone)]
pub struct Approved<T>(T);

/// Why the policy does not allow a credential. The text is the client's own, without what it does about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// ChatGPT is used where only API keys may be.
    ApiRequired,
    /// An API key is used where only ChatGPT may be.
    ChatgptRequired,
    /// The login belongs to another workspace, or to none that it names.
    Workspace {
        /// Whose rules these are: the clients word them differently.
        client: Client,
        /// The workspaces allowed.
        allowed: Vec<String>,
        /// The workspace that it belongs to, if it says so.
        actual: Option<String>,
    },
    /// A personal access token does not say where it belongs; only the authority knows.
    Undecidable {
        /// The workspaces allowed.
        allowed: Vec<String>,
    },
}

impl Policy {
    /// Decides whether a credential is allowed here.
    ///
    /// # Errors
    /// The mismatch, when it is not.
    pub fn check(&self, credential: &Credential) -> Result<(), Mismatch> {
        let method = Method::of(credential.mode());
        match self.method() {
            Some(Method::Api) if method != Method::Api => return Err(Mismatch::ApiRequired),
            Some(Method::Chatgpt) if method != Method::Chatgpt => return Err(Mismatch::ChatgptRequired),
            _ => {}
        }
        let Some(allowed) = self.workspaces().filter(|_| method == Method::Chatgpt) else { return Ok(()) };
        let mismatch =
            |actual| Mismatch::Workspace { client: self.client, allowed: allowed.to_vec(), actual };
        // For ChatGPT the claim of the id token *and* the account of the file: Codex checks the one at the door and
        // uses the other at run time, and they can disagree.
        let owners = match credential.mode() {
            Mode::PersonalAccessToken => return Err(Mismatch::Undecidable { allowed: allowed.to_vec() }),
            Mode::AgentIdentity => vec![credential.account_id()],
            _ => vec![credential.id_claims().and_then(|claims| claims.account_id), credential.account_id()],
        };
        for owner in owners {
            match owner {
                Some(owner) if allowed.contains(&owner) => {}
                other => return Err(mismatch(other)),
            }
        }
        Ok(())
    }

    /// Lets a credential through the gate.
    ///
    /// # Errors
    /// The mismatch, when the policy does not allow it.
    pub fn approve(&self, credential: Credential) -> Result<Approved<Credential>, Mismatch> {
        self.check(&credential).map(|()| Approved(credential))
    }

    /// Lets a full login through the gate.
    ///
    /// # Errors
    /// The mismatch, when the policy does not allow it.
    pub fn approve_login(&self, login: FullLogin) -> Result<Approved<FullLogin>, Mismatch> {
        self.check(&login.as_credential(self.client)).map(|()| Approved(login))
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

impl std::fmt::Display for Mismatch {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ApiRequired => {
                write!(out, "API key login is required, but ChatGPT is currently being used.")
            }
            Self::ChatgptRequired => {
                write!(out, "ChatGPT login is required, but an API key is currently being used.")
            }
            Self::Workspace { client, allowed, actual } => {
                let noun = if *client == Client::Codex { "workspace(s)" } else { "workspace" };
                write!(
                    out,
                    "Login is restricted to {noun} {}, but current credentials ",
                    allowed.join(", ")
                )?;
                match actual {
                    Some(actual) => write!(out, "belong to {actual}."),
                    None => write!(out, "lack a workspace identifier."),
                }
            }
            Self::Undecidable { allowed } => write!(
                out,
                "Login is restricted to workspace(s) {}, and a personal access token does not say which it belongs to.",
                allowed.join(", ")
            ),
        }
    }
}
