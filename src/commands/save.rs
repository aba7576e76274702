//! `save`: takes the full login that is in the home into the slot, by the rules for seeds, and leaves an access-only
//! file. Afterwards the store is the holder. Where a broker renews, only the broker writes the store: nothing is taken.

use crate::home::{Found, HomeError, Serving, Users};
use crate::relay::{Placement, RelayError, Seeded, alone};

use super::{Bench, CommandError, Report};

/// The client may rotate the login while we save it; then it is saved again.
const MAX_ROUNDS: usize = 5;

/// Moves the home's login into the slot.
///
/// # Errors
/// When the home has no full login, the slot has a newer one, the policy does not allow it, or a run uses the home. Both
/// are kept then.
pub fn save(bench: &Bench<'_>, allow_account_change: bool) -> Result<Report, CommandError> {
    let store = bench.store("save")?;
    let keys = bench.seal_keys()?;
    let parts = bench.parts()?;
    let around = bench.around(&parts);
    let relay = bench.relay(&around, &*store, &keys)?;
    let session = around.lock()?;
    let report = Report::default()
        .with("home", parts.home.path().display().to_string())
        .with("slot", bench.settings.slot.as_str())
        .with("store", store.name());
    // A login that code in a job has put there is nobody's who could vouch for it.
    let _alone = Users::none(&parts.home)?.ok_or(CommandError::HomeBrokered)?;
    if Serving::of(&parts.home)?.is_some() {
        return Err(CommandError::HomeBrokered);
    }
    // Else the slot would have it, and the home would keep it as well.
    session.file().preflight()?;
    relay.recover_journals()?;
    for _ in 0..MAX_ROUNDS {
        let found = session.file().look(bench.clock)?;
        match &found {
            Found::Credential(credential) if credential.has_handle() => {
                return Err(CommandError::HomeBrokered);
            }
            Found::Credential(credential) if credential.is_access_only() => {
                bench.info("nothing to save: the home has an access-only file");
                return Ok(report.with("saved", false));
            }
            _ => {}
        }
        // What an interrupted refresh of this home has renewed is newer than what auth.json has.
        let found = match alone::recovered(&around, &session) {
            Err(RelayError::Home(HomeError::Changed(_))) => continue,
            found => found?,
        };
        let login = alone::login_of(&found)?;
        bench.mask(&login.as_credential(bench.settings.client));
        let approved = parts.gate.approve_login(login).map_err(RelayError::from)?;
        let seeded = relay.seed(&approved, allow_account_change)?.or_kept(&approved)?;
        match relay.place_over(&session, seeded.loaded(), &found, Placement::Replace) {
            // What we saw is not what is there any more: it is newer, and not stored yet.
            Err(RelayError::Home(HomeError::Changed(_))) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {
                let taken = matches!(seeded, Seeded::Taken(_));
                bench.info(if taken {
                    "saved; the store holds this login now"
                } else {
                    "the slot had this login already"
                });
                let generation = seeded.loaded().baton().state().generation;
                return Ok(report.with("saved", taken).with("generation", generation));
            }
        }
    }
    Err(RelayError::Restless.into())
}
