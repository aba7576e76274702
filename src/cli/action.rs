//! The action's inputs become the options and variables that the verbs know, a stage runs, and its report becomes outputs
//! and a summary.
//!
//! The environment that the stage works in is made here: what the runner says of itself and of the job, and nothing that
//! an earlier step may have set to decide where a token is sent or put (`AUTHBATON_…`, the client's homes and overrides,
//! certificates). The same list is in `action/shared.js`, for what a process could do before it comes to this.

use std::collections::BTreeMap;
use std::ffi::OsString;

use zeroize::Zeroizing;

use super::action_output::ActionOutput;
use super::arguments::{Arguments, Common, Stage, Verb};
use super::settings::{duration, settings};
use super::{Exit, usage};
use crate::commands::{ActionOptions, Bench, LoginKind, SecretSource, When, action_main, action_post};
use crate::credential::auth_json;
use crate::job::github::{Inputs, mask_forms};
use crate::job::{Environment, Level, Notices, SystemClock};
use crate::store::StoreUrl;

/// What the runner says: of itself, of the job, and to `post`.
const KEPT_PREFIXES: [&str; 3] = ["GITHUB_", "RUNNER_", "STATE_"];
/// How this machine is used, how the cache is reached, and the names of credentials that would get in the way.
const KEPT: [&str; 29] = [
    "ACTIONS_CACHE_MODE",
    "ACTIONS_CACHE_SERVICE_V2",
    "ACTIONS_CACHE_URL",
    "ACTIONS_RESULTS_URL",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_RUNTIME_URL",
    "ALL_PROXY",
    "CI",
    "CODEX_ACCESS_TOKEN",
    "CODEX_API_KEY",
    "HOME",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "LLMX_API_KEY",
    "NO_PROXY",
    "OPENAI_FEDERATION_RULE_ID",
    "OPENAI_IDENTITY_TOKEN_FILE",
    "PATH",
    "ProgramData",
    "SystemRoot",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USER",
    "USERPROFILE",
    "all_proxy",
    "http_proxy",
    "https_proxy",
    "no_proxy",
];
/// What the fault suite bends.
#[cfg(feature = "failpoints")]
const BENT: [&str; 3] = ["AUTHBATON_FAILPOINT", "AUTHBATON_CLOCK_SPEED", "AUTHBATON_CLOCK_OFFSET"];
#[cfg(not(feature = "failpoints"))]
const BENT: [&str; 0] = [];

/// A variable of the job that is never taken for the input.
const GITHUB_TOKEN: &str = "GITHUB_TOKEN";
/// Where the cache's store looks for a token that may delete.
const CACHE_TOKEN: &str = "AUTHBATON_GITHUB_TOKEN";
const SEAL_KEY: &str = "AUTHBATON_SEAL_KEY";
/// Where the credential of the inputs is, for the verbs; in no process's environment.
const CREDENTIAL: &str = "AUTHBATON_CREDENTIAL";

/// The inputs with a credential.
const CREDENTIALS: [(&str, LoginKind); 4] = [
    ("openai-api-key", LoginKind::ApiKey),
    ("access-token", LoginKind::AccessToken),
    ("auth-json", LoginKind::AuthJson),
    ("auth-json-file", LoginKind::AuthJson),
];

/// What the inputs come to.
struct Asked {
    common: Common,
    options: ActionOptions,
    environment: Environment,
    problems: Vec<String>,
}

/// Runs a stage, if one was asked for.
pub(super) fn run(arguments: &[OsString], process: &Environment) -> Option<Exit> {
    if !arguments.iter().any(|argument| argument == "action") {
        return None;
    }
    // Without the variables that stand for options.
    let nothing = Environment::Fixed(BTreeMap::new());
    let Ok(Arguments { common: typed, verb: Verb::Action(action) }) = usage::parse(arguments, &nothing)
    else {
        return None;
    };
    let output = ActionOutput::new(process);
    mask(&output, process);
    let is_post = action.stage == Stage::Post;
    if is_post && !process.names().iter().any(|name| name.starts_with("STATE_")) {
        // `main` came to nothing, and has said why.
        output.tell(Level::Info, "there is nothing to clean up");
        return Some(Exit::Ok);
    }
    let Asked { common, mut options, environment, mut problems } = read(process, typed);
    options.runner = action.runner.filter(|runner| *runner > 1);
    // A credential of the inputs is in a variable of ours.
    let settings = match settings(&common, vec![CREDENTIAL.to_owned()]) {
        Ok(settings) => Some(settings),
        Err(wrong) => {
            problems
                .extend(wrong.into_iter().map(|(option, problem)| format!("input `{option}`: {problem}")));
            None
        }
    };
    let Some(settings) = settings.filter(|_| problems.is_empty()) else {
        return Some(output.invalid(&environment, &problems.join("; ")));
    };
    let bench = Bench {
        settings: &settings,
        environment: &environment,
        clock: &SystemClock,
        notices: &output,
        read_only: None,
    };
    let ended = if is_post { action_post(&bench, &options) } else { action_main(&bench, &options) };
    Some(match ended {
        Ok(report) if is_post => output.ended(&report),
        Ok(report) => output.success(&environment, &settings, &report),
        Err(error) => output.failure(&environment, &settings, &error),
    })
}

