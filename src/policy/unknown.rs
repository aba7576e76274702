//! Keys that do nothing: those of the other schema, those that were removed, and names that only look like ours. A person
//! who wrote one thinks that something is restricted.

use super::settings::Stack;
use super::values::{ALLOWED_METHODS, ALLOWED_WORKSPACES, FORCED_METHOD, FORCED_WORKSPACES};
use crate::credential::Client;

/// Says, once for each file, which of its keys are ignored.
pub(super) fn notes(client: Client, config: &[&Stack], requirements: &Stack) -> Vec<String> {
    let config = config.iter().flat_map(|stack| stack.layers()).map(|layer| (layer, false));
    let requirements = requirements.layers().map(|layer| (layer, true));
    let mut notes = Vec::new();
    for ((source, document), is_requirements) in config.chain(requirements) {
        notes.extend(document.keys().filter_map(|key| {
            let reason = reason(client, key, is_requirements)?;
            Some(format!("{source}: `{key}` is ignored: {reason}"))
        }));
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
