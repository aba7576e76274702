//! The credentials that variables hold. The client takes one of those before it looks at `auth.json`.
//!
//! Codex, observed with 0.169.0: the workload identity pair, `CODEX_API_KEY`, `CODEX_ACCESS_TOKEN`. LLMX, by its source:
//! `LLMX_API_KEY`. Values are trimmed, and a blank one is none.

use zeroize::Zeroizing;

use super::Method;
use super::bearer::{Bearer, Owner};
use crate::credential::{Client, PersonalAccessToken, agent_account};
use crate::job::Environment;

/// A credential that a variable holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ambient {
    /// The variable. The client prefers the ones that come first.
    pub variable: &'static str,
    /// What the policy looks at, or `None` when the client cannot read it.
    pub(super) bearer: Option<Bearer>,
}

/// Finds the credentials that variables hold, in the client's order.
#[must_use]
pub fn ambient(client: Client, environment: &Environment) -> Vec<Ambient> {
    let value = |variable: &'static str| -> Option<(&'static str, Zeroizing<String>)> {
        let text = environment.get(variable)?;
        (!text.trim().is_empty()).then(|| (variable, Zeroizing::new(text.trim().to_owned())))
    };
    let key = |variable| value(variable).map(|(variable, _)| found(variable, Bearer::api_key()));
    match client {
        Client::Llmx => key("LLMX_API_KEY").into_iter().collect(),
        Client::Codex => {
            let rule = value("OPENAI_FEDERATION_RULE_ID");
            let pair = rule.zip(value("OPENAI_IDENTITY_TOKEN_FILE"));
            let workload = pair.map(|((variable, _), _)| found(variable, chatgpt(Owner::Unknown)));
            let token = value("CODEX_ACCESS_TOKEN")
                .map(|(variable, token)| Ambient { variable, bearer: access_token(&token) });
            [workload, key("CODEX_API_KEY"), token].into_iter().flatten().collect()
        }
    }
}

fn found(variable: &'static str, bearer: Bearer) -> Ambient {
    Ambient { variable, bearer: Some(bearer) }
}

fn chatgpt(owner: Owner) -> Bearer {
    Bearer { method: Method::Chatgpt, owner }
}

/// `at-…` is a personal access token; anything else has to be the JWT of an agent identity.
fn access_token(token: &str) -> Option<Bearer> {
    if token.starts_with(PersonalAccessToken::PREFIX) {
        return Some(chatgpt(Owner::Unknown));
    }
    agent_account(token).map(|account| chatgpt(Owner::Agent(Some(account))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::jwt;

    fn of(client: Client, variables: &[(&str, &str)]) -> Vec<Ambient> {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        ambient(client, &Environment::Fixed(owned.collect()))
    }

    #[test]
    fn the_clients_order_counts() {
        let identity = jwt(&serde_json::json!({"account_id": "A"}));
        let all = [
            ("CODEX_ACCESS_TOKEN", identity.as_str()),
            ("CODEX_API_KEY", " sk "),
            ("OPENAI_FEDERATION_RULE_ID", "r"),
            ("OPENAI_IDENTITY_TOKEN_FILE", "/f"),
            ("OPENAI_API_KEY", "sk"),
            ("LLMX_API_KEY", "sk"),
        ];
        assert_eq!(
            of(Client::Codex, &all),
            [
                found("OPENAI_FEDERATION_RULE_ID", chatgpt(Owner::Unknown)),
                found("CODEX_API_KEY", Bearer::api_key()),
                found("CODEX_ACCESS_TOKEN", chatgpt(Owner::Agent(Some("A".to_owned())))),
            ]
        );
        assert_eq!(of(Client::Llmx, &all), [found("LLMX_API_KEY", Bearer::api_key())]);
    }

    #[test]
    fn blanks_and_half_a_pair_are_none() {
        assert_eq!(of(Client::Codex, &[("CODEX_API_KEY", "  "), ("OPENAI_FEDERATION_RULE_ID", "r")]), []);
    }

    #[test]
    fn what_is_no_token_is_seen_as_that() {
        let garbage = Ambient { variable: "CODEX_ACCESS_TOKEN", bearer: None };
        assert_eq!(of(Client::Codex, &[("CODEX_ACCESS_TOKEN", "garbage")]), [garbage]);
        let token = found("CODEX_ACCESS_TOKEN", chatgpt(Owner::Unknown));
        assert_eq!(of(Client::Codex, &[("CODEX_ACCESS_TOKEN", "at-x")]), [token]);
    }
}
