//! What a run needs before its command starts: a home with an approved login that lasts, and who renews it.

use chrono::TimeDelta;

use super::super::bench::{Holder, Parts};
use super::super::enforce::log_out;
use super::super::report::time;
use super::super::restore::{read_seed, tell_seeded};
use super::super::{Bench, CommandError, LoginKind, Report};
use super::{BrokerWhen, RunOptions};
use crate::credential::{Credential, Lifetime, NotFull};
use crate::home::{Found, Home, RunHome, Serving, Sidecar, Users};
use crate::job::{Level, explain, temporary_directory};
use crate::policy::Approved;
use crate::relay::{Loaded, Placement, Relay, RelayError, Session, Surroundings, Want, alone};

/// A token that lasts less may end before a command does.
const LONG: TimeDelta = TimeDelta::hours(24);

/// The home of the command, with its login in it.
pub(super) struct Ready {
    pub(super) parts: Parts,
    pub(super) users: Users,
    /// Removed at the end; none where `--home` or the holder is used.
    pub(super) fresh: Option<RunHome>,
    pub(super) facts: Report,
    pub(super) broker: Renewal,
}

/// Who renews for the command.
pub(super) enum Renewal {
    /// Nobody, or its client by itself.
    Nobody,
    /// A broker that is to be started.
    Ours,
    /// The broker of another run in the same home, which answers there.
    Theirs(String),
}

/// A slot holds the login: the command gets a copy of its access token in a home of its own.
pub(super) fn with_store(bench: &Bench<'_>, options: &RunOptions) -> Result<Ready, CommandError> {
    let store = bench.store("run")?;
    let seed = options.restore.seed.as_ref().map(|source| read_seed(bench, source)).transpose()?;
    let keys = bench.seal_keys()?;
    let fresh = if bench.settings.home.is_none() { Some(fresh_home(bench)?) } else { None };
    let home = match &fresh {
        Some(fresh) => fresh.home().clone(),
        None => bench.home()?,
    };
    let parts = bench.parts_at(home);
    bench.policy(&parts.gate)?;
    let users = join(bench, &parts)?;
    let (facts, broker) = {
        let around = bench.around(&parts);
        let relay = bench.relay(&around, &*store, &keys)?;
        let session = around.lock()?;
        if let Some(login) = seed {
            let approved =
                parts.gate.approve_login(login).map_err(CommandError::refused(LoginKind::AuthJson))?;
            relay.recover_journals()?;
            tell_seeded(bench, &relay.seed(&approved, options.restore.allow_account_change)?);
        }
        let (loaded, refreshed) = refreshed(bench, &relay, &session)?;
        let placement = if options.restore.replace { Placement::Replace } else { Placement::Careful };
        let theirs = Serving::of(&parts.home)?;
        let placed = match &theirs {
            None => relay.place(&session, &loaded, placement, options.restore.min_ttl)?,
            Some(_) => served(bench, &parts, &relay, &loaded)?,
        };
        check_lifetime(bench, placed.get(), options)?;
        let facts = facts(bench, placed.get())
            .with("slot", bench.settings.slot.as_str())
            .with("store", store.name())
            .with("generation", loaded.baton().state().generation)
            .with("refreshed", refreshed);
        let broker = match theirs {
            Some(url) => Renewal::Theirs(url),
            None if needs_broker(bench, options, placed.get()) => Renewal::Ours,
            None => Renewal::Nobody,
        };
        (facts, broker)
    };
    Ok(Ready { parts, users, fresh, facts, broker })
}

/// From here on a broker that serves the home does not leave; one that was about to has gone.
fn join(bench: &Bench<'_>, parts: &Parts) -> Result<Users, CommandError> {
    parts.home.create()?;
    Ok(Users::join(&parts.home, &bench.around(parts).patience(&|_| {}))?)
}

/// Another run's broker serves the home already: its handle stays, if it is for the same slot.
fn served(
    bench: &Bench<'_>,
    parts: &Parts,
    relay: &Relay<'_>,
    loaded: &Loaded,
) -> Result<Approved<Credential>, CommandError> {
    let of_this_slot = Sidecar::read(&parts.home)
        .is_some_and(|sidecar| sidecar.store == relay.store.name() && sidecar.slot == relay.id.slot.as_str());
    if !of_this_slot {
        return Err(CommandError::HomeBrokered);
    }
    let login = loaded.baton().login().cloned().ok_or(RelayError::SlotEmpty)?;
    Ok(parts.gate.approve_login(login)?.access_only(bench.settings.client, bench.clock.now()))
}

/// Renews what is due. Where that fails and may succeed later, the token that there is serves as long as it lasts.
fn refreshed(
    bench: &Bench<'_>,
    relay: &Relay<'_>,
    session: &Session,
) -> Result<(Loaded, bool), CommandError> {
    match relay.refresh(session, Want::default()) {
        Ok(refreshed) => Ok((refreshed.loaded, refreshed.exchanged)),
        Err(error) if error.may_pass() => {
            let loaded = relay.usable()?;
            if loaded.baton().login().is_some_and(|login| has_ended(bench, login.lifetime())) {
                return Err(error.into());
            }
            bench.warn(&format!("the login could not be renewed before the run: {}", explain(&error)));
            Ok((loaded, false))
        }
        Err(error) => Err(error.into()),
    }
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
            check_lifetime(bench, credential, options)?;
            facts(bench, credential).with("refreshed", false)
        }
    };
    let users = join(bench, &parts)?;
    Ok(Ready { parts, users, fresh: None, facts, broker: Renewal::Nobody })
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
    check_lifetime(bench, &credential, options)?;
    Ok(facts(bench, &credential).with("refreshed", refreshed.exchanged))
}

/// A command is not started with a token that has ended, or that ends too soon.
fn check_lifetime(
    bench: &Bench<'_>,
    credential: &Credential,
    options: &RunOptions,
) -> Result<(), CommandError> {
    let Some(lifetime) = credential.lifetime() else { return Ok(()) };
    let wanted = options.restore.min_ttl.unwrap_or_else(TimeDelta::zero);
    match lifetime.left(bench.clock.now()) {
        Some(left) if left < wanted || left.is_zero() => {
            let (left, wanted) = (left.num_seconds(), wanted.num_seconds());
            Err(RelayError::TooShort { left, wanted }.into())
        }
        None if options.restore.min_ttl.is_some() => Err(RelayError::UnknownEnd.into()),
        _ => Ok(()),
    }
}

fn has_ended(bench: &Bench<'_>, lifetime: Lifetime) -> bool {
    lifetime.left(bench.clock.now()).is_some_and(|left| left.is_zero())
}

fn facts(bench: &Bench<'_>, credential: &Credential) -> Report {
    let expires_at = credential.lifetime().and_then(|lifetime| lifetime.expires_at);
    Report::default()
        .with("client", bench.settings.client.name())
        .with("mode", credential.mode().name())
        .with("account_id", credential.account_id())
        .with("expires_at", time(expires_at))
}

fn needs_broker(bench: &Bench<'_>, options: &RunOptions, credential: &Credential) -> bool {
    match options.broker {
        BrokerWhen::Always => true,
        BrokerWhen::Never => false,
        BrokerWhen::Auto => {
            let left = credential.lifetime().and_then(|lifetime| lifetime.left(bench.clock.now()));
            left.is_none_or(|left| left < LONG)
        }
    }
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
