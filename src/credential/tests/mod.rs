//! The tests of this room: tables for each judgement, and random documents for what must survive.

mod access_only;
mod document;
mod full_login;
mod input;
mod modes;
mod printing;
mod renewal;
mod same_login;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::*;
use crate::testing::{Sample, auth_json as document, full_login, jwt};

const CLIENTS: [Client; 2] = [Client::Codex, Client::Llmx];

fn now() -> DateTime<Utc> {
    "2026-11-20T18:00:00.5Z".parse().unwrap()
}

/// Returns the sample's document with its tokens changed; null takes one away.
fn with_tokens(changes: &[(&str, Value)]) -> Value {
    let mut document = Sample::default().document();
    for (name, value) in changes {
        document["tokens"][*name] = value.clone();
    }
    document
}

fn credential(client: Client, value: &Value) -> Credential {
    Credential::new(client, document(value)).unwrap()
}

fn written(credential: &Credential) -> Value {
    serde_json::from_str(&credential.to_text()).unwrap()
}
