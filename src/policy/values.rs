//! What the values of the keys mean, and what is wrong with one that means nothing, in Codex's words where it has some.

use toml::Value;

use super::{CredentialsStore, Method};
use crate::credential::Client;

pub(super) const FORCED_METHOD: &str = "forced_login_method";
pub(super) const FORCED_WORKSPACES: &str = "forced_chatgpt_workspace_id";
pub(super) const ALLOWED_METHODS: &str = "allowed_login_methods";
pub(super) const ALLOWED_WORKSPACES: &str = "allowed_chatgpt_workspaces";
pub(super) const CREDENTIALS_STORE: &str = "cli_auth_credentials_store";
/// The selector of profiles that Codex no longer has.
pub(super) const LEGACY_PROFILE: &str = "profile";

const COMMA: &str = "forced_chatgpt_workspace_id must be a single workspace ID string or a TOML list of strings; \
     comma-separated strings are not supported. Use `forced_chatgpt_workspace_id = \
     [\"123e4567-e89b-42d3-a456-426614174000\", \"123e4567-e89b-42d3-a456-426614174001\"]` instead.";
const METHODS: &str = "`chatgpt` or `api`";
const MAX_QUOTED_BYTES: usize = 16;

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    /// It is no value of the key's type.
    #[error("wanted {0}")]
    Type(String),
    /// It is a name that the key does not know.
    #[error("unknown variant{}, expected {expected}", quoted(.name))]
    Unknown { name: String, expected: String },
    /// Several workspaces in one text.
    #[error("{COMMA}")]
    Comma,
}

/// A word is quoted; anything longer may be a misplaced secret.
pub(super) fn is_word(name: &str) -> bool {
    name.len() <= MAX_QUOTED_BYTES
}

fn quoted(name: &str) -> String {
    if is_word(name) { format!(" `{name}`") } else { String::new() }
}

impl Wrong {
    fn wanted(what: &str) -> Self {
        Self::Type(what.to_owned())
    }
}

/// Reads `forced_login_method`.
pub(super) fn method(value: &Value) -> Result<Method, Wrong> {
    let name = value.as_str().ok_or_else(|| Wrong::wanted("the string `chatgpt` or `api`"))?;
    let unknown = || Wrong::Unknown { name: name.to_owned(), expected: METHODS.to_owned() };
    Method::parse(name).ok_or_else(unknown)
}

/// Reads `forced_chatgpt_workspace_id`. Nothing left is no restriction.
pub(super) fn workspaces(client: Client, value: &Value) -> Result<Option<Vec<String>>, Wrong> {
    let ids = match (value, client) {
        (Value::String(id), Client::Codex) if id.contains(',') => return Err(Wrong::Comma),
        (Value::String(id), _) => trimmed([id.as_str()]),
        (Value::Array(ids), Client::Codex) => trimmed(texts(ids, "a string or a list of strings")?),
        (_, Client::Codex) => return Err(Wrong::wanted("a string or a list of strings")),
        (_, Client::Llmx) => return Err(Wrong::wanted("a string")),
    };
    Ok((!ids.is_empty()).then_some(ids))
}

/// Reads `allowed_login_methods`.
pub(super) fn methods(value: &Value) -> Result<Vec<Method>, Wrong> {
    let names = value.as_array().ok_or_else(|| Wrong::wanted("a list of `chatgpt` and `api`"))?;
    names.iter().map(method).collect()
}

/// Reads `allowed_chatgpt_workspaces`. Nothing left allows no workspace at all.
pub(super) fn allowed_workspaces(value: &Value) -> Result<Vec<String>, Wrong> {
    let wanted = "a list of strings";
    let ids = value.as_array().ok_or_else(|| Wrong::wanted(wanted))?;
    Ok(trimmed(texts(ids, wanted)?))
}

/// Reads `cli_auth_credentials_store`.
pub(super) fn credentials_store(client: Client, value: &Value) -> Result<CredentialsStore, Wrong> {
    let known: Vec<CredentialsStore> =
        CredentialsStore::ALL.into_iter().filter(|it| it.exists_for(client)).collect();
    let names: Vec<String> = known.iter().map(|it| format!("`{}`", it.name())).collect();
    let expected = format!("one of {}", names.join(", "));
    let Some(name) = value.as_str() else { return Err(Wrong::Type(format!("a string, {expected}"))) };
    let found = known.into_iter().find(|it| it.name() == name);
    found.ok_or_else(|| Wrong::Unknown { name: name.to_owned(), expected })
}

