//! What a home gets when a store holds the login: the access token works, and there is nothing to spend.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{AuthJson, Client, Credential, Mode};

/// A ChatGPT login with a blank refresh token that the client will not try to refresh.
///
/// Codex: mode `chatgptAuthTokens`, for which 0.169 sends no refresh request at all, not even after a 401. LLMX has no
/// such mode; `last_refresh` set to now keeps it from refreshing for eight days.
#[derive(Clone)]
pub struct AccessOnly {
    document: AuthJson,
    client: Client,
}

impl AccessOnly {
    pub(super) fn new(mut document: AuthJson, client: Client, now: DateTime<Utc>) -> Self {
        document.set_token("refresh_token", "");
        match client {
            Client::Codex => document.set("auth_mode", Mode::ChatgptAuthTokens.name().into()),
            Client::Llmx => {
                as_llmx_sees_chatgpt(&mut document);
                document.set_last_refresh(now);
            }
        }
        Self { document, client }
    }

    /// Returns it as the credential that a home gets.
    #[must_use]
    pub fn into_credential(self) -> Credential {
        Credential::of_chatgpt(self.client, self.document)
    }
}

/// LLMX knows no `auth_mode`, and takes any API key in the file as the credential.
pub(super) fn as_llmx_sees_chatgpt(document: &mut AuthJson) {
    document.unset("auth_mode");
    document.set("OPENAI_API_KEY", Value::Null);
}
