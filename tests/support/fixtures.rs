//! Logins made by hand, as Codex writes them. The JSON Web Tokens are unsigned: Codex does not verify signatures.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chrono::{Duration, SecondsFormat, Utc};
use serde_json::{Value, json};

/// The account of every ChatGPT login here.
pub(crate) const ACCOUNT: &str = "acct-1";

/// How long the access token of a fresh login lasts. Neither Codex nor we refresh it within a test.
const FRESH: Duration = Duration::days(10);

/// An API key login.
pub(crate) fn api_key(key: &str) -> Value {
    json!({ "auth_mode": "apikey", "OPENAI_API_KEY": key })
}

/// A full ChatGPT login: it has a refresh token, and its access token is fresh.
pub(crate) fn chatgpt() -> Value {
    login("chatgpt", FRESH, "rt-fixture")
}

/// A full ChatGPT login whose access token ended an hour ago.
pub(crate) fn expired_chatgpt() -> Value {
    login("chatgpt", Duration::hours(-1), "rt-fixture")
}

/// A login without a refresh token that Codex never tries to refresh.
pub(crate) fn access_only() -> Value {
    login("chatgptAuthTokens", FRESH, "")
}

/// The same as [`access_only`], past its end.
pub(crate) fn expired_access_only() -> Value {
    login("chatgptAuthTokens", Duration::hours(-1), "")
}

/// Adds fields that no client knows, at the top and among the tokens.
pub(crate) fn with_unknown_fields(mut login: Value) -> Value {
    login["x_unknown"] = serde_json::from_str(r#"{ "kept": [1, 2.50, null] }"#).unwrap();
    login["tokens"]["x_unknown"] = json!("kept");
    login
}

/// The document's bytes as Codex formats them: pretty, no newline at the end.
pub(crate) fn bytes(login: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(login).unwrap()
}

/// The header that a request with this login carries.
pub(crate) fn bearer(login: &Value) -> String {
    format!("Bearer {}", login["tokens"]["access_token"].as_str().unwrap())
}

fn login(mode: &str, lifetime: Duration, refresh_token: &str) -> Value {
    json!({
        "auth_mode": mode,
        "OPENAI_API_KEY": null,
        "tokens": {
            "id_token": token("id", lifetime),
            "access_token": token("access", lifetime),
            "refresh_token": refresh_token,
            "account_id": ACCOUNT,
        },
        "last_refresh": Utc::now().to_rfc3339_opts(SecondsFormat::Nanos, true),
    })
}

/// Plan `pro`: for plans of businesses Codex first asks for a configuration that no mock serves.
fn token(tag: &str, lifetime: Duration) -> String {
    let end = Utc::now() + lifetime;
    let claims = json!({
        "tag": tag,
        "email": "robot@example.com",
        "iat": (end - FRESH).timestamp(),
        "exp": end.timestamp(),
        "https://api.openai.com/auth": {
            "chatgpt_plan_type": "pro",
            "chatgpt_user_id": "user-1",
            "chatgpt_account_id": ACCOUNT,
        },
    });
    let header = json!({ "alg": "none", "typ": "JWT" });
    let segments = [header.to_string(), claims.to_string(), "unsigned".to_owned()];
    segments.map(|segment| BASE64_URL_SAFE_NO_PAD.encode(segment)).join(".")
}
