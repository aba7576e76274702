//! What a home gets that a broker serves: the access token works, and the client renews it with a handle.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::access_only::as_llmx_sees_chatgpt;
use super::{AuthJson, Client, Credential, Handle, Mode};

/// A ChatGPT login with a handle in place of its refresh token.
///
/// Codex 0.169 sends whatever stands there as it is, and takes the reply's tokens; mode `chatgpt`, because in every other
/// it does not renew. `last_refresh` is now, so that LLMX, which looks at nothing else, does not ask at once.
pub(super) fn brokered(
    mut document: AuthJson,
    client: Client,
    handle: &Handle,
    now: DateTime<Utc>,
) -> Credential {
    document.set_token("refresh_token", handle.expose());
    match client {
        Client::Codex => {
            document.set("auth_mode", Mode::Chatgpt.name().into());
            // A key beside the tokens would be one more secret in the job.
            document.set("OPENAI_API_KEY", Value::Null);
        }
        Client::Llmx => as_llmx_sees_chatgpt(&mut document),
    }
    document.set_last_refresh(now);
    Credential::of_chatgpt(client, document)
}
