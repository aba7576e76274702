//! What the slot has for a run, once a seed was offered to it: one load, whoever asks.

use super::{Bench, CommandError, LoginKind, SecretSource};
use crate::credential::{self, Credential, FullLogin};
use crate::policy::Approved;
use crate::relay::{Loaded, Relay, Seeded};
use crate::store::Access;

/// What a run can go on with.
pub(super) enum Offered {
    /// What the slot holds.
    Slot {
        /// It.
        loaded: Box<Loaded>,
        /// Whether it is the seed.
        seeded: bool,
        /// Whether the slot had a login before.
        had_login: bool,
    },
    /// A seed that the slot would take, in a run that may not write: the slot stays as it is.
    Seed(Approved<FullLogin>),
}

/// Reads a seed: a full ChatGPT login, nothing else.
pub(super) fn read_seed(bench: &Bench<'_>, source: &SecretSource) -> Result<FullLogin, CommandError> {
    let what = "the seed";
    let bytes = bench.read_secret(source, what)?;
    let document = credential::auth_json(&bytes).map_err(|problem| CommandError::Input { what, problem })?;
    let credential = Credential::new(bench.settings.client, document).map_err(CommandError::Unusable)?;
    bench.mask(&credential);
    FullLogin::new(&credential).map_err(CommandError::NotFull)
}

/// Loads the slot, and offers it the seed, if there is one.
pub(super) fn offer(
    bench: &Bench<'_>,
    relay: &Relay<'_>,
    seed: Option<FullLogin>,
    allow_account_change: bool,
) -> Result<Offered, CommandError> {
    let approve = |login| relay.around.gate.approve_login(login);
    let seed = seed.map(approve).transpose().map_err(CommandError::refused(LoginKind::AuthJson))?;
    relay.recover_journals()?;
    let loaded = relay.load()?;
    let had_login = loaded.baton().login().is_some();
    let Some(seed) = seed else {
        return Ok(Offered::Slot { loaded: Box::new(loaded), seeded: false, had_login });
    };
    if let Access::ReadOnly(reason) = &relay.facts.access {
        if relay.would_take(&loaded, &seed, allow_account_change)? {
            bench.info(&format!(
                "this run may not write the store ({reason}): it uses the seed's access token; nothing is stored, and nothing renewed"
            ));
            return Ok(Offered::Seed(seed));
        }
        bench.info("the seed is ignored: the slot has this login, or a newer one");
        return Ok(Offered::Slot { loaded: Box::new(loaded), seeded: false, had_login });
    }
    let seeded = relay.seed_over(loaded, &seed, allow_account_change)?;
    tell_seeded(bench, &seeded);
    let is_taken = matches!(seeded, Seeded::Taken(_));
    Ok(Offered::Slot { loaded: Box::new(seeded.into_loaded()), seeded: is_taken, had_login })
}

pub(super) fn tell_seeded(bench: &Bench<'_>, seeded: &Seeded) {
    match seeded {
        Seeded::Taken(_) => bench.info("the seed was taken; from now on the store holds this login"),
        Seeded::Known(_) => bench.info("the seed is ignored: the slot has had this login already"),
        Seeded::Older(_) => bench.info("the seed is ignored: it is not newer than the slot's login"),
    }
}
