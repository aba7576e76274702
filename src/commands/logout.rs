//! `logout`: deletes the login in the home, and only there. `--revoke` ends it at the authority for every copy;
//! `--purge` empties the slot.

use crate::authority::Answer;
use crate::baton::SealKeys;
use crate::credential::{FullLogin, RefreshToken};
use crate::home::{Found, Renewed, Sidecar};
use crate::relay::Surroundings;
use crate::store::Store;

use super::{Bench, CommandError, Report};

/// The options of `logout`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogoutOptions {
    /// `--revoke`.
    pub revoke: bool,
    /// `--purge`.
    pub purge: bool,
}

/// Logs out.
///
/// # Errors
/// When the file or the slot cannot be changed, or the authority did not take the revocation (all else is done then).
pub fn logout(bench: &Bench<'_>, options: LogoutOptions) -> Result<Report, CommandError> {
    let slot: Option<(Box<dyn Store>, SealKeys)> =
        if options.purge { Some((bench.store("logout --purge")?, bench.seal_keys()?)) } else { None };
    let parts = bench.parts_unread()?;
    let around = bench.around(&parts);
    let mut revocable = Vec::new();
    let mut deleted = false;
    if parts.home.exists() || slot.is_some() {
        let session = around.lock()?;
        let found = session.file().look(bench.clock)?;
        if let Found::Credential(credential) = &found
            && let Ok(login) = FullLogin::new(credential)
        {
            revocable.push(login.refresh_token().clone());
        }
        let kept =
            Renewed::all(session.file()).unwrap_or_default().into_iter().filter_map(|(_, login)| login);
        revocable.extend(kept.map(|login| login.refresh_token().clone()));
        if let Some((store, keys)) = &slot {
            let relay = bench.relay(&around, &**store, keys)?;
            revocable.extend(relay.load()?.baton().login().map(|login| login.refresh_token().clone()));
            relay.purge()?;
        }
        deleted = session.file().delete(&found, &around.patience(&|_| {}))?;
        Renewed::remove_all(session.file())?;
        Sidecar::remove(&parts.home)?;
    }
    bench.info(if deleted { "logged out" } else { "not logged in" });
    let report = Report::default()
        .with("home", parts.home.path().display().to_string())
        .with("deleted", deleted)
        .with("purged", options.purge);
    if options.revoke {
        let revoked = revoke(bench, &around, &revocable)?;
        return Ok(report.with("revoked", revoked));
    }
    if slot.is_some() && !revocable.is_empty() {
        bench.info("the login was not revoked: a copy of it elsewhere still works");
    }
    Ok(report)
}

fn revoke(
    bench: &Bench<'_>,
    around: &Surroundings<'_>,
    tokens: &[RefreshToken],
) -> Result<bool, CommandError> {
    if tokens.is_empty() {
        bench.info("nothing to revoke: there was no refresh token here");
        return Ok(false);
    }
    for token in tokens {
        match around.authority.revoke(token)? {
            Answer::Success(_) => {}
            Answer::Dead(_) => bench.info("the login was dead already"),
            Answer::Unauthorized => return Err(CommandError::NotRevoked("status 401".to_owned())),
            Answer::NotProcessed(kind) | Answer::Unclear(kind) | Answer::Refused(kind) => {
                return Err(CommandError::NotRevoked(kind.to_string()));
            }
        }
    }
    bench.info("revoked at the authority");
    Ok(true)
}
