//! What the client did in a cell, in the words of [`Expected`].

use serde_json::Value;

use crate::{
    cell::{Case, Verb},
    layers::{MANAGED, PROJECT, REQUIREMENTS, SYSTEM, USER},
    login::{Place, sources},
    outcome::{Class, Expected, FORCED_KEYS, Fate, Forced, InForce, Verdict, class, strings},
};

/// What the client did, beside what it decided.
#[derive(Clone, Debug)]
pub(crate) struct Theirs {
    pub(crate) expected: Expected,
    pub(crate) class: Option<Class>,
    /// It went on, or said that nobody is logged in, although there was a credential.
    pub(crate) hid: bool,
    /// It stopped before it could have used one, for a reason that is none of ours.
    pub(crate) stopped_elsewhere: bool,
}

const SUFFIX: &str = "Logging out.";

/// Reads what a cell recorded.
///
/// # Errors
/// The text that has no class.
pub(crate) fn theirs(case: &Case) -> Result<Theirs, String> {
    let verb = case.verb();
    let fate = match case.cell.auth_json.as_str() {
        // The app-server's file is written by the recorder, not by the policy.
        _ if matches!(verb, Verb::ConfigRead | Verb::StartupConfig) && case.has_file() => Fate::Kept,
        "absent" => Fate::Absent,
        "kept" => Fate::Kept,
        "removed" => Fate::Removed,
        "created" => Fate::Created,
        "rewritten" => Fate::Rewritten,
        other => return Err(format!("auth.json was `{other}`")),
    };
    let said = &said(case);
    let class = class(said);
    let mut theirs = Theirs {
        expected: Expected::new(Verdict::Permitted, fate),
        class,
        hid: false,
        stopped_elsewhere: said.contains("Not inside a trusted directory"),
    };
    if let Some(class) = class {
        theirs.expected = complaint(case, class, fate);
        return Ok(theirs);
    }
    if verb == Verb::Status {
        let variables_skipped = |place: &Place| *place != Place::Variable("CODEX_API_KEY");
        let any = sources(case).iter().any(|(place, _)| variables_skipped(place));
        theirs.hid = said == "Not logged in" && any;
        if theirs.hid {
            theirs.expected = Expected::new(Verdict::Forbidden, fate).with(&["policy-would-log-out"], &[]);
        }
        return known(theirs, said, &["Not logged in", "Logged in using", "API key configured"]);
    }
    if verb == Verb::Bystander {
        theirs.expected.verdict = None;
        return Ok(theirs);
    }
    if let Verb::ConfigRead | Verb::StartupConfig = verb {
        theirs.expected.verdict = None;
        theirs.expected.policy = Some(in_force(case)?);
        return Ok(theirs);
    }
    theirs.hid =
        verb == Verb::Exec && case.cell.model_request.as_deref() == Some("none") && !sources(case).is_empty();
    let usual =
        ["<banner>", "Not inside a trusted", "Successfully logged", "API key saved", "thread.started"];
    known(theirs, &format!("{said}{}", case.cell.stdout), &usual)
}

/// What the client had to say. The start-up configuration has it in its answer.
fn said(case: &Case) -> String {
    let answer: Value = serde_json::from_str(&case.cell.stdout).unwrap_or_default();
    let detail = answer["error"]["data"]["detail"].as_str();
    detail.unwrap_or(&case.cell.stderr).to_owned()
}

fn known(theirs: Theirs, said: &str, usual: &[&str]) -> Result<Theirs, String> {
    let is_known = usual.iter().any(|text| said.contains(text));
    if is_known { Ok(theirs) } else { Err(format!("no class for `{said}`")) }
}

