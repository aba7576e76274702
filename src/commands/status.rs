//! `status`: what is in the home. Local files only: no network, no lock, no secret, nothing written.

use serde_json::Value;

use crate::credential::{Credential, Due, Freshness};
use crate::home::{AuthFile, Found, Sidecar};
use crate::relay::RelayError;

use super::enforce::policy_field;
use super::report::time;
use super::{Bench, CommandError, Report};

/// Looks at the home.
///
/// # Errors
/// When there is no usable login, or the policy cannot be read.
pub fn status(bench: &Bench<'_>) -> Result<Report, CommandError> {
    let home = bench.home()?;
    let policy = bench.policy(&home)?;
    let credential = match AuthFile::of(&home).look(bench.clock)? {
        Found::Nothing => return Err(RelayError::NoLogin.into()),
        Found::Unparsable(error) => return Err(RelayError::Unparsable(error).into()),
        Found::Unusable(error) => return Err(RelayError::Unusable(error).into()),
        Found::Credential(credential) => credential,
    };
    let mismatch = policy.check(&credential).err();
    let sidecar = Sidecar::read(&home);
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
        .with("policy", policy_field(&policy, mismatch.as_ref()));
    Ok(lines(report))
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
                Value::Object(policy) => verdict(policy),
                other => other.to_string(),
            };
            Some(format!("{:<19} {text}", name.replace('_', " ")))
        })
        .collect();
    plain.into_iter().fold(report, Report::line)
}

fn verdict(policy: &serde_json::Map<String, Value>) -> String {
    let list = |name| -> Vec<&str> {
        let items: &[Value] = policy.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice);
        items.iter().filter_map(Value::as_str).collect()
    };
    let verdict = policy.get("verdict").and_then(Value::as_str).unwrap_or_default();
    let reasons: Vec<&str> = list("reasons").into_iter().chain(list("source")).collect();
    if reasons.is_empty() { verdict.to_owned() } else { format!("{verdict} ({})", reasons.join("; ")) }
}
