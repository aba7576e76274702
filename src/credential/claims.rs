//! What the tokens of a login say about themselves. Read as leniently as Codex reads them: signatures are not
//! verified (`alg: none` passes), because these claims never grant anything; they only describe.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The text is no JWT as Codex understands it: three non-empty segments first, the second base64url without padding
/// and a JSON object with the expected types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is no JWT")]
pub struct NotAJwt;

/// The claims of an id token that describe its owner.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdClaims {
    /// The e-mail address, of the token or of its profile.
    pub email: Option<String>,
    /// The plan as the authority spells it, for example `pro`. Unknown plans are kept as they are.
    pub plan: Option<String>,
    /// The ChatGPT user.
    pub user_id: Option<String>,
    /// The ChatGPT account (workspace).
    pub account_id: Option<String>,
    /// When the token was issued.
    pub issued_at: Option<DateTime<Utc>>,
}

/// The claims of an access token that matter for its renewal. All are absent for an opaque token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessClaims {
    /// When the token ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the token was issued.
    pub issued_at: Option<DateTime<Utc>>,
    /// The ChatGPT user, when the token names one.
    pub user_id: Option<String>,
    /// The ChatGPT account, when the token names one.
    pub account_id: Option<String>,
}

#[derive(Deserialize)]
struct IdPayload {
    #[serde(default)]
    email: Option<String>,
    #[serde(rename = "https://api.openai.com/profile", default)]
    profile: Option<ProfilePayload>,
    #[serde(rename = "https://api.openai.com/auth", default)]
    auth: Option<AuthPayload>,
}

#[derive(Deserialize)]
struct ProfilePayload {
    #[serde(default)]
    email: Option<String>,
}

#[derive(Default, Deserialize)]
struct AuthPayload {
    #[serde(default)]
    chatgpt_plan_type: Option<String>,
    #[serde(default)]
    chatgpt_user_id: Option<String>,
    #[serde(default)]
    user_id: Option<String>,
    #[serde(default)]
    chatgpt_account_id: Option<String>,
}

#[derive(Default, Deserialize)]
struct ExpiryPayload {
    #[serde(default)]
    exp: Option<i64>,
}

#[derive(Default, Deserialize)]
struct IssuePayload {
    #[serde(default)]
    iat: Option<i64>,
}

#[derive(Default, Deserialize)]
struct OwnerPayload {
    #[serde(rename = "https://api.openai.com/auth", default)]
    auth: Option<AuthPayload>,
}

impl IdClaims {
    /// Reads an id token.
    ///
    /// # Errors
    /// When it is no JWT: Codex would refuse the whole file.
    pub fn read(token: &str) -> Result<Self, NotAJwt> {
        let payload: IdPayload = payload(token)?;
        let issued: IssuePayload = lenient(token);
        let auth = payload.auth.unwrap_or_default();
        Ok(Self {
            email: payload.email.or_else(|| payload.profile.and_then(|profile| profile.email)),
            plan: auth.chatgpt_plan_type,
            user_id: auth.chatgpt_user_id.or(auth.user_id),
            account_id: auth.chatgpt_account_id,
            issued_at: issued.iat.and_then(instant),
        })
    }
}

impl AccessClaims {
    /// Reads an access token. Each claim by itself: an odd `iat` does not hide a good `exp`.
    #[must_use]
    pub fn read(token: &str) -> Self {
        let expiry: ExpiryPayload = lenient(token);
        let issue: IssuePayload = lenient(token);
        let owner: OwnerPayload = lenient(token);
        let auth = owner.auth.unwrap_or_default();
        Self {
            expires_at: expiry.exp.and_then(instant),
            issued_at: issue.iat.and_then(instant),
            user_id: auth.chatgpt_user_id.or(auth.user_id),
            account_id: auth.chatgpt_account_id,
        }
    }
}

fn instant(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
}

fn lenient<T: DeserializeOwned + Default>(token: &str) -> T {
    payload(token).unwrap_or_default()
}

fn payload<T: DeserializeOwned>(token: &str) -> Result<T, NotAJwt> {
    let mut segments = token.split('.');
    let mut next = || segments.next().filter(|segment| !segment.is_empty()).ok_or(NotAJwt);
    let (_header, payload, _signature) = (next()?, next()?, next()?);
    let json = URL_SAFE_NO_PAD.decode(payload).map_err(|_| NotAJwt)?;
    serde_json::from_slice(&json).map_err(|_| NotAJwt)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(payload: &str) -> String {
        format!("{}.{}.c2ln", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(payload))
    }

    #[test]
    fn reads_what_codex_reads() {
        let token = jwt(r#"{"email":"a@example.com","iat":1700000000,"https://api.openai.com/auth":
                {"chatgpt_plan_type":"pro","user_id":"u","chatgpt_account_id":"acct"}}"#);
        let claims = IdClaims::read(&token).unwrap();
        assert_eq!(claims.email.as_deref(), Some("a@example.com"));
        assert_eq!(claims.plan.as_deref(), Some("pro"));
        assert_eq!(claims.user_id.as_deref(), Some("u"));
        assert_eq!(claims.account_id.as_deref(), Some("acct"));
        assert_eq!(claims.issued_at.map(|at| at.timestamp()), Some(1_700_000_000));
        let profile = jwt(r#"{"https://api.openai.com/profile":{"email":"b@example.com"}}"#);
        assert_eq!(IdClaims::read(&profile).unwrap().email.as_deref(), Some("b@example.com"));
        assert!(IdClaims::read(&format!("{token}.fourth")).is_ok(), "a fourth segment is tolerated");
    }

    #[test]
    fn refuses_what_codex_refuses() {
        let padded =
            format!("e30.{}.s", base64::engine::general_purpose::URL_SAFE.encode(r#"{"email":"ab"}"#));
        let [empty, one, two, blank] = ["", "notajwt", "e30.e30", "e30..sig"];
        for token in [empty, one, two, blank, "e30.e30.", "e30.bm90IGpzb24.s", padded.as_str()] {
            assert_eq!(IdClaims::read(token), Err(NotAJwt), "{token}");
        }
        assert_eq!(IdClaims::read(&jwt(r#"{"email":5}"#)), Err(NotAJwt));
    }

    #[test]
    fn an_opaque_access_token_has_no_claims() {
        assert_eq!(AccessClaims::read("opaque"), AccessClaims::default());
        assert_eq!(AccessClaims::read(&jwt(r#"{"exp":"soon"}"#)).expires_at, None);
        let claims = AccessClaims::read(&jwt(r#"{"exp":1700000000,"iat":"odd"}"#));
        assert_eq!(claims.expires_at.map(|at| at.timestamp()), Some(1_700_000_000));
    }
}
