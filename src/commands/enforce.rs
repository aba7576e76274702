//! `enforce`: evaluates the policy over the credential that the client would use, and logs out locally when it is not
//! allowed. Nothing is revoked, a store keeps its baton, and a file that is itself allowed is never deleted because of
//! what a variable holds.

use crate::disk::remove;
use crate::home::{AuthFile, Found, Renewed, Sidecar};
use crate::job::explain;
use crate::policy::{Cloud, GateError, Mismatch, Policy};
use crate::relay::{RelayError, Session, Surroundings};

use super::explain_policy::{Judged, policy_field, with_lines};
use super::judge::Judgement;
use super::{Bench, CommandError, FILE, Report};

/// The options of `enforce`.
#[derive(Clone, Copy, Debug, Default)]
pub struct EnforceOptions {
    /// `--dry-run`: report only.
    pub dry_run: bool,
}

/// Enforces the policy.
///
/// # Errors
/// [`CommandError::LoggedOut`] when the login was not allowed; others when that cannot be decided (the file is kept).
pub fn enforce(bench: &Bench<'_>, options: EnforceOptions) -> Result<Report, CommandError> {
    let (parts, policy) = bench.parts_and_policy()?;
    let (around, policy) = (bench.around(&parts), &policy);
    let report = Report::default().with("home", parts.home.path().display().to_string());
    let session = if parts.home.exists() && !options.dry_run && policy.is_restricted() {
        Some(around.lock()?)
    } else {
        None
    };
    let file = AuthFile::of(&parts.home);
    let judgement = match Judgement::of(bench, policy, &file) {
        Ok(judgement) => judgement,
        Err(error) => return Err(error.with(explained(report, policy, Judged::default(), options))),
    };
    let report = explained(report, policy, judgement.judged(), options);
    match act(bench, &around, session.as_ref(), policy, judgement) {
        Ok(()) => Ok(report),
        Err(error) => Err(error.with(report)),
    }
}

fn explained(report: Report, policy: &Policy, judged: Judged<'_>, options: EnforceOptions) -> Report {
    let report = report.with("policy", policy_field(policy, judged));
    if options.dry_run { with_lines(report, policy, judged) } else { report }
}

/// Does what the verdict demands; without a session (a dry run) it only says so.
fn act(
    bench: &Bench<'_>,
    around: &Surroundings<'_>,
    session: Option<&Session>,
    policy: &Policy,
    judgement: Judgement,
) -> Result<(), CommandError> {
    let is_file_forbidden =
        judgement.forbidden.as_ref().is_some_and(|(mismatch, _)| !mismatch.is_undecided());
    if let Some(session) = session.filter(|_| is_file_forbidden || judgement.active.is_none()) {
        forget_forbidden(bench, policy, session.file());
    }
    for (variable, mismatch) in &judgement.passed_over {
        bench.warn(&format!("the client passes over the credential in `{variable}`: {mismatch}"));
    }
    match (judgement.forbidden, session) {
        (None, _) => {}
        (Some((mismatch, _)), _) if mismatch.is_undecided() => {
            return Err(CommandError::Undecidable(mismatch));
        }
        (Some((mismatch, _)), None) => return Err(CommandError::WouldLogOut(mismatch)),
        (Some((mismatch, found)), Some(session)) => {
            if let Some((variable, mismatch)) = &judgement.refused {
                bench.warn(&format!("the credential in `{variable}` is not allowed either: {mismatch}"));
            }
            return Err(log_out(bench, around, session, &found, mismatch));
        }
    }
    if let Some((variable, mismatch)) = judgement.refused {
        return Err(CommandError::ForbiddenAmbient { variable, mismatch });
    }
    if judgement.cloud == Some(Cloud::NotEvaluated) {
        bench.info("the workspace's cloud configuration may restrict more; it cannot be read offline");
    }
    match (judgement.active, judgement.passed_over.into_iter().next()) {
        // The client would go on without any credential: who set the variable did not mean that.
        (None, Some((variable, mismatch))) => {
            return Err(CommandError::ForbiddenAmbient { variable, mismatch });
        }
        (None, None) => bench.info("the home has no login"),
        _ if !policy.is_restricted() => bench.info("nothing is restricted"),
        (Some(FILE), _) => bench.info("the login in the home is allowed"),
        (Some(variable), _) => bench.info(&format!("the credential in `{variable}` is allowed")),
    }
    Ok(())
}

/// Deletes a login that is not allowed, and says so by the error that it returns.
pub(super) fn log_out(
    bench: &Bench<'_>,
    around: &Surroundings<'_>,
    session: &Session,
    found: &Found,
    mismatch: Mismatch,
) -> CommandError {
    let file = session.file();
    let is_link = file.real_path() != file.path();
    if let Err(source) = file.delete(found, &around.patience(&|_| {})) {
        return CommandError::NotLoggedOut { mismatch, problem: source };
    }
    if is_link {
        let target = file.real_path().display();
        bench.warn(&format!(
            "auth.json was a link, and only the link was deleted: the login is still in `{target}`"
        ));
    }
    if let Err(error) = Sidecar::remove(around.home) {
        bench.warn(&format!("the sidecar could not be deleted: {}", explain(&error)));
    }
    CommandError::LoggedOut(mismatch)
}

/// Logs out where the gate has just stayed shut for the slot's login, and the home has no more than a copy of such a one:
/// the store keeps what there is to lose.
pub(super) fn log_out_copy(
    bench: &Bench<'_>,
    around: &Surroundings<'_>,
    session: &Session,
    error: RelayError,
) -> CommandError {
    let RelayError::Gate(GateError::Mismatch(_)) = &error else { return error.into() };
    let (Ok(policy), Ok(found)) = (around.gate.policy(), session.file().look(bench.clock)) else {
        return error.into();
    };
    match &found {
        Found::Credential(copy) if copy.is_placed_copy() => match policy.check_file(copy) {
            Err(mismatch) if !mismatch.is_undecided() => log_out(bench, around, session, &found, mismatch),
            _ => error.into(),
        },
        _ => error.into(),
    }
}

/// Judges what an interrupted refresh has left beside `auth.json`: a login that is not allowed goes, too; one that is may
/// be the only copy, and is named.
fn forget_forbidden(bench: &Bench<'_>, policy: &Policy, file: &AuthFile) {
    for (path, login) in Renewed::all(file).unwrap_or_default() {
        let is_allowed =
            login.is_none_or(|login| policy.check(&login.as_credential(policy.client())).is_ok());
        if is_allowed {
            bench.warn(&format!("`{}` is still in the home", path.display()));
        } else if let Err(error) = remove(&path) {
            bench.warn(&format!("a login is still in the home: {}", explain(&error)));
        }
    }
}
