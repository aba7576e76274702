//! The configuration of a cell as the reference joins it: which layers there are, which is higher, what is in force.

use toml::{Table, Value};

use crate::{
    cell::Case,
    outcome::{FORCED_KEYS, Forced},
};

pub(crate) const SYSTEM: &str = "/etc/codex/config.toml";
pub(crate) const USER: &str = "$CODEX_HOME/config.toml";
pub(crate) const PROJECT: &str = "$CWD/.codex/config.toml";
pub(crate) const MANAGED: &str = "/etc/codex/managed_config.toml";
pub(crate) const REQUIREMENTS: &str = "/etc/codex/requirements.toml";

/// One layer.
struct Layer {
    name: &'static str,
    file: Option<String>,
    table: Table,
}

/// What is in force. A list that is none restricts nothing.
#[derive(Default)]
pub(crate) struct InForce {
    pub(crate) forced_method: Option<String>,
    pub(crate) forced_workspaces: Option<Vec<String>>,
    pub(crate) allowed_methods: Option<Vec<String>>,
    pub(crate) allowed_workspaces: Option<Vec<String>>,
    pub(crate) store: String,
    /// The forced keys as they stand in the files.
    pub(crate) forced: Vec<Forced>,
    pub(crate) trusted: bool,
}

impl InForce {
    /// Joins the layers of a cell; none when something in them cannot be understood.
    pub(crate) fn of(case: &Case) -> Option<Self> {
        let file = |path: &str| case.cell.files.get(path).map(String::as_str);
        let directory = case.cell.files.keys().any(|path| path.ends_with(".toml/x"));
        let mut layers = Vec::new();
        let mut add = |name, path: &str, text: Option<&str>| -> Option<()> {
            let Some(text) = text else { return Some(()) };
            let table = parse(text)?;
            layers.push(Layer { name, file: Some(path.to_owned()), table });
            Some(())
        };
        add("system", SYSTEM, file(SYSTEM))?;
        add("user", USER, case.user_config.as_deref())?;
        if let Some(profile) = case.profile() {
            let path = format!("$CODEX_HOME/{profile}.config.toml");
            add("profile", &path, file(&path))?;
        }
        let flags = overrides(&case.overrides());
        layers.push(Layer { name: "flags", file: None, table: flags });
        if let Some(text) = file(MANAGED) {
            layers.push(Layer { name: "managed", file: Some(MANAGED.to_owned()), table: parse(text)? });
        }
        let directories = project(case);
        let trusted = layers.iter().rev().find_map(|it| trust(it, &directories[0]));
        let trusted = trusted.is_some_and(|level| level == "trusted");
        for directory in directories.iter().filter(|_| trusted) {
            let path = format!("{directory}/.codex/config.toml");
            let Some(text) = file(&path) else { continue };
            let place = layers.iter().position(|layer| layer.name == "flags").unwrap();
            layers.insert(place, Layer { name: "project", file: Some(path), table: parse(text)? });
        }
        let requirements = file(REQUIREMENTS).map_or(Some(Table::new()), parse)?;
        if directory {
            return None;
        }
        Self { trusted, ..Self::default() }.joined(&layers, &requirements)
    }

