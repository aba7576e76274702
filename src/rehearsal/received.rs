//! The log of what the authority was asked and what came of it.
//!
//! The tokens in it are the authority's own inventions, yet [`Received`] has no `Debug`: a rehearsal runs in the
//! product, whose logs carry no token of any kind.

use chrono::{DateTime, Utc};

use super::behaviour::{Fault, Twist};

/// Where a request was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// `POST /oauth/token`
    Token,
    /// `POST /oauth/revoke`
    Revoke,
    /// Anything else; it is answered with 404.
    Other,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is being held or delayed, and nothing has happened to its token.
    Pending,
    /// The refresh token was rotated, and the reply says so.
    Rotated,
    /// A new access token was given, and the refresh token stays good.
    Kept,
    /// The login was ended by a revocation.
    Revoked,
    /// There was nothing to revoke: an unknown or an access token. It was answered with success, as RFC 7009 has it.
    Ignored,
    /// It was refused with this code: the request was malformed, or its token is not good.
    Refused(String),
    /// It ran into this fault, and nothing happened to its token.
    Failed(Fault),
    /// The refresh token was rotated, but this fault hides it.
    Lost(Fault),
    /// The refresh token was rotated, and the reply differs from an honest one in this.
    Twisted(Twist),
}

/// One request. What it did not have, or had in the wrong type, is `None`.
#[derive(Clone)]
pub struct Received {
    /// When its last byte had arrived.
    pub at: DateTime<Utc>,
    /// Where it was sent.
    pub endpoint: Endpoint,
    /// The presented token: `refresh_token` of an exchange, `token` of a revocation.
    pub token: Option<String>,
    /// `client_id` of the body.
    pub client_id: Option<String>,
    /// `refresh_reason` of the body, which only Codex sends.
    pub refresh_reason: Option<String>,
    /// `scope` of the body, which only LLMX sends.
    pub scope: Option<String>,
    /// The header `content-type`.
    pub content_type: Option<String>,
    /// The header `originator`.
    pub originator: Option<String>,
    /// The header `user-agent`.
    pub user_agent: Option<String>,
    /// Whether it brought an `authorization` header, which no client of the real authority does.
    pub authorization: bool,
    /// What came of it.
    pub outcome: Outcome,
}
