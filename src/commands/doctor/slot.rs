//! The slot: what it holds, who has its lease, when it is renewed next; and how the home stands to it. What may be done
//! with it is asked of `baton`, as the relay asks.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::finding::{Finding, FindingId, Severity, Topic};
use super::login::text;
use crate::baton::{
    HomeId, Lease, Mark, OpenedBaton, Permission, Phase, State, StoreMark, TokenHash, View,
};
use crate::commands::report;
use crate::credential::{Credential, Due, Freshness, FullLogin, Margin};
use crate::home::{HomeError, Sidecar};
use crate::relay::RelayError;

const TOPIC: Topic = Topic::Slot;
/// Clocks differ; a lease is not called overdue for that.
const TOLERANCE: TimeDelta = TimeDelta::seconds(60);

/// What there is to know of the slot.
pub(super) struct SlotFacts<'a> {
    pub(super) name: String,
    /// What was opened; `None`: it was never written.
    pub(super) opened: Option<&'a OpenedBaton>,
    pub(super) store: &'a str,
    /// Whether the store has to be seen to keep its conditions.
    pub(super) wants_proof: bool,
    pub(super) may_write: bool,
    /// Whether this machine has spent the slot's token before.
    pub(super) is_spent_here: Result<bool, HomeError>,
    pub(super) now: DateTime<Utc>,
    pub(super) margin: Margin,
    /// The login in the home.
    pub(super) home: Option<&'a Credential>,
    pub(super) sidecar: Option<Sidecar>,
}

impl SlotFacts<'_> {
    /// Says what that means.
    pub(super) fn findings(self) -> Vec<Finding> {
        let Some(opened) = self.opened else {
            return vec![Finding::of(TOPIC, Severity::Warning, RelayError::SlotEmpty)];
        };
        let state = opened.baton.state();
        let mut findings = vec![self.summary(opened)];
        findings.extend(of_phase(state, self.now));
        findings.extend(state.unproven.map(|_| Finding::of(TOPIC, Severity::Warning, RelayError::Unproven)));
        if let Some(login) = opened.baton.login() {
            findings.extend(self.of_login(login));
        }
        if opened.old_key {
            let text = "the slot is sealed with an older key than the newest that was given";
            findings.push(Finding::new(TOPIC, FindingId::SealKeyOld, text));
        }
        if self.wants_proof && state.proven != Some(StoreMark::of(self.store)) {
            let text = "the service has not been seen to keep its conditions for this slot";
            findings.push(Finding::new(TOPIC, FindingId::StoreUnproven, text));
        }
        findings.extend(self.of_home(state));
        match self.is_spent_here {
            Ok(true) => findings.push(Finding::error(TOPIC, RelayError::RolledBack)),
            Ok(false) => {}
            Err(error) => findings.push(Finding::error(TOPIC, error)),
        }
        findings
    }

    fn summary(&self, opened: &OpenedBaton) -> Finding {
        let (state, name) = (opened.baton.state(), &self.name);
        let generation = state.generation;
        let lifetime = opened.baton.login().map(FullLogin::lifetime);
        let (ends, due) =
            (lifetime.and_then(|it| it.expires_at), lifetime.and_then(|it| it.due_from(self.margin)));
        let phase = phase_name(state);
        let mut text_ = format!("slot `{name}` is {phase}, generation {generation}");
        if let Some(login) = opened.baton.login() {
            text_.push_str(&format!(", account {}", login.identity().account_id));
        }
        text_.extend(ends.map(|at| format!("; its access token ends at {}", text(at))));
        text_.extend(due.map(|at| format!("; the next renewal is due from {}", text(at))));
        Finding::new(TOPIC, FindingId::SlotFound, text_)
            .with("slot", name.clone())
            .with("state", phase)
            .with("generation", generation)
            .with("expires_at", report::time(ends))
            .with("refresh_due_from", report::time(due))
    }

    fn of_login(&self, login: &FullLogin) -> Vec<Finding> {
        let lifetime = login.lifetime();
        let Freshness::Due(due) = lifetime.freshness(self.now, self.margin) else { return Vec::new() };
        let text = format!("a renewal is due: {due}");
        let mut findings = vec![Finding::new(TOPIC, FindingId::RenewalDue, text)];
        // Whoever may not renew it cannot use it, either.
        if matches!(due, Due::Expired { .. }) && !self.may_write {
            findings.push(Finding::error(TOPIC, RelayError::TooShort { left: 0, wanted: 1 }));
        }
        findings
    }

    fn of_home(&self, state: &State) -> Option<Finding> {
        let home = self.home?;
        if let Ok(login) = FullLogin::new(home)
            && state.knows(TokenHash::of(login.refresh_token()))
        {
            let text = "the home has a refresh token that this slot holds, or has held";
            return Some(Finding::new(TOPIC, FindingId::TwoHolders, text));
        }
        let sidecar = self.sidecar.as_ref().filter(|_| home.is_placed_copy())?;
        if (sidecar.store.as_str(), sidecar.slot.as_str()) != (self.store, self.name.as_str()) {
            let text = format!(
                "the home's login came from slot `{}` of `{}`",
                printable(&sidecar.slot),
                printable(&sidecar.store)
            );
            return Some(Finding::new(TOPIC, FindingId::HomeOfOtherSlot, text));
        }
        (sidecar.generation < state.generation).then(|| {
            let text = format!("the home has generation {}, the slot {}", sidecar.generation, state.generation);
            Finding::new(TOPIC, FindingId::HomeBehind, text)
        })
    }
}

