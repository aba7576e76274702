//! What a login is made of, and its `auth.json` as Codex 0.169 writes it.
//!
//! Written here by hand, byte for byte, and not with the code that reads and writes credentials elsewhere: a rehearsal
//! that used it would agree with its mistakes.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde::Serialize;

/// Whose login it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The workspace, claim `chatgpt_account_id` and `tokens.account_id`.
    pub account_id: String,
    /// The person, claim `chatgpt_user_id`.
    pub user_id: String,
    /// The person's address, claim `email` of the id token.
    pub email: String,
    /// The plan, claim `chatgpt_plan_type`. Real clients work best with `pro`.
    pub plan: String,
}

impl Account {
    /// Returns an account on plan `pro` whose identifiers all carry `name`.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            account_id: format!("account-{name}"),
            user_id: format!("user-{name}"),
            email: format!("{name}@example.com"),
            plan: "pro".into(),
        }
    }
}

/// How a new login differs from one that was made just now.
#[derive(Clone, Debug)]
pub struct IssueOptions {
    /// How long both JWTs are good for, counted from now: negative has expired already, `None` claims no `exp`.
    pub lifetime: Option<TimeDelta>,
    /// When they were issued, counted from now: negative is earlier, `None` claims no `iat`. It moves `last_refresh`
    /// as well, but not `exp`.
    pub issued: Option<TimeDelta>,
    /// The refresh token, when it has to be recognised; else a random one.
    pub refresh_token: Option<String>,
}

impl Default for IssueOptions {
    /// Issued now, good for ten days, with a random refresh token: as the real authority does it.
    fn default() -> Self {
        Self { lifetime: Some(TimeDelta::days(10)), issued: Some(TimeDelta::zero()), refresh_token: None }
    }
}

/// The three tokens of a login and whose they are, in the order in which Codex writes them.
#[derive(Serialize)]
pub(super) struct Tokens<'a> {
    pub(super) id_token: &'a str,
    pub(super) access_token: &'a str,
    pub(super) refresh_token: &'a str,
    pub(super) account_id: &'a str,
}

/// Returns the text of an `auth.json`: two spaces, nine fraction digits, no final newline.
pub(super) fn auth_json(tokens: Tokens<'_>, last_refresh: DateTime<Utc>) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct AuthJson<'a> {
        auth_mode: &'static str,
        #[serde(rename = "OPENAI_API_KEY")]
        api_key: Option<&'static str>,
        tokens: Tokens<'a>,
        last_refresh: String,
    }
    serde_json::to_string_pretty(&AuthJson {
        auth_mode: "chatgpt",
        api_key: None,
        tokens,
        last_refresh: last_refresh.to_rfc3339_opts(SecondsFormat::Nanos, true),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auth_json_is_written_as_codex_writes_it() {
        let tokens = Tokens {
            id_token: "eyJ.i.d",
            access_token: "eyJ.a.t",
            refresh_token: "rt_1",
            account_id: "account-1",
        };
        let text = auth_json(tokens, "2026-11-20T16:09:02.5Z".parse().unwrap()).unwrap();
        let expected = r#"{
  "auth_mode": "chatgpt",
  "OPENAI_API_KEY": null,
  "tokens": {
    "id_token": "eyJ.i.d",
    "access_token": "eyJ.a.t",
    "refresh_token": "rt_1",
    "account_id": "account-1"
  },
  "last_refresh": "2026-11-20T16:09:02.500000000Z"
}"#;
        assert_eq!(text, expected);
    }
}
