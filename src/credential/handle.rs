//! A stand-in for the refresh token, for homes that a broker serves.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::HANDLE_PREFIX;

/// What a client of a brokered home holds instead of a refresh token. It opens one broker, as long as that lives, and
/// nothing else: it cannot become a [`super::RefreshToken`], so it is never sealed, seeded or sent to an authority.
#[derive(Clone)]
pub struct Handle(SecretString);

impl Handle {
    /// Makes a handle of random bytes.
    #[must_use]
    pub fn new(random: [u8; 32]) -> Self {
        Self(format!("{HANDLE_PREFIX}{}", URL_SAFE_NO_PAD.encode(random)).into())
    }

    /// Returns whether a text is this handle, in a time that says nothing about it.
    #[must_use]
    pub fn is(&self, text: &str) -> bool {
        self.0.expose_secret().as_bytes().ct_eq(text.as_bytes()).into()
    }

    /// Exposes the handle, to be written into a home or an answer.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}
