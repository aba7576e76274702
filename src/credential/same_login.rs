//! Whether a document is still the login that it was, whoever has written it meanwhile.

use serde_json::Value;

use super::AuthJson;

/// What opens something by itself, beside the tokens.
const SECRETS: [&str; 5] =
    ["OPENAI_API_KEY", "agent_identity", "personal_access_token", "bedrock_api_key", "bedrock_access_keys"];

impl AuthJson {
    /// Returns whether this has no secret but what `before` had: the same refresh token, keys and account. Access and id
    /// tokens may be others, because they are what a renewal changes.
    #[must_use]
    pub fn is_still(&self, before: &Self) -> bool {
        let same_secret = |name: &&str| present(self.value(name)) == present(before.value(name));
        // A client that rewrites the file may leave the account out.
        let account = (self.token("account_id"), before.token("account_id"));
        let same_account = !matches!(account, (Some(now), Some(then)) if now != then);
        SECRETS.iter().all(same_secret)
            && self.token("refresh_token").unwrap_or_default()
                == before.token("refresh_token").unwrap_or_default()
            && same_account
    }
}

fn present(value: Option<&Value>) -> Option<&Value> {
    value.filter(|value| !value.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(refresh: &str, access: &str, rest: &str) -> AuthJson {
        let tokens = format!(
            r#"{{"id_token":"e30.e30.s","access_token":"{access}","refresh_token":"{refresh}","account_id":"a"}}"#
        );
        AuthJson::parse(format!(r#"{{"tokens":{tokens}{rest}}}"#).as_bytes()).unwrap()
    }

    fn parse(text: &str) -> AuthJson {
        AuthJson::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn only_what_a_renewal_changes_may_change() {
        let placed = document("handle", "old", r#","auth_mode":"chatgpt""#);
        let table = [
            (document("handle", "old", r#","auth_mode":"chatgpt""#), true),
            (document("handle", "new", r#","OPENAI_API_KEY":null,"x":1"#), true),
            (parse(&placed.to_text().replace(r#""account_id": "a""#, r#""account_id": null"#)), true),
            (document("", "old", ""), false),
            (document("rt", "old", ""), false),
            (document("handle", "old", r#","OPENAI_API_KEY":"sk""#), false),
            (document("handle", "old", r#","personal_access_token":"at""#), false),
            (parse(&placed.to_text().replace(r#""account_id": "a""#, r#""account_id": "b""#)), false),
            (parse(r#"{"OPENAI_API_KEY":"sk"}"#), false),
        ];
        for (number, (now, expected)) in table.iter().enumerate() {
            assert_eq!(now.is_still(&placed), *expected, "row {number}: {}", now.to_text().as_str());
        }
        let key = parse(r#"{"OPENAI_API_KEY":"sk"}"#);
        assert!(parse(r#"{"OPENAI_API_KEY":"sk","auth_mode":"apikey"}"#).is_still(&key));
        assert!(!parse(r#"{"OPENAI_API_KEY":"other"}"#).is_still(&key));
        assert!(!placed.is_still(&key));
    }
}
