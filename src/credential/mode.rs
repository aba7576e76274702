//! Which kind of credential a document holds. The rules are the client's, observed with Codex 0.169.0.

use serde::Deserialize;

use super::Client;

/// The kind of a credential, by the name that `auth_mode` has for it. Any other name makes a file unreadable to Codex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Mode {
    /// An OpenAI API key.
    #[serde(rename = "apikey")]
    ApiKey,
    /// A ChatGPT login that the client refreshes by itself.
    #[serde(rename = "chatgpt")]
    Chatgpt,
    /// A ChatGPT login that somebody else keeps fresh: the client never refreshes it. Our access-only form.
    #[serde(rename = "chatgptAuthTokens")]
    ChatgptAuthTokens,
    /// Headers supplied by a host program; never valid in a file.
    #[serde(rename = "headers")]
    Headers,
    /// An agent identity.
    #[serde(rename = "agentIdentity")]
    AgentIdentity,
    /// A personal access token (`at-…`).
    #[serde(rename = "personalAccessToken")]
    PersonalAccessToken,
    /// An Amazon Bedrock API key.
    #[serde(rename = "bedrockApiKey")]
    BedrockApiKey,
    /// Amazon Bedrock access keys.
    #[serde(rename = "bedrockAccessKeys")]
    BedrockAccessKeys,
}

/// What a document has, as far as mode resolution looks.
#[derive(Clone, Copy, Default)]
pub(super) struct Material {
    pub(super) auth_mode: Option<Mode>,
    pub(super) personal_access_token: bool,
    pub(super) bedrock_api_key: bool,
    pub(super) bedrock_access_keys: bool,
    /// `OPENAI_API_KEY` is not null. The empty string counts.
    pub(super) api_key: bool,
}

impl Mode {
    /// Returns the name that `auth_mode` has for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "apikey",
            Self::Chatgpt => "chatgpt",
            Self::ChatgptAuthTokens => "chatgptAuthTokens",
            Self::Headers => "headers",
            Self::AgentIdentity => "agentIdentity",
            Self::PersonalAccessToken => "personalAccessToken",
            Self::BedrockApiKey => "bedrockApiKey",
            Self::BedrockAccessKeys => "bedrockAccessKeys",
        }
    }

    /// Resolves the mode as the client does. An explicit `auth_mode` wins with Codex; LLMX does not know it, and an
    /// API key that is not null wins there whatever the file says.
    pub(super) fn resolve(client: Client, material: Material) -> Self {
        let Material { auth_mode, personal_access_token, bedrock_api_key, bedrock_access_keys, api_key } =
            material;
        match client {
            Client::Llmx if api_key => Self::ApiKey,
            Client::Llmx => Self::Chatgpt,
            Client::Codex => match auth_mode {
                Some(mode) => mode,
                None if personal_access_token => Self::PersonalAccessToken,
                None if bedrock_api_key => Self::BedrockApiKey,
                None if bedrock_access_keys => Self::BedrockAccessKeys,
                None if api_key => Self::ApiKey,
                None => Self::Chatgpt,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_as_codex_and_llmx_do() {
        let all = Material {
            auth_mode: None,
            personal_access_token: true,
            bedrock_api_key: true,
            bedrock_access_keys: true,
            api_key: true,
        };
        let table = [
            (Client::Codex, Material::default(), Mode::Chatgpt),
            (Client::Codex, all, Mode::PersonalAccessToken),
            (Client::Codex, Material { personal_access_token: false, ..all }, Mode::BedrockApiKey),
            (
                Client::Codex,
                Material { personal_access_token: false, bedrock_api_key: false, ..all },
                Mode::BedrockAccessKeys,
            ),
            (Client::Codex, Material { api_key: true, ..Material::default() }, Mode::ApiKey),
            (Client::Codex, Material { auth_mode: Some(Mode::Chatgpt), ..all }, Mode::Chatgpt),
            (Client::Llmx, Material { auth_mode: Some(Mode::Chatgpt), ..all }, Mode::ApiKey),
            (Client::Llmx, Material { personal_access_token: true, ..Material::default() }, Mode::Chatgpt),
        ];
        for (client, material, expected) in table {
            assert_eq!(Mode::resolve(client, material), expected);
        }
    }
}
