//! What the arguments mean. Every problem is found before anything is done, and all are told at once.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;

use super::arguments::Common;
use crate::authority::AuthorityUrl;
use crate::baton::{Audience, SlotName};
use crate::commands::{Settings, may_be_secret};
use crate::credential::{Client, Margin};
use crate::job::{Platform, Wish};
use crate::policy::{Constraint, Flags, PolicyOptions, Profile};
use crate::store::StoreUrl;

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// Everything that is wrong with the options: which, and a sentence.
pub(super) struct Problems(Vec<(&'static str, String)>);

impl Problems {
    /// Takes a value, or notes what is wrong with the option that it came from.
    fn take<T, E: fmt::Display>(&mut self, option: &'static str, value: Option<Result<T, E>>) -> Option<T> {
        match value? {
            Ok(value) => Some(value),
            Err(error) => {
                self.0.push((option, error.to_string()));
                None
            }
        }
    }
}

impl IntoIterator for Problems {
    type Item = (&'static str, String);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<String> = self.0.iter().map(|(option, error)| format!("--{option}: {error}")).collect();
        out.write_str(&told.join("; "))
    }
}

pub(super) fn settings(common: &Common, secret_variables: Vec<String>) -> Result<Settings, Problems> {
    let mut problems = Problems(Vec::new());
    let client = problems.take("client", common.client.as_deref().map(client));
    let platform = problems.take("platform", common.platform.as_deref().map(platform));
    let mask = problems.take("mask", common.mask.as_deref().map(mask));
    problems.take("dotenv", common.dotenv.as_deref().map(named));
    let store = problems.take("store", common.store.as_deref().map(StoreUrl::parse));
    let slot = problems.take("slot", common.slot.as_deref().map(SlotName::new));
    let audience = problems.take("audience", common.audience.as_deref().map(Audience::new));
    let authority = problems.take("authority-url", common.authority_url.as_deref().map(AuthorityUrl::parse));
    let margin =
        problems.take("refresh-before-expiry", common.refresh_before_expiry.as_deref().map(duration));
    let lock_timeout = problems.take("lock-timeout", common.lock_timeout.as_deref().map(span));
    let timeout = problems.take("timeout", common.timeout.as_deref().map(span));
    let policy = policy(common, &mut problems);
    if !problems.0.is_empty() {
        return Err(problems);
    }
    Ok(Settings {
        client: client.unwrap_or(Client::Codex),
        home: common.home.clone(),
        store,
        store_text: common.store.clone(),
        secret_variables,
        // A path that is not UTF-8 cannot be handed over; whoever needs it says so.
        given: serde_json::to_value(common).unwrap_or_default(),
        slot: slot.unwrap_or_default(),
        audience,
        seal_key_file: common.seal_key_file.clone(),
        margin: margin.map_or(Margin::Default, Margin::Fixed),
        lock_timeout,
        timeout: timeout.unwrap_or(DEFAULT_TIMEOUT),
        platform,
        mask: mask.unwrap_or_default(),
        policy,
        authority,
        ca_file: common.ca_file.clone(),
    })
}

fn policy(common: &Common, problems: &mut Problems) -> PolicyOptions {
    let method = common.forced_login_method.as_deref().map(Constraint::of_method);
    let workspaces = Constraint::of_workspaces(&common.forced_chatgpt_workspace_id);
    // A variable with one a line ends with a line break where YAML writes it.
    let lines = common.config.iter().map(String::as_str).filter(|it| !it.trim().is_empty());
    let flags = Flags::parse(lines);
    PolicyOptions {
        constraints: problems
            .take("forced-login-method", method)
            .into_iter()
            .chain(problems.take("forced-chatgpt-workspace-id", Some(workspaces)).flatten())
            .collect(),
        managed_config: common.managed_config.clone(),
        profile: problems.take("profile", common.profile.as_deref().map(Profile::new)),
        flags: problems.take("config", Some(flags)).unwrap_or_default(),
        root: common.config_root.clone(),
    }
}

fn client(name: &str) -> Result<Client, &'static str> {
    let found = [Client::Codex, Client::Llmx].into_iter().find(|client| client.name() == name);
    found.ok_or("expected `codex` or `llmx`")
}

fn platform(name: &str) -> Result<Platform, String> {
    let found = Platform::ALL.into_iter().find(|platform| platform.name() == name);
    found.ok_or_else(|| format!("expected {}", one_of(&Platform::ALL.map(Platform::name))))
}

/// A file of this name would show the secret.
fn named(path: &Path) -> Result<(), &'static str> {
    if may_be_secret(path) { Err("this looks like a secret, where a file should be named") } else { Ok(()) }
}

fn mask(name: &str) -> Result<Wish, String> {
    Wish::parse(name).ok_or_else(|| format!("expected {}", one_of(&Wish::names().collect::<Vec<_>>())))
}

/// `a`, `b` or `c`.
fn one_of(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

fn span(text: &str) -> Result<Duration, &'static str> {
    const EXPECTED: &str = "expected a duration with its unit, such as `90s`, `10m` or `24h`";
    let duration = humantime::parse_duration(text).map_err(|_| EXPECTED)?;
    // A year is longer than any token or lease, and far from where arithmetic on times ends.
    if duration > Duration::from_secs(366 * 86_400) { Err(EXPECTED) } else { Ok(duration) }
}

/// Reads a duration as times are compared with.
pub(super) fn duration(text: &str) -> Result<TimeDelta, &'static str> {
    TimeDelta::from_std(span(text)?).map_err(|_| "the duration is too long")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(span("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(span("24h"), Ok(Duration::from_secs(86_400)));
        for bad in ["", "90", "-1s", "soon", "1000000000000y", "400d"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