/// Trims ids and drops empty ones. Nothing else is done to them: they are compared byte by byte.
pub(super) fn trimmed<'a>(ids: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    ids.into_iter().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

fn texts<'a>(values: &'a [Value], wanted: &str) -> Result<Vec<&'a str>, Wrong> {
    let texts: Option<Vec<&str>> = values.iter().map(Value::as_str).collect();
    texts.ok_or_else(|| Wrong::wanted(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        toml::from_str::<toml::Table>(&format!("k = {text}")).unwrap().remove("k").unwrap()
    }

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn methods_have_two_names() {
        assert_eq!(method(&value("\"api\"")), Ok(Method::Api));
        assert_eq!(method(&value("\"chatgpt\"")), Ok(Method::Chatgpt));
        for bad in ["\"apikey\"", "\"ChatGPT\"", "\"API\"", "\"\"", "5", "true", "[\"chatgpt\"]"] {
            assert!(method(&value(bad)).is_err(), "{bad}");
        }
        let unknown = method(&value("\"apikey\"")).unwrap_err();
        assert_eq!(unknown.to_string(), "unknown variant `apikey`, expected `chatgpt` or `api`");
        let secret = method(&value("\"sk-0123456789abcdef\"")).unwrap_err();
        assert_eq!(secret.to_string(), "unknown variant, expected `chatgpt` or `api`");
    }

    #[test]
    fn forced_workspaces_are_one_or_a_list_and_none_is_no_restriction() {
        let table = [
            ("\" A \"", Some(ids(&["A"]))),
            ("\"\"", None),
            ("[]", None),
            ("[\" \", \"\"]", None),
            ("[\"A\", \" B\", \"A\"]", Some(ids(&["A", "B", "A"]))),
            ("[\"A,B\"]", Some(ids(&["A,B"]))),
        ];
        for (text, expected) in table {
            assert_eq!(workspaces(Client::Codex, &value(text)), Ok(expected), "{text}");
        }
        for bad in ["5", "[1]", "{}", "[\"A\", 1]"] {
            assert!(workspaces(Client::Codex, &value(bad)).is_err(), "{bad}");
        }
        for comma in ["\"A,B\"", "\"A,\"", "\",\""] {
            assert_eq!(workspaces(Client::Codex, &value(comma)), Err(Wrong::Comma));
        }
    }

    #[test]
    fn llmx_has_one_workspace() {
        assert_eq!(workspaces(Client::Llmx, &value("\"A,B\"")), Ok(Some(ids(&["A,B"]))));
        assert!(workspaces(Client::Llmx, &value("[\"A\"]")).is_err());
    }

    #[test]
    fn what_is_allowed_is_a_list_and_an_empty_one_allows_nothing() {
        assert_eq!(methods(&value("[\"api\", \"api\"]")), Ok(vec![Method::Api, Method::Api]));
        assert_eq!(methods(&value("[]")), Ok(vec![]));
        assert!(methods(&value("\"api\"")).is_err() && methods(&value("[\"saml\"]")).is_err());
        assert_eq!(allowed_workspaces(&value("[\" A \", \"\"]")), Ok(ids(&["A"])));
        assert_eq!(allowed_workspaces(&value("[\"\"]")), Ok(vec![]));
        assert!(allowed_workspaces(&value("\"A\"")).is_err() && allowed_workspaces(&value("[1]")).is_err());
    }

    #[test]
    fn llmx_knows_fewer_stores() {
        assert_eq!(
            credentials_store(Client::Codex, &value("\"ephemeral\"")),
            Ok(CredentialsStore::Ephemeral)
        );
        assert!(credentials_store(Client::Llmx, &value("\"ephemeral\"")).is_err());
        assert!(credentials_store(Client::Codex, &value("\"File\"")).is_err());
        assert!(credentials_store(Client::Codex, &value("1")).is_err());
    }
}
