//! Keys that do nothing: those of the other schema, those that were removed, and any that the client does not know. A
//! person who wrote one that looks like ours thinks that something is restricted: that is a warning. Any other may be one
//! of a newer client, and is only mentioned.

use super::known_keys::{CONFIG, REQUIREMENTS};
use super::settings::Stack;
use super::values::{ALLOWED_METHODS, ALLOWED_WORKSPACES, FORCED_METHOD, FORCED_WORKSPACES};
use crate::credential::Client;
use crate::job::Level;

/// What people should be told about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How much it matters.
    pub level: Level,
    /// One sentence.
    pub text: String,
}

/// Says, once for each file, which of its keys are ignored.
pub(super) fn notes(client: Client, config: &[&Stack], requirements: &Stack) -> Vec<Note> {
    let config = config.iter().flat_map(|stack| stack.layers()).map(|layer| (layer, false));
    let requirements = requirements.layers().map(|layer| (layer, true));
    let mut notes = Vec::new();
    for ((source, document), is_requirements) in config.chain(requirements) {
        notes.extend(document.keys().filter_map(|key| {
            let reason = reason(client, key, is_requirements)?;
            Some(Note { level: Level::Warning, text: format!("{source}: `{key}` is ignored: {reason}") })
        }));
        let strange: Vec<String> = document
            .keys()
            .filter(|key| {
                reason(client, key, is_requirements).is_none() && !is_known(client, key, is_requirements)
            })
            .map(|key| format!("`{key}`"))
            .collect();
        if !strange.is_empty() {
            let text = format!("{source}: Codex 0.169.0 does not know {}", strange.join(", "));
            notes.push(Note { level: Level::Info, text });
        }
    }
    notes
}

fn reason(client: Client, key: &str, is_requirements: bool) -> Option<&'static str> {
    match key {
        "preferred_auth_method" => Some("the client has removed it; `forced_login_method` is what is left"),
        FORCED_METHOD | FORCED_WORKSPACES if is_requirements => Some("it belongs into a config.toml"),
        ALLOWED_METHODS | ALLOWED_WORKSPACES if is_requirements => None,
        FORCED_METHOD | FORCED_WORKSPACES => None,
        ALLOWED_METHODS | ALLOWED_WORKSPACES if client == Client::Codex => {
            Some("it belongs into requirements.toml")
        }
        _ if looks_like_ours(key) => Some("the client knows no such key"),
        _ => None,
    }
}

fn is_known(client: Client, key: &str, is_requirements: bool) -> bool {
    match (client, is_requirements) {
        (Client::Codex, true) => REQUIREMENTS.binary_search(&key).is_ok(),
        (Client::Codex, false) => CONFIG.binary_search(&key).is_ok(),
        // Its keys were never listed.
        (Client::Llmx, _) => true,
    }
}

/// A name that was meant to restrict logins.
fn looks_like_ours(key: &str) -> bool {
    let plain = key.replace('-', "_").to_ascii_lowercase();
    let begins = [
        "forced_login",
        "forced_chatgpt",
        "forced_workspace",
        "allowed_login",
        "allowed_chatgpt",
        "allowed_workspace",
    ];
    begins.iter().any(|begin| plain.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_have_ours() {
        assert!(CONFIG.is_sorted() && REQUIREMENTS.is_sorted());
        for key in [FORCED_METHOD, FORCED_WORKSPACES] {
            assert!(is_known(Client::Codex, key, false) && !is_known(Client::Codex, key, true), "{key}");
        }
        for key in [ALLOWED_METHODS, ALLOWED_WORKSPACES] {
            assert!(is_known(Client::Codex, key, true) && !is_known(Client::Codex, key, false), "{key}");
        }
    }

    #[test]
    fn what_looks_like_ours_is_warned_of() {
        for key in
            ["forced_login_methods", "Forced-Login-Method", "allowed_workspaces", "preferred_auth_method"]
        {
            assert!(reason(Client::Codex, key, false).is_some(), "{key}");
        }
        assert!(reason(Client::Codex, "bogus_key", false).is_none());
        assert!(!is_known(Client::Codex, "bogus_key", false), "it is mentioned");
    }
}
