//! The home of a run, before its command starts: a fresh one, one that was named, or the holder itself.

use chrono::TimeDelta;

use super::super::bench::Holder;
use super::super::enforce::log_out;
use super::super::ready::{Renewal, Wanted, When, check_lifetime, facts, from_store, join};
use super::super::{Bench, CommandError, Parts, Report};
use super::RunOptions;
use crate::credential::NotFull;
use crate::home::{Found, Home, RunHome, Users};
use crate::job::{Level, temporary_directory};
use crate::relay::{Placement, RelayError, Session, Surroundings, alone};

/// A token that lasts less may end before a command does.
const LONG: TimeDelta = TimeDelta::hours(24);

/// The home of the command, with its login in it.
pub(super) struct Ready {
    pub(super) parts: Parts,
    pub(super) users: Users,
    /// Removed at the end; none where `--home` or the holder is used.
    pub(super) fresh: Option<RunHome>,
    pub(super) facts: Report,
    /// Whether the slot has something new because of this run.
    pub(super) saved: bool,
    pub(super) broker: Renewal,
}

/// A slot holds the login: the command gets a copy of its access token in a home of its own.
pub(super) fn with_store(bench: &Bench<'_>, options: &RunOptions) -> Result<Ready, CommandError> {
    let store = bench.store("run")?;
    // Before there is a home to clean up.
    bench.seal_keys()?;
    let fresh = if bench.settings.home.is_none() { Some(fresh_home(bench)?) } else { None };
    let home = match &fresh {
        Some(fresh) => fresh.home().clone(),
        None => bench.home()?,
    };
    let parts = bench.parts_at(home);
    bench.policy(&parts.gate)?;
    let users = join(bench, &parts)?;
    let wanted = Wanted {
        seed: options.restore.seed.as_ref(),
        allow_account_change: options.restore.allow_account_change,
        placement: if options.restore.replace { Placement::Replace } else { Placement::Careful },
        min_ttl: options.restore.min_ttl,
        refresh: When::Auto,
        broker: options.broker,
        long: LONG,
    };
    let placed = from_store(bench, &wanted, &parts, &*store)?;
    let facts = facts(bench, placed.credential.get())
        .with("slot", bench.settings.slot.as_str())
        .with("store", store.name())
        .with("generation", placed.generation)
        .with("refreshed", placed.refreshed)
        .with("had_login", placed.had_login);
    let saved = placed.seeded || placed.refreshed;
    Ok(Ready { parts, users, fresh, facts, saved, broker: placed.renewal })
}

/// The home itself is the holder: the command uses it as it is, and its client renews by itself.
pub(super) fn with_holder(bench: &Bench<'_>, options: &RunOptions) -> Result<Ready, CommandError> {
    if options.restore.seed.is_some() {
        return Err(CommandError::StoreNeeded("run with a seed"));
    }
    let (parts, policy) = bench.parts_and_policy()?;
    policy.refuse_other_stores()?;
    let facts = {
        let around = bench.around(&parts);
        if !parts.home.exists() {
            return Err(RelayError::NoLogin.into());
        }
        let session = around.lock()?;
        let found = session.file().look(bench.clock)?;
        let credential = match &found {
            Found::Nothing => return Err(RelayError::NoLogin.into()),
            Found::Unparsable(error) => return Err(RelayError::Unparsable(*error).into()),
            Found::Unusable(error) => return Err(RelayError::Unusable(*error).into()),
            Found::Credential(credential) => credential,
        };
        bench.mask(credential);
        match policy.check_file(credential) {
            Ok(()) => {}
            Err(mismatch) if mismatch.is_undecided() => return Err(CommandError::Undecidable(mismatch)),
            Err(mismatch) => return Err(log_out(bench, &around, &session, &found, mismatch)),
        }
        if credential.has_handle() {
            // Its broker has gone, or is another job's: the client would send the handle to the authority.
            return Err(RelayError::NotFull(NotFull::Handle).into());
        }
        if credential.has_refresh_token() {
            of_holder(bench, &around, &session, options)?
        } else {
            check_lifetime(bench, credential, options.restore.min_ttl)?;
            facts(bench, credential).with("refreshed", false)
        }
    };
    let users = join(bench, &parts)?;
    Ok(Ready { parts, users, fresh: None, facts, saved: false, broker: Renewal::Nobody })
}

/// Renews a full login in its home, where that is due.
fn of_holder(
    bench: &Bench<'_>,
    around: &Surroundings<'_>,
    session: &Session,
    options: &RunOptions,
) -> Result<Report, CommandError> {
    let Holder::Home = bench.holder()? else { return Err(CommandError::StoreNeeded("run")) };
    let refreshed = alone::refresh(around, session, false)?;
    let credential = refreshed.login.as_credential(bench.settings.client);
    bench.mask(&credential);
    check_lifetime(bench, &credential, options.restore.min_ttl)?;
    Ok(facts(bench, &credential).with("refreshed", refreshed.exchanged))
}

/// A home for this run alone, with the caller's settings and without his login.
fn fresh_home(bench: &Bench<'_>) -> Result<RunHome, CommandError> {
    let temporary = temporary_directory(bench.environment).ok_or(CommandError::NoTemporaryDirectory)?;
    let stale = RunHome::remove_stale(&temporary);
    if stale > 0 {
        bench.notices.tell(Level::Detail, &format!("deleted {stale} homes of runs that were killed"));
    }
    let fresh = RunHome::create(&temporary, bench.settings.client)?;
    if let Ok(own) = Home::find(bench.settings.client, None, bench.environment) {
        let profile = bench.settings.policy.profile.as_ref().map(|profile| profile.name());
        fresh.copy_settings(&own, profile)?;
    }
    Ok(fresh)
}
