//! What doctor found, as a report: each finding with its id and hint, those of the error table where another verb would
//! stop at it. The table in `docs/doctor.md` is made from that of the others.

use serde_json::{Value, json};

use super::ErrorId;
use crate::commands::{About, CommandError, Finding, FindingId, Report, Row, Severity};

/// Reports findings; lines for people only of those that matter at `least` so much. `strict`: fails as the first error
/// among them would have a verb fail.
///
/// # Errors
/// With the whole report, when that was wanted and there is an error.
pub(super) fn report(findings: Vec<Finding>, least: Severity, strict: bool) -> Result<Report, CommandError> {
    let findings = once_each(findings);
    let worst = findings.iter().map(|finding| finding.severity).max().unwrap_or(Severity::Ok);
    let fields: Vec<Value> = findings.iter().map(field).collect();
    let report = Report::default().with("worst", worst.name()).with("findings", fields);
    let shown = findings.iter().filter(|finding| finding.severity >= least).flat_map(lines);
    let report = shown.chain([summary(&findings)]).fold(report, Report::line);
    let first = findings.into_iter().find(|finding| finding.severity == Severity::Error);
    match first.filter(|_| strict) {
        None => Ok(report),
        Some(finding) => Err(error_of(finding).with(report)),
    }
}

/// Two topics may meet the same error; the first has told it.
fn once_each(findings: Vec<Finding>) -> Vec<Finding> {
    let mut told: Vec<(&'static str, String)> = Vec::new();
    let mut once = Vec::new();
    for finding in findings {
        let this = (id_and_hint(&finding).0, finding.text.clone());
        if !told.contains(&this) {
            told.push(this);
            once.push(finding);
        }
    }
    once
}

fn error_of(finding: Finding) -> CommandError {
    match finding.about {
        About::Error(error) => *error,
        About::Row(_) => CommandError::Unwell(finding.text),
    }
}

/// An error that is not grave here still has the hint of its row.
fn id_and_hint(finding: &Finding) -> (&'static str, &'static str) {
    match &finding.about {
        About::Row(id) => (id.row().id, id.row().hint),
        About::Error(error) => {
            let entry = ErrorId::of(error).entry();
            (entry.id, entry.hint)
        }
    }
}

fn field(finding: &Finding) -> Value {
    let (id, hint) = id_and_hint(finding);
    json!({
        "id": id,
        "severity": finding.severity.name(),
        "topic": finding.topic.name(),
        "message": finding.text,
        "hint": (!hint.is_empty()).then_some(hint),
        "details": finding.details,
    })
}

fn lines(finding: &Finding) -> impl Iterator<Item = String> {
    let (id, hint) = id_and_hint(finding);
    let line = format!("{:<7} {:<7} {} [{id}]", finding.severity.name(), finding.topic.name(), finding.text);
    let has_hint = !hint.is_empty() && finding.severity > Severity::Ok;
    [line].into_iter().chain(has_hint.then(|| format!("{:<15} hint: {hint}", "")))
}

fn summary(findings: &[Finding]) -> String {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let said = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        many => Some(format!("{many} {what}s")),
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let told: Vec<String> =
        [said(errors, "error"), said(warnings, "warning")].into_iter().flatten().collect();
    if told.is_empty() { "nothing is wrong".to_owned() } else { told.join(", ") }
}

/// Returns the table with which the page `docs/doctor.md` ends.
#[must_use]
pub fn doctor_table() -> String {
    let mut table = String::from("| id | severity | what it means | what to do |\n|---|---|---|---|\n");
    for id in FindingId::ALL {
        let Row { id, severity, meaning, hint } = id.row();
        let severity = severity.name();
        table.push_str(&format!("| <a id=\"{id}\"></a>`{id}` | {severity} | {meaning} | {hint} |\n"));
    }
    table
}
