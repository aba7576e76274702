//! The bodies of answers, so that Codex 0.169, older ones and LLMX take them. Pure.

use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde::Serialize;
use serde_json::json;
use zeroize::Zeroizing;

use super::{Current, Failure, Refusal};
use crate::credential::Handle;

/// A status, and a body in JSON.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// What the authority would send; `refresh_token` is the handle again, so that nothing changes for the client.
#[derive(Serialize)]
struct Tokens<'a> {
    id_token: &'a str,
    access_token: &'a str,
    refresh_token: &'a str,
    token_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<i64>,
}

impl Reply {
    pub(super) fn tokens(current: &Current, handle: &Handle, now: DateTime<Utc>) -> Self {
        let tokens = Tokens {
            id_token: current.id_token.expose_secret(),
            access_token: current.access_token.expose(),
            refresh_token: handle.expose(),
            token_type: "Bearer",
            expires_in: current.expires_at.map(|at| (at - now).num_seconds().max(0)),
        };
        // Tokens are text: this cannot fail, and an empty body is a transient failure to the client.
        Self { status: 200, body: Zeroizing::new(serde_json::to_vec(&tokens).unwrap_or_default()) }
    }

    /// A dead login is final to the client, which then stops asking; anything else is worth another try.
    pub(super) fn failure(failure: Failure) -> Self {
        match failure {
            Failure::Dead => Self::error(401, "refresh_token_invalidated", "the login is dead"),
            Failure::Passing => Self::error(503, "temporarily_unavailable", "no token could be had just now"),
        }
    }

    pub(super) fn refusal(refusal: Refusal) -> Self {
        Self::error(refusal.status(), refusal.code(), &refusal.to_string())
    }

    pub(super) fn revoked() -> Self {
        Self { status: 200, body: Zeroizing::new(b"{}".to_vec()) }
    }

    fn error(status: u16, code: &str, message: &str) -> Self {
        let body = json!({"error": {"code": code, "message": message}});
        Self { status, body: Zeroizing::new(body.to_string().into_bytes()) }
    }
}
