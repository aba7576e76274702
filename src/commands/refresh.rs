//! `refresh`: renews the login if that is due, and updates the home if it has one of ours.

use crate::home::{Found, Sidecar};
use crate::relay::{Loaded, Placement, Relay, RelayError, Session, Want, alone};

use super::bench::Holder;
use super::enforce::log_out_copy;
use super::report::time;
use super::{Bench, CommandError, Report};

/// Renews the login of the slot, or of a home that is the holder.
///
/// # Errors
/// When there is nothing to renew, or it cannot be renewed or stored.
pub fn refresh(bench: &Bench<'_>, force: bool) -> Result<Report, CommandError> {
    let holder = bench.holder()?;
    let parts = bench.parts()?;
    let around = bench.around(&parts);
    let (report, exchanged, login) = match holder {
        Holder::Home => {
            let session = around.lock()?;
            let refreshed = alone::refresh(&around, &session, force)?;
            (Report::default(), refreshed.exchanged, refreshed.login)
        }
        Holder::Store(store) => {
            let keys = bench.seal_keys()?;
            let relay = bench.relay(&around, &*store, &keys)?;
            let session = around.lock()?;
            let shut = |error| log_out_copy(bench, &around, &session, error);
            let refreshed = relay.refresh(&session, Want { force, must: false }).map_err(shut)?;
            let placed = update_home(&relay, &session, &refreshed.loaded).map_err(shut)?;
            let state = refreshed.loaded.baton().state();
            let login = refreshed.loaded.baton().login().cloned().ok_or(RelayError::SlotEmpty)?;
            let report = Report::default()
                .with("slot", bench.settings.slot.as_str())
                .with("store", store.name())
                .with("generation", state.generation)
                .with("placed", placed)
                .with("saved", refreshed.exchanged);
            (report, refreshed.exchanged, login)
        }
    };
    bench.mask(&login.as_credential(bench.settings.client));
    bench.info(if exchanged { "refreshed and stored" } else { "nothing was due" });
    Ok(report
        .with("home", parts.home.path().display().to_string())
        .with("refreshed", exchanged)
        .with("account_id", login.identity().account_id)
        .with("expires_at", time(login.lifetime().expires_at)))
}

/// Updates a file of ours: access-only, with a sidecar that names this slot. Any other is left alone.
fn update_home(relay: &Relay<'_>, session: &Session, loaded: &Loaded) -> Result<bool, RelayError> {
    let ours = match session.file().look(relay.around.clock)? {
        Found::Credential(credential) => credential.is_access_only(),
        Found::Nothing | Found::Unparsable(_) | Found::Unusable(_) => false,
    };
    let of_this_slot = Sidecar::read(relay.around.home)
        .is_some_and(|sidecar| sidecar.store == relay.store.name() && sidecar.slot == relay.id.slot.as_str());
    if !ours || !of_this_slot {
        return Ok(false);
    }
    relay.place(session, loaded, Placement::Careful, None)?;
    Ok(true)
}
