//! Every interleaving of small worlds, driven through the program's own decisions: 2 to 4 actors on 1 to 3 machines, a
//! slot that is swapped, an authority whose refresh tokens are single-use and whose login dies when one is used twice,
//! crashes, lost machines, pauses longer than a lease, lost replies, store outages, foreign replies, seeds, purges.
//!
//! The decisions are the program's (`baton/`, `relay/ending.rs`, `Settled`); the order of effects is written down here as
//! the relay room has it, and must follow it. Time is what the protocol may rely on: the lease of an owner that has ended
//! runs out sooner or later, that of a running owner only when it was paused; a request arrives before the lease that was
//! taken for it runs out; ten minutes pass or do not. The authority kills a login at once when a token is used twice.
//!
//! Beyond what the design asks, the worlds have journals that are blank, and who has each of them locked; a crash between
//! storing and dropping; the second look at a lease before the POST; late requests of tokens that were used before.
//! Left out are lengths, preflight, policy, placing, torn journals, sealing, signals, 429 and 503, unreadable replies,
//! `rescue`, a store's own faults at any other swap than taking a lease, storing and seeding, and the limits of rounds.
//! An excuse counts for its token (for exit 0 and loss: its login) from then on, and could hide a second flaw behind it.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "what a model cannot reach is a failed test"
)]

mod actor;
mod admission;
mod exchange;
mod explorer;
mod happenings;
mod invariants;
mod mutation;
mod people;
mod protocol;
mod search;
mod world;
mod worlds;

use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use invariants::Severity;
use mutation::Mutation;
use search::{Report, explore};
use worlds::worlds;

/// Whether the large worlds are wanted, too.
fn is_full() -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests have no job that could tell them how thorough to be"
    )]
    std::env::var("AUTHBATON_TEST_SIZE").is_ok_and(|size| size == "full")
}

/// Tells people. Not with `println`: the numbers are wanted of a test that passes, too.
fn tell(text: &str) {
    let mut out = std::io::stderr().lock();
    writeln!(out, "{text}").unwrap();
}

fn print(report: &Report) {
    let Report { name, states, transitions, ends, .. } = report;
    tell(&format!("{name:31} {states:8} states {transitions:9} transitions {ends:6} ends"));
    for (note, count) in &report.notes {
        let severity = match note.severity {
            Severity::Flaw => "flaw",
            Severity::Double => "double",
            Severity::Gap => "gap",
        };
        tell(&format!("      {severity:6} {count:7}  {}", note.text));
        if let Some(trace) = report.flaws.get(note.text).filter(|_| note.severity == Severity::Flaw) {
            tell(&format!("             {}", trace.join(" | ")));
        }
    }
}

#[test]
fn no_interleaving_of_a_world_has_a_flaw() {
    let (chosen, left_out): (Vec<_>, Vec<_>) =
        worlds().into_iter().partition(|setup| is_full() || !setup.is_large);
    let (turn, reports) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                // The larger ones stand at the end: they are begun first.
                while let Some(number) = chosen.len().checked_sub(1 + turn.fetch_add(1, Ordering::Relaxed)) {
                    let report = explore(&chosen[number], None, false);
                    reports.lock().unwrap().push((number, report));
                }
            });
        }
    });
    let mut reports = reports.into_inner().unwrap();
    reports.sort_by_key(|(number, _)| *number);
    reports.iter().for_each(|(_, report)| print(report));
    let states: usize = reports.iter().map(|(_, report)| report.states).sum();
    let flaws: usize = reports.iter().map(|(_, report)| report.flaws.len()).sum();
    tell(&format!("{} worlds, {states} states, {flaws} kinds of flaws", reports.len()));
    for setup in left_out {
        tell(&format!("left out: {} (AUTHBATON_TEST_SIZE=full)", setup.name));
    }
    assert_eq!(reports.len(), chosen.len());
    assert_eq!(flaws, 0, "see the traces above");
}

/// Each rule, broken on purpose; the world in which that shows first; and what shows it.
const CAUGHT: [(Mutation, &str, &str); 14] = [
    (Mutation::SpentIsStored, "crash", "a spent token or a known seed is stored"),
    (Mutation::NoUnproven, "crash", "exit 0 with a dead login: adopted"),
    (Mutation::NoWaiting, "two crashes", KILLED),
    (Mutation::BlankIsIgnored, "crash, one home", KILLED),
    (Mutation::NoSecondLook, "crash", "second POST although its journal lies here"),
    (
        Mutation::NoRecoveryLock,
        "crash, one home and a neighbour",
        "second POST although its journal lies here",
    ),
    (Mutation::RefusedOverAnyParent, "other account and reseed", "dead is written over a living token"),
    (Mutation::MarkForgotten, "three other 401", "POST after a second 401"),
    (Mutation::SameOverAnyLease, "no refresh token and crash", "second POST without a documented cause"),
    (Mutation::OtherIsStored, "other account and crash", "another account's token is stored"),
    (Mutation::NoMust, "pause", "exit 0 with a dead login: adopted"),
    (Mutation::OlderSeed, "two reseeds and an old seed", "an older seed won"),
    (
        Mutation::HandedBackUnstored,
        "lost reply and store fault",
        "the lease over a spent token is handed back",
    ),
    (Mutation::AskedAgain, "two lost replies", "a third POST after two without an answer"),
];
const KILLED: &str = "a request that was under way kills the login after somebody else succeeded";

#[test]
fn every_rule_that_is_broken_is_caught() {
    for (mutation, name, flaw) in CAUGHT {
        let setup = worlds().into_iter().find(|setup| setup.name == name).unwrap();
        let report = explore(&setup, Some(mutation), true);
        let flaws: Vec<_> = report.flaws.keys().copied().collect();
        assert!(flaws.contains(&flaw), "{name}: {flaws:?} instead of `{flaw}`");
    }
}
