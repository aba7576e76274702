//! Which login a document or a variable has, read anew from the description of the client's rules: our own reading would
//! agree with its mistakes.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::cell::Case;

const MODES: [&str; 8] = [
    "apikey",
    "chatgpt",
    "chatgptAuthTokens",
    "headers",
    "agentIdentity",
    "personalAccessToken",
    "bedrockApiKey",
    "bedrockAccessKeys",
];

/// A login, as far as the rules look at it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Login {
    /// A key, of OpenAI or Amazon.
    Key,
    Chatgpt {
        claim: Option<String>,
        account: Option<String>,
        /// Tokens and the time of their renewal are there.
        complete: bool,
    },
    Agent {
        workspace: Option<String>,
    },
    PersonalAccessToken,
    /// The client stops at it, or does as if there were none.
    Broken {
        chatgpt: bool,
    },
}

/// Where a login was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Variable(&'static str),
    File,
}

impl Login {
    /// Whether it counts as ChatGPT.
    pub(crate) fn is_chatgpt(&self) -> bool {
        !matches!(self, Self::Key | Self::Broken { chatgpt: false })
    }
}

/// All logins that a run would find, the one that it would use first.
pub(crate) fn sources(case: &Case) -> Vec<(Place, Login)> {
    let mut all = Vec::new();
    if case.variable("CODEX_API_KEY").is_some() {
        all.push((Place::Variable("CODEX_API_KEY"), Login::Key));
    }
    if let Some(token) = case.variable("CODEX_ACCESS_TOKEN") {
        all.push((Place::Variable("CODEX_ACCESS_TOKEN"), access_token(token)));
    }
    all.extend(of_file(&case.auth_json).map(|login| (Place::File, login)));
    all
}

/// The login that a token of this text is.
pub(crate) fn access_token(token: &str) -> Login {
    if token.starts_with("at-") {
        return Login::PersonalAccessToken;
    }
    payload(token).map_or(Login::Broken { chatgpt: true }, |claims| Login::Agent {
        workspace: text(&claims["account_id"]),
    })
}

/// The login of an `auth.json`; none when there is no file.
fn of_file(document: &Value) -> Option<Login> {
    let parsed = match document {
        Value::Null => return None,
        Value::String(raw) => serde_json::from_str(raw).unwrap_or_default(),
        object => object.clone(),
    };
    Some(if parsed.is_object() { of_object(&parsed) } else { Login::Broken { chatgpt: false } })
}

fn of_object(document: &Value) -> Login {
    let has = |key: &str| !document[key].is_null();
    let mode = match &document["auth_mode"] {
        Value::Null if has("personal_access_token") => "personalAccessToken",
        Value::Null if has("bedrock_api_key") || has("bedrock_access_keys") => "bedrockApiKey",
        Value::Null if has("OPENAI_API_KEY") => "apikey",
        Value::Null => "chatgpt",
        explicit => explicit.as_str().unwrap_or_default(),
    };
    let tokens = &document["tokens"];
    let claims = tokens["id_token"].as_str().map(payload);
    if !MODES.contains(&mode) || claims == Some(None) {
        return Login::Broken { chatgpt: false };
    }
    match mode {
        "apikey" if !has("OPENAI_API_KEY") => Login::Broken { chatgpt: false },
        "headers" => Login::Broken { chatgpt: false },
        "apikey" | "bedrockApiKey" | "bedrockAccessKeys" => Login::Key,
        "personalAccessToken" => Login::PersonalAccessToken,
        "agentIdentity" => match &document["agent_identity"] {
            Value::String(token) => access_token(token),
            record => Login::Agent { workspace: text(&record["account_id"]) },
        },
        _ => Login::Chatgpt {
            claim: claims
                .flatten()
                .and_then(|it| text(&it["https://api.openai.com/auth"]["chatgpt_account_id"])),
            account: text(&tokens["account_id"]),
            complete: tokens.is_object() && has("last_refresh"),
        },
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

/// What a JSON Web Token says; none when it is no such token.
fn payload(token: &str) -> Option<Value> {
    let mut segments = token.split('.');
    let (_, payload, _) = (segments.next()?, segments.next()?, segments.next()?);
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}
