//! What is compared: permitted or not, the class of the message, the fate of the file, and the values in force.

use serde_json::Value;

/// What is decided. Ours has more exit codes than the client, whose every failure is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Permitted,
    Configuration,
    NoCredential,
    /// Not allowed, or, for want of a network, not known to be.
    Forbidden,
}

impl Verdict {
    pub(crate) fn exit(self) -> i32 {
        match self {
            Self::Permitted => 0,
            Self::Configuration => 2,
            Self::NoCredential => 3,
            Self::Forbidden => 4,
        }
    }
}

/// What became of `auth.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Absent,
    Kept,
    Removed,
    Created,
    Rewritten,
}

/// Which message it is, whoever says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    ApiRequired,
    ChatgptRequired,
    WorkspaceBelongs,
    WorkspaceLacks,
    TokenData,
    WorkspaceAtLogin,
    ApiKeyDisabled,
    AccessTokenDisabled,
    KeyAsArgument,
    Impossible,
    LegacyProfile,
    UnknownKey,
    NotAFile,
    RequirementsInvalid,
    DuplicateKey,
    Comma,
    WorkspaceType,
    MethodName,
    OtherType,
    Syntax,
    Keyring,
    BrokenLogin,
}

/// The messages of a logout.
pub(crate) const LOGOUTS: [Class; 5] = [
    Class::ApiRequired,
    Class::ChatgptRequired,
    Class::WorkspaceBelongs,
    Class::WorkspaceLacks,
    Class::TokenData,
];

/// The first pattern that is found wins.
const PATTERNS: [(&str, Class); 28] = [
    ("API key login is required, but ChatGPT", Class::ApiRequired),
    ("ChatGPT login is required, but an API key", Class::ChatgptRequired),
    ("but current credentials belong to", Class::WorkspaceBelongs),
    ("but current credentials lack a workspace identifier", Class::WorkspaceLacks),
    ("while enforcing workspace restrictions: Token data is not available", Class::TokenData),
    ("Login is restricted to workspace id(s)", Class::WorkspaceAtLogin),
    ("API key login is disabled. Use ChatGPT login instead.", Class::ApiKeyDisabled),
    ("Access token login is disabled. Use API key login instead.", Class::AccessTokenDisabled),
    ("The --api-key flag is no longer supported", Class::KeyAsArgument),
    ("do not permit any usable login method", Class::Impossible),
    ("legacy `profile = ", Class::LegacyProfile),
    ("unknown configuration field", Class::UnknownKey),
    ("is not a file", Class::NotAFile),
    ("failed to parse requirements layer", Class::RequirementsInvalid),
    ("duplicate key", Class::DuplicateKey),
    ("comma-separated strings are not supported", Class::Comma),
    ("data did not match any variant of untagged enum", Class::WorkspaceType),
    ("unknown variant `", Class::MethodName),
    ("invalid type: ", Class::OtherType),
    ("wanted string or table", Class::OtherType),
    ("invalid basic string", Class::Syntax),
    ("TOML parse error", Class::Syntax),
    ("failed to load CLI auth from keyring", Class::Keyring),
    ("failed to deserialize CLI auth from file", Class::BrokenLogin),
    ("externally provided auth cannot be loaded", Class::BrokenLogin),
    ("API key auth is missing a key", Class::BrokenLogin),
    ("failed to decode agent identity JWT", Class::BrokenLogin),
    ("personal access token metadata request failed", Class::BrokenLogin),
];

/// Returns the class of a message; none for a text that is no complaint about logins or configurations.
pub(crate) fn class(text: &str) -> Option<Class> {
    let known = PATTERNS.iter().find(|(pattern, _)| text.contains(pattern)).map(|(_, class)| *class);
    // The parser has many sentences, but always a position.
    let at_position = || {
        let mut places = text.split(".toml:").skip(1);
        text.contains("Error loading config") && places.any(|it| it.starts_with(|c: char| c.is_ascii_digit()))
    };
    known.or_else(|| at_position().then_some(Class::Syntax))
}

/// What should come out.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expected {
    /// None where the client decides nothing about the login.
    pub(crate) verdict: Option<Verdict>,
    /// Any of these ids; empty: not stated.
    pub(crate) ids: Vec<&'static str>,
    /// Any of these classes; empty: not stated.
    pub(crate) classes: Vec<Class>,
    /// The whole message, where it is meant to be the client's.
    pub(crate) text: Option<String>,
    /// Parts of the message, with placeholders for paths.
    pub(crate) parts: Vec<String>,
    pub(crate) fate: Fate,
    pub(crate) policy: Option<InForce>,
}

