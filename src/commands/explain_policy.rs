//! The policy as reports show it: what is in force, and for each value the layer and file that it came from and what it
//! overrode. For `status`, and for `enforce` and its dry run.

use serde_json::{Value, json};

use super::Report;
use crate::policy::{Cloud, Method, Mismatch, Policy, Setting, Source};

/// What there is to say about the policy, beside what it is.
#[derive(Clone, Copy, Default)]
pub(super) struct Judged<'a> {
    /// What the client would use: `auth.json`, or a variable's name.
    pub(super) active: Option<&'a str>,
    /// Why it may not be used.
    pub(super) mismatch: Option<&'a Mismatch>,
    /// Whether a cloud bundle may change that.
    pub(super) cloud: Option<Cloud>,
}

/// Returns the field `policy`.
pub(super) fn policy_field(policy: &Policy, judged: Judged<'_>) -> Value {
    let demands = policy.demands();
    let constraints: Vec<Value> = policy
        .constraints()
        .iter()
        .map(|it| {
            json!({
                "source": it.source.to_string(),
                "forced_login_method": it.method.map(Method::name),
                "forced_chatgpt_workspace_id": it.workspaces,
            })
        })
        .collect();
    json!({
        "verdict": verdict(judged.mismatch),
        "active": judged.active,
        "source": policy.sources().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "reasons": judged.mismatch.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "methods": policy.methods().iter().map(|method| method.name()).collect::<Vec<_>>(),
        "workspaces": policy.workspaces(),
        "forced_login_method": demands.forced_method.map(Method::name),
        "forced_chatgpt_workspace_id": demands.forced_workspaces,
        "credentials_store": demands.credentials_store.name(),
        "values": policy.settings().iter().map(value_field).collect::<Vec<_>>(),
        "constraints": constraints,
        "cloud": judged.cloud.map(Cloud::name),
    })
}

fn verdict(mismatch: Option<&Mismatch>) -> &'static str {
    match mismatch {
        None => "allowed",
        Some(mismatch) if mismatch.is_undecided() => "undecided",
        Some(_) => "forbidden",
    }
}

fn value_field(setting: &Setting) -> Value {
    let overrides: Vec<Value> = setting
        .overrides
        .iter()
        .map(|(value, source)| json!({"value": value, "layer": source.layer.name(), "file": file_of(source)}))
        .collect();
    json!({
        "key": setting.key,
        "value": setting.value,
        "layer": setting.source.layer.name(),
        "file": file_of(&setting.source),
        "overrides": overrides,
    })
}

fn file_of(source: &Source) -> Option<String> {
    source.file.as_ref().map(|file| file.display().to_string())
}

/// Adds the same for people: a line for the verdict, and one for each value in force.
pub(super) fn with_lines(report: Report, policy: &Policy, judged: Judged<'_>) -> Report {
    let mut lines = vec![("policy".to_owned(), verdict_text(judged))];
    if policy.is_restricted() {
        let methods: Vec<&str> = policy.methods().iter().map(|method| method.name()).collect();
        lines.push(("  methods".to_owned(), methods.join(", ")));
        lines.extend(policy.workspaces().map(|ids| ("  workspaces".to_owned(), workspaces_text(ids))));
    }
    for constraint in policy.constraints() {
        let method = constraint.method.map(|method| format!("only {}", method.name()));
        let ids = constraint.workspaces.as_ref().map(|ids| format!("only {}", ids.join(", ")));
        let text: Vec<String> = method.into_iter().chain(ids).collect();
        lines.push((format!("  {}", constraint.source), text.join("; ")));
    }
    if judged.cloud == Some(Cloud::NotEvaluated) {
        let text = "may restrict more: the workspace's bundle cannot be read offline";
        lines.push(("  cloud".to_owned(), text.to_owned()));
    }
    let values = policy.settings().iter().map(value_text);
    let lines = lines.into_iter().map(|(name, text)| format!("{name:<19} {text}"));
    lines.chain(values).fold(report, Report::line)
}

fn verdict_text(judged: Judged<'_>) -> String {
    let verdict = verdict(judged.mismatch);
    match (judged.active, judged.mismatch) {
        (Some(active), Some(mismatch)) => format!("{verdict}: {active}: {mismatch}"),
        (None, Some(mismatch)) => format!("{verdict}: {mismatch}"),
        (Some(active), None) if active != super::FILE => format!("{verdict} ({active})"),
        _ => verdict.to_owned(),
    }
}

fn workspaces_text(ids: &[String]) -> String {
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}

fn value_text(setting: &Setting) -> String {
    let mut text = format!("  {} = {} from {}", setting.key, json!(setting.value), setting.source);
    for (value, source) in &setting.overrides {
        text.push_str(&format!(", over {} from {source}", json!(value)));
    }
    text
}
