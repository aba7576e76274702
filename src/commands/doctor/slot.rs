//! The slot: what it holds, who has its lease, when it is renewed next; and how the home stands to it. What may be done
//! with it is asked of `baton`, as the relay asks.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::finding::{Finding, FindingId, Severity, Topic};
use super::login::when;
use crate::baton::{HomeId, Lease, Mark, OpenedBaton, Permission, Phase, State, StoreMark, TokenHash, View};
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
        let mut text = format!("slot `{name}` is {phase}, generation {generation}");
        if let Some(login) = opened.baton.login() {
            text.push_str(&format!(", account {}", login.identity().account_id));
        }
        text.extend(ends.map(|at| format!("; its access token ends at {}", when(at))));
        text.extend(due.map(|at| format!("; the next renewal is due from {}", when(at))));
        Finding::new(TOPIC, FindingId::SlotFound, text)
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
        // What was purged from the slot may live on in the home: there it is the only one then.
        if let Ok(login) = FullLogin::new(home)
            && state.holds.is_some()
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
            let text =
                format!("the home has generation {}, the slot {}", sidecar.generation, state.generation);
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
    let until = ends.map(|at| format!(" until {}", when(at))).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::super::tests::ids;
    use super::*;
    use crate::baton::{Baton, DeadReason, LeaseId, Nonce, Owner, OwnerId};
    use crate::credential::{AccessOnly, Client};
    use crate::testing::Sample;

    const SUMMARY: &str = "ok slot";

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn nonce() -> Nonce {
        Nonce::new([1; 16])
    }

    fn seeded() -> Baton {
        Baton::new(nonce()).seeded(Sample::default().login(), nonce())
    }

    fn leased(seconds: u64) -> Baton {
        let (id, home) = (OwnerId::new([2; 16]), HomeId::new([3; 16]));
        let owner = Owner { id, name: "github 7\u{1b}[m".to_owned(), home };
        seeded().leased(Lease { id: LeaseId::new([4; 16]), owner, taken_at: at(0), seconds }, nonce())
    }

    fn opened(baton: Baton) -> OpenedBaton {
        OpenedBaton { baton, key_id: "00".to_owned(), old_key: false }
    }

    fn facts(opened: Option<&OpenedBaton>) -> SlotFacts<'_> {
        SlotFacts {
            name: "default".to_owned(),
            opened,
            store: "file:/s",
            wants_proof: false,
            may_write: true,
            is_spent_here: Ok(false),
            now: at(0),
            margin: Margin::Default,
            home: None,
            sidecar: None,
        }
    }

    fn found(baton: Baton) -> Vec<String> {
        ids(facts(Some(&opened(baton))).findings())
    }

    #[test]
    fn every_state_is_told_as_a_run_would_meet_it() {
        assert_eq!(ids(facts(None).findings()), ["warning !Relay(SlotEmpty)"]);
        assert_eq!(found(Baton::new(nonce())), [SUMMARY, "warning !Relay(SlotEmpty)"]);
        assert_eq!(found(seeded().purged(nonce())), [SUMMARY, "warning !Relay(SlotEmpty)"]);
        assert_eq!(found(seeded()), [SUMMARY]);
        assert_eq!(found(leased(90)), [SUMMARY, "info lease-held"]);
        let dead = |baton: Baton| baton.with(|state| state.dead(DeadReason::Reused, nonce()));
        assert_eq!(found(dead(seeded())), [SUMMARY, "error !Relay(Dead(Reused))"]);
        let again = leased(90).state().lease().cloned().unwrap();
        let tried = dead(seeded()).leased(again, nonce());
        assert_eq!(found(tried), [SUMMARY, "info lease-held", "error !Relay(Dead(Reused))"]);
        let suspect = |since| seeded().with(|state| state.denied(since, nonce()));
        let paused = [SUMMARY, "warning !Relay(Suspect(2027-01-15T08:09:59Z))"];
        assert_eq!(found(suspect(at(-1))), paused);
        assert_eq!(found(suspect(at(-601))), [SUMMARY]);
        let unproven = seeded().with(|state| State { unproven: Some(at(-5)), ..state.clone() });
        assert_eq!(found(unproven), [SUMMARY, "warning !Relay(Unproven)"]);
    }

    #[test]
    fn the_summary_says_whose_it_is_and_when_it_is_renewed() {
        let summary = |baton| facts(Some(&opened(baton))).findings().remove(0).text;
        assert_eq!(
            summary(seeded()),
            "slot `default` is idle, generation 1, account account-a; its access token ends at \
             2030-03-17T17:46:40Z; the next renewal is due from 2030-03-16T17:46:40Z"
        );
        assert_eq!(summary(seeded().purged(nonce())), "slot `default` is purged, generation 1");
        assert_eq!(summary(Baton::new(nonce())), "slot `default` is empty, generation 0");
    }

    #[test]
    fn a_lease_has_an_owner_and_an_end() {
        let text = |seconds, now| of_lease(leased(seconds).state().lease().unwrap(), at(now));
        let held = text(90, 0);
        assert_eq!(held.text, "github 7\\u{1b}[m has the lease until 2027-01-15T08:01:30Z");
        assert_eq!(
            ids(vec![held, text(90, 150), text(90, 151)]),
            ["info lease-held", "info lease-held", "warning lease-overdue"]
        );
        assert_eq!(ids(vec![text(u64::MAX, 0)]), ["info lease-held"]);
    }

    #[test]
    fn what_is_due_is_an_error_only_where_nobody_may_renew_it() {
        let ended = |may_write| {
            let opened = opened(seeded());
            ids(SlotFacts { now: at(100_000_001), may_write, ..facts(Some(&opened)) }.findings())
        };
        assert_eq!(ended(true), [SUMMARY, "info renewal-due"]);
        assert_eq!(ended(false), [SUMMARY, "info renewal-due", "error !Relay(TooShort"]);
    }

    #[test]
    fn an_old_key_an_old_baton_and_a_store_without_proof_are_told() {
        let old = OpenedBaton { old_key: true, ..opened(seeded()) };
        assert_eq!(ids(facts(Some(&old)).findings()), [SUMMARY, "info seal-key-old"]);
        let opened = opened(seeded());
        let back = SlotFacts { is_spent_here: Ok(true), ..facts(Some(&opened)) };
        assert_eq!(ids(back.findings()), [SUMMARY, "error !Relay(RolledBack)"]);
        let unproven = SlotFacts { wants_proof: true, ..facts(Some(&opened)) };
        assert_eq!(ids(unproven.findings()), [SUMMARY, "info store-unproven"]);
        let mark = Some(StoreMark::of("file:/s"));
        let proven = self::opened(seeded().with(|state| state.proven(mark)));
        let proven = SlotFacts { wants_proof: true, ..facts(Some(&proven)) };
        assert_eq!(ids(proven.findings()), [SUMMARY]);
    }

    #[test]
    fn how_the_home_stands_to_the_slot() {
        let client = Client::Codex;
        let of = |baton: &OpenedBaton, home: &Credential, sidecar: Option<(&str, &str, u64)>| {
            let sidecar = sidecar.map(|(store, slot, generation)| Sidecar {
                schema: Sidecar::SCHEMA,
                store: store.to_owned(),
                slot: slot.to_owned(),
                generation,
                placed_at: at(0),
            });
            let mut found = ids(SlotFacts { home: Some(home), sidecar, ..facts(Some(baton)) }.findings());
            assert_eq!(found.remove(0), SUMMARY);
            found
        };
        let whole = Sample::default().login().as_credential(client);
        let another = Sample { refresh_token: "another".to_owned(), ..Sample::default() };
        let another = another.login().as_credential(client);
        let copy = AccessOnly::into_credential(Sample::default().login().access_only(client, at(0)));
        let slot = opened(seeded());
        assert_eq!(of(&slot, &whole, None), ["error two-holders"]);
        assert!(of(&slot, &another, None).is_empty());
        assert_eq!(of(&opened(seeded().purged(nonce())), &whole, None), ["warning !Relay(SlotEmpty)"]);
        assert!(of(&slot, &copy, None).is_empty());
        assert!(of(&slot, &copy, Some(("file:/s", "default", 1))).is_empty());
        assert_eq!(of(&slot, &copy, Some(("file:/s", "default", 0))), ["info home-behind"]);
        assert_eq!(of(&slot, &copy, Some(("file:/t", "default", 1))), ["warning home-of-other-slot"]);
        assert_eq!(of(&slot, &copy, Some(("file:/s", "other", 1))), ["warning home-of-other-slot"]);
        assert!(of(&slot, &another, Some(("file:/t", "default", 1))).is_empty(), "it was not placed");
    }
}
