//! `action main`: judges the event, places the login, renews it where that is due, starts a broker where that is needed,
//! and tells the steps that follow where it is.
//!
//! Every secret is hidden from the log before anything else could show it: those of the inputs before this begins
//! (`cli/action.rs`), those that come from a store or a broker as soon as they are known.

use chrono::{DateTime, TimeDelta, Utc};

use super::super::enforce::{EnforceOptions, enforce_at};
use super::super::handover::Stay;
use super::super::login::read_credential;
use super::super::ready::{Placed, Renewal, Wanted, from_store, join};
use super::super::report::time;
use super::super::start_broker::{Serve, start_broker};
use super::super::{Bench, CommandError, LoginKind, Parts, Report, SecretSource};
use super::ActionOptions;
use super::admission::{admit, refuse_rivals};
use super::notes::{Notes, tell};
use super::place::Place;
use super::post::tell_log;
use crate::credential::{AccessClaims, Credential};
use crate::home::{AuthFile, Found};
use crate::job::{for_clients, github::RunnerFile};
use crate::relay::{Placement, RelayError};

/// No job on GitHub's own machines lasts longer.
const LONG: TimeDelta = TimeDelta::hours(6);

/// Gives the job a login.
///
/// # Errors
/// When the run may not have one, or there is none that is allowed and lasts. What was made until then `post` deletes.
pub fn main(bench: &Bench<'_>, options: &ActionOptions) -> Result<Report, CommandError> {
    let read_only = admit(bench, options)?;
    refuse_rivals(bench)?;
    let &Bench { settings, environment, clock, notices, .. } = bench;
    let bench = &Bench { settings, environment, clock, notices, read_only };
    let place = Place::make(bench)?;
    let parts = place.parts(bench);
    bench.policy(&parts.gate)?;
    let (report, broker) = match &options.credential {
        Some((kind @ (LoginKind::ApiKey | LoginKind::AccessToken), source)) => {
            (with_key(bench, &parts, *kind, source)?, None)
        }
        seed => with_slot(bench, options, &place, &parts, seed.as_ref().map(|(_, source)| source))?,
    };
    let report = report.with("codex-home", parts.home.path().display().to_string());
    let finished = || -> Result<(), CommandError> {
        let policy = parts.gate.policy()?;
        enforce_at(bench, &parts, &policy, EnforceOptions::default())?;
        if options.export_environment { export(bench, &parts, broker.as_deref()) } else { Ok(()) }
    };
    match finished() {
        Ok(()) => Ok(report),
        Err(error) => Err(error.with(report)),
    }
}

/// An API key or a personal access token lasts as it is: no store, no seal key, no broker, no request.
fn with_key(
    bench: &Bench<'_>,
    parts: &Parts,
    kind: LoginKind,
    source: &SecretSource,
) -> Result<Report, CommandError> {
    let credential = read_credential(bench, kind, source)?;
    let approved = parts.gate.approve(credential).map_err(CommandError::refused(kind))?;
    let around = bench.around(parts);
    let session = around.lock()?;
    let found = session.file().look(bench.clock)?;
    let is_free = match &found {
        Found::Nothing => true,
        Found::Credential(there) => there.is_placed_copy() || there.is_same_login(approved.get()),
        Found::Unparsable(_) | Found::Unusable(_) => false,
    };
    if !is_free {
        return Err(RelayError::HomeOccupied.into());
    }
    Notes::placed(bench, approved.get())?;
    session.file().place(&approved, &found, &around.patience(&|_| {}))?;
    bench.info("placed; authentication is checked when a request is sent");
    Ok(facts(approved.get()).with("refreshed", false).with("cache-hit", false).with("saved", false))
}

