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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::Value;

    use super::*;
    use crate::testing::{Sample, full_login};

    fn read(reply: &Reply) -> (u16, Value) {
        (reply.status, serde_json::from_slice(&reply.body).unwrap())
    }

    #[test]
    fn tokens_are_as_the_authority_sends_them() {
        let (handle, login) = (Handle::new([7; 32]), Sample::default().document());
        let current = Current::from_login(&full_login(&login));
        let end = current.expires_at.unwrap();
        for (left, expected) in [(600, 600), (0, 0), (-5, 0)] {
            let reply = Reply::tokens(&current, &handle, end - TimeDelta::seconds(left));
            let expected = json!({
                "id_token": login["tokens"]["id_token"],
                "access_token": login["tokens"]["access_token"],
                "refresh_token": handle.expose(),
                "token_type": "Bearer",
                "expires_in": expected,
            });
            assert_eq!(read(&reply), (200, expected));
        }
        // A token that does not say when it ends.
        let mut opaque = login;
        opaque["tokens"]["access_token"] = json!("opaque");
        let reply = Reply::tokens(&Current::from_login(&full_login(&opaque)), &handle, end);
        let (status, body) = read(&reply);
        assert_eq!((status, &body["access_token"], body.get("expires_in")), (200, &json!("opaque"), None));
    }

    /// Codex and LLMX take a 401 for final, and 0.169 a 400 with `invalid_grant`; everything else is worth another try.
    #[test]
    fn only_a_dead_login_and_a_handle_of_another_broker_are_final() {
        let is_final = |reply: Reply| {
            let (status, body) = read(&reply);
            let code = body["error"]["code"].as_str().unwrap().to_owned();
            assert!(body["error"]["message"].is_string());
            status == 401 || (status == 400 && code == "invalid_grant") || code.starts_with("refresh_token_")
        };
        assert!(is_final(Reply::failure(Failure::Dead)));
        assert!(is_final(Reply::refusal(Refusal::Handle)));
        assert!(!is_final(Reply::failure(Failure::Passing)));
        let passing = [
            Refusal::Path,
            Refusal::Method,
            Refusal::Host,
            Refusal::ContentType,
            Refusal::Body,
            Refusal::Malformed,
            Refusal::ClientId,
            Refusal::GrantType,
        ];
        for refusal in passing {
            assert!(!is_final(Reply::refusal(refusal)), "{refusal}");
        }
        assert_eq!(read(&Reply::revoked()), (200, json!({})));
    }
}
