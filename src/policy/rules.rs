//! The policy as a value: what the client's layers force and allow, what our options narrow, and what is left of it.
//! Pure: whoever reads the layers is elsewhere.

use super::values::trimmed;
use super::{Note, PolicyError, Setting, Source};
use crate::credential::{Client, Mode};

/// How one may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// With a key that OpenAI or Amazon bills.
    Api,
    /// With a ChatGPT account, in whatever form.
    Chatgpt,
}

/// Where the client keeps its credential (`cli_auth_credentials_store`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CredentialsStore {
    /// In `auth.json`.
    #[default]
    File,
    /// In the keyring of the system: it never reads `auth.json`.
    Keyring,
    /// In the keyring where there is one, else in `auth.json`.
    Auto,
    /// In the memory of the process: it never reads `auth.json`.
    Ephemeral,
}

/// What the client's layers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demands {
    /// `forced_login_method`.
    pub forced_method: Option<Method>,
    /// `forced_chatgpt_workspace_id`; never empty.
    pub forced_workspaces: Option<Vec<String>>,
    /// `allowed_login_methods`; an empty list allows none.
    pub allowed_methods: Option<Vec<Method>>,
    /// `allowed_chatgpt_workspaces`; an empty list allows no ChatGPT login.
    pub allowed_workspaces: Option<Vec<String>>,
    /// `cli_auth_credentials_store`.
    pub credentials_store: CredentialsStore,
}

/// What an option of ours demands: it can only narrow what the layers allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// Which option.
    pub source: Source,
    /// The only method allowed.
    pub method: Option<Method>,
    /// The only workspaces allowed; never empty.
    pub workspaces: Option<Vec<String>>,
}

/// Who may use a login here.
#[derive(Clone, Debug)]
pub struct Policy {
    client: Client,
    demands: Demands,
    constraints: Vec<Constraint>,
    /// What the client would look at: the methods that its own layers leave.
    clients_methods: Vec<Method>,
    methods: Vec<Method>,
    workspaces: Option<Vec<String>>,
    settings: Vec<Setting>,
    notes: Vec<Note>,
}

impl Method {
    const ALL: [Self; 2] = [Self::Api, Self::Chatgpt];

    /// Returns the method by the client's own name for it.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
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

impl Constraint {
    /// Takes the value of `--forced-login-method`.
    ///
    /// # Errors
    /// When it is no method.
    pub fn of_method(name: &str) -> Result<Self, String> {
        // Not with the text that was given: on a command line it may be anything, a misplaced secret included.
        let method = Method::parse(name).ok_or("expected `chatgpt` or `api`")?;
        Ok(Self { source: Source::option("forced-login-method"), method: Some(method), workspaces: None })
    }

    /// Takes the values of `--forced-chatgpt-workspace-id`; blank ones demand nothing. An id with a comma is refused: it
    /// would be one odd id that nobody has.
    ///
    /// # Errors
    /// When a value has the wrong form.
    pub fn of_workspaces(ids: &[String]) -> Result<Option<Self>, String> {
        if ids.iter().any(|id| id.contains(',')) {
            return Err("one id each: repeat the option for several, without commas".to_owned());
        }
        let ids = trimmed(ids.iter().map(String::as_str));
        let source = Source::option("forced-chatgpt-workspace-id");
        Ok((!ids.is_empty()).then_some(Self { source, method: None, workspaces: Some(ids) }))
    }
}

impl CredentialsStore {
    pub(super) const ALL: [Self; 4] = [Self::File, Self::Keyring, Self::Auto, Self::Ephemeral];

    /// Returns the client's own name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Keyring => "keyring",
            Self::Auto => "auto",
            Self::Ephemeral => "ephemeral",
        }
    }

    /// Returns whether the client reads `auth.json`.
    #[must_use]
    pub fn reads_the_file(self) -> bool {
        matches!(self, Self::File | Self::Auto)
    }

    pub(super) fn exists_for(self, client: Client) -> bool {
        client == Client::Codex || self != Self::Ephemeral
    }
}

