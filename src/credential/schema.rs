//! The types that Codex demands of the fields of an `auth.json`. Nothing is kept: what does not fit is refused, as Codex
//! refuses the whole file for it.

use std::fmt;
use std::marker::PhantomData;

use chrono::{DateTime, Utc};
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use zeroize::Zeroizing;

use super::auth_json::wipe;
use super::mode::Mode;

/// Checks that every field that Codex knows has the type that it demands, and is given once.
pub(super) fn check(text: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str::<Schema>(text).map(drop)
}

/// The types that Codex demands of the fields that it knows.
#[derive(Deserialize)]
#[expect(
    dead_code,
    reason = "the types are the point: a value of another type is refused as Codex refuses it"
)]
struct Schema {
    auth_mode: Option<Mode>,
    #[serde(rename = "OPENAI_API_KEY")]
    openai_api_key: Option<Zeroizing<String>>,
    tokens: Option<Object<TokenSchema>>,
    last_refresh: Option<DateTime<Utc>>,
    #[serde(default, deserialize_with = "agent_identity")]
    agent_identity: (),
    personal_access_token: Option<Zeroizing<String>>,
    bedrock_api_key: Option<Object<BedrockApiKeySchema>>,
    bedrock_access_keys: Option<Object<BedrockAccessKeysSchema>>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "see Schema")]
struct TokenSchema {
    id_token: Zeroizing<String>,
    access_token: Zeroizing<String>,
    refresh_token: Zeroizing<String>,
    account_id: Option<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "see Schema")]
struct BedrockApiKeySchema {
    api_key: Zeroizing<String>,
    region: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "see Schema")]
struct BedrockAccessKeysSchema {
    access_key_id: String,
    secret_access_key: Zeroizing<String>,
    region: String,
}

/// A JSON object and nothing else: by itself a derived type also reads an array of its fields in their order, and
/// whoever then looks for the refresh token by its name finds none.
struct Object<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
    type Value = Self;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|_| self)
    }
}

/// A JWT or a record. Not an untagged enum: to one, a number with a fraction is a record (of `arbitrary_precision`).
fn agent_identity<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    let mut value = Value::deserialize(deserializer)?;
    wipe(&mut value);
    match value {
        Value::Null | Value::String(_) | Value::Object(_) => Ok(()),
        _ => Err(D::Error::custom("expected a JWT or a record")),
    }
}
