//! What the policy says of a credential, in the order and the words of the client.

use super::bearer::{Bearer, Owner};
use super::{Ambient, Method, Policy};
use crate::credential::{Client, Credential};

/// Why the policy does not allow a credential. The text is the client's own, without what it does about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// ChatGPT is used where only API keys may be.
    #[error("API key login is required, but ChatGPT is currently being used.")]
    ApiRequired,
    /// An API key is used where only ChatGPT may be.
    #[error("ChatGPT login is required, but an API key is currently being used.")]
    ChatgptRequired,
    /// The login belongs to another workspace.
    #[error("Login is restricted to {} {}, but current credentials belong to {actual}.", noun(*.client), .allowed.join(", "))]
    Workspace {
        /// Whose rules these are: the clients word them differently.
        client: Client,
        /// The workspaces allowed.
        allowed: Vec<String>,
        /// The workspace that it belongs to.
        actual: String,
    },
    /// The login does not say which workspace it belongs to.
    #[error("Login is restricted to {} {}, but current credentials lack a workspace identifier.", noun(*.client), .allowed.join(", "))]
    NoWorkspace {
        /// Whose rules these are.
        client: Client,
        /// The workspaces allowed.
        allowed: Vec<String>,
    },
    /// A ChatGPT login without tokens, so that nobody can tell where it belongs.
    #[error(
        "Failed to load ChatGPT credentials while enforcing workspace restrictions: Token data is not available.."
    )]
    NoTokens,
    /// A personal access token or a workload identity does not say where it belongs; only the authority could.
    #[error("Login is restricted to {} {}, and this kind of credential does not say which it belongs to.", noun(*.client), .allowed.join(", "))]
    Undecidable {
        /// Whose rules these are.
        client: Client,
        /// The workspaces allowed.
        allowed: Vec<String>,
    },
}

/// What came of a variable's credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AmbientVerdict {
    /// The client may use it.
    Allowed,
    /// The client passes over it and takes the next one.
    PassedOver(Mismatch),
    /// The client would use it, and it may not.
    Forbidden(Mismatch),
    /// The client cannot read it.
    Unreadable,
}

fn noun(client: Client) -> &'static str {
    match client {
        Client::Codex => "workspace(s)",
        Client::Llmx => "workspace",
    }
}

impl Policy {
    /// Decides whether a credential is allowed here.
    ///
    /// # Errors
    /// The mismatch, when it is not.
    pub fn check(&self, credential: &Credential) -> Result<(), Mismatch> {
        self.judge(&Bearer::of(credential))
    }

    /// The same for the credential of a home's file, which the client loads only when it is complete.
    ///
    /// # Errors
    /// The mismatch, when it is not allowed.
    pub fn check_file(&self, credential: &Credential) -> Result<(), Mismatch> {
        if credential.is_chatgpt() && credential.last_refresh().is_none() {
            return self.check_incomplete();
        }
        self.check(credential)
    }

    /// The same for a ChatGPT file without tokens.
    ///
    /// # Errors
    /// The mismatch, when it is not allowed.
    pub fn check_incomplete(&self) -> Result<(), Mismatch> {
        self.judge(&Bearer::incomplete())
    }

    /// The same for a blank API key, which is one to the client.
    ///
    /// # Errors
    /// The mismatch, when it is not allowed.
    pub fn check_blank_key(&self) -> Result<(), Mismatch> {
        self.judge(&Bearer::api_key())
    }

    /// The same for what a variable holds. `is_first` is what the client comes to first: what is forced is checked of
    /// that one, and ends the run. What is merely not allowed is passed over.
    #[must_use]
    pub fn check_ambient(&self, ambient: &Ambient, is_first: bool) -> AmbientVerdict {
        let demands = self.demands();
        let is_forced = demands.forced_method.is_some() || demands.forced_workspaces.is_some();
        match &ambient.bearer {
            // What cannot be read is an agent identity to the client, so a ChatGPT login.
            None if !is_forced && self.passes_over(Method::Chatgpt) => {
                AmbientVerdict::PassedOver(Mismatch::ApiRequired)
            }
            None => AmbientVerdict::Unreadable,
            Some(bearer) => match self.judge(bearer) {
                Ok(()) => AmbientVerdict::Allowed,
                Err(mismatch) if is_first && self.judge_forced(bearer).is_err() => {
                    AmbientVerdict::Forbidden(mismatch)
                }
                Err(mismatch) if self.passes_over(bearer.method) => AmbientVerdict::PassedOver(mismatch),
                Err(mismatch) => AmbientVerdict::Forbidden(mismatch),
            },
        }
    }

    /// First what is forced, by itself, as Codex checks at its door; then what is left of everything together.
    fn judge(&self, bearer: &Bearer) -> Result<(), Mismatch> {
        let forced = self.judge_forced(bearer);
        let is_method_left = self.methods().contains(&bearer.method);
        match forced {
            // Whoever's it is: it may not be used.
            Err(undecided) if undecided.is_undecided() && !is_method_left => {}
            decided => decided?,
        }
        if !is_method_left {
            return Err(Mismatch::of_method(bearer.method));
        }
        match self.workspaces() {
            Some(left) => self.judge_owner(left, &bearer.owner, true),
            None => Ok(()),
        }
    }

    fn judge_forced(&self, bearer: &Bearer) -> Result<(), Mismatch> {
        let demands = self.demands();
        if demands.forced_method.is_some_and(|forced| forced != bearer.method) {
            return Err(Mismatch::of_method(bearer.method));
        }
        match &demands.forced_workspaces {
            Some(forced) => self.judge_owner(forced, &bearer.owner, false),
            None => Ok(()),
        }
    }

    /// The forced list is about the claim alone; what is left of all lists is about the account, too.
    fn judge_owner(&self, allowed: &[String], owner: &Owner, with_account: bool) -> Result<(), Mismatch> {
        let client = self.client();
        let is_allowed = |id: Option<&String>| match id {
            Some(id) if allowed.contains(id) => Ok(()),
            Some(id) => Err(Mismatch::Workspace { client, allowed: allowed.to_vec(), actual: id.clone() }),
            None => Err(Mismatch::NoWorkspace { client, allowed: allowed.to_vec() }),
        };
        match owner {
            Owner::Nobody => Ok(()),
            Owner::Unknown => Err(Mismatch::Undecidable { client, allowed: allowed.to_vec() }),
            Owner::Incomplete => Err(Mismatch::NoTokens),
            Owner::Agent(account) => is_allowed(account.as_ref()),
            Owner::Chatgpt { claim, account } => {
                is_allowed(claim.as_ref())?;
                match account {
                    Some(account) if with_account => is_allowed(Some(account)),
                    // Without one Codex uses the claim.
                    _ => Ok(()),
                }
            }
        }
    }
}

impl Mismatch {
    fn of_method(used: Method) -> Self {
        match used {
            Method::Chatgpt => Self::ApiRequired,
            Method::Api => Self::ChatgptRequired,
        }
    }

    /// Returns whether nobody here can tell, so that nothing may be deleted because of it.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        matches!(self, Self::Undecidable { .. })
    }
}