impl Policy {
    /// Joins what the layers say with our constraints.
    ///
    /// # Errors
    /// When nothing is left that anybody could log in with, or a constraint contradicts the layers.
    pub(super) fn new(
        client: Client,
        demands: Demands,
        constraints: Vec<Constraint>,
        settings: Vec<Setting>,
    ) -> Result<Self, PolicyError> {
        let narrowing = || constraints.iter().filter_map(|it| it.workspaces.as_ref());
        let theirs = both(demands.forced_workspaces.clone(), demands.allowed_workspaces.as_ref());
        let workspaces = narrowing().fold(theirs.clone(), |left, ours| both(left, Some(ours)));
        let has_workspace = |left: &Option<Vec<String>>| left.as_ref().is_none_or(|ids| !ids.is_empty());
        let clients_methods: Vec<Method> = Method::ALL
            .into_iter()
            .filter(|method| demands.forced_method.is_none_or(|forced| forced == *method))
            .filter(|method| demands.allowed_methods.as_ref().is_none_or(|them| them.contains(method)))
            .filter(|method| *method == Method::Api || has_workspace(&theirs))
            .collect();
        let is_allowed = |method: &Method| {
            clients_methods.contains(method)
                && constraints.iter().all(|it| it.method.is_none_or(|ours| ours == *method))
        };
        // The client's own lists may leave no workspace: ChatGPT is out then, and API keys stay. A workspace that was
        // asked of us by name, and that nobody may use, is a mistake to tell.
        let contradicts =
            narrowing().next().is_some() && is_allowed(&Method::Chatgpt) && !has_workspace(&workspaces);
        let methods: Vec<Method> = Method::ALL
            .into_iter()
            .filter(is_allowed)
            .filter(|method| *method == Method::Api || has_workspace(&workspaces))
            .collect();
        let policy = Self {
            client,
            demands,
            constraints,
            clients_methods,
            methods,
            workspaces,
            settings,
            notes: Vec::new(),
        };
        if policy.methods.is_empty() || contradicts {
            return Err(PolicyError::Impossible(policy.sources()));
        }
        Ok(policy)
    }

    /// Adds what people should be told about the layers.
    pub(super) fn with_notes(self, notes: Vec<Note>) -> Self {
        Self { notes, ..self }
    }

    /// Returns what people should be told about the layers: keys that do nothing.
    #[must_use]
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Returns the client whose policy it is.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client
    }

    /// Returns what the client's layers say.
    #[must_use]
    pub fn demands(&self) -> &Demands {
        &self.demands
    }

    /// Returns what our options demand.
    #[must_use]
    pub fn constraints(&self) -> &[Constraint] {
        &self.constraints
    }

    /// Returns the methods that are left; at least one.
    #[must_use]
    pub fn methods(&self) -> &[Method] {
        &self.methods
    }

    /// Returns whether the client's own layers make it pass over a credential of this method, and look for the next.
    pub(super) fn passes_over(&self, method: Method) -> bool {
        !self.clients_methods.contains(&method)
    }

    /// Returns the only workspaces that are left. An empty list allows no ChatGPT login at all.
    #[must_use]
    pub fn workspaces(&self) -> Option<&[String]> {
        self.workspaces.as_deref()
    }

    /// Returns the values in force, each with where it comes from.
    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        &self.settings
    }

    /// Returns whether anything is restricted at all.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.methods.len() < Method::ALL.len() || self.workspaces.is_some()
    }

    /// Returns where the restrictions come from.
    #[must_use]
    pub fn sources(&self) -> Vec<Source> {
        let theirs = self.settings.iter().filter(|setting| setting.restricts).map(|it| &it.source);
        let mut sources: Vec<Source> = Vec::new();
        for source in theirs.chain(self.constraints.iter().map(|it| &it.source)) {
            if !sources.contains(source) {
                sources.push(source.clone());
            }
        }
        sources
    }
}

