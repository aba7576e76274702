//! `doctor`: what is well here, what is not, and what a person should do about it.
//!
//! It only looks. No file, lock file or directory is made, no lease taken, no token spent, no broker started; the only
//! request is one load of the slot, and the only program that runs is the client, to say its version (and what the store
//! runs by itself). A part that fails is a finding, and never the end: the others are told all the same. Each topic has a
//! file with what is gathered and, apart from that, what it means.

mod client;
mod clocks;
mod finding;
mod home;
mod locks;
mod login;
mod policy;
mod programs;
mod runner;
mod slot;
mod store;

pub use finding::{About, Finding, FindingId, Row, Severity, Topic};

use super::{Bench, CommandError};
use crate::baton::{Baton, OpenedBaton, SlotId, TokenHash};
use crate::credential::{Credential, FullLogin, Lifetime};
use crate::disk::look_at;
use crate::home::{
    AuthFile, Found, Home, HomeError, JournalName, Journals, Sidecar, SpentHere, StateDirectory, seen_serving,
};
use crate::relay::RelayError;
use client::{ClientFacts, Needs};
use clocks::Clocks;
use home::{HomeFacts, JournalFacts};
use locks::LockFacts;
use login::LoginFacts;
use policy::{Known, PolicyFacts};
use runner::Runner;
use slot::SlotFacts;
use store::StoreFacts;

/// Looks at everything, and returns what was found, by topic.
#[must_use]
pub fn doctor(bench: &Bench<'_>) -> Vec<Finding> {
    let store = StoreFacts::look(bench);
    let slot = store.open().map_or(Slot::Unseen, |open| Slot::look(bench, open));
    let mut findings = Runner::look(bench).findings();
    match bench.home() {
        Ok(home) => findings.extend(with_home(bench, &home, &store, &slot)),
        Err(error) => {
            findings.push(Finding::error(Topic::Home, error));
            findings.extend(clocks(bench, None, None, &slot).findings());
            findings.extend(ClientFacts::look(bench, Needs::of(None, store.is_given())).findings());
            findings.extend(of_slot(bench, &store, &slot, None, None));
        }
    }
    findings.extend(journals(bench, &store).findings(store.is_given()));
    findings.extend(store.findings());
    if let Slot::Closed(error) = slot {
        findings.push(Finding::error(Topic::Slot, error));
    }
    // What is alike stands together, whoever found it.
    findings.sort_by_key(|finding| finding.topic);
    findings
}

/// Everything that a home has a part in.
fn with_home(bench: &Bench<'_>, home: &Home, store: &StoreFacts, slot: &Slot) -> Vec<Finding> {
    let file = AuthFile::of(home);
    let found = file.look(bench.clock);
    let login = match &found {
        Ok(Found::Credential(credential)) => Some(&**credential),
        _ => None,
    };
    let policy = bench.gate(home).policy();
    let broker = seen_serving(home);
    let needs = Needs::of(policy.as_ref().ok(), store.is_given());
    let facts = LoginFacts {
        found: &found,
        now: bench.clock.now(),
        margin: bench.settings.margin,
        has_store: store.is_given(),
        has_broker: broker.as_ref().is_some_and(|(_, process)| process.is_some()),
    };
    let of_slots_login = slot.login().map(|login| login.as_credential(bench.settings.client));
    let mut findings = clocks(bench, Some(&file), login, slot).findings();
    findings.extend(HomeFacts::look(bench, home, &file).findings());
    findings.extend(facts.findings());
    findings.extend(ClientFacts::look(bench, needs).findings());
    findings.extend(LockFacts::look(home, &file).findings());
    findings.extend(of_slot(bench, store, slot, login, Sidecar::read(home)));
    let known = Known {
        file: &file,
        home: login,
        slot: of_slots_login.as_ref(),
        broker: broker.as_ref().map(|(url, _)| url.as_str()),
    };
    findings.extend(PolicyFacts::look(bench, policy, known).findings());
    findings.extend(found.err().map(|error| Finding::error(Topic::Home, error)));
    findings
}

/// What the slot had.
enum Slot {
    /// There is no store, or it could not be looked at; the store says why.
    Unseen,
    /// It cannot be opened here.
    Closed(CommandError),
    /// It was never written.
    Empty,
    /// It was opened.
    Opened(Box<OpenedBaton>),
}