/// What is in force, and where it comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct InForce {
    pub(crate) methods: Vec<String>,
    /// Key, value, layer and file with placeholders; none where the client does not show them.
    pub(crate) forced: Option<Vec<Forced>>,
}

/// One of the two forced keys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Forced {
    pub(crate) key: &'static str,
    pub(crate) value: Vec<String>,
    pub(crate) layer: String,
    pub(crate) file: Option<String>,
}

pub(crate) const FORCED_KEYS: [&str; 2] = ["forced_login_method", "forced_chatgpt_workspace_id"];

impl Expected {
    pub(crate) fn new(verdict: Verdict, fate: Fate) -> Self {
        let (ids, classes, parts) = (Vec::new(), Vec::new(), Vec::new());
        Self { verdict: Some(verdict), ids, classes, text: None, parts, fate, policy: None }
    }

    pub(crate) fn with(mut self, ids: &[&'static str], classes: &[Class]) -> Self {
        self.ids = ids.to_vec();
        self.classes = classes.to_vec();
        self
    }

    pub(crate) fn saying(mut self, parts: &[&str]) -> Self {
        self.parts.extend(parts.iter().map(|part| (*part).to_owned()));
        self
    }
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) code: Option<i32>,
    pub(crate) id: String,
    pub(crate) message: String,
    pub(crate) fate: Fate,
    /// False when a link's target, which is nobody's business, was changed.
    pub(crate) target_survived: bool,
    pub(crate) policy: Value,
    pub(crate) stderr: String,
}

/// Says where they differ; nothing is good. `real` puts paths in the place of placeholders.
pub(crate) fn differences(expected: &Expected, seen: &Seen, real: &dyn Fn(&str) -> String) -> Vec<String> {
    let mut all = Vec::new();
    let mut demand = |holds: bool, text: String| all.extend((!holds).then_some(text));
    if let Some(verdict) = expected.verdict {
        let text = format!("exit code {:?} instead of {} ({verdict:?})", seen.code, verdict.exit());
        demand(seen.code == Some(verdict.exit()), text);
    }
    demand(seen.fate == expected.fate, format!("auth.json {:?} instead of {:?}", seen.fate, expected.fate));
    demand(seen.target_survived, "the target of the link was changed".to_owned());
    if !expected.ids.is_empty() {
        let text = format!("id `{}` instead of one of {:?}", seen.id, expected.ids);
        demand(expected.ids.contains(&seen.id.as_str()), text);
    }
    if !expected.classes.is_empty() {
        let text = format!("message of class {:?}, not of {:?}", class(&seen.message), expected.classes);
        demand(class(&seen.message).is_some_and(|it| expected.classes.contains(&it)), text);
    }
    if let Some(text) = &expected.text {
        demand(seen.message == *text, format!("not the text of the client: {text}"));
    }
    for part in expected.parts.iter().map(|part| real(part)) {
        demand(seen.message.contains(&part), format!("the message has no `{part}`"));
    }
    if let Some(policy) = &expected.policy {
        compare_policy(policy, &seen.policy, real, &mut demand);
    }
    all
}

fn compare_policy(
    expected: &InForce,
    seen: &Value,
    real: &dyn Fn(&str) -> String,
    demand: &mut dyn FnMut(bool, String),
) {
    let mut methods = strings(&seen["methods"]);
    methods.sort();
    demand(methods == expected.methods, format!("methods {methods:?} instead of {:?}", expected.methods));
    let Some(forced) = &expected.forced else { return };
    for key in FORCED_KEYS {
        let expected = forced.iter().find(|it| it.key == key);
        let value = strings(&seen[key]);
        let wanted = expected.map(|it| it.value.clone()).unwrap_or_default();
        demand(value == wanted, format!("{key} is {value:?} instead of {wanted:?}"));
        let values = seen["values"].as_array().cloned().unwrap_or_default();
        let origin = values.iter().find(|it| it["key"] == key);
        let origin = origin.map(|it| (it["layer"].as_str(), it["file"].as_str()));
        let file = expected.and_then(|it| it.file.as_deref()).map(real);
        let wanted = expected.map(|it| (Some(it.layer.as_str()), file.as_deref()));
        demand(origin == wanted, format!("{key} comes from {origin:?} instead of {wanted:?}"));
    }
}

/// A string, a list of strings, or null, as a list.
pub(crate) fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one.clone()],
        Value::Array(all) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}