    fn joined(mut self, layers: &[Layer], requirements: &Table) -> Option<Self> {
        let top = |key: &str| {
            let found = layers.iter().rev().find_map(|it| it.table.get(key).map(|value| (it, value)));
            found.filter(
                |(_, value)| !matches!(value, Value::Array(all) if all.is_empty() && key == "profile"),
            )
        };
        if top("profile").is_some() {
            return None;
        }
        for key in FORCED_KEYS {
            if let Some((layer, value)) = top(key) {
                let value = strings(value, true)?;
                let (layer, file) = (layer.name.to_owned(), layer.file.clone());
                self.forced.push(Forced { key, value, layer, file });
            }
        }
        if let Some((_, value)) = top(FORCED_KEYS[0]) {
            self.forced_method = Some(method(value.as_str()?)?);
        }
        if let Some((_, value)) = top(FORCED_KEYS[1]) {
            if value.as_str().is_some_and(|text| text.contains(',')) {
                return None;
            }
            self.forced_workspaces = Some(trimmed(strings(value, true)?)).filter(|all| !all.is_empty());
        }
        if let Some(value) = requirements.get("allowed_login_methods") {
            let names = strings(value, false)?;
            self.allowed_methods = Some(names.iter().map(|name| method(name)).collect::<Option<_>>()?);
        }
        if let Some(value) = requirements.get("allowed_chatgpt_workspaces") {
            self.allowed_workspaces = Some(trimmed(strings(value, false)?));
        }
        let store = requirements.get("cli_auth_credentials_store");
        let store = store.or(top("cli_auth_credentials_store").map(|(_, value)| value));
        self.store = store.map_or(Some("file"), Value::as_str)?.to_owned();
        Some(self)
    }

    /// The workspaces that are left: what is forced, in its order, as far as it is allowed.
    pub(crate) fn workspaces(&self) -> Option<Vec<String>> {
        match (&self.forced_workspaces, &self.allowed_workspaces) {
            (Some(forced), Some(allowed)) => {
                Some(forced.iter().filter(|id| allowed.contains(id)).cloned().collect())
            }
            (forced, allowed) => forced.clone().or_else(|| allowed.clone()),
        }
    }

    /// The methods that are left, in alphabetical order.
    pub(crate) fn methods(&self) -> Vec<String> {
        let left = |method: &&str| {
            self.forced_method.as_deref().is_none_or(|forced| forced == *method)
                && self.allowed_methods.as_ref().is_none_or(|all| all.iter().any(|it| it == method))
                && (*method == "api" || self.workspaces().is_none_or(|all| !all.is_empty()))
        };
        ["api", "chatgpt"].iter().filter(|method| left(method)).map(|it| (*it).to_owned()).collect()
    }

    pub(crate) fn is_forced(&self) -> bool {
        self.forced_method.is_some() || self.forced_workspaces.is_some()
    }
}

fn parse(text: &str) -> Option<Table> {
    text.trim_start_matches('\u{feff}').parse().ok()
}

/// `-c key=value`: a value is TOML, or else a text; a key is split at every dot, and quotes are nothing special in it.
fn overrides(all: &[String]) -> Table {
    let mut table = Table::new();
    for (key, value) in all.iter().filter_map(|it| it.split_once('=')) {
        let parsed = parse(&format!("value={value}")).and_then(|mut it| it.remove("value"));
        if !key.contains('.') {
            table.insert(key.to_owned(), parsed.unwrap_or_else(|| Value::String(value.to_owned())));
        }
    }
    table
}

/// The directories of the project, its root first: the nearest one that has a `.git`, else the one that we are in.
fn project(case: &Case) -> Vec<String> {
    let here = case.directory();
    let up = || here.match_indices('/').map(|(end, _)| &here[..end]).chain([here]);
    let is_root = |it: &&str| case.cell.files.keys().any(|path| path.starts_with(&format!("{it}/.git")));
    let root = up().rfind(is_root).unwrap_or(here);
    up().filter(|it| it.len() >= root.len()).map(str::to_owned).collect()
}

fn trust<'a>(layer: &'a Layer, root: &str) -> Option<&'a str> {
    layer.table.get("projects")?.get(root)?.get("trust_level")?.as_str()
}

fn method(name: &str) -> Option<String> {
    ["api", "chatgpt"].contains(&name).then(|| name.to_owned())
}

fn strings(value: &Value, single: bool) -> Option<Vec<String>> {
    match value {
        Value::String(one) if single => Some(vec![one.clone()]),
        Value::Array(all) => all.iter().map(|it| it.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn trimmed(ids: Vec<String>) -> Vec<String> {
    ids.iter().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty()).collect()
}
