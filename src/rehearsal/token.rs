//! Mints the two JWTs of a ChatGPT login: the id token, which says who it is, and the access token.
//!
//! Claims, encoding (base64url without padding) and their absence are those that Codex reads. The signature is real,
//! HS256 with a key that lives as long as the authority.

use chrono::{DateTime, Utc};
use jsonwebtoken::errors::Result;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use super::hs256;
use super::login::Account;

/// When a token was issued and when it ends. What is `None` is not claimed.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) issued: Option<DateTime<Utc>>,
    pub(super) expires: Option<DateTime<Utc>>,
}

/// Signs what the authority gives out.
pub(super) struct Mint(EncodingKey);

impl Mint {
    pub(super) fn new(secret: [u8; 32]) -> Self {
        hs256::install();
        Self(EncodingKey::from_secret(&secret))
    }

    pub(super) fn id_token(&self, account: &Account, span: Span) -> Result<String> {
        self.sign(account, span, Some(&account.email), None)
    }

    /// Mints an access token. `unique` tells it from every other one, also from those of the same second.
    pub(super) fn access_token(&self, account: &Account, span: Span, unique: &str) -> Result<String> {
        self.sign(account, span, None, Some(unique))
    }

    fn sign(&self, account: &Account, span: Span, email: Option<&str>, jti: Option<&str>) -> Result<String> {
        let claims = Claims {
            email,
            iat: span.issued.map(|issued| issued.timestamp()),
            exp: span.expires.map(|expires| expires.timestamp()),
            jti,
            auth: Auth {
                chatgpt_plan_type: &account.plan,
                chatgpt_user_id: &account.user_id,
                chatgpt_account_id: &account.account_id,
            },
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.0)
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<&'a str>,
    #[serde(rename = "https://api.openai.com/auth")]
    auth: Auth<'a>,
}

#[derive(Serialize)]
struct Auth<'a> {
    chatgpt_plan_type: &'a str,
    chatgpt_user_id: &'a str,
    chatgpt_account_id: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::{Value, json};

    const SECRET: [u8; 32] = [7; 32];

    fn read(token: &str, secret: [u8; 32]) -> Result<Value> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        jsonwebtoken::decode::<Value>(token, &DecodingKey::from_secret(&secret), &validation)
            .map(|data| data.claims)
    }

    fn account() -> Account {
        Account {
            account_id: "account-1".into(),
            user_id: "user-1".into(),
            email: "runner@example.com".into(),
            plan: "pro".into(),
        }
    }

    #[test]
    fn claims_are_those_that_codex_reads() {
        let mint = Mint::new(SECRET);
        let span = Span {
            issued: DateTime::from_timestamp(1_000, 999),
            expires: DateTime::from_timestamp(2_000, 0),
        };
        let auth = json!({
            "chatgpt_plan_type": "pro", "chatgpt_user_id": "user-1", "chatgpt_account_id": "account-1",
        });
        let id_token = mint.id_token(&account(), span).unwrap();
        assert_eq!(
            read(&id_token, SECRET).unwrap(),
            json!({
                "email": "runner@example.com", "iat": 1_000, "exp": 2_000, "https://api.openai.com/auth": auth,
            })
        );
        let access_token = mint.access_token(&account(), span, "one").unwrap();
        assert_eq!(
            read(&access_token, SECRET).unwrap(),
            json!({ "iat": 1_000, "exp": 2_000, "jti": "one", "https://api.openai.com/auth": auth })
        );
        assert!(!id_token.contains('=') && !access_token.contains('='));
        assert!(read(&access_token, [8; 32]).is_err(), "another key verifies it");
    }

    #[test]
    fn absent_times_are_absent_claims() {
        let mint = Mint::new(SECRET);
        let token = mint.id_token(&account(), Span { issued: None, expires: None }).unwrap();
        let claims = read(&token, SECRET).unwrap();
        assert!(claims.get("iat").is_none() && claims.get("exp").is_none());
    }
}
