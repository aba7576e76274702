//! Runtime tokens of a made-up issuer: scopes in the claim `ac`, an end, and a seal that the server checks.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What a scope may do: 1 read, 2 write, 3 both.
pub(crate) type Scope = (String, u64);

/// What a token says.
pub(crate) struct Mint {
    ac: Option<Value>,
    exp: Option<i64>,
}

impl Mint {
    /// A token for these scopes, which lasts six hours, as a job's does.
    pub(crate) fn scopes(scopes: &[(&str, u64)]) -> Self {
        let list: Vec<Value> = scopes
            .iter()
            .map(|(scope, permission)| json!({"Scope": scope, "Permission": permission}))
            .collect();
        Self::claim(Some(json!(Value::Array(list).to_string())))
    }

    /// A token whose claim is this, or missing.
    pub(crate) fn claim(ac: Option<Value>) -> Self {
        Self { ac, exp: Some((now() + TimeDelta::hours(6)).timestamp()) }
    }

    pub(crate) fn ending(self, exp: Option<DateTime<Utc>>) -> Self {
        Self { exp: exp.map(|exp| exp.timestamp()), ..self }
    }

    pub(crate) fn token(self) -> String {
        let mut claims =
            json!({"iss": "https://token.actions.githubusercontent.com", "repository_id": "4711"});
        if let Some(ac) = self.ac {
            claims["ac"] = ac;
        }
        if let Some(exp) = self.exp {
            claims["exp"] = json!(exp);
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&json!({"alg": "RS256", "typ": "JWT"})), part(&claims));
        format!("{message}.{}", seal(&message))
    }
}

pub(crate) fn now() -> DateTime<Utc> {
    std::time::SystemTime::now().into()
}

fn seal(message: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("the test's issuer {message}")))
}

/// Reads the scopes of a token that the server accepts.
pub(crate) fn scopes(token: &str) -> Option<Vec<Scope>> {
    let (message, signature) = token.rsplit_once('.')?;
    if seal(message) != signature {
        return None;
    }
    let claims = URL_SAFE_NO_PAD.decode(message.split_once('.')?.1).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    if claims["exp"].as_i64().is_some_and(|exp| exp <= now().timestamp()) {
        return None;
    }
    let list: Vec<Value> = serde_json::from_str(claims["ac"].as_str()?).ok()?;
    let scope = |value: &Value| {
        Some((value["Scope"].as_str()?.to_owned(), value["Permission"].as_u64().filter(|it| *it <= 3)?))
    };
    list.iter().map(scope).collect()
}
