//! `restore`: places an access-only file from the slot. A seed that is given is offered to the slot first, which takes it
//! or ignores it by the rules for seeds.

use chrono::TimeDelta;

use crate::credential::{self, Credential, FullLogin};
use crate::home::Serving;
use crate::relay::{Placement, Seeded};

use super::enforce::log_out_copy;
use super::report::time;
use super::{Bench, CommandError, LoginKind, Report, SecretSource};

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
    let loaded = match seed {
        None => relay.usable()?,
        Some(login) => {
            let approved =
                parts.gate.approve_login(login).map_err(CommandError::refused(LoginKind::AuthJson))?;
            relay.recover_journals()?;
            let seeded = relay.seed(&approved, options.allow_account_change)?;
            tell_seeded(bench, &seeded);
            relay.usable()?
        }
    };
    let placement = if options.replace { Placement::Replace } else { Placement::Careful };
    let placed = relay
        .place(&session, &loaded, placement, options.min_ttl)
        .map_err(|error| log_out_copy(bench, &around, &session, error))?;
    let expires_at = placed.get().lifetime().and_then(|lifetime| lifetime.expires_at);
    if expires_at.is_some_and(|at| at <= bench.clock.now()) {
        bench.warn("the access token has ended: run `authbaton refresh` before the client");
    }
    let generation = loaded.baton().state().generation;
    bench.info(&format!("restored slot `{}`, generation {generation}, access-only", bench.settings.slot));
    Ok(Report::default()
        .with("home", parts.home.path().display().to_string())
        .with("mode", placed.get().mode().name())
        .with("account_id", placed.get().account_id())
        .with("expires_at", time(expires_at))
        .with("slot", bench.settings.slot.as_str())
        .with("store", store.name())
        .with("generation", generation))
}

/// Reads a seed: a full ChatGPT login, nothing else.
pub(super) fn read_seed(bench: &Bench<'_>, source: &SecretSource) -> Result<FullLogin, CommandError> {
    let what = "the seed";
    let bytes = bench.read_secret(source, what)?;
    let document = credential::auth_json(&bytes).map_err(|problem| CommandError::Input { what, problem })?;
    let credential = Credential::new(bench.settings.client, document).map_err(CommandError::Unusable)?;
    FullLogin::new(&credential).map_err(CommandError::NotFull)
}

pub(super) fn tell_seeded(bench: &Bench<'_>, seeded: &Seeded) {
    match seeded {
        Seeded::Taken(_) => bench.info("the seed was taken; from now on the store holds this login"),
        Seeded::Known(_) => bench.info("the seed is ignored: the slot has had this login already"),
        Seeded::Older(_) => bench.info("the seed is ignored: it is not newer than the slot's login"),
    }
}
