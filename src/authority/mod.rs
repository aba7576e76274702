//! Who renews a login: the OAuth token endpoint.
//!
//! It is `auth.openai.com`. Another one only when the person names it with an option of ours: a poisoned environment
//! must not receive a refresh token. No redirects, bundled roots, capped replies; and no HTTP client before one is
//! needed.

mod answer;
mod client;
mod url;

pub use answer::{Answer, RefusalKind, classify};
pub use client::{Authority, CLIENT_ID, MAX_REPLY_BYTES, Reason};
pub use url::{AuthorityUrl, AuthorityUrlError};
