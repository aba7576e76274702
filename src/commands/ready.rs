//! What a job needs before its client starts: an approved login that lasts, in a home, and somebody who renews it. For
//! `run` and for the action.

use chrono::TimeDelta;

use super::offer::{Offered, offer, read_seed};
use super::report::time;
use super::{Bench, CommandError, Parts, Report, SecretSource};
use crate::credential::{Credential, Freshness, Lifetime};
use crate::home::{Serving, Sidecar, Users};
use crate::job::explain;
use crate::policy::Approved;
use crate::relay::{Loaded, Placement, Relay, RelayError, Session, Want};
use crate::store::{Access, Store};

/// When something is done: a login renewed before its client starts, or a broker started that renews for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// Where that is needed.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What is asked for.
pub(super) struct Wanted<'a> {
    pub(super) seed: Option<&'a SecretSource>,
    pub(super) allow_account_change: bool,
    pub(super) placement: Placement,
    pub(super) min_ttl: Option<TimeDelta>,
    pub(super) refresh: When,
    pub(super) broker: When,
    /// A token that lasts less may end before the client does.
    pub(super) long: TimeDelta,
}

/// Who renews for the client.
pub(super) enum Renewal {
    /// Nobody, or the client by itself.
    Nobody,
    /// A broker that is to be started.
    Ours,
    /// The broker of somebody else in the same home, which answers there.
    Theirs(String),
}

/// A login in a home.
pub(super) struct Placed {
    pub(super) credential: Approved<Credential>,
    /// None where the slot had nothing to do with it.
    pub(super) generation: Option<u64>,
    /// Whether the slot had a login when we came.
    pub(super) had_login: bool,
    pub(super) seeded: bool,
    pub(super) refreshed: bool,
    pub(super) renewal: Renewal,
}

impl When {
    /// Reads its name.
    ///
    /// # Errors
    /// When it is another word.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        match text {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err("expected `auto`, `always` or `never`"),
        }
    }
}

/// From here on a broker that serves the home does not leave; one that was about to has gone.
pub(super) fn join(bench: &Bench<'_>, parts: &Parts) -> Result<Users, CommandError> {
    parts.home.create()?;
    Ok(Users::join(&parts.home, &bench.around(parts).patience(&|_| {}))?)
}

/// Puts what the slot holds into a home, renewed where that is due.
pub(super) fn from_store(
    bench: &Bench<'_>,
    wanted: &Wanted<'_>,
    parts: &Parts,
    store: &dyn Store,
) -> Result<Placed, CommandError> {
    let seed = wanted.seed.map(|source| read_seed(bench, source)).transpose()?;
    let keys = bench.seal_keys()?;
    let around = bench.around(parts);
    let relay = bench.relay(&around, store, &keys)?;
    let session = around.lock()?;
    let offered = offer(bench, &relay, seed, wanted.allow_account_change)?;
    let theirs = Serving::of(&parts.home)?;
    let (loaded, seeded, had_login) = match offered {
        Offered::Slot { loaded, seeded, had_login } => (*loaded, seeded, had_login),
        Offered::Seed(_) if theirs.is_some() => return Err(CommandError::HomeBrokered),
        Offered::Seed(seed) => {
            let credential = relay.place_seed(&session, &seed, wanted.placement)?;
            check_lifetime(bench, credential.get(), wanted.min_ttl)?;
            return Ok(Placed {
                credential,
                generation: None,
                had_login: false,
                seeded: false,
                refreshed: false,
                renewal: Renewal::Nobody,
            });
        }
    };
    let (loaded, refreshed) = renewed(bench, &relay, &session, wanted.refresh, loaded)?;
    // Also what somebody else has renewed meanwhile.
    if let Some(login) = loaded.baton().login() {
        bench.mask(&login.as_credential(bench.settings.client));
    }
    let credential = match &theirs {
        None => relay.place(&session, &loaded, wanted.placement, wanted.min_ttl)?,
        Some(_) => served(bench, parts, &relay, &loaded)?,
    };
    check_lifetime(bench, credential.get(), wanted.min_ttl)?;
    let renewal = match theirs {
        Some(url) => Renewal::Theirs(url),
        None if needs_broker(bench, wanted, credential.get()) => Renewal::Ours,
        None => Renewal::Nobody,
    };
    let generation = Some(loaded.baton().state().generation);
    Ok(Placed { credential, generation, had_login, seeded, refreshed, renewal })
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
fn renewed(
    bench: &Bench<'_>,
    relay: &Relay<'_>,
    session: &Session,
    when: When,
    loaded: Loaded,
) -> Result<(Loaded, bool), CommandError> {
    let lifetime = loaded.baton().login().map(|login| login.lifetime());
    if let Access::ReadOnly(reason) = &relay.facts.access {
        let is_due = |lifetime: &Lifetime| {
            lifetime.freshness(bench.clock.now(), bench.settings.margin) != Freshness::Fresh
        };
        if when == When::Always || when == When::Auto && lifetime.is_some_and(|it| is_due(&it)) {
            bench.info(&format!("this run may not write the store ({reason}): the token is used as it is"));
        }
        return Ok((loaded, false));
    }
    let want = match when {
        When::Never => return Ok((loaded, false)),
        When::Auto => Want::default(),
        When::Always => Want { force: true, must: false },
    };
    match relay.refresh_from(session, want, loaded) {
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

/// A client is not started with a token that has ended, or that ends too soon.
pub(super) fn check_lifetime(
    bench: &Bench<'_>,
    credential: &Credential,
    min_ttl: Option<TimeDelta>,
) -> Result<(), CommandError> {
    let Some(lifetime) = credential.lifetime() else { return Ok(()) };
    let wanted = min_ttl.unwrap_or_else(TimeDelta::zero);
    match lifetime.left(bench.clock.now()) {
        Some(left) if left < wanted || left.is_zero() => {
            let (left, wanted) = (left.num_seconds(), wanted.num_seconds());
            Err(RelayError::TooShort { left, wanted }.into())
        }
        None if min_ttl.is_some() => Err(RelayError::UnknownEnd.into()),
        _ => Ok(()),
    }
}

fn has_ended(bench: &Bench<'_>, lifetime: Lifetime) -> bool {
    lifetime.left(bench.clock.now()).is_some_and(|left| left.is_zero())
}

/// What there is to report of a login in a home.
pub(super) fn facts(bench: &Bench<'_>, credential: &Credential) -> Report {
    let expires_at = credential.lifetime().and_then(|lifetime| lifetime.expires_at);
    Report::default()
        .with("client", bench.settings.client.name())
        .with("mode", credential.mode().name())
        .with("account_id", credential.account_id())
        .with("plan", credential.id_claims().and_then(|claims| claims.plan))
        .with("expires_at", time(expires_at))
}

fn needs_broker(bench: &Bench<'_>, wanted: &Wanted<'_>, credential: &Credential) -> bool {
    match wanted.broker {
        When::Always => true,
        When::Never => false,
        // Whoever wants nothing renewed wants nobody who renews unasked.
        When::Auto if wanted.refresh == When::Never => false,
        When::Auto => {
            let left = credential.lifetime().and_then(|lifetime| lifetime.left(bench.clock.now()));
            left.is_none_or(|left| left < wanted.long)
        }
    }
}
