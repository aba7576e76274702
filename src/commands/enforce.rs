//! `enforce`: evaluates the policy over the credential that the client would use, and logs out locally when it is not
//! allowed. Nothing is revoked, a store keeps its baton, and a file that is itself allowed is never deleted because of
//! what a variable holds.

use crate::disk::remove;
use crate::home::{AuthFile, Found, HomeError, Renewed, Sidecar};
use crate::job::explain;
use crate::policy::{Cloud, GateError, Mismatch, Policy};
use crate::relay::{RelayError, Session, Surroundings};

use super::explain_policy::{policy_field, with_lines};
use super::judge::Judgement;
use super::{Bench, CommandError, FILE, Parts, Report};

/// A login that is not allowed may be replaced while we delete it; more often than this somebody is at war with us.
const MAX_ROUNDS: usize = 4;

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
    enforce_at(bench, &parts, &policy, options)
}

/// The same in a home of ours.
pub(super) fn enforce_at(
    bench: &Bench<'_>,
    parts: &Parts,
    policy: &Policy,
    options: EnforceOptions,
) -> Result<Report, CommandError> {
    let file = AuthFile::of(&parts.home);
    let report = Report::default().with("home", parts.home.path().display().to_string());
    let judged = judge(bench, policy, &file, report, options)?;
    // What is allowed needs no lock, and a home that cannot be written is no obstacle.
    let is_clean = judged.0.must_go().is_none() && Renewed::all(&file).unwrap_or_default().is_empty();
    if options.dry_run || is_clean || !policy.is_restricted() {
        return conclude(bench, policy, judged);
    }
    let around = bench.around(parts);
    let session = around.lock()?;
    for _ in 0..MAX_ROUNDS {
        // We may have waited: both the policy and the login may be others by now.
        let policy = parts.gate.policy()?;
        let report = Report::default().with("home", parts.home.path().display().to_string());
        let (judgement, report) = judge(bench, &policy, session.file(), report, options)?;
        if judgement.must_go().is_some() || judgement.active.is_none() {
            forget_forbidden(bench, &policy, session.file());
        }
        let Some((mismatch, found)) = judgement.must_go() else {
            return conclude(bench, &policy, (judgement, report));
        };
        match log_out(bench, &around, &session, found, mismatch.clone()) {
            CommandError::NotLoggedOut { problem: HomeError::Changed(_), .. } => {}
            error => {
                tell_refused(bench, &judgement);
                return Err(error.with(report));
            }
        }
    }
    Err(RelayError::Restless.into())
}

fn judge(
    bench: &Bench<'_>,
    policy: &Policy,
    file: &AuthFile,
    report: Report,
    options: EnforceOptions,
) -> Result<(Judgement, Report), CommandError> {
    let explained = |judgement: Option<&Judgement>| {
        let report = report.with("policy", policy_field(policy, judgement));
        if options.dry_run { with_lines(report, policy, judgement) } else { report }
    };
    match Judgement::of(bench, policy, file) {
        Ok(judgement) => {
            let report = explained(Some(&judgement));
            Ok((judgement, report))
        }
        Err(error) => Err(error.with(explained(None))),
    }
}

/// Says what was found. Nothing is deleted any more; in a dry run nothing was.
fn conclude(
    bench: &Bench<'_>,
    policy: &Policy,
    (judgement, report): (Judgement, Report),
) -> Result<Report, CommandError> {
    for (variable, mismatch) in &judgement.passed_over {
        bench.warn(&format!("the client passes over the credential in `{variable}`: {mismatch}"));
    }
    if judgement.forbidden.is_some() {
        tell_refused(bench, &judgement);
    }
    let cloud = judgement.cloud;
    let verdict = match judgement {
        Judgement { forbidden: Some((mismatch, _)), .. } => {
            let is_undecided = mismatch.is_undecided();
            Err(if is_undecided {
                CommandError::Undecidable(mismatch)
            } else {
                CommandError::WouldLogOut(mismatch)
            })
        }
        Judgement { refused: Some((variable, mismatch)), .. } => {
            Err(CommandError::ForbiddenAmbient { variable, mismatch })
        }
        // The client would go on without any credential: who set the variable did not mean that.
        Judgement { active: None, mut passed_over, .. } if !passed_over.is_empty() => {
            let (variable, mismatch) = passed_over.swap_remove(0);
            Err(CommandError::ForbiddenAmbient { variable, mismatch })
        }
        Judgement { active, .. } => Ok(active),
    };
    let active = match verdict {
        Ok(active) => active,
        Err(error) => return Err(error.with(report)),
    };
    if cloud == Cloud::NotEvaluated {
        bench.info("the workspace's cloud configuration may restrict more; it cannot be read offline");
    }
    bench.info(&match active {
        None => "the home has no login".to_owned(),
        _ if !policy.is_restricted() => "nothing is restricted".to_owned(),
        Some(FILE) => "the login in the home is allowed".to_owned(),
        Some(variable) => format!("the credential in `{variable}` is allowed"),
    });
    Ok(report)
}

fn tell_refused(bench: &Bench<'_>, judgement: &Judgement) {
    if let Some((variable, mismatch)) = &judgement.refused {
        bench.warn(&format!("the credential in `{variable}` is not allowed either: {mismatch}"));
    }
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
