//! The store: what it can do here, and how long one look took. That look is the only request that doctor makes, and what
//! came of it is handed to `slot`.

use std::time::Duration;

use super::finding::{Finding, FindingId, Severity, Topic};
use crate::baton::SealedBytes;
use crate::commands::bench::Holder;
use crate::commands::{Bench, CommandError};
use crate::relay::RelayError;
use crate::store::{Access, Durability, Exclusive, Facts, StoreError};

const TOPIC: Topic = Topic::Store;
/// Whoever waits longer for one look waits long for a lease, too.
const SLOW: Duration = Duration::from_secs(5);

/// What there is to know of the store.
pub(super) enum StoreFacts {
    /// None was given: the home is the holder.
    None,
    /// It cannot even be opened.
    Closed(CommandError),
    /// It was looked at.
    Open(Open),
}

/// A store that was looked at.
pub(super) struct Open {
    pub(super) name: String,
    facts: Result<Facts, StoreError>,
    /// How long the look took.
    took: Duration,
    content: Result<Option<SealedBytes>, StoreError>,
}

impl StoreFacts {
    /// Opens the store and loads the slot, once.
    pub(super) fn look(bench: &Bench<'_>) -> Self {
        if bench.settings.store.is_none() {
            return Self::None;
        }
        let store = match bench.holder() {
            Ok(Holder::Home) => return Self::None,
            Ok(Holder::Store(store)) => store,
            Err(error) => return Self::Closed(error),
        };
        let facts = store.facts();
        let start = bench.clock.boot();
        let content = store.load(&bench.settings.slot);
        let took = bench.clock.boot().saturating_sub(start);
        let content = content.map(|loaded| loaded.map(|(bytes, _)| bytes));
        Self::Open(Open { name: store.name(), facts, took, content })
    }

    /// Returns the store, if it was looked at.
    pub(super) fn open(&self) -> Option<&Open> {
        match self {
            Self::Open(open) => Some(open),
            Self::None | Self::Closed(_) => None,
        }
    }

    /// Returns whether a store was given at all.
    pub(super) fn is_given(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Says what that means.
    pub(super) fn findings(self) -> Vec<Finding> {
        match self {
            Self::None => Vec::new(),
            Self::Closed(error) => vec![Finding::error(TOPIC, error)],
            Self::Open(open) => open.findings(),
        }
    }
}

impl Open {
    /// Returns what the slot has, where it could be loaded; the inner `None`: it was never written.
    pub(super) fn content(&self) -> Option<Option<&SealedBytes>> {
        self.content.as_ref().ok().map(Option::as_ref)
    }

    /// Returns whether this run may write, as far as the store knows.
    pub(super) fn may_write(&self) -> bool {
        self.facts.as_ref().is_ok_and(|facts| facts.access == Access::Write)
    }

    /// Returns whether the service has to be seen to keep its conditions.
    pub(super) fn wants_proof(&self) -> bool {
        self.facts.as_ref().is_ok_and(|facts| facts.exclusive == Exclusive::Unproven)
    }

    fn findings(self) -> Vec<Finding> {
        let Self { name, facts, took, content } = self;
        let mut findings = Vec::new();
        match facts {
            Ok(facts) => findings.extend(of_facts(&name, facts, took)),
            Err(error) => findings.push(Finding::error(TOPIC, error)),
        }
        if took >= SLOW {
            let text = format!("one look into the store took {} ms", took.as_millis());
            findings.push(Finding::new(TOPIC, FindingId::StoreSlow, text));
        }
        findings.extend(content.err().map(|error| Finding::error(TOPIC, error)));
        findings
    }
}

fn of_facts(name: &str, facts: Facts, took: Duration) -> Vec<Finding> {
    let Facts { exclusive, access, durability, worst_swap } = facts;
    let exclusion = match exclusive {
        Exclusive::Always => "keeps writers apart",
        Exclusive::Unproven => "keeps writers apart, as its service says",
        Exclusive::UnderDeclaredMutex => "keeps writers apart by the CI's mutex",
        Exclusive::No => "does not keep writers apart",
    };
    let writes = if access == Access::Write { "may be written" } else { "is read-only" };
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let text = format!(
        "`{name}` {exclusion}, {writes} here, and is safe {durability}; one look took {milliseconds} ms"
    );
    let store = Finding::new(TOPIC, FindingId::StoreFound, text)
        .with("store", name)
        .with("latency_ms", milliseconds)
        .with("durability", durability.to_string())
        .with("worst_swap", worst_swap.as_secs())
        .with("may_write", access == Access::Write);
    let mut findings = vec![store];
    match exclusive {
        Exclusive::No => findings.push(Finding::error(TOPIC, RelayError::NotExclusive)),
        Exclusive::UnderDeclaredMutex => {
            let text = "`?mutex=ci` says that the CI lets one job at a time have the store";
            findings.push(Finding::new(TOPIC, FindingId::StoreMutexDeclared, text));
        }
        Exclusive::Always | Exclusive::Unproven => {}
    }
    if durability == Durability::AtJobEnd {
        let text =
            "the store is uploaded only after the job: if the job's machine is lost before, so is the login";
        findings.push(Finding::new(TOPIC, FindingId::StoreAtJobEnd, text));
    }
    if let Access::ReadOnly(reason) = access {
        findings.push(Finding::of(TOPIC, Severity::Warning, RelayError::ReadOnly(reason)));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::tests::ids;
    use super::*;

    const GOOD: Facts = Facts {
        exclusive: Exclusive::Always,
        access: Access::Write,
        durability: Durability::Now,
        worst_swap: Duration::from_secs(5),
    };

    fn open(facts: Result<Facts, StoreError>) -> Open {
        Open { name: "file:/s".to_owned(), facts, took: Duration::from_millis(3), content: Ok(None) }
    }

    #[test]
    fn facts_become_findings() {
        let of = |facts| ids(open(Ok(facts)).findings());
        assert_eq!(of(GOOD), ["ok store"]);
        assert_eq!(
            of(Facts { exclusive: Exclusive::No, ..GOOD }),
            ["ok store", "error !Relay(NotExclusive)"]
        );
        let carried =
            Facts { exclusive: Exclusive::UnderDeclaredMutex, durability: Durability::AtJobEnd, ..GOOD };
        assert_eq!(of(carried), ["ok store", "info store-mutex-declared", "warning store-at-job-end"]);
        let read_only = Facts { access: Access::ReadOnly("a fork".to_owned()), ..GOOD };
        assert_eq!(of(read_only), ["ok store", "warning !Relay(ReadOnly("]);
        assert_eq!(
            open(Ok(GOOD)).findings()[0].text,
            "`file:/s` keeps writers apart, may be written here, and is safe now; one look took 3 ms"
        );
    }

    #[test]
    fn a_store_that_fails_or_is_slow_is_a_finding() {
        let gone = || StoreError::Unreachable("gone".to_owned());
        assert_eq!(ids(open(Err(gone())).findings()), ["error !Relay(Store(Unreachable("]);
        let failed = Open { content: Err(gone()), took: SLOW, ..open(Ok(GOOD)) };
        assert!(failed.content().is_none());
        let expected = ["ok store", "warning store-slow", "error !Relay(Store(Unreachable("];
        assert_eq!(ids(failed.findings()), expected);
        assert!(StoreFacts::None.findings().is_empty());
        let closed = StoreFacts::Closed(CommandError::StoreNotConfigured);
        assert_eq!(ids(closed.findings()), ["error !StoreNotConfigured"]);
    }
}
