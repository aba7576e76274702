//! A ChatGPT login with a refresh token that can be spent: the only thing that is sealed, seeded or exchanged.

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::brokered::brokered;
use super::{
    AccessClaims, AccessOnly, AccessToken, AuthJson, Client, Credential, Handle, IdClaims, Lifetime, Mode,
    NotARefreshToken, ParseError, RefreshToken,
};

/// Why a credential is no full login.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotFull {
    /// Another mode: an API key, an access token, …
    #[error("its mode is {}, not a ChatGPT login", .0.name())]
    OtherMode(Mode),
    /// An access-only file: somebody else holds the refresh token.
    #[error("it is an access-only file: its refresh token is blank")]
    AccessOnly,
    /// A broker's handle in place of the refresh token.
    #[error("its refresh token is a handle of a broker")]
    Handle,
    /// Mode `chatgptAuthTokens` with a refresh token: the client would never refresh it, so nobody knows who holds it.
    #[error("its mode is chatgptAuthTokens, although it has a refresh token")]
    ExternallyManaged,
    /// Without `tokens.account_id` Codex never refreshes the login.
    #[error("tokens.account_id is missing")]
    NoAccountId,
    /// Without `last_refresh` Codex sends no token at all.
    #[error("last_refresh is missing")]
    NoLastRefresh,
}

/// Who a login belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `tokens.account_id`: the ChatGPT account (workspace).
    pub account_id: String,
    /// The user, when a token names one.
    pub user_id: Option<String>,
}

/// A ChatGPT login that can be refreshed. Never blank, never a handle, never access-only.
#[derive(Clone)]
pub struct FullLogin {
    document: AuthJson,
    refresh_token: RefreshToken,
    account_id: String,
    last_refresh: DateTime<Utc>,
}

impl FullLogin {
    /// Takes a credential as a full login.
    ///
    /// # Errors
    /// When it is another kind of credential, or lacks what the client needs to use it.
    pub fn new(credential: &Credential) -> Result<Self, NotFull> {
        if !credential.is_chatgpt() {
            return Err(NotFull::OtherMode(credential.mode()));
        }
        let full = Self::of_document(credential.document().clone())?;
        if credential.mode() == Mode::ChatgptAuthTokens {
            return Err(NotFull::ExternallyManaged);
        }
        Ok(full)
    }

    fn of_document(document: AuthJson) -> Result<Self, NotFull> {
        let refresh_token =
            RefreshToken::new(document.token("refresh_token").unwrap_or_default()).map_err(|error| {
                match error {
                    NotARefreshToken::Blank => NotFull::AccessOnly,
                    NotARefreshToken::Handle => NotFull::Handle,
                }
            })?;
        let account_id = document
            .token("account_id")
            .filter(|account| !account.trim().is_empty())
            .ok_or(NotFull::NoAccountId)?
            .to_owned();
        let last_refresh = document.last_refresh().ok_or(NotFull::NoLastRefresh)?;
        Ok(Self { document, refresh_token, account_id, last_refresh })
    }

    /// Reads the text that [`Self::to_text`] gave, as it comes out of a sealed baton; an exchange may have made it grow.
    ///
    /// # Errors
    /// When the text is no login. The outer error says that it is no document, the inner one that it is not a full one.
    pub fn from_text(text: &[u8]) -> Result<Result<Self, NotFull>, ParseError> {
        AuthJson::parse_of_any_size(text).map(Self::of_document)
    }

    /// Returns the text of the file, refresh token included: for sealing, and for a home that is the holder.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        self.document.to_text()
    }

    /// Returns the refresh token.
    #[must_use]
    pub fn refresh_token(&self) -> &RefreshToken {
        &self.refresh_token
    }

    /// Returns the access token.
    #[must_use]
    pub fn access_token(&self) -> AccessToken {
        AccessToken::new(self.document.token("access_token").unwrap_or_default())
    }

    /// Returns who it belongs to.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let user_id = self.id_claims().user_id.or_else(|| self.access_claims().user_id);
        Identity { account_id: self.account_id.clone(), user_id }
    }

    /// Returns the claims of the id token.
    #[must_use]
    pub fn id_claims(&self) -> IdClaims {
        IdClaims::read(self.document.token("id_token").unwrap_or_default()).unwrap_or_default()
    }

    fn access_claims(&self) -> AccessClaims {
        AccessClaims::read(self.document.token("access_token").unwrap_or_default())
    }

    /// Returns how long the access token lasts.
    #[must_use]
    pub fn lifetime(&self) -> Lifetime {
        Lifetime::new(&self.access_claims(), Some(self.last_refresh))
    }

    /// Returns when the authority issued the login: the later `iat` of its two JWTs, in its own clock.
    #[must_use]
    pub fn issued_at(&self) -> Option<DateTime<Utc>> {
        self.id_claims().issued_at.max(self.access_claims().issued_at)
    }

    /// Returns the form for a home in which there is nothing to spend.
    #[must_use]
    pub fn access_only(&self, client: Client, now: DateTime<Utc>) -> AccessOnly {
        AccessOnly::new(self.document.clone(), client, now)
    }

    /// Returns the form for a home that a broker serves.
    #[must_use]
    pub fn brokered(&self, client: Client, handle: &Handle, now: DateTime<Utc>) -> Credential {
        brokered(self.document.clone(), client, handle, now)
    }

    /// Returns the id token, which says who the login belongs to.
    #[must_use]
    pub fn id_token(&self) -> SecretString {
        self.document.token("id_token").unwrap_or_default().into()
    }

    /// Returns the login as a credential of `client`, refresh token included: for a home that is the holder.
    #[must_use]
    pub fn as_credential(&self, client: Client) -> Credential {
        let mut document = self.document.clone();
        match client {
            // Without it a file that also has an API key would be one to Codex.
            Client::Codex => document.set("auth_mode", Mode::Chatgpt.name().into()),
            Client::Llmx => super::access_only::as_llmx_sees_chatgpt(&mut document),
        }
        Credential::of_chatgpt(client, document)
    }

    /// Puts new tokens into a copy of the document; everything else stays.
    pub(super) fn patched(
        &self,
        id_token: Option<&str>,
        access_token: Option<&str>,
        refresh_token: &RefreshToken,
        now: DateTime<Utc>,
    ) -> Self {
        let mut document = self.document.clone();
        if let Some(id_token) = id_token {
            document.set_token("id_token", id_token);
        }
        if let Some(access_token) = access_token {
            document.set_token("access_token", access_token);
        }
        document.set_token("refresh_token", refresh_token.expose());
        document.set_last_refresh(now);
        Self {
            document,
            refresh_token: refresh_token.clone(),
            account_id: self.account_id.clone(),
            last_refresh: now,
        }
    }
}
