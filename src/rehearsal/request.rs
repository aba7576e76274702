//! Judges requests as strictly as the real authority may: what passes here is what Codex 0.169 or LLMX sends.

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::received::{Endpoint, Outcome, Received};

/// The largest body that is accepted.
const LARGEST: usize = 16 * 1024;
/// The client that Codex and LLMX say they are.
const CLIENT_ID: &str = "app_EMoamEEZ73f0CkXaXp7hrann";
/// Why Codex refreshes.
const REASONS: [&str; 4] = ["proactive_expiry", "scheduled", "unauthorized_recovery", "forced"];

/// The members of a body that is a JSON object.
pub(super) struct Members(Map<String, Value>);

impl Members {
    /// Reads a body; whatever is not a JSON object has no members.
    pub(super) fn read(body: &[u8]) -> Self {
        Self(serde_json::from_slice(body).unwrap_or_default())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// Whether all members are texts, and none is missing or there without a purpose.
    fn are(&self, required: &[&str], optional: &[&str]) -> bool {
        required.iter().all(|name| self.text(name).is_some())
            && self.0.iter().all(|(name, value)| {
                value.is_string() && required.iter().chain(optional).any(|known| known == name)
            })
    }

    fn is_exchange(&self) -> bool {
        self.are(&["client_id", "grant_type", "refresh_token"], &["refresh_reason", "scope"])
            && self.text("grant_type") == Some("refresh_token")
            && self.text("client_id") == Some(CLIENT_ID)
            && self.text("refresh_reason").is_none_or(|reason| REASONS.contains(&reason))
    }

    /// Codex names itself only when it revokes a refresh token.
    fn is_revocation(&self) -> bool {
        match self.text("token_type_hint") {
            Some("refresh_token") => {
                self.are(&["token", "token_type_hint", "client_id"], &[])
                    && self.text("client_id") == Some(CLIENT_ID)
            }
            Some("access_token") => self.are(&["token", "token_type_hint"], &[]),
            _ => false,
        }
    }
}

/// Returns the log entry of a request and whether its form is in order.
pub(super) fn examine(
    endpoint: Endpoint,
    at: DateTime<Utc>,
    headers: &HeaderMap,
    body: &[u8],
) -> (Received, bool) {
    let members = Members::read(body);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let member = |name: &str| members.text(name).map(str::to_owned);
    let received = Received {
        at,
        endpoint,
        token: member(if endpoint == Endpoint::Revoke { "token" } else { "refresh_token" }),
        client_id: member("client_id"),
        refresh_reason: member("refresh_reason"),
        scope: member("scope"),
        content_type: header(header::CONTENT_TYPE.as_str()),
        originator: header("originator"),
        user_agent: header(header::USER_AGENT.as_str()),
        authorization: headers.contains_key(header::AUTHORIZATION),
        outcome: Outcome::Pending,
    };
    let form = match endpoint {
        Endpoint::Token => members.is_exchange(),
        Endpoint::Revoke => members.is_revocation(),
        Endpoint::Other => false,
    };
    let in_order = form
        && body.len() <= LARGEST
        && received
            .content_type
            .as_deref()
            .is_some_and(|value| value.eq_ignore_ascii_case("application/json"));
    (received, in_order)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODEX: &str = r#"{"client_id":"app_EMoamEEZ73f0CkXaXp7hrann","grant_type":"refresh_token","refresh_reason":"proactive_expiry","refresh_token":"rt-old"}"#;
    const LLMX: &str = r#"{"client_id":"app_EMoamEEZ73f0CkXaXp7hrann","grant_type":"refresh_token","refresh_token":"rt-old","scope":"openid profile email"}"#;
    const LOGOUT: &str =
        r#"{"token":"rt-old","token_type_hint":"refresh_token","client_id":"app_EMoamEEZ73f0CkXaXp7hrann"}"#;

    fn in_order(endpoint: Endpoint, content_type: Option<&'static str>, body: &str) -> bool {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = content_type {
            headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
        }
        examine(endpoint, DateTime::UNIX_EPOCH, &headers, body.as_bytes()).1
    }

    #[test]
    fn the_bodies_of_both_clients_are_in_order() {
        let json = Some("application/json");
        for body in [CODEX, LLMX] {
            assert!(in_order(Endpoint::Token, json, body), "{body}");
            assert!(!in_order(Endpoint::Revoke, json, body), "{body}");
        }
        let access = r#"{"token":"eyJ.a.t","token_type_hint":"access_token"}"#;
        for body in [LOGOUT, access] {
            assert!(in_order(Endpoint::Revoke, json, body), "{body}");
            assert!(!in_order(Endpoint::Token, json, body), "{body}");
        }
    }

    #[test]
    fn anything_else_is_not() {
        for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
            assert!(!in_order(Endpoint::Token, content_type, CODEX), "{content_type:?}");
        }
        let wrong = [
            String::new(),
            "null".into(),
            format!("[{CODEX}]"),
            CODEX.replace("app_", "app-"),
            CODEX.replace(r#""grant_type":"refresh_token""#, r#""grant_type":"authorization_code""#),
            CODEX.replace("proactive_expiry", "boredom"),
            CODEX.replace(r#""rt-old""#, "17"),
            CODEX.replace(r#","refresh_token":"rt-old""#, ""),
            CODEX.replace(r#""refresh_reason""#, r#""reason""#),
            CODEX.replace("rt-old", &"x".repeat(LARGEST)),
        ];
        for body in wrong {
            assert!(!in_order(Endpoint::Token, Some("application/json"), &body), "{body}");
        }
        let largest = LARGEST - CODEX.len() + "rt-old".len();
        assert!(in_order(
            Endpoint::Token,
            Some("application/json"),
            &CODEX.replace("rt-old", &"x".repeat(largest))
        ));
        assert!(!in_order(Endpoint::Revoke, Some("application/json"), &LOGOUT.replace("app_", "app-")));
    }
}
