//! What an answer of the authority means. Pure; the classes are those observed with Codex 0.169, but for what is
//! safe to try again, which is ours.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::baton::DeadReason;

/// The answer to one exchange.
pub enum Answer {
    /// A 2xx. Its body is a secret, and it has not been judged.
    Success(Zeroizing<Vec<u8>>),
    /// The refresh token is dead, for this reason.
    Dead(DeadReason),
    /// A 401 that does not say why.
    Unauthorized,
    /// Not processed: never sent, or answered 429 or 503. Safe to send again.
    NotProcessed(RefusalKind),
    /// Sent, and nobody knows what came of it.
    Unclear(RefusalKind),
    /// Another refusal: asking again would not help, and the login may still be good.
    Refused(RefusalKind),
}

/// What was seen, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// No connection.
    Connect,
    /// No answer in time, or the connection broke.
    NoAnswer,
    /// This status.
    Status(u16),
}

/// Classifies a reply by its status and body.
#[must_use]
pub fn classify(status: u16, body: Zeroizing<Vec<u8>>) -> Answer {
    if (200..300).contains(&status) {
        return Answer::Success(body);
    }
    let kind = RefusalKind::Status(status);
    match (status, code_of(&body).as_deref()) {
        (_, Some("refresh_token_expired")) => Answer::Dead(DeadReason::Expired),
        (_, Some("refresh_token_reused")) => Answer::Dead(DeadReason::Reused),
        (_, Some("refresh_token_invalidated")) => Answer::Dead(DeadReason::Invalidated),
        (400, Some("invalid_grant")) => Answer::Dead(DeadReason::InvalidGrant),
        (401, _) => Answer::Unauthorized,
        (429 | 503, _) => Answer::NotProcessed(kind),
        (500.., _) => Answer::Unclear(kind),
        _ => Answer::Refused(kind),
    }
}

/// `.error.code`, else `.error`, else `.code`, in lower case.
fn code_of(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error");
    let code = error.and_then(|error| error.get("code")).filter(|code| code.is_string());
    let code = code.or(error.filter(|error| error.is_string())).or_else(|| body.get("code"));
    code.and_then(Value::as_str).map(str::to_ascii_lowercase)
}

impl std::fmt::Display for RefusalKind {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Connect => write!(out, "no connection"),
            Self::NoAnswer => write!(out, "no answer"),
            Self::Status(status) => write!(out, "status {status}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(status: u16, body: &str) -> String {
        match classify(status, Zeroizing::new(body.as_bytes().to_vec())) {
            Answer::Success(_) => "success".to_owned(),
            Answer::Dead(reason) => format!("dead {reason:?}"),
            Answer::Unauthorized => "unauthorized".to_owned(),
            Answer::NotProcessed(kind) => format!("again {kind}"),
            Answer::Unclear(kind) => format!("unclear {kind}"),
            Answer::Refused(kind) => format!("refused {kind}"),
        }
    }

    #[test]
    fn classes_are_codexs() {
        let table = [
            (200, "", "success"),
            (201, "{}", "success"),
            (204, "", "success"),
            (400, r#"{"error":{"code":"refresh_token_expired"}}"#, "dead Expired"),
            (403, r#"{"error":"Refresh_Token_Reused"}"#, "dead Reused"),
            (500, r#"{"code":"refresh_token_reused"}"#, "dead Reused"),
            (401, r#"{"error":{"code":"refresh_token_invalidated","type":"x"}}"#, "dead Invalidated"),
            (400, r#"{"error":"invalid_grant"}"#, "dead InvalidGrant"),
            (401, r#"{"error":"invalid_grant"}"#, "unauthorized"),
            (401, "", "unauthorized"),
            (429, r#"{"error":"invalid_grant"}"#, "again status 429"),
            (503, "busy", "again status 503"),
            (500, "", "unclear status 500"),
            (502, "<html>", "unclear status 502"),
            (400, r#"{"error":"invalid_client"}"#, "refused status 400"),
            (400, "[]", "refused status 400"),
            (403, r#"{"error":{"type":"refresh_token_reused"}}"#, "refused status 403"),
            (307, "", "refused status 307"),
            (404, "", "refused status 404"),
        ];
        for (status, body, expected) in table {
            assert_eq!(class(status, body), expected, "{status} {body}");
        }
    }
}
