//! `restore`: places an access-only file from the slot. A seed that is given is offered to the slot first, which takes it
//! or ignores it by the rules for seeds.

use chrono::TimeDelta;

use crate::home::Serving;
use crate::relay::Placement;

use super::enforce::log_out_copy;
use super::offer::{Offered, offer, read_seed};
use super::ready::check_lifetime;
use super::report::time;
use super::{Bench, CommandError, Report, SecretSource};

/// The options of `restore`.
#[derive(Clone, Debug, Default)]
pub struct RestoreOptions {
    /// `--seed-file`, `--seed-stdin`, `--seed-env`.
    pub seed: Option<SecretSource>,
    /// `--min-ttl`.
    pub min_ttl: Option<TimeDelta>,
    /// `--replace`.
    pub replace: bool,
    /// `--allow-account-change`.
    pub allow_account_change: bool,
}

/// Places what the slot holds.
///
/// # Errors
/// When the slot is empty or dead, the policy does not allow its login, the token does not last, or the home has
/// another login.
pub fn restore(bench: &Bench<'_>, options: &RestoreOptions) -> Result<Report, CommandError> {
    let store = bench.store("restore")?;
    let seed = options.seed.as_ref().map(|source| read_seed(bench, source)).transpose()?;
    let keys = bench.seal_keys()?;
    let parts = bench.parts()?;
    let around = bench.around(&parts);
    let relay = bench.relay(&around, &*store, &keys)?;
    let session = around.lock()?;
    // Without its handle a client of the job could not renew any more.
    if Serving::of(&parts.home)?.is_some() {
        return Err(CommandError::HomeBrokered);
    }
    let placement = if options.replace { Placement::Replace } else { Placement::Careful };
    let offered = offer(bench, &relay, seed, options.allow_account_change)?;
    let (seeded, had_login) = match &offered {
        Offered::Seed(_) => (false, false),
        Offered::Slot { seeded, had_login, .. } => (*seeded, *had_login),
    };
    let (placed, generation) = match &offered {
        Offered::Seed(seed) => {
            let placed = relay.place_seed(&session, seed, placement)?;
            check_lifetime(bench, placed.get(), options.min_ttl)?;
            (placed, None)
        }
        Offered::Slot { loaded, .. } => {
            let login = loaded.baton().login();
            login.iter().for_each(|login| bench.mask(&login.as_credential(bench.settings.client)));
            let placed = relay
                .place(&session, loaded, placement, options.min_ttl)
                .map_err(|error| log_out_copy(bench, &around, &session, error))?;
            (placed, Some(loaded.baton().state().generation))
        }
    };
    let expires_at = placed.get().lifetime().and_then(|lifetime| lifetime.expires_at);
    if expires_at.is_some_and(|at| at <= bench.clock.now()) {
        bench.warn("the access token has ended: run `authbaton refresh` before the client");
    }
    if let Some(generation) = generation {
        bench.info(&format!("restored slot `{}`, generation {generation}, access-only", bench.settings.slot));
    }
    Ok(Report::default()
        .with("home", parts.home.path().display().to_string())
        .with("mode", placed.get().mode().name())
        .with("account_id", placed.get().account_id())
        .with("plan", placed.get().id_claims().and_then(|claims| claims.plan))
        .with("expires_at", time(expires_at))
        .with("slot", bench.settings.slot.as_str())
        .with("store", store.name())
        .with("generation", generation)
        .with("had_login", had_login)
        .with("saved", seeded))
}