/// A ChatGPT login comes from its slot, and the slot from a seed.
fn with_slot(
    bench: &Bench<'_>,
    options: &ActionOptions,
    place: &Place,
    parts: &Parts,
    seed: Option<&SecretSource>,
) -> Result<(Report, Option<String>), CommandError> {
    let store = bench.store("the action")?;
    let wanted = Wanted {
        seed,
        allow_account_change: false,
        placement: Placement::Careful,
        min_ttl: options.min_ttl,
        refresh: options.refresh,
        broker: options.broker,
        long: LONG,
    };
    // Held until we end: a broker that is about to leave has gone by then, and ours counts as a user itself.
    let _users = join(bench, parts)?;
    let placed = from_store(bench, &wanted, parts, &*store)?;
    Notes::placed(bench, placed.credential.get())?;
    let report = of_slot(&placed);
    tell_placed(bench, &placed);
    let broker = match placed.renewal {
        Renewal::Nobody => Ok(None),
        Renewal::Theirs(url) => Ok(Some(url)),
        Renewal::Ours => serve(bench, options, place, parts).map(Some),
    };
    // The handle is the broker's own, and one that came too late to be waited for may have placed its, too.
    if let Ok(Found::Credential(credential)) = AuthFile::of(&parts.home).look(bench.clock) {
        bench.mask(&credential);
    }
    match broker {
        Ok(broker) => Ok((report.with("broker", broker.is_some()), broker)),
        Err(error) => Err(error.with(report)),
    }
}

/// Starts a broker that outlives us.
fn serve(
    bench: &Bench<'_>,
    options: &ActionOptions,
    place: &Place,
    parts: &Parts,
) -> Result<String, CommandError> {
    Notes::broker(bench)?;
    let log = place.put_sign()?;
    let stay = Stay {
        sign: place.sign(),
        runner: options.runner,
        until: end_of_store(bench),
        outcome: place.outcome(),
    };
    let started = start_broker(bench, &parts.home, Serve::Job(stay, log));
    match started {
        Ok((_, url)) => Ok(url),
        Err(error) => {
            tell_log(bench, place);
            place.take_sign()?;
            Err(error)
        }
    }
}

/// When the cache lets us in no more: then a broker could not store what it renews.
fn end_of_store(bench: &Bench<'_>) -> Option<DateTime<Utc>> {
    let is_cache =
        bench.settings.store_text.as_ref().is_some_and(|store| store.starts_with("actions-cache:"));
    let token = bench.environment.get("ACTIONS_RUNTIME_TOKEN").filter(|_| is_cache)?;
    AccessClaims::read(&token).expires_at
}

fn facts(credential: &Credential) -> Report {
    let expires_at = credential.lifetime().and_then(|lifetime| lifetime.expires_at);
    Report::default()
        .with("auth-mode", credential.mode().name())
        .with("account-id", credential.account_id())
        .with("plan-type", credential.id_claims().and_then(|claims| claims.plan))
        .with("expires-at", time(expires_at))
}

fn of_slot(placed: &Placed) -> Report {
    facts(placed.credential.get())
        .with("refreshed", placed.refreshed)
        .with("generation", placed.generation)
        .with("cache-hit", placed.had_login)
        .with("saved", placed.seeded || placed.refreshed)
}

fn tell_placed(bench: &Bench<'_>, placed: &Placed) {
    let slot = &bench.settings.slot;
    if let Some(generation) = placed.generation {
        let how = if placed.refreshed { "renewed, stored and placed" } else { "placed" };
        bench.info(&format!("{how}: slot `{slot}`, generation {generation}, access-only"));
    }
}

/// Tells the steps that follow where the home is, and where its broker answers.
fn export(bench: &Bench<'_>, parts: &Parts, broker: Option<&str>) -> Result<(), CommandError> {
    let there = |name: &str| bench.environment.path(name).map(Into::into);
    for (name, value) in for_clients(bench.settings.client, parts.home.path(), broker, there) {
        let (name, value) = name.to_str().zip(value.to_str()).ok_or(CommandError::NotHandedOver)?;
        tell(bench, RunnerFile::Environment, name, value)?;
    }
    Ok(())
}
