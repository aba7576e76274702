//! The secrets of a login, one type each. None has `Debug` or `Display`; `expose` is the only door, and it is greppable.

use secrecy::{ExposeSecret, SecretString};

/// How every handle of our broker begins. A handle stands in for a refresh token; it is never one.
pub const HANDLE_PREFIX: &str = "abh1_";

/// An OpenAI API key. Not blank, one line.
#[derive(Clone)]
pub struct ApiKey(SecretString);

/// The bearer token that the client sends to the model. Opaque, except for its claims when it is a JWT.
#[derive(Clone)]
pub struct AccessToken(SecretString);

/// A personal access token (`at-…`): lasts as it is, nothing to refresh.
#[derive(Clone)]
pub struct PersonalAccessToken(SecretString);

/// A refresh token that can be spent. A blank or a broker's handle cannot become one.
#[derive(Clone)]
pub struct RefreshToken(SecretString);

/// Why a text is no refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARefreshToken {
    /// The text is empty or white space: what access-only files have.
    #[error("the refresh token is blank")]
    Blank,
    /// The text is a handle of our broker: it can be exchanged by that broker alone.
    #[error("the refresh token is a handle of a broker")]
    Handle,
}

impl ApiKey {
    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Exposes the key, to be written into a home.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl AccessToken {
    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Exposes the token, to be written into a home or to be read for its claims.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PersonalAccessToken {
    /// How every personal access token begins.
    pub const PREFIX: &str = "at-";

    pub(super) fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// Exposes the token, to be written into a home.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl RefreshToken {
    /// Takes a text that the authority gave as a refresh token.
    ///
    /// # Errors
    /// When it is blank, or a broker's handle.
    pub fn new(text: &str) -> Result<Self, NotARefreshToken> {
        if text.trim().is_empty() {
            return Err(NotARefreshToken::Blank);
        }
        if text.trim_start().starts_with(HANDLE_PREFIX) {
            return Err(NotARefreshToken::Handle);
        }
        Ok(Self(text.into()))
    }

    /// Exposes the token, to be sent to the authority, hashed or sealed.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}
