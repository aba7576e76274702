//! `enforce`: evaluates the policy over the login in the home and logs out locally when it is not allowed. Nothing is
//! revoked, and a store keeps its baton.

use crate::disk::remove;
use crate::home::{AuthFile, Found, Renewed, Sidecar};
use crate::job::explain;
use crate::policy::{Mismatch, Policy};
use crate::relay::RelayError;

use super::{Bench, CommandError, Report};

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
    let parts = bench.parts()?;
    let around = bench.around(&parts);
    let report = Report::default()
        .with("home", parts.home.path().display().to_string())
        .with("policy", policy_field(&parts.policy, None));
    if parts.policy.sources().is_empty() {
        bench.info("nothing is restricted");
        return Ok(report);
    }
    let no_login = || bench.info("the home has no login");
    if !parts.home.exists() {
        no_login();
        return Ok(report);
    }
    let session = around.lock()?;
    let found = session.file().look(bench.clock)?;
    let credential = match &found {
        Found::Nothing => {
            no_login();
            forget_forbidden(bench, &parts.policy, session.file(), options);
            return Ok(report);
        }
        Found::Unparsable(error) => return Err(RelayError::Unparsable(*error).into()),
        Found::Unusable(error) => return Err(RelayError::Unusable(*error).into()),
        Found::Credential(credential) => credential,
    };
    match parts.policy.check(credential) {
        Ok(()) => {
            bench.info("the login in the home is allowed");
            Ok(report.with("mode", credential.mode().name()))
        }
        Err(mismatch) if options.dry_run => Err(CommandError::WouldLogOut(mismatch)),
        Err(mismatch) => match session.file().delete(&found, &around.patience(&|_| {})) {
            Ok(_) => {
                if let Err(error) = Sidecar::remove(&parts.home) {
                    bench.warn(&format!("the sidecar could not be deleted: {}", explain(&error)));
                }
                forget_forbidden(bench, &parts.policy, session.file(), options);
                Err(CommandError::LoggedOut(mismatch))
            }
            Err(source) => Err(CommandError::NotLoggedOut { mismatch, source }),
        },
    }
}

/// Judges what an interrupted refresh has left beside `auth.json`: a login that is not allowed goes, too; one that is may
/// be the only copy, and is named.
fn forget_forbidden(bench: &Bench<'_>, policy: &Policy, file: &AuthFile, options: EnforceOptions) {
    for (path, login) in Renewed::all(file).unwrap_or_default() {
        let allowed = login.is_none_or(|login| policy.approve_login(login).is_ok());
        if allowed || options.dry_run {
            bench.warn(&format!("`{}` is still in the home", path.display()));
        } else if let Err(error) = remove(&path) {
            bench.warn(&format!("a login is still in the home: {}", explain(&error)));
        }
    }
}

/// The policy as reports show it.
pub(super) fn policy_field(policy: &Policy, mismatch: Option<&Mismatch>) -> serde_json::Value {
    let sources: Vec<String> = policy.sources().iter().map(ToString::to_string).collect();
    let reasons: Vec<String> = mismatch.iter().map(ToString::to_string).collect();
    serde_json::json!({
        "verdict": if mismatch.is_some() { "forbidden" } else { "allowed" },
        "source": sources,
        "reasons": reasons,
        "forced_login_method": policy.method().map(crate::policy::Method::name),
        "forced_chatgpt_workspace_id": policy.workspaces(),
    })
}