fn complaint(case: &Case, class: Class, fate: Fate) -> Expected {
    let said = &said(case);
    let first = said.lines().find(|line| line.contains(SUFFIX)).unwrap_or_default();
    let forbidden = Expected::new(Verdict::Forbidden, fate);
    let stopped = Expected::new(Verdict::Configuration, fate);
    let invalid = stopped.clone().with(&["policy-invalid"], &[]);
    let dry = case.verb() == Verb::Status;
    match class {
        Class::ApiRequired
        | Class::ChatgptRequired
        | Class::WorkspaceBelongs
        | Class::WorkspaceLacks
        | Class::TokenData => {
            let text = first.split(". Failed to remove").next().unwrap_or_default();
            let id = if first.contains("Failed to remove") {
                "policy-not-logged-out"
            } else {
                "policy-logged-out"
            };
            let mut expected = forbidden.with(&[id], &[class]);
            expected.text = (id == "policy-logged-out").then(|| text.to_owned());
            expected
        }
        Class::WorkspaceAtLogin if dry => {
            forbidden.with(&["policy-would-log-out"], &[Class::WorkspaceBelongs])
        }
        Class::WorkspaceAtLogin | Class::ApiKeyDisabled | Class::AccessTokenDisabled => {
            forbidden.with(&["policy-forbidden"], &[class])
        }
        Class::KeyAsArgument => stopped.with(&["secret-on-argv"], &[]).saying(&["--with-api-key"]),
        Class::Impossible => stopped.with(&["policy-impossible"], &[Class::Impossible]),
        Class::LegacyProfile => invalid.saying(&["legacy `profile = "]),
        Class::NotAFile => stopped.with(&["policy-unreadable"], &[]).saying(&files(case)),
        Class::Comma => {
            let mut expected = invalid.saying(&[FORCED_KEYS[1]]);
            expected.parts.extend(sentence(said));
            expected
        }
        Class::MethodName => {
            let mut expected = invalid.saying(&[FORCED_KEYS[0]]);
            expected.parts.extend(sentence(said));
            expected
        }
        Class::RequirementsInvalid => {
            let keys = ["allowed_login_methods", "allowed_chatgpt_workspaces"];
            let key = keys.iter().find(|key| said.ends_with(&format!("in `{key}`")));
            invalid.saying(&files(case)).saying(key.map(std::slice::from_ref).unwrap_or_default())
        }
        Class::WorkspaceType => invalid.saying(&[FORCED_KEYS[1]]),
        Class::OtherType => invalid.saying(&[&key_named(case)]),
        Class::DuplicateKey | Class::Syntax | Class::UnknownKey => invalid.saying(&files(case)),
        Class::Keyring | Class::BrokenLogin => Expected::new(Verdict::NoCredential, fate),
    }
}

/// The sentence that ours shares with the client: without prefix, position and key.
fn sentence(said: &str) -> Option<String> {
    let begin = ["unknown variant", "forced_chatgpt_workspace_id must"];
    let start = begin.iter().find_map(|text| said.find(text))?;
    said[start..].lines().next().map(str::to_owned)
}

/// The files that the message names.
fn files(case: &Case) -> Vec<&'static str> {
    let all = [SYSTEM, USER, PROJECT, MANAGED, REQUIREMENTS];
    let said = said(case);
    all.into_iter().filter(|path| said.contains(path)).collect()
}

/// The key that the message is about: named, or by its line in the user's file.
pub(crate) fn key_named(case: &Case) -> String {
    let said = said(case);
    if let Some((_, key)) = said.rsplit_once("\nin `") {
        return key.trim_end_matches('`').to_owned();
    }
    let line =
        said.rsplit_once("config.toml:").and_then(|(_, rest)| rest.split(':').next()?.parse::<usize>().ok());
    let text = case.user_config.as_deref().unwrap_or_default();
    let line = line.and_then(|line| text.lines().nth(line - 1)).unwrap_or_default();
    line.split('=').next().unwrap_or_default().trim().to_owned()
}

/// What the app-server says of the configuration.
fn in_force(case: &Case) -> Result<InForce, String> {
    let said: Value = serde_json::from_str(&case.cell.stdout).map_err(|error| error.to_string())?;
    let (requirements, config) = match case.verb() {
        Verb::ConfigRead => (&said["configRequirements/read"], Some(&said["config/read"])),
        _ => (&said["configRequirements"], None),
    };
    let mut methods = strings(&requirements["requirements"]["allowedLoginMethods"]);
    if methods.is_empty() {
        methods = vec!["api".to_owned(), "chatgpt".to_owned()];
    }
    methods.sort();
    let forced = config.map(|config| FORCED_KEYS.iter().filter_map(|key| forced(config, key)).collect());
    Ok(InForce { methods, forced })
}

fn forced(config: &Value, key: &'static str) -> Option<Forced> {
    let origin = &config["origins"][key];
    let layer = match origin["type"].as_str()? {
        "user" if !origin["profile"].is_null() => "profile",
        "sessionFlags" => "flags",
        "legacyManagedConfigTomlFromFile" => "managed",
        other => other,
    };
    let file = origin["file"].as_str().map(str::to_owned);
    Some(Forced { key, value: strings(&config[key]), layer: layer.to_owned(), file })
}
