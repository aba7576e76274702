//! Which requests the broker takes. Strict: only its own clients know what to send. Pure.

use serde_json::{Map, Value};

use super::Asked;
use crate::authority::CLIENT_ID;
use crate::credential::Handle;

/// A request's body is not larger than this, in bytes. Codex sends about 200.
pub(super) const MAX_BODY_BYTES: usize = 16 * 1024;
/// Codex makes the address of a revocation out of that of an exchange, and drops the path.
pub(super) const REVOKE_PATH: &str = "/oauth/revoke";

/// What a request has to have.
pub struct Terms {
    /// The path of the exchange: it has a part that nobody can guess.
    pub path: String,
    /// What the client presents in place of a refresh token.
    pub handle: Handle,
}

/// The parts of a request that matter.
#[derive(Clone, Copy)]
pub(super) struct Parts<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) host: Option<&'a str>,
    pub(super) has_origin: bool,
    pub(super) content_type: Option<&'a str>,
    /// `None` when it is larger than it may be, or never came whole.
    pub(super) body: Option<&'a [u8]>,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Errand {
    Renew(Asked),
    /// Answered and dropped: a client in the job must not end a login that others use.
    Revoke,
}

/// Why a request is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The path is none of ours.
    #[error("an unknown path")]
    Path,
    /// Not `POST`.
    #[error("a method other than POST")]
    Method,
    /// The host is not ours, or a browser's page sent it.
    #[error("a request of a browser, or for another host")]
    Host,
    /// Not JSON by its header.
    #[error("a content type other than JSON")]
    ContentType,
    /// The body is too large, or never came whole.
    #[error("a body of more than 16 KiB, or one that did not come")]
    Body,
    /// The body is no JSON object of the members that a client sends.
    #[error("a body that no client sends")]
    Malformed,
    /// Another client id.
    #[error("another client id")]
    ClientId,
    /// Another grant type.
    #[error("another grant type")]
    GrantType,
    /// Another handle: the home is that of another broker.
    #[error("the handle of another broker")]
    Handle,
}

impl Refusal {
    /// Returns the HTTP status.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::Path => 404,
            Self::Method => 405,
            Self::Host => 403,
            Self::ContentType => 415,
            Self::Body => 413,
            Self::Malformed | Self::ClientId | Self::GrantType | Self::Handle => 400,
        }
    }

    /// Returns the OAuth error code (RFC 6749, section 5.2). For the client only `invalid_grant` is final.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Handle => "invalid_grant",
            Self::ClientId => "invalid_client",
            Self::GrantType => "unsupported_grant_type",
            _ => "invalid_request",
        }
    }
}

impl Terms {
    /// Judges a request.
    pub(super) fn judge(&self, port: u16, parts: Parts<'_>) -> Result<Errand, Refusal> {
        let hosts = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
        let is_ours = parts.host.is_some_and(|host| hosts.iter().any(|ours| ours == host));
        if !is_ours || parts.has_origin {
            return Err(Refusal::Host);
        }
        let is_revocation = parts.path == REVOKE_PATH;
        if !is_revocation && parts.path != self.path {
            return Err(Refusal::Path);
        }
        if parts.method != "POST" {
            return Err(Refusal::Method);
        }
        if is_revocation {
            return Ok(Errand::Revoke);
        }
        let essence = parts.content_type.and_then(|it| it.split(';').next()).unwrap_or_default();
        if !essence.trim().eq_ignore_ascii_case("application/json") {
            return Err(Refusal::ContentType);
        }
        let body: Map<String, Value> =
            serde_json::from_slice(parts.body.ok_or(Refusal::Body)?).map_err(|_| Refusal::Malformed)?;
        self.judge_body(&body)
    }