/// What both lists have, in the order of the first; no list is every workspace.
fn both(first: Option<Vec<String>>, second: Option<&Vec<String>>) -> Option<Vec<String>> {
    match (first, second) {
        (Some(first), Some(second)) => Some(first.into_iter().filter(|id| second.contains(id)).collect()),
        (first, second) => first.or_else(|| second.cloned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: &[&str]) -> Option<Vec<String>> {
        Some(ids.iter().map(|id| (*id).to_owned()).collect())
    }

    fn ours(method: Option<Method>, workspaces: Option<Vec<String>>) -> Constraint {
        Constraint { source: Source::option("test"), method, workspaces }
    }

    fn join(demands: Demands, constraints: &[Constraint]) -> Result<Policy, PolicyError> {
        Policy::new(Client::Codex, demands, constraints.to_vec(), Vec::new())
    }

    fn is_impossible(demands: Demands, constraints: &[Constraint]) -> bool {
        matches!(join(demands, constraints), Err(PolicyError::Impossible(_)))
    }

    fn forced(method: Option<Method>, workspaces: Option<Vec<String>>) -> Demands {
        Demands { forced_method: method, forced_workspaces: workspaces, ..Demands::default() }
    }

    const API: Option<Method> = Some(Method::Api);
    const CHATGPT: Option<Method> = Some(Method::Chatgpt);

    #[test]
    fn lists_intersect_in_the_order_of_the_forced_one() {
        let demands =
            Demands { allowed_workspaces: ids(&["c", "a", "d"]), ..forced(None, ids(&["a", "b", "c"])) };
        let policy = join(demands.clone(), &[]).unwrap();
        assert_eq!(policy.workspaces().map(<[String]>::to_vec), ids(&["a", "c"]));
        let narrowed = join(demands, &[ours(None, ids(&["c", "x"]))]).unwrap();
        assert_eq!(narrowed.workspaces().map(<[String]>::to_vec), ids(&["c"]));
        let only_allowed = Demands { allowed_workspaces: ids(&["z"]), ..Demands::default() };
        assert_eq!(join(only_allowed, &[]).unwrap().workspaces().map(<[String]>::to_vec), ids(&["z"]));
    }

    #[test]
    fn nothing_left_of_the_workspaces_leaves_api_keys() {
        let apart = Demands { allowed_workspaces: ids(&["b"]), ..forced(None, ids(&["a"])) };
        assert_eq!(join(apart.clone(), &[]).unwrap().methods(), [Method::Api]);
        assert!(is_impossible(Demands { forced_method: CHATGPT, ..apart }, &[]));
        let none = Demands { allowed_workspaces: ids(&[]), ..Demands::default() };
        assert_eq!(join(none.clone(), &[]).unwrap().methods(), [Method::Api]);
        let only_chatgpt = Some(vec![Method::Chatgpt]);
        assert!(is_impossible(Demands { allowed_methods: only_chatgpt, ..none }, &[]));
    }

    #[test]
    fn methods_intersect() {
        assert!(!join(Demands::default(), &[]).unwrap().is_restricted());
        assert_eq!(join(forced(API, None), &[]).unwrap().methods(), [Method::Api]);
        let allowed = |methods: &[Method]| Some(methods.to_vec());
        let nothing = Demands { allowed_methods: allowed(&[]), ..Demands::default() };
        assert!(is_impossible(nothing, &[]));
        let contrary = Demands { allowed_methods: allowed(&[Method::Chatgpt]), ..forced(API, None) };
        assert!(is_impossible(contrary, &[]));
    }

    #[test]
    fn our_options_only_narrow_and_a_contradiction_is_impossible() {
        assert!(is_impossible(forced(API, None), &[ours(CHATGPT, None)]));
        assert!(is_impossible(Demands::default(), &[ours(API, None), ours(CHATGPT, None)]));
        assert!(is_impossible(forced(None, ids(&["a"])), &[ours(None, ids(&["b"]))]), "nobody may use `b`");
        assert!(is_impossible(Demands::default(), &[ours(None, ids(&["a"])), ours(None, ids(&["b"]))]));
        // Where ChatGPT is out anyway, its workspaces matter to nobody.
        let keys = join(forced(API, ids(&["a"])), &[ours(None, ids(&["b"]))]).unwrap();
        assert_eq!(keys.methods(), [Method::Api]);
    }
}
