//! Whether the event that started the run gets a login, and whether something in the environment would get in its way.

use super::super::bench::SEAL_KEY_VARIABLE;
use super::super::{Bench, CommandError};
use super::ActionOptions;
use crate::disk::{Read, read_capped};
use crate::job::github::{MAX_EVENT_BYTES, Occasion, Payload, Trust};
use crate::policy::ambient;

const ASKED_FOR: &str = "`read-only` was asked for";

/// Judges the event. Returns why the run may not write, whatever its store would allow; `None` where that is the store's
/// to say.
pub(super) fn admit(bench: &Bench<'_>, options: &ActionOptions) -> Result<Option<String>, CommandError> {
    let job = bench.job();
    let payload = payload(bench);
    let actor = bench.environment.get("GITHUB_ACTOR");
    let trust = Trust::of(&Occasion {
        event: job.event.as_deref().unwrap_or_default(),
        reference: job.reference.as_deref(),
        actor: actor.as_ref().map(|actor| actor.as_str()),
        payload: payload.as_ref(),
        has_secrets: options.credential.is_some() || bench.environment.has(SEAL_KEY_VARIABLE),
    });
    let forbidden = trust
        .admit(options.allow_untrusted_events)
        .map_err(|(reason, fix)| CommandError::EventRefused { reason, fix })?;
    let reason = forbidden.or(options.read_only.then_some(ASKED_FOR));
    Ok(reason.map(str::to_owned))
}

/// One that cannot be read is none: then no more is allowed than without it.
fn payload(bench: &Bench<'_>) -> Option<Payload> {
    let path = bench.environment.path("GITHUB_EVENT_PATH")?;
    match read_capped(&path, MAX_EVENT_BYTES) {
        Ok(Read::Content(bytes)) => Payload::parse(&bytes),
        Ok(Read::Missing) | Err(_) => None,
    }
}

/// Refuses a credential in a variable: the client would use it in the place of the login that it is given here.
pub(super) fn refuse_rivals(bench: &Bench<'_>) -> Result<(), CommandError> {
    let rivals = ambient(bench.settings.client, bench.environment);
    if rivals.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = rivals.iter().map(|rival| format!("`{}`", rival.variable)).collect();
    Err(CommandError::RivalCredential(names.join(", ")))
}