/// Hides every secret of the inputs, before anything else is said.
fn mask(output: &ActionOutput, process: &Environment) {
    let mut inputs = Inputs::of(process);
    let masks = output.masks();
    let forms = |secret: &str| mask_forms(secret).iter().for_each(|form| masks.hide(form));
    for name in ["openai-api-key", "access-token", "github-token"] {
        inputs.text(name).iter().for_each(|secret| forms(secret));
    }
    if let Some(keys) = inputs.text("seal-key") {
        keys.split(|it: char| it.is_whitespace() || it == ',').for_each(forms);
    }
    if let Some(login) = inputs.text("auth-json") {
        if let Ok(document) = auth_json(login.as_bytes()) {
            document.secrets().iter().for_each(|secret| forms(secret));
        }
        // In base64 it is one value; a JSON document never is.
        if !login.starts_with('{') {
            masks.hide(&login);
        }
    }
}

fn read(process: &Environment, typed: Common) -> Asked {
    let mut inputs = Inputs::of(process);
    let mut secrets = BTreeMap::new();
    let credential = credential(&mut inputs, &mut secrets);
    if let Some(keys) = inputs.text("seal-key") {
        secrets.insert(SEAL_KEY.to_owned(), keys);
    }
    if let Some(token) = inputs.text("github-token") {
        for name in [GITHUB_TOKEN, CACHE_TOKEN] {
            secrets.insert(name.to_owned(), token.clone());
        }
    }
    // What lasts as it is needs no store: an invalid one is no obstacle either.
    let needs_store = !matches!(credential, Some((LoginKind::ApiKey | LoginKind::AccessToken, _)));
    let store = inputs.plain("store").or(Some("actions-cache:".to_owned())).filter(|_| needs_store);
    let lines = |text: Option<String>| -> Vec<String> {
        text.iter()
            .flat_map(|text| text.lines())
            .map(str::trim)
            .filter(|it| !it.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let common = Common {
        client: inputs.plain("client"),
        home: inputs.plain("codex-home").map(Into::into),
        audience: inputs.plain("audience"),
        slot: inputs.plain("slot"),
        refresh_before_expiry: inputs.plain("refresh-before-expiry"),
        lock_timeout: inputs.plain("lock-timeout"),
        timeout: inputs.plain("timeout"),
        forced_login_method: inputs.plain("forced-login-method"),
        forced_chatgpt_workspace_id: lines(inputs.plain("forced-chatgpt-workspace-id")),
        managed_config: inputs.plain("managed-config").map(Into::into),
        authority_url: inputs.plain("authority-url"),
        ca_file: inputs.plain("ca-file").map(Into::into),
        config_root: typed.config_root,
        verbose: process.get("RUNNER_DEBUG").is_some_and(|value| *value == "1"),
        store,
        ..Common::default()
    };
    let options = ActionOptions {
        credential,
        read_only: inputs.switch("read-only", false),
        refresh: inputs.parsed("refresh", When::parse).unwrap_or_default(),
        min_ttl: inputs.parsed("min-ttl", duration),
        broker: inputs.parsed("broker", When::parse).unwrap_or_default(),
        cleanup: inputs.switch("cleanup", true),
        export_environment: inputs.switch("export-environment", true),
        allow_untrusted_events: inputs.switch("allow-untrusted-events", false),
        runner: None,
    };
    let store = common.store.as_deref().and_then(|store| StoreUrl::parse(store).ok());
    let of_store = store.as_ref().map(StoreUrl::variables).unwrap_or_default();
    let mut variables = process.only(|name| is_kept(name) || is_of_store(name, of_store));
    variables.extend(secrets);
    Asked {
        common,
        options,
        environment: Environment::HandedOver(variables),
        problems: inputs.into_problems(),
    }
}

/// A store's own variables count, but for ours, and for a token that the inputs did not give.
fn is_of_store(name: &str, of_store: &[&str]) -> bool {
    of_store.contains(&name) && name != GITHUB_TOKEN && !name.starts_with("AUTHBATON_")
}

fn is_kept(name: &str) -> bool {
    name != GITHUB_TOKEN
        && (KEPT.contains(&name)
            || BENT.contains(&name)
            || KEPT_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

/// Finds the one credential; two of them are a mistake that nobody should have to guess.
fn credential(
    inputs: &mut Inputs<'_>,
    secrets: &mut BTreeMap<String, Zeroizing<String>>,
) -> Option<(LoginKind, SecretSource)> {
    let given: Vec<_> = CREDENTIALS
        .into_iter()
        .filter_map(|(name, kind)| inputs.text(name).map(|text| (name, kind, text)))
        .collect();
    if let [_, second, ..] = given.as_slice() {
        let names: Vec<String> = given.iter().map(|(name, ..)| format!("`{name}`")).collect();
        inputs.note(second.0, format!("give at most one credential, not {}", names.join(" and ")));
    }
    let (name, kind, text) = given.into_iter().next()?;
    if name == "auth-json-file" {
        return Some((kind, SecretSource::File(text.as_str().into())));
    }
    secrets.insert(CREDENTIAL.to_owned(), text);
    Some((kind, SecretSource::Variable(CREDENTIAL.to_owned())))
}

#[cfg(test)]
mod tests;
