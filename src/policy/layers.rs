//! The restrictions as the client's files have them. For now the home's `config.toml`.

use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::{Method, Policy, Restriction, Source};
use crate::credential::Client;
use crate::disk::{DiskError, Read, read_capped};

/// A configuration file is not larger than this, in bytes.
const MAX_CONFIG_BYTES: usize = 1024 * 1024;
const METHOD_KEY: &str = "forced_login_method";
const WORKSPACE_KEY: &str = "forced_chatgpt_workspace_id";

/// The policy cannot be decided. Nothing is placed and nothing is deleted then.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A file is there, but cannot be read.
    #[error("the configuration cannot be read")]
    Unreadable(#[from] DiskError),
    /// A file is not TOML, or a value has the wrong form.
    #[error("{place}: {problem}")]
    Invalid {
        /// The file (with the key), or the option.
        place: String,
        /// What is wrong, as the client says it where it does.
        problem: String,
    },
    /// The restrictions contradict each other.
    #[error("authentication requirements do not permit any usable login method ({})", list(.0))]
    Impossible(Vec<Source>),
}

fn list(sources: &[Source]) -> String {
    sources.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Reads the policy that is in force for a home: its `config.toml`, narrowed by `ours`.
///
/// # Errors
/// When a file cannot be read, a value cannot be understood, or nothing is allowed at all.
pub fn read(client: Client, home: &Path, ours: Restriction) -> Result<Policy, PolicyError> {
    Policy::new(client, vec![of_file(client, &home.join("config.toml"))?, ours])
}

fn of_file(client: Client, path: &Path) -> Result<Restriction, PolicyError> {
    let none = Restriction { source: Source::File(path.to_owned()), method: None, workspaces: None };
    let Read::Content(bytes) = read_capped(path, MAX_CONFIG_BYTES)? else { return Ok(none) };
    let invalid = |problem: String| PolicyError::Invalid { place: path.display().to_string(), problem };
    let text = std::str::from_utf8(&bytes).map_err(|_| invalid("it is not UTF-8".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let table: Table =
        text.parse().map_err(|error: toml::de::Error| invalid(without_source(text, &error)))?;
    let method =
        table.get(METHOD_KEY).map(method_of).transpose().map_err(|problem| at(path, METHOD_KEY, problem))?;
    let workspaces = table.get(WORKSPACE_KEY).map(|value| workspaces_of(client, value)).transpose();
    let workspaces = workspaces.map_err(|problem| at(path, WORKSPACE_KEY, problem))?.flatten();
    Ok(Restriction { method, workspaces, ..none })
}

fn at(path: &Path, key: &str, problem: String) -> PolicyError {
    let path: PathBuf = path.to_owned();
    PolicyError::Invalid { place: format!("{}: `{key}`", path.display()), problem }
}

/// A configuration file may hold secrets of others, so the line is named, not shown.
fn without_source(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    format!("it is not valid TOML at line {line}")
}

fn method_of(value: &Value) -> Result<Method, String> {
    let name = value.as_str().ok_or("invalid type, expected `chatgpt` or `api`")?;
    method(name)
}

/// Reads a method by name, with Codex's text for a name that it does not know.
fn method(name: &str) -> Result<Method, String> {
    Method::parse(name).ok_or_else(|| format!("unknown variant `{name}`, expected `chatgpt` or `api`"))
}

fn workspaces_of(client: Client, value: &Value) -> Result<Option<Vec<String>>, String> {
    match (value, client) {
        (Value::String(id), Client::Codex) if id.contains(',') => Err(COMMA.to_owned()),
        (Value::String(id), _) => Ok(non_blank([id.as_str()])),
        (Value::Array(ids), Client::Codex) => {
            let ids: Option<Vec<&str>> = ids.iter().map(Value::as_str).collect();
            Ok(non_blank(ids.ok_or("expected a string or a list of strings")?))
        }
        _ => Err("expected a string".to_owned()
            + if client == Client::Codex { " or a list of strings" } else { "" }),
    }
}

const COMMA: &str = "forced_chatgpt_workspace_id must be a single workspace ID string or a TOML list of strings; \
     comma-separated strings are not supported. Use `forced_chatgpt_workspace_id = \
     [\"123e4567-e89b-42d3-a456-426614174000\", \"123e4567-e89b-42d3-a456-426614174001\"]` instead.";

/// Trims ids and drops empty ones; nothing left is no restriction.
fn non_blank<'a>(ids: impl IntoIterator<Item = &'a str>) -> Option<Vec<String>> {
    let ids: Vec<String> =
        ids.into_iter().map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect();
    (!ids.is_empty()).then_some(ids)
}

impl Restriction {
    /// Takes the values of our own options. An id with a comma is refused: it would be one odd id that nobody has.
    ///
    /// # Errors
    /// When a value has the wrong form.
    pub fn of_options(method_name: Option<&str>, workspaces: &[String]) -> Result<Self, PolicyError> {
        let invalid =
            |place: &str, problem: String| PolicyError::Invalid { place: place.to_owned(), problem };
        // Not with the text that was given: on a command line it may be anything, a misplaced secret included.
        let expected = || invalid("--forced-login-method", "expected `chatgpt` or `api`".to_owned());
        let method = method_name.map(|name| Method::parse(name).ok_or_else(expected)).transpose()?;
        if workspaces.iter().any(|id| id.contains(',')) {
            let problem = "one id each: repeat the option for several, without commas".to_owned();
            return Err(invalid("--forced-chatgpt-workspace-id", problem));
        }
        let source = if method.is_some() { "forced-login-method" } else { "forced-chatgpt-workspace-id" };
        let workspaces = non_blank(workspaces.iter().map(String::as_str));
        Ok(Self { source: Source::Option(source), method, workspaces })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_text(client: Client, text: &str) -> Result<Restriction, PolicyError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config.toml");
        crate::disk::replace(&path, text.as_bytes()).unwrap();
        of_file(client, &path)
    }

    fn workspaces(client: Client, value: &str) -> Result<Option<Vec<String>>, PolicyError> {
        of_text(client, &format!("{WORKSPACE_KEY} = {value}")).map(|it| it.workspaces)
    }

    #[test]
    fn reads_methods_as_codex_does() {
        let method =
            |value: &str| of_text(Client::Codex, &format!("{METHOD_KEY} = {value}")).map(|it| it.method);
        assert_eq!(method("\"api\"").unwrap(), Some(Method::Api));
        assert_eq!(method("\"chatgpt\"").unwrap(), Some(Method::Chatgpt));
        for bad in ["\"apikey\"", "\"ChatGPT\"", "\"\"", "5", "true", "[\"chatgpt\"]"] {
            assert!(matches!(method(bad), Err(PolicyError::Invalid { .. })), "{bad}");
        }
        assert_eq!(of_text(Client::Codex, "[profiles.x]\nforced_login_method = 5").unwrap().method, None);
        assert_eq!(of_text(Client::Codex, "\u{feff}model = \"x\"\r\n").unwrap().method, None);
    }

    #[test]
    fn reads_workspaces_as_codex_does() {
        let ids = |ids: &[&str]| Some(ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
        let table = [
            ("\" A \"", ids(&["A"])),
            ("\"\"", None),
            ("[]", None),
            ("[\" \", \"\"]", None),
            ("[\"A\", \" B\"]", ids(&["A", "B"])),
            ("[\"A,B\"]", ids(&["A,B"])),
        ];
        for (value, expected) in table {
            assert_eq!(workspaces(Client::Codex, value).unwrap(), expected, "{value}");
        }
        for bad in ["\"A,B\"", "\"A,\"", "5", "[1]", "{}"] {
            assert!(workspaces(Client::Codex, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn llmx_has_one_workspace() {
        assert_eq!(workspaces(Client::Llmx, "\"A,B\"").unwrap(), Some(vec!["A,B".to_owned()]));
        assert!(workspaces(Client::Llmx, "[\"A\"]").is_err());
    }

    #[test]
    fn a_broken_file_is_fatal_and_not_quoted() {
        let error = of_text(Client::Codex, "a = 1\nsecret = \"hunter2").unwrap_err();
        assert!(error.to_string().ends_with("it is not valid TOML at line 2"), "{error}");
        assert!(of_text(Client::Codex, "a = 1\na = 2").is_err(), "a key given twice");
    }
}