impl Slot {
    /// Without keys nothing can be done with a slot, also when there is nothing in it yet.
    fn look(bench: &Bench<'_>, store: &store::Open) -> Self {
        let Some(content) = store.content() else { return Self::Unseen };
        let opened = bench.seal_keys().and_then(|keys| {
            let id = slot_id(bench)?;
            let opened = content.map(|bytes| Baton::open(&keys, &id, bytes)).transpose();
            Ok(opened.map_err(RelayError::from)?)
        });
        match opened {
            Err(error) => Self::Closed(error),
            Ok(None) => Self::Empty,
            Ok(Some(opened)) => Self::Opened(Box::new(opened)),
        }
    }

    fn baton(&self) -> Option<&Baton> {
        match self {
            Self::Opened(opened) => Some(&opened.baton),
            Self::Unseen | Self::Closed(_) | Self::Empty => None,
        }
    }

    fn login(&self) -> Option<&FullLogin> {
        self.baton()?.login()
    }
}

fn slot_id(bench: &Bench<'_>) -> Result<SlotId, CommandError> {
    Ok(SlotId { slot: bench.settings.slot.clone(), audience: bench.audience()? })
}

fn of_slot(
    bench: &Bench<'_>,
    store: &StoreFacts,
    slot: &Slot,
    home: Option<&Credential>,
    sidecar: Option<Sidecar>,
) -> Vec<Finding> {
    let Some(store) = store.open() else { return Vec::new() };
    let opened = match slot {
        Slot::Unseen | Slot::Closed(_) => return Vec::new(),
        Slot::Empty => None,
        Slot::Opened(opened) => Some(&**opened),
    };
    let facts = SlotFacts {
        name: bench.settings.slot.to_string(),
        opened,
        store: &store.name,
        wants_proof: store.wants_proof(),
        may_write: store.may_write(),
        is_spent_here: is_spent_here(bench, &store.name, slot.login()),
        now: bench.clock.now(),
        margin: bench.settings.margin,
        home,
        sidecar,
    };
    facts.findings()
}

/// Whether this machine has spent what the slot holds, and has nothing left of what came back: where there is a journal, the
/// slot only waits for it. Without a state directory nothing is remembered; that is told with the journals.
fn is_spent_here(bench: &Bench<'_>, store: &str, login: Option<&FullLogin>) -> Result<bool, HomeError> {
    let (Some(login), Ok(state), Ok(id)) = (login, StateDirectory::find(bench.environment), slot_id(bench))
    else {
        return Ok(false);
    };
    let name = JournalName::new(&id, store);
    if Journals::new(state.clone(), name.clone()).exist() {
        return Ok(false);
    }
    SpentHere::new(&state, &name).has(TokenHash::of(login.refresh_token()))
}

fn journals(bench: &Bench<'_>, store: &StoreFacts) -> JournalFacts {
    let name = store.open().and_then(|open| Some(JournalName::new(&slot_id(bench).ok()?, &open.name)));
    JournalFacts::look(bench, name)
}

/// Gathers what others wrote down with their clocks.
fn clocks(bench: &Bench<'_>, file: Option<&AuthFile>, login: Option<&Credential>, slot: &Slot) -> Clocks {
    let issued = |lifetime: Lifetime| lifetime.issued_at;
    let tokens = [login.and_then(Credential::lifetime), slot.login().map(FullLogin::lifetime)];
    let tokens = tokens.into_iter().flatten().filter_map(issued).map(|at| ("a token was issued", at));
    let leases = slot.baton().and_then(|baton| baton.state().lease());
    let leases = leases.map(|lease| ("a lease was taken", lease.taken_at));
    let written = file.and_then(|file| look_at(file.path())?.modified);
    let written = written.map(|at| ("auth.json was written", at));
    let elsewhere = tokens.chain(leases).chain(written).collect();
    Clocks { now: bench.clock.now(), boot: bench.clock.boot(), elsewhere }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each finding in short: its severity, and its id, or the error that stands behind it as far as it has no text.
    pub(super) fn ids(findings: Vec<Finding>) -> Vec<String> {
        let short = |finding: Finding| {
            assert!(!finding.text.is_empty());
            let about = match finding.about {
                About::Row(id) => id.row().id.to_owned(),
                About::Error(error) => {
                    let text = format!("!{error:?}");
                    text.split(['{', '"']).next().unwrap_or_default().trim_end().to_owned()
                }
            };
            format!("{} {about}", finding.severity.name())
        };
        findings.into_iter().map(short).collect()
    }
}
