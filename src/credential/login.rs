//! A document with its mode, checked to have what that mode needs.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{AccessClaims, AuthJson, Client, HANDLE_PREFIX, IdClaims, Lifetime, Mode, PersonalAccessToken};

/// Why a document that the client can read is no credential that it can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// There is nothing in it, not even tokens of ChatGPT.
    #[error("it has no credential")]
    Nothing,
    /// Mode `apikey` without a key.
    #[error("API key auth is missing a key")]
    NoApiKey,
    /// An API key that is blank. To Codex it is one.
    #[error("its API key is blank")]
    BlankApiKey,
    /// Mode `headers`, which no file may have.
    #[error("externally provided auth cannot be loaded from auth storage")]
    Headers,
    /// Mode `agentIdentity` without its material.
    #[error("agent identity auth is missing agent identity auth material")]
    NoAgentIdentity,
    /// Mode `personalAccessToken` without a token.
    #[error("personal access token auth is missing a personal access token")]
    NoPersonalAccessToken,
    /// A Bedrock mode without its keys.
    #[error("Amazon Bedrock auth is missing its keys")]
    NoBedrockKeys,
}

/// A credential of any mode, as one client sees it.
#[derive(Clone)]
pub struct Credential {
    document: AuthJson,
    mode: Mode,
}

impl Credential {
    /// Takes a document for what `client` sees in it.
    ///
    /// # Errors
    /// When its mode lacks the material that it needs.
    pub fn new(client: Client, document: AuthJson) -> Result<Self, Unusable> {
        let mode = document.mode(client);
        let blank = |text: Option<&str>| text.is_none_or(|text| text.trim().is_empty());
        match mode {
            Mode::ApiKey if document.text("OPENAI_API_KEY").is_none() => Err(Unusable::NoApiKey),
            Mode::ApiKey if blank(document.text("OPENAI_API_KEY")) => Err(Unusable::BlankApiKey),
            Mode::Chatgpt | Mode::ChatgptAuthTokens if !document.has("tokens") => Err(Unusable::Nothing),
            Mode::Headers => Err(Unusable::Headers),
            Mode::AgentIdentity if !document.has("agent_identity") => Err(Unusable::NoAgentIdentity),
            Mode::PersonalAccessToken if blank(document.text("personal_access_token")) => {
                Err(Unusable::NoPersonalAccessToken)
            }
            Mode::BedrockApiKey if !document.has("bedrock_api_key") => Err(Unusable::NoBedrockKeys),
            Mode::BedrockAccessKeys if !document.has("bedrock_access_keys") => Err(Unusable::NoBedrockKeys),
            _ => Ok(Self { document, mode }),
        }
    }

    /// Returns an API key as the client stores one.
    #[must_use]
    pub fn of_api_key(client: Client, key: &super::ApiKey) -> Self {
        Self { document: AuthJson::of_api_key(client, key.expose()), mode: Mode::ApiKey }
    }

    /// Returns a personal access token as Codex stores one. LLMX has none.
    #[must_use]
    pub fn of_personal_access_token(token: &PersonalAccessToken) -> Self {
        let document = AuthJson::of_personal_access_token(token.expose());
        Self { document, mode: Mode::PersonalAccessToken }
    }

    /// Takes a document that was written for `client` and has tokens: the mode is what the client will see in it.
    pub(super) fn of_chatgpt(client: Client, document: AuthJson) -> Self {
        let mode = document.mode(client);
        Self { document, mode }
    }

    /// Returns the mode.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Returns whether this is a login with ChatGPT, refreshed by the client or not.
    #[must_use]
    pub fn is_chatgpt(&self) -> bool {
        matches!(self.mode, Mode::Chatgpt | Mode::ChatgptAuthTokens)
    }

    /// Returns whether there is nothing in it that could be spent or lost: a ChatGPT login without a refresh token.
    #[must_use]
    pub fn is_access_only(&self) -> bool {
        self.is_chatgpt() && self.refresh_text().is_none()
    }

    /// Returns whether it is a copy of what a store holds, so that nothing is lost with it: access-only, or a broker's.
    #[must_use]
    pub fn is_placed_copy(&self) -> bool {
        self.is_access_only() || self.has_handle()
    }

