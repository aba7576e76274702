//! The values in force, and where each comes from: the layers, one over the other.

use toml::{Table, Value};

use super::document::{Document, Entry};
use super::values::{
    ALLOWED_METHODS, ALLOWED_WORKSPACES, CREDENTIALS_STORE, FORCED_METHOD, FORCED_WORKSPACES, LEGACY_PROFILE,
    Wrong, allowed_workspaces, credentials_store, method, methods, workspaces,
};
use super::{Demands, PolicyError, Source};
use crate::credential::Client;

/// A value in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Its key, as the client has it.
    pub key: &'static str,
    /// The value as it was written.
    pub value: Value,
    /// Where it comes from.
    pub source: Source,
    /// What it overrode, the strongest first.
    pub overrides: Vec<(Value, Source)>,
    /// Whether it restricts anything: an empty `forced_…` list, for example, does not.
    pub restricts: bool,
}

/// The layers of one client, each with its keys, the weakest first.
#[derive(Default)]
pub(super) struct Stack(Vec<(Source, Document)>);

impl Stack {
    /// Puts a layer on top.
    pub(super) fn push(&mut self, source: Source, document: Document) {
        self.0.push((source, document));
    }

    /// Puts a whole stack on top.
    pub(super) fn with(mut self, above: Self) -> Self {
        self.0.extend(above.0);
        self
    }

    pub(super) fn layers(&self) -> impl Iterator<Item = &(Source, Document)> {
        self.0.iter()
    }

    /// The tables of one key in all layers, merged key by key, the higher layer's value counting.
    pub(super) fn table(&self, key: &str) -> Table {
        let mut merged = Table::new();
        for value in self.0.iter().filter_map(|(_, document)| document.get(key)) {
            if let Value::Table(table) = &value.value {
                merge(&mut merged, table);
            }
        }
        merged
    }

    /// The value of a key that counts, with what it overrode; only that one is ever looked at.
    fn strongest(&self, key: &'static str) -> Option<Strongest<'_>> {
        let mut found =
            self.0.iter().rev().filter_map(|(source, document)| Some((source, document.get(key)?)));
        let (source, entry) = found.next()?;
        let overrides = found.map(|(source, entry)| (entry.value.clone(), source.clone())).collect();
        Some(Strongest { key, source, entry, overrides })
    }

    /// Returns the value of a key that counts.
    pub(super) fn value(&self, key: &'static str) -> Option<&Value> {
        self.strongest(key).map(|found| &found.entry.value)
    }

    /// Reads the value of a key that counts.
    ///
    /// # Errors
    /// When it means nothing.
    pub(super) fn read<T>(
        &self,
        key: &'static str,
        meaning: impl FnOnce(&Value) -> Result<T, Wrong>,
    ) -> Result<Option<T>, PolicyError> {
        self.strongest(key).map(|found| found.read(meaning)).transpose()
    }

    /// Reads what the layers demand. `requirements` stand by themselves: nothing overrides them.
    ///
    /// # Errors
    /// When a value that counts means nothing.
    pub(super) fn demands(
        &self,
        client: Client,
        requirements: &Self,
    ) -> Result<(Demands, Vec<Setting>), PolicyError> {
        if let Some(found) = self.strongest(LEGACY_PROFILE).filter(|_| client == Client::Codex) {
            return Err(found.invalid(&legacy_profile(&found.entry.value)));
        }
        let mut settings = Vec::new();
        let mut note = |found: Option<Strongest<'_>>, restricts: bool| {
            settings.extend(found.map(|it| it.setting(restricts)));
        };
        let found = self.strongest(FORCED_METHOD);
        let forced_method = found.as_ref().map(|it| it.read(method)).transpose()?;
        note(found, forced_method.is_some());
        let found = self.strongest(FORCED_WORKSPACES);
        let read = found.as_ref().map(|it| it.read(|value| workspaces(client, value)));
        let forced_workspaces = read.transpose()?.flatten();
        note(found, forced_workspaces.is_some());
        let found = requirements.strongest(ALLOWED_METHODS);
        let allowed_methods = found.as_ref().map(|it| it.read(methods)).transpose()?;
        note(found, allowed_methods.is_some());
        let found = requirements.strongest(ALLOWED_WORKSPACES);
        let allowed_workspaces = found.as_ref().map(|it| it.read(allowed_workspaces)).transpose()?;
        note(found, allowed_workspaces.is_some());
        let found = requirements.strongest(CREDENTIALS_STORE).or_else(|| self.strongest(CREDENTIALS_STORE));
        let read = found.as_ref().map(|it| it.read(|value| credentials_store(client, value)));
        let credentials_store = read.transpose()?.unwrap_or_default();
        note(found, false);
        let demands = Demands {
            forced_method,
            forced_workspaces,
            allowed_methods,
            allowed_workspaces,
            credentials_store,
        };
        Ok((demands, settings))
    }
}

/// The entry of a key in the strongest layer that has it.
struct Strongest<'a> {
    key: &'static str,
    source: &'a Source,
    entry: &'a Entry,
    overrides: Vec<(Value, Source)>,
}

impl Strongest<'_> {
    fn read<T>(&self, meaning: impl FnOnce(&Value) -> Result<T, Wrong>) -> Result<T, PolicyError> {
        meaning(&self.entry.value).map_err(|wrong| self.invalid(&wrong.to_string()))
    }

    fn invalid(&self, problem: &str) -> PolicyError {
        PolicyError::Invalid {
            place: self.entry.place.clone(),
            problem: format!("{problem} (in `{}`)", self.key),
        }
    }

    fn setting(self, restricts: bool) -> Setting {
        Setting {
            key: self.key,
            value: self.entry.value.clone(),
            source: self.source.clone(),
            overrides: self.overrides,
            restricts,
        }
    }
}

fn legacy_profile(value: &Value) -> String {
    match value.as_str() {
        Some(name) => format!(
            "legacy `profile = \"{name}\"` config is no longer supported; use `--profile {name}` with \
             `{name}.config.toml` instead"
        ),
        None => "wanted a string; and profiles are now selected by `--profile NAME`".to_owned(),
    }
}

/// Lays one table over another, key by key.
pub(super) fn merge(into: &mut Table, from: &Table) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Value::Table(into)), Value::Table(from)) => merge(into, from),
            _ => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}