/// Asks what a run would be allowed that wants to renew now.
fn of_phase(state: &State, now: DateTime<Utc>) -> Vec<Finding> {
    let view = View {
        due: Some(Due::Forced),
        force: false,
        now,
        boot: Duration::ZERO,
        observed: None,
        // Nobody's: doctor holds no lock under which a lease could have been taken.
        home: HomeId::new([0; 16]),
        request_under_way: false,
    };
    let lease = state.lease().map(|lease| of_lease(lease, now));
    let verdict = match state.permits(&view) {
        Permission::Empty => Some(Finding::of(TOPIC, Severity::Warning, RelayError::SlotEmpty)),
        Permission::Dead(reason) => Some(Finding::error(TOPIC, RelayError::Dead(reason))),
        Permission::Suspect { until } => {
            Some(Finding::of(TOPIC, Severity::Warning, RelayError::Suspect(until)))
        }
        Permission::Use | Permission::Wait(_) | Permission::Lease(_) => None,
    };
    lease.into_iter().chain(verdict).collect()
}

fn of_lease(lease: &Lease, now: DateTime<Utc>) -> Finding {
    let owner = lease.owner.printable_name();
    let length = TimeDelta::try_seconds(i64::try_from(lease.seconds).unwrap_or(i64::MAX));
    let ends = length.and_then(|length| lease.taken_at.checked_add_signed(length));
    let until = ends.map(|at| format!(" until {}", text(at))).unwrap_or_default();
    let is_overdue = ends.is_some_and(|at| now - at > TOLERANCE);
    let (id, text) = if is_overdue {
        (FindingId::LeaseOverdue, format!("the lease of {owner} was to last{until}, and is still there"))
    } else {
        (FindingId::LeaseHeld, format!("{owner} has the lease{until}"))
    };
    Finding::new(TOPIC, id, text)
        .with("owner", owner)
        .with("taken_at", report::time(Some(lease.taken_at)))
        .with("ends_at", report::time(ends))
}

fn phase_name(state: &State) -> &'static str {
    match (&state.phase, state.mark()) {
        (Phase::Empty, _) if state.generation > 0 => "purged",
        (Phase::Empty, _) => "empty",
        (_, Some(Mark::Dead { .. })) => "dead",
        (_, Some(Mark::Suspect { .. })) => "suspect",
        (Phase::Leased { .. }, None) => "leased",
        _ => "idle",
    }
}

/// A file in the home may say anything.
fn printable(text: &str) -> String {
    text.chars().filter(|it| !it.is_control()).take(200).collect()
}