    fn judge_body(&self, body: &Map<String, Value>) -> Result<Errand, Refusal> {
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let presented = text("refresh_token").ok_or(Refusal::Malformed)?;
        if text("client_id").ok_or(Refusal::Malformed)? != CLIENT_ID {
            return Err(Refusal::ClientId);
        }
        if text("grant_type").ok_or(Refusal::Malformed)? != "refresh_token" {
            return Err(Refusal::GrantType);
        }
        if !self.handle.is(presented) {
            return Err(Refusal::Handle);
        }
        Ok(Errand::Renew(match text("refresh_reason") {
            Some("proactive_expiry" | "scheduled") => Asked::BeforeExpiry,
            Some("unauthorized_recovery") => Asked::AfterRefusal,
            // Older versions of Codex and LLMX say nothing.
            Some(_) | None => Asked::Unexplained,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"client_id":"app_EMoamEEZ73f0CkXaXp7hrann","grant_type":"refresh_token","refresh_reason":"proactive_expiry","refresh_token":"HANDLE"}"#;

    fn terms() -> Terms {
        Terms { path: "/secret/oauth/token".to_owned(), handle: Handle::new([7; 32]) }
    }

    fn body(change: (&str, &str)) -> String {
        BODY.replace(change.0, change.1).replace("HANDLE", terms().handle.expose())
    }

    fn parts(body: &str) -> Parts<'_> {
        Parts {
            method: "POST",
            path: "/secret/oauth/token",
            host: Some("127.0.0.1:7"),
            has_origin: false,
            content_type: Some("application/json"),
            body: Some(body.as_bytes()),
        }
    }

    fn judge(parts: Parts<'_>) -> Result<Errand, Refusal> {
        terms().judge(7, parts)
    }

    #[test]
    fn clients_are_understood() {
        let codex = body(("", ""));
        assert_eq!(judge(parts(&codex)), Ok(Errand::Renew(Asked::BeforeExpiry)));
        let charset = Parts { content_type: Some("Application/JSON; charset=utf-8"), ..parts(&codex) };
        assert_eq!(judge(charset), Ok(Errand::Renew(Asked::BeforeExpiry)));
        let reasons = [
            ("scheduled", Asked::BeforeExpiry),
            ("unauthorized_recovery", Asked::AfterRefusal),
            ("forced", Asked::Unexplained),
            ("something new", Asked::Unexplained),
        ];
        for (reason, asked) in reasons {
            assert_eq!(
                judge(parts(&body(("proactive_expiry", reason)))),
                Ok(Errand::Renew(asked)),
                "{reason}"
            );
        }
        let older = body((r#""refresh_reason":"proactive_expiry","#, ""));
        assert_eq!(judge(parts(&older)), Ok(Errand::Renew(Asked::Unexplained)));
        let llmx = body((r#""refresh_reason":"proactive_expiry""#, r#""scope":"openid profile email""#));
        assert_eq!(judge(parts(&llmx)), Ok(Errand::Renew(Asked::Unexplained)));
        let revocation = Parts { path: REVOKE_PATH, body: None, content_type: None, ..parts("") };
        assert_eq!(judge(revocation), Ok(Errand::Revoke));
    }

    #[test]
    fn everything_else_is_refused() {
        let good = body(("", ""));
        let good = parts(&good);
        let table = [
            (Parts { path: "/oauth/token", ..good }, Refusal::Path),
            (Parts { path: "/secret/oauth/token/", ..good }, Refusal::Path),
            (Parts { method: "GET", ..good }, Refusal::Method),
            (Parts { method: "GET", path: REVOKE_PATH, ..good }, Refusal::Method),
            (Parts { host: None, ..good }, Refusal::Host),
            (Parts { host: Some("evil.example:7"), ..good }, Refusal::Host),
            (Parts { host: Some("127.0.0.1:8"), ..good }, Refusal::Host),
            (Parts { has_origin: true, ..good }, Refusal::Host),
            (Parts { content_type: None, ..good }, Refusal::ContentType),
            (Parts { content_type: Some("application/x-www-form-urlencoded"), ..good }, Refusal::ContentType),
            (Parts { body: None, ..good }, Refusal::Body),
        ];
        for (number, (parts, expected)) in table.into_iter().enumerate() {
            assert_eq!(judge(parts), Err(expected), "{number}");
        }
        let bodies = [
            (("{", "["), Refusal::Malformed),
            ((r#""refresh_token":"HANDLE""#, r#""refresh_token":5"#), Refusal::Malformed),
            (("app_", "other_"), Refusal::ClientId),
            (("\"refresh_token\",", "\"password\","), Refusal::GrantType),
            (("HANDLE", "abh1_other"), Refusal::Handle),
            (("HANDLE", "HANDLE "), Refusal::Handle),
            (("HANDLE", ""), Refusal::Handle),
        ];
        for (change, expected) in bodies {
            assert_eq!(judge(parts(&body(change))), Err(expected), "{change:?}");
        }
    }
}
