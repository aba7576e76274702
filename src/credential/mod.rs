//! What a login is: the document that the client reads (`auth.json`), its mode, its claims, its freshness.
//!
//! Pure: no files, no clock, no environment. Secrets live in types that cannot be printed, and a document wipes its
//! strings when it is dropped. The types say what may be done with a login: only a [`FullLogin`] can be sealed,
//! seeded or exchanged; what a home gets is an [`AccessOnly`], in which there is nothing to spend.

mod access_only;
mod auth_json;
mod brokered;
mod claims;
mod client;
mod freshness;
mod full_login;
mod handle;
mod input;
mod login;
mod mode;
mod renewal;
mod same_login;
mod schema;
mod secret;
#[cfg(test)]
mod tests;

pub use access_only::AccessOnly;
pub use auth_json::{AuthJson, MAX_LOGIN_BYTES, ParseError};
pub use claims::{AccessClaims, IdClaims, NotAJwt};
pub use client::Client;
pub use freshness::{Due, Freshness, Lifetime, Margin};
pub use full_login::{FullLogin, Identity, NotFull};
pub use handle::Handle;
pub use input::{InputError, MAX_INPUT_BYTES, api_key, auth_json, personal_access_token};
pub use login::{Credential, Unusable, agent_account};
pub use mode::Mode;
pub use renewal::{Refused, Renewal, Renewed, Unreadable};
pub use secret::{AccessToken, ApiKey, HANDLE_PREFIX, NotARefreshToken, PersonalAccessToken, RefreshToken};
