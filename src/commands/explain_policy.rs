//! The policy as reports show it: what is in force, and for each value the layer and file that it came from and what it
//! overrode. For `status`, and for `enforce` and its dry run.

use serde_json::{Value, json};

use super::Report;
use super::judge::Judgement;
use crate::policy::{Cloud, Method, Mismatch, Policy, Setting, Source};

/// Returns the field `policy`. Without a judgement there is no verdict: nothing could be judged.
pub(super) fn policy_field(policy: &Policy, judgement: Option<&Judgement>) -> Value {
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
        "verdict": judgement.and_then(verdict),
        "active": judgement.and_then(|it| it.active),
        "source": policy.sources().iter().map(ToString::to_string).collect::<Vec<_>>(),
        "reasons": judgement.map(reasons).unwrap_or_default(),
        "methods": policy.methods().iter().map(|method| method.name()).collect::<Vec<_>>(),
        "workspaces": policy.workspaces(),
        "forced_login_method": demands.forced_method.map(Method::name),
        "forced_chatgpt_workspace_id": demands.forced_workspaces,
        "credentials_store": demands.credentials_store.name(),
        "values": policy.settings().iter().map(value_field).collect::<Vec<_>>(),
        "constraints": constraints,
        "cloud": judgement.map(|it| it.cloud.name()),
    })
}

/// `None` where there is no credential to judge.
fn verdict(judgement: &Judgement) -> Option<&'static str> {
    let mismatches: Vec<&Mismatch> = judgement.mismatches().map(|(_, mismatch)| mismatch).collect();
    if mismatches.is_empty() {
        return judgement.active.map(|_| "allowed");
    }
    let is_undecided = mismatches.into_iter().all(Mismatch::is_undecided);
    Some(if is_undecided { "undecided" } else { "forbidden" })
}

fn reasons(judgement: &Judgement) -> Vec<String> {
    judgement.mismatches().map(|(place, mismatch)| format!("{place}: {mismatch}")).collect()
}

fn value_field(setting: &Setting) -> Value {
    let overrides: Vec<Value> = setting
        .overrides
        .iter()
        .map(|(value, source)| {
            json!({
                "value": shown(setting.key, value),
                "layer": source.layer.name(),
                "file": file_of(source),
            })
        })
        .collect();
    json!({
        "key": setting.key,
        "value": shown(setting.key, &setting.value),
        "layer": setting.source.layer.name(),
        "file": file_of(&setting.source),
        "overrides": overrides,
    })
}

/// A value as it was written. Where only a few words are good, anything longer may be a misplaced secret.
fn shown(key: &str, value: &toml::Value) -> Value {
    const MAX_WORD_BYTES: usize = 16;
    let takes_ids = key.contains("workspace");
    match value.as_str() {
        Some(text) if !takes_ids && text.len() > MAX_WORD_BYTES => "(not shown)".into(),
        _ => json!(value),
    }
}

fn file_of(source: &Source) -> Option<String> {
    source.file.as_ref().map(|file| file.display().to_string())
}

/// Adds the same for people: a line for the verdict, and one for each value in force.
pub(super) fn with_lines(report: Report, policy: &Policy, judgement: Option<&Judgement>) -> Report {
    let mut lines = vec![("policy".to_owned(), verdict_text(judgement))];
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
    if judgement.is_some_and(|it| it.cloud == Cloud::NotEvaluated) {
        let text = "may restrict more: the workspace's bundle cannot be read offline";
        lines.push(("  cloud".to_owned(), text.to_owned()));
    }
    let values = policy.settings().iter().map(value_text);
    let lines = lines.into_iter().map(|(name, text)| format!("{name:<19} {text}"));
    lines.chain(values).fold(report, Report::line)
}

fn verdict_text(judgement: Option<&Judgement>) -> String {
    let Some(judgement) = judgement else { return "not judged".to_owned() };
    let Some(verdict) = verdict(judgement) else { return "nothing to judge".to_owned() };
    let reasons = reasons(judgement).join("; ");
    match judgement.active {
        _ if !reasons.is_empty() => format!("{verdict}: {reasons}"),
        Some(active) if active != super::FILE => format!("{verdict} ({active})"),
        _ => verdict.to_owned(),
    }
}

fn workspaces_text(ids: &[String]) -> String {
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}

fn value_text(setting: &Setting) -> String {
    let shown = |value| shown(setting.key, value);
    let mut text = format!("  {} = {} from {}", setting.key, shown(&setting.value), setting.source);
    for (value, source) in &setting.overrides {
        text.push_str(&format!(", over {} from {source}", shown(value)));
    }
    text
}
