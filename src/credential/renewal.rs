//! What a 2xx of the authority contains, and what becomes of a login with it.
//!
//! Stricter than the client in two points: Codex stores the tokens of another account, and an empty refresh token,
//! which bricks the file. Both are refused here.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{AccessClaims, FullLogin, IdClaims, NotARefreshToken, RefreshToken};

/// A reply is not larger than this, in bytes (real ones have 3 to 6 KiB): with a login of the same size it fits into
/// a sealed baton.
const MAX_RENEWAL_BYTES: usize = 32 * 1024;

/// The tokens of a 2xx reply. Missing or null means: keep the old one.
pub struct Renewal {
    id_token: Option<SecretString>,
    access_token: Option<SecretString>,
    refresh_token: Option<SecretString>,
}

/// The body of a 2xx is nothing that could renew a login: no JSON object, or no access token in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the authority's reply has no access token in it")]
pub struct Unreadable;

/// Why a reply must not be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It belongs to another account.
    #[error("the reply belongs to another account")]
    OtherAccount,
    /// It belongs to another user of the account.
    #[error("the reply belongs to another user")]
    OtherUser,
    /// Its refresh token is empty (or a broker's handle).
    #[error("the reply's refresh token is empty")]
    NoRefreshToken,
}

/// A login after an exchange.
pub struct Renewed {
    /// The login with its new tokens.
    pub login: FullLogin,
    /// Whether the refresh token changed. If not, nothing was spent.
    pub rotated: bool,
}

#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    id_token: Option<SecretString>,
    #[serde(default)]
    access_token: Option<SecretString>,
    #[serde(default)]
    refresh_token: Option<SecretString>,
}

impl Renewal {
    /// Reads the body of a 2xx reply.
    ///
    /// # Errors
    /// When it is not a JSON object with an access token or a refresh token. Nothing of the body is in the error.
    pub fn read(body: &[u8]) -> Result<Self, Unreadable> {
        // A derived type also reads an array of its fields in their order.
        if !body.trim_ascii_start().starts_with(b"{") {
            return Err(Unreadable);
        }
        if body.len() > MAX_RENEWAL_BYTES {
            return Err(Unreadable);
        }
        let Reply { id_token, access_token, refresh_token } =
            serde_json::from_slice(body).map_err(|_| Unreadable)?;
        let has_access = access_token.as_ref().is_some_and(|token| !token.expose_secret().trim().is_empty());
        if !has_access && refresh_token.is_none() {
            return Err(Unreadable);
        }
        Ok(Self { id_token, access_token: access_token.filter(|_| has_access), refresh_token })
    }

    /// Returns the new refresh token, if the reply has one.
    #[must_use]
    pub fn refresh_token(&self) -> Option<Result<RefreshToken, NotARefreshToken>> {
        self.refresh_token.as_ref().map(|text| RefreshToken::new(text.expose_secret()))
    }

    /// Judges the reply to an exchange of `parent`'s refresh token and applies it.
    ///
    /// An id token that is no JWT is dropped and the old one kept: refusing the reply would lose the rotated token.
    ///
    /// # Errors
    /// When it belongs to somebody else or has an empty refresh token.
    pub fn apply(&self, parent: &FullLogin, now: DateTime<Utc>) -> Result<Renewed, Refused> {
        let id_token = self.id_token.as_ref().map(ExposeSecret::expose_secret);
        let id_claims = id_token.and_then(|token| IdClaims::read(token).ok());
        let access_token = self.access_token.as_ref().map(ExposeSecret::expose_secret);
        let access_claims = access_token.map(AccessClaims::read);

        let owner = parent.identity();
        let differs =
            |new: Option<&String>, old: Option<&String>| matches!((new, old), (Some(a), Some(b)) if a != b);
        let accounts = [
            id_claims.as_ref().and_then(|claims| claims.account_id.as_ref()),
            access_claims.as_ref().and_then(|claims| claims.account_id.as_ref()),
        ];
        // Compared with what the old tokens claim: a file's `account_id` may legitimately differ from the claim.
        let claimed = parent.id_claims().account_id;
        let known = claimed.as_ref().or(Some(&owner.account_id));
        if accounts
            .into_iter()
            .any(|account| differs(account, known) && differs(account, Some(&owner.account_id)))
        {
            return Err(Refused::OtherAccount);
        }
        let users = [
            id_claims.as_ref().and_then(|claims| claims.user_id.as_ref()),
            access_claims.as_ref().and_then(|claims| claims.user_id.as_ref()),
        ];
        if users.into_iter().any(|user| differs(user, owner.user_id.as_ref())) {
            return Err(Refused::OtherUser);
        }

        let old = parent.refresh_token();
        let refresh_token = match &self.refresh_token {
            Some(text) => RefreshToken::new(text.expose_secret()).map_err(|_| Refused::NoRefreshToken)?,
            None => old.clone(),
        };
        let rotated = refresh_token.expose() != old.expose();
        let id_token = id_token.filter(|_| id_claims.is_some());
        Ok(Renewed { login: parent.patched(id_token, access_token, &refresh_token, now), rotated })
    }
}
