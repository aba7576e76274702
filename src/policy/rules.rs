//! The restrictions in force, as values. Pure: whoever reads them from files or options is elsewhere.

use std::fmt;
use std::path::PathBuf;

use super::PolicyError;
use crate::credential::{Client, Mode};

/// How one may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// With a key that OpenAI or Amazon bills.
    Api,
    /// With a ChatGPT account, in whatever form.
    Chatgpt,
}

/// Where a restriction comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An option of ours, by its name.
    Option(&'static str),
    /// A configuration file of the client.
    File(PathBuf),
}

/// What one source demands. Nothing demanded is no restriction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// Where it comes from.
    pub source: Source,
    /// The only method allowed.
    pub method: Option<Method>,
    /// The only workspaces allowed; never empty.
    pub workspaces: Option<Vec<String>>,
}

/// What all sources together demand.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(super) client: Client,
    method: Option<Method>,
    workspaces: Option<Vec<String>>,
    sources: Vec<Source>,
}

impl Method {
    /// Returns the method by the client's own name for it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "api" => Some(Self::Api),
            "chatgpt" => Some(Self::Chatgpt),
            _ => None,
        }
    }

    /// Returns the client's own name for the method.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Chatgpt => "chatgpt",
        }
    }

    /// Returns the method that a mode belongs to.
    #[must_use]
    pub fn of(mode: Mode) -> Self {
        match mode {
            Mode::ApiKey | Mode::BedrockApiKey | Mode::BedrockAccessKeys => Self::Api,
            Mode::Chatgpt
            | Mode::ChatgptAuthTokens
            | Mode::Headers
            | Mode::AgentIdentity
            | Mode::PersonalAccessToken => Self::Chatgpt,
        }
    }
}

impl Policy {
    /// Joins restrictions: each can only narrow what the others allow.
    ///
    /// # Errors
    /// When nothing is left that anybody could log in with.
    pub fn new(client: Client, restrictions: Vec<Restriction>) -> Result<Self, PolicyError> {
        let mut policy = Self { client, method: None, workspaces: None, sources: Vec::new() };
        for Restriction { source, method, workspaces } in restrictions {
            if method.is_none() && workspaces.is_none() {
                continue;
            }
            policy.sources.push(source);
            policy.method = match (policy.method, method) {
                (Some(ours), Some(theirs)) if ours != theirs => return Err(policy.impossible()),
                (ours, theirs) => ours.or(theirs),
            };
            policy.workspaces = match (policy.workspaces.take(), workspaces) {
                (Some(ours), Some(theirs)) => {
                    Some(ours.into_iter().filter(|id| theirs.contains(id)).collect())
                }
                (ours, theirs) => ours.or(theirs),
            };
        }
        // No workspace is left: ChatGPT is out. API keys have none, and stay.
        if policy.workspaces.as_ref().is_some_and(Vec::is_empty) && policy.method == Some(Method::Chatgpt) {
            return Err(policy.impossible());
        }
        Ok(policy)
    }

    fn impossible(self) -> PolicyError {
        PolicyError::Impossible(self.sources)
    }

    /// Returns the only method allowed, if there is but one.
    #[must_use]
    pub fn method(&self) -> Option<Method> {
        self.method
    }

    /// Returns the only workspaces allowed. An empty list allows no ChatGPT login at all.
    #[must_use]
    pub fn workspaces(&self) -> Option<&[String]> {
        self.workspaces.as_deref()
    }

    /// Returns where the restrictions come from.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }
}

impl fmt::Display for Source {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Option(name) => write!(out, "--{name}"),
            Self::File(path) => write!(out, "{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restriction(method: Option<Method>, workspaces: Option<&[&str]>) -> Restriction {
        let workspaces = workspaces.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
        Restriction { source: Source::Option("test"), method, workspaces }
    }

    fn join(restrictions: &[Restriction]) -> Result<Policy, PolicyError> {
        Policy::new(Client::Codex, restrictions.to_vec())
    }

    #[test]
    fn restrictions_only_narrow() {
        let policy = join(&[
            restriction(None, Some(&["a", "b", "c"])),
            restriction(Some(Method::Chatgpt), None),
            restriction(None, Some(&["c", "a", "d"])),
        ])
        .unwrap();
        assert_eq!(policy.method(), Some(Method::Chatgpt));
        assert_eq!(policy.workspaces(), Some(["a".to_owned(), "c".to_owned()].as_slice()));
        assert_eq!(policy.sources().len(), 3);
        assert!(join(&[]).unwrap().sources().is_empty());
    }

    #[test]
    fn an_impossible_policy_is_an_error() {
        let api = restriction(Some(Method::Api), None);
        let chatgpt = restriction(Some(Method::Chatgpt), None);
        let (a, b) = (restriction(None, Some(&["a"])), restriction(None, Some(&["b"])));
        assert!(matches!(join(&[api.clone(), chatgpt.clone()]), Err(PolicyError::Impossible(_))));
        assert!(matches!(join(&[a.clone(), chatgpt, b.clone()]), Err(PolicyError::Impossible(_))));
        assert_eq!(join(&[a, api, b]).unwrap().workspaces(), Some([].as_slice()), "API keys still pass");
    }
}
