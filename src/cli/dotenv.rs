//! `--dotenv`: what a verb came to, as variables for later jobs. The same facts as the action's outputs, and never a secret.
//!
//! It is written whenever a verb ends, also when it fails. A file that cannot be written changes nothing else, as it is with
//! `run --report`.

use std::path::Path;

use serde_json::{Map, Value};

use super::ErrorId;
use crate::disk::replace;
use crate::job::{explain, gitlab::line};

/// Which variable has which field of a report. No option of ours has one of these names as its variable: a later job
/// would obey it.
const FACTS: [(&str, &str); 9] = [
    ("AUTHBATON_AUTH_MODE", "mode"),
    ("AUTHBATON_CODEX_HOME", "home"),
    ("AUTHBATON_ACCOUNT_ID", "account_id"),
    ("AUTHBATON_PLAN_TYPE", "plan"),
    ("AUTHBATON_EXPIRES_AT", "expires_at"),
    ("AUTHBATON_REFRESHED", "refreshed"),
    ("AUTHBATON_GENERATION", "generation"),
    ("AUTHBATON_CACHE_HIT", "had_login"),
    ("AUTHBATON_SAVED", "saved"),
];
const ERROR_ID: &str = "AUTHBATON_ERROR_ID";

/// Writes the file as a whole; returns what a person should be told.
pub(super) fn write(path: &Path, fields: &Map<String, Value>, error: Option<ErrorId>) -> Vec<String> {
    let (text, left_out) = text(fields, error);
    let left_out = left_out.into_iter().map(|name| {
        format!("`{name}` is not in the dotenv report: its value has characters that GitLab would change")
    });
    let failed = replace(path, text.as_bytes()).err();
    let failed = failed.map(|error| format!("the dotenv report could not be written: {}", explain(&error)));
    left_out.chain(failed).collect()
}

fn text(fields: &Map<String, Value>, error: Option<ErrorId>) -> (String, Vec<&'static str>) {
    let facts = FACTS.into_iter().filter_map(|(name, field)| match fields.get(field)? {
        Value::String(text) => Some((name, text.clone())),
        value @ (Value::Bool(_) | Value::Number(_)) => Some((name, value.to_string())),
        _ => None,
    });
    let facts = facts.chain(error.map(|id| (ERROR_ID, id.entry().id.to_owned())));
    let (mut text, mut left_out) = (String::new(), Vec::new());
    for (name, value) in facts {
        match line(name, &value) {
            Some(line) => text.push_str(&line),
            None => left_out.push(name),
        }
    }
    (text, left_out)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::cli::command;
    use crate::job::Environment;

    #[test]
    fn facts_are_written_and_nothing_else() {
        let fields = serde_json::json!({
            "mode": "chatgptAuthTokens", "generation": 3, "refreshed": true, "plan": null, "home": "/a b",
            "policy": {"verdict": "allowed"}, "email": "robot@example.com",
        });
        let expected = "AUTHBATON_AUTH_MODE=chatgptAuthTokens\nAUTHBATON_REFRESHED=true\nAUTHBATON_GENERATION=3\n\
                        AUTHBATON_ERROR_ID=store-read-only\n";
        let told = text(fields.as_object().unwrap(), Some(ErrorId::StoreReadOnly));
        assert_eq!(told, (expected.to_owned(), vec!["AUTHBATON_CODEX_HOME"]));
    }

    #[test]
    fn no_variable_of_the_report_is_an_option() {
        let mut all = command(&Environment::Fixed(BTreeMap::new()));
        all.build();
        let help: String =
            all.get_subcommands_mut().map(|verb| verb.render_long_help().to_string()).collect();
        for name in FACTS.into_iter().map(|(name, _)| name).chain([ERROR_ID]) {
            assert!(!help.contains(&format!("{name}]")) && !help.contains(&format!("`{name}`")), "{name}");
        }
        assert!(help.contains("[env: AUTHBATON_STORE]"));
    }
}
