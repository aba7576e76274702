//! The values in force, and where each comes from: the layers, one over the other.

use toml::{Table, Value};

use super::document::{Document, Entry};
use super::values::{
    ALLOWED_METHODS, ALLOWED_WORKSPACES, CREDENTIALS_STORE, FORCED_METHOD, FORCED_WORKSPACES, LEGACY_PROFILE,
    Wrong, allowed_workspaces, credentials_store, is_word, method, methods, workspaces,
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

    /// Returns the value of a key that counts.
    pub(super) fn value(&self, key: &'static str) -> Option<&Value> {
        strongest(&[self], key).map(|found| &found.entry.value)
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
        strongest(&[self], key).map(|found| found.read(meaning)).transpose()
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
        // The client reads the value of its configuration before the requirements replace it.
        self.read(CREDENTIALS_STORE, |it| credentials_store(client, it))?;
        let mut taken = Taken::default();
        let (config, allowed) = (&[self][..], &[requirements][..]);
        let forced_method = taken.take(config, FORCED_METHOD, method, |_| true)?;
        let ids = taken.take(config, FORCED_WORKSPACES, |it| workspaces(client, it), Option::is_some)?;
        let demands = Demands {
            forced_method,
            forced_workspaces: ids.flatten(),
            allowed_methods: taken.take(allowed, ALLOWED_METHODS, methods, |_| true)?,
            allowed_workspaces: taken.take(allowed, ALLOWED_WORKSPACES, allowed_workspaces, |_| true)?,
            credentials_store: taken
                .take(
                    &[self, requirements],
                    CREDENTIALS_STORE,
                    |it| credentials_store(client, it),
                    |_| false,
                )?
                .unwrap_or_default(),
        };
        // The client comes to this only when every value has its type.
        if let Some(found) = strongest(&[self], LEGACY_PROFILE).filter(|_| client == Client::Codex) {
            return Err(found.invalid(&legacy_profile(&found.entry.value)));
        }
        Ok((demands, taken.0))
    }
}

/// The settings that were read so far.
#[derive(Default)]
struct Taken(Vec<Setting>);

impl Taken {
    fn take<T>(
        &mut self,
        stacks: &[&Stack],
        key: &'static str,
        meaning: impl FnOnce(&Value) -> Result<T, Wrong>,
        restricts: impl FnOnce(&T) -> bool,
    ) -> Result<Option<T>, PolicyError> {
        let Some(found) = strongest(stacks, key) else { return Ok(None) };
        let value = found.read(meaning)?;
        self.0.push(found.setting(restricts(&value)));
        Ok(Some(value))
    }
}

/// The value of a key that counts, with what it overrode; only that one is ever looked at. Of several stacks the last is
/// the strongest.
fn strongest<'a>(stacks: &[&'a Stack], key: &'static str) -> Option<Strongest<'a>> {
    let layers = stacks.iter().rev().flat_map(|stack| stack.0.iter().rev());
    let mut found = layers.filter_map(|(source, document)| Some((source, document.get(key)?)));
    let (source, entry) = found.next()?;
    let overrides = found.map(|(source, entry)| (entry.value.clone(), source.clone())).collect();
    Some(Strongest { key, source, entry, overrides })
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
        Some(name) if is_word(name) => format!(
            "legacy `profile = \"{name}\"` config is no longer supported; use `--profile {name}` with \
             `{name}.config.toml` instead"
        ),
        Some(_) => "legacy `profile = ` config is no longer supported; use `--profile` instead".to_owned(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{CredentialsStore, Layer};

    fn stack(layer: Layer, text: &str) -> Stack {
        let mut stack = Stack::default();
        stack.push(Source { layer, file: None }, Document::parse(text.as_bytes(), layer.name()).unwrap());
        stack
    }

    #[test]
    fn requirements_replace_the_credentials_store_of_a_valid_configuration_only() {
        let requirements = stack(Layer::Requirements, "cli_auth_credentials_store = \"file\"");
        let read = |text| stack(Layer::User, text).demands(Client::Codex, &requirements);
        let (demands, _) = read("cli_auth_credentials_store = \"keyring\"").unwrap();
        assert_eq!(demands.credentials_store, CredentialsStore::File);
        let error = read("cli_auth_credentials_store = \"vault\"").unwrap_err().to_string();
        assert!(error.starts_with("user:1:30") && error.contains("`vault`"), "{error}");
    }
}