    /// Returns whether it has a refresh token. A broker's handle is none.
    #[must_use]
    pub fn has_refresh_token(&self) -> bool {
        self.is_chatgpt() && self.refresh_text().is_some() && !self.has_handle()
    }

    /// Returns whether a broker renews it: there is a handle in place of the refresh token.
    #[must_use]
    pub fn has_handle(&self) -> bool {
        self.is_chatgpt()
            && self.refresh_text().is_some_and(|text| text.trim_start().starts_with(HANDLE_PREFIX))
    }

    fn refresh_text(&self) -> Option<&str> {
        self.document.token("refresh_token").filter(|token| !token.trim().is_empty())
    }

    /// Returns the account that the file names: `tokens.account_id`, or that of an agent identity.
    #[must_use]
    pub fn account_id(&self) -> Option<String> {
        match self.mode {
            Mode::Chatgpt | Mode::ChatgptAuthTokens => self.document.token("account_id").map(str::to_owned),
            Mode::AgentIdentity => self.agent_account(),
            _ => None,
        }
    }

    /// An agent identity is an object, or a JWT whose payload has the same names.
    fn agent_account(&self) -> Option<String> {
        if let Some(account) = self.document.agent_identity_field("account_id") {
            return Some(account.to_owned());
        }
        agent_account(self.document.text("agent_identity")?)
    }

    /// Returns the claims of the id token of a ChatGPT login.
    #[must_use]
    pub fn id_claims(&self) -> Option<IdClaims> {
        let token = self.document.token("id_token").filter(|_| self.is_chatgpt())?;
        IdClaims::read(token).ok()
    }

    /// Returns how long the access token of a ChatGPT login lasts.
    #[must_use]
    pub fn lifetime(&self) -> Option<Lifetime> {
        let token = self.document.token("access_token").filter(|_| self.is_chatgpt())?;
        Some(Lifetime::new(&AccessClaims::read(token), self.last_refresh()))
    }

    /// Returns `last_refresh`. A ChatGPT file without it loads, but Codex sends no token.
    #[must_use]
    pub fn last_refresh(&self) -> Option<DateTime<Utc>> {
        self.document.last_refresh()
    }

    /// Returns whether nobody changed the credential meanwhile. For a ChatGPT login this is what the client compares
    /// before it commits a refresh: mode, access token, refresh token (observed with Codex 0.169.0, which keeps an API
    /// key that was added in flight). Any other is known by what its mode needs.
    #[must_use]
    pub fn is_same_login(&self, other: &Self) -> bool {
        let same = |name| self.document.value(name) == other.document.value(name);
        let same_token = |name| self.document.token(name) == other.document.token(name);
        self.mode == other.mode
            && match self.mode {
                Mode::Chatgpt | Mode::ChatgptAuthTokens => {
                    same_token("access_token") && same_token("refresh_token")
                }
                Mode::ApiKey => same("OPENAI_API_KEY"),
                Mode::PersonalAccessToken => same("personal_access_token"),
                Mode::AgentIdentity => same("agent_identity"),
                Mode::BedrockApiKey => same("bedrock_api_key"),
                Mode::BedrockAccessKeys => same("bedrock_access_keys"),
                // No credential has this mode.
                Mode::Headers => false,
            }
    }

    /// Returns the text of the file.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        self.document.to_text()
    }

    /// Returns every secret by itself, to be hidden from a log.
    #[must_use]
    pub fn secrets(&self) -> Vec<Zeroizing<String>> {
        self.document.secrets()
    }

    /// Returns those that a job is given: all but the refresh token.
    #[must_use]
    pub fn secrets_of_a_job(&self) -> Vec<Zeroizing<String>> {
        self.document.secrets_of_a_job()
    }

    pub(super) fn document(&self) -> &AuthJson {
        &self.document
    }
}

/// Returns the account that the JWT of an agent identity names; `None` when it is no such JWT.
#[must_use]
pub fn agent_account(token: &str) -> Option<String> {
    let payload = token.split('.').nth(1)?;
    let payload: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    payload.get("account_id")?.as_str().map(str::to_owned)
}
