//! `status`: what is in the home. Local files only: no network, no lock, no secret, nothing written.

use serde_json::Value;

use crate::credential::{Credential, Due, Freshness};
use crate::home::{AuthFile, Found, Sidecar};
use crate::job::explain;
use crate::relay::RelayError;

use super::explain_policy::{policy_field, with_lines};
use super::judge::Judgement;
use super::report::time;
use super::{Bench, CommandError, Report};

/// Looks at the home.
///
/// # Errors
/// When there is no usable login, or the policy cannot be read.
pub fn status(bench: &Bench<'_>) -> Result<Report, CommandError> {
    let (parts, policy) = bench.parts_and_policy()?;
    let home = &parts.home;
    let file = AuthFile::of(home);
    let judgement = Judgement::of(bench, &policy, &file);
    let judged = judgement.as_ref().ok();
    let credential = match file.look(bench.clock)? {
        Found::Nothing => Err(RelayError::NoLogin),
        Found::Unparsable(error) => Err(RelayError::Unparsable(error)),
        Found::Unusable(error) => Err(RelayError::Unusable(error)),
        Found::Credential(credential) => Ok(credential),
    };
    // Who asks why there is no login may find the reason in the policy.
    let credential = credential.map_err(|error| {
        let report = Report::default().with("policy", policy_field(&policy, judged));
        CommandError::from(error).with(with_lines(report, &policy, judged))
    })?;
    if let Err(error) = &judgement {
        bench.warn(&explain(error));
    }
    let sidecar = Sidecar::read(home);
    let due = due(bench, &credential);
    let claims = credential.id_claims().unwrap_or_default();
    let expires_at = credential.lifetime().and_then(|lifetime| lifetime.expires_at);
    let report = Report::default()
        .with("client", bench.settings.client.name())
        .with("home", home.path().display().to_string())
        .with("mode", credential.mode().name())
        .with("account_id", credential.account_id())
        .with("user_id", claims.user_id)
        .with("email", claims.email)
        .with("plan", claims.plan)
        .with("expires_at", time(expires_at))
        .with("last_refresh", time(credential.last_refresh()))
        .with("refresh_due", due.is_some())
        .with("refresh_due_reason", due.map(|due| due.to_string()))
        .with("has_refresh_token", credential.has_refresh_token())
        .with("slot", sidecar.as_ref().map(|sidecar| sidecar.slot.clone()))
        .with("generation", sidecar.as_ref().map(|sidecar| sidecar.generation))
        .with("store", sidecar.as_ref().map(|sidecar| sidecar.store.clone()))
        .with("policy", policy_field(&policy, judged));
    Ok(with_lines(lines(report), &policy, judged))
}

/// Whether an exchange is due. Not of what has no end, such as a key; of an access-only file it tells what its store
/// should do.
fn due(bench: &Bench<'_>, credential: &Credential) -> Option<Due> {
    match credential.lifetime()?.freshness(bench.clock.now(), bench.settings.margin) {
        Freshness::Due(due) => Some(due),
        Freshness::Fresh => None,
    }
}

/// The same fields for people: a name, a value, a line. What is not known is left out.
fn lines(report: Report) -> Report {
    let plain: Vec<String> = report
        .fields()
        .iter()
        .filter_map(|(name, value)| {
            let text = match value {
                Value::Null => return None,
                Value::String(text) => text.clone(),
                Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
                // The policy has lines of its own.
                Value::Object(_) => return None,
                other => other.to_string(),
            };
            Some(format!("{:<19} {text}", name.replace('_', " ")))
        })
        .collect();
    plain.into_iter().fold(report, Report::line)
}
