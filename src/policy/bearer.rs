//! What the policy looks at in a credential, whatever holds it: how it logs in, and whose it is.

use super::Method;
use crate::credential::{Credential, Mode};

/// A credential, as far as the policy is concerned. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bearer {
    pub(super) method: Method,
    pub(super) owner: Owner,
}

/// Whose credential it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// An API key: no workspace's.
    Nobody,
    /// Only the authority could tell.
    Unknown,
    /// An agent identity, which names its account.
    Agent(Option<String>),
    /// A ChatGPT login: the claim of the id token, and `tokens.account_id`. Codex checks the one at the door and uses the
    /// other at run time, and they can disagree.
    Chatgpt { claim: Option<String>, account: Option<String> },
    /// A ChatGPT login that lacks what the client loads one from.
    Incomplete,
}

impl Bearer {
    pub(super) fn api_key() -> Self {
        Self { method: Method::Api, owner: Owner::Nobody }
    }

    /// A ChatGPT login without tokens.
    pub(super) fn incomplete() -> Self {
        Self { method: Method::Chatgpt, owner: Owner::Incomplete }
    }

    pub(super) fn of(credential: &Credential) -> Self {
        let owner = match credential.mode() {
            Mode::ApiKey | Mode::BedrockApiKey | Mode::BedrockAccessKeys => Owner::Nobody,
            Mode::PersonalAccessToken => Owner::Unknown,
            Mode::AgentIdentity => Owner::Agent(credential.account_id()),
            Mode::Chatgpt | Mode::ChatgptAuthTokens | Mode::Headers => Owner::Chatgpt {
                claim: credential.id_claims().and_then(|claims| claims.account_id),
                account: credential.account_id(),
            },
        };
        Self { method: Method::of(credential.mode()), owner }
    }
}
