//! SIGKILL before and after every step, then a process on the same machine or on another one, then the other of the two.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use authbaton::relay::Step;
use rustix::process::Signal;

use crate::arena::{Arena, Ran, Runner};
use crate::process::{LEASE, Process, at, fast, run};
use crate::table;

/// Most cases wait for a lease to end.
const THREADS: usize = 12;

/// What the next process comes to. Whatever it is, there is one exchange in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It renews the login, at once.
    Renewed,
    /// It renews the login when the lease of the one that was killed is over.
    RenewedLater,
    /// It stores the reply that the journal has.
    Recovered,
    /// It finds the renewed login in the store.
    Adopted,
    /// The reply is lost: exit 5, when the lease is over.
    Lost,
}

/// Where the next process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// On the machine of the one that was killed, in its home.
    Same,
    /// Elsewhere, without its state directory.
    Other,
}

/// Before or after a step.
pub(crate) type Point = (Step, &'static str);

/// What is promised for a step: for a kill before it and after it, on the same machine and on another one.
fn promised(step: Step) -> [[Outcome; 2]; 2] {
    use Outcome::{Adopted, Lost, Recovered, Renewed, RenewedLater};
    match step {
        Step::Lock => [[Renewed; 2]; 2],
        Step::Recover => [[Renewed; 2]; 2],
        Step::Load => [[Renewed; 2]; 2],
        Step::Preflight => [[Renewed; 2]; 2],
        Step::MakeJournal => [[Renewed; 2]; 2],
        Step::Lease => [[Renewed; 2], [RenewedLater; 2]],
        Step::RecoverAgain => [[RenewedLater; 2]; 2],
        Step::Post => [[RenewedLater; 2], [Lost; 2]],
        Step::WriteJournal => [[Lost; 2], [Recovered, Lost]],
        Step::Store => [[Recovered, Lost], [Adopted; 2]],
        Step::DropJournal => [[Adopted; 2]; 2],
        Step::Place => [[Adopted; 2]; 2],
        Step::Sidecar => [[Adopted; 2]; 2],
    }
}

fn points() -> Vec<Point> {
    Step::ALL.iter().copied().flat_map(|step| [(step, "before"), (step, "after")]).collect()
}

#[test]
fn killed_at_every_step() {
    let cases: Vec<(usize, Point, Place)> = points()
        .into_iter()
        .enumerate()
        .flat_map(|(row, point)| [(row, point, Place::Same), (row, point, Place::Other)])
        .collect();
    // Those that wait longest come first.
    let mut queue = cases.clone();
    queue.sort_by_key(|(_, point, place)| {
        matches!(outcome_promised(*point, *place), Outcome::RenewedLater | Outcome::Lost)
    });
    let (queue, results) = (Mutex::new(queue), Mutex::new(BTreeMap::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some((row, point, place)) = { queue.lock().unwrap().pop() } {
                    let result = catch_unwind(AssertUnwindSafe(|| kill(point, place))).ok();
                    results.lock().unwrap().insert((row, place == Place::Other), result);
                }
            });
        }
    });
    let results = results.into_inner().unwrap();
    let mut wrong = Vec::new();
    for (row, point, place) in cases {
        let (is, promised) = (results[&(row, place == Place::Other)], outcome_promised(point, place));
        if is != Some(promised) {
            wrong.push(format!("{} {}, {place:?}: {is:?}, not {promised:?}", point.1, point.0.name()));
        }
    }
    assert!(wrong.is_empty(), "the protocol is broken:\n{}", wrong.join("\n"));
    let rows = points().into_iter().enumerate();
    let row = |(row, point)| (point, [results[&(row, false)].unwrap(), results[&(row, true)].unwrap()]);
    table::is_in_the_document(&rows.map(row).collect::<Vec<_>>());
}

fn outcome_promised((step, when): Point, place: Place) -> Outcome {
    promised(step)[usize::from(when == "after")][usize::from(place == Place::Other)]
}

/// Runs one case.
fn kill((step, when): Point, place: Place) -> Outcome {
    let arena = Arena::due();
    let (here, elsewhere) = (arena.first(), arena.runner(2, 2));
    run(&arena, fast(&arena, &elsewhere, &["restore"]), "").fine();
    assert!(!elsewhere.state.exists() || arena.journals(&elsewhere).is_empty());
    let old = arena.held_access_token();

    let point = format!("{when}:{}", step.name());
    let killed = Process::start(at(fast(&arena, &here, &["refresh"]), &point), "").end(&arena);
    assert_eq!(killed.signal, Some(Signal::KILL), "{point} was not reached: {}", killed.ran.stderr);
    arena.nothing_lies_around();
    // Stored before used.
    assert!([old.clone(), arena.held_access_token()].contains(&here.access_token()));
    assert_eq!(elsewhere.access_token(), old);

    let (next, last) = if place == Place::Same { (&here, &elsewhere) } else { (&elsewhere, &here) };
    let begin = Instant::now();
    let ran = run(&arena, fast(&arena, next, &["refresh"]), "");
    let outcome = look(&arena, next, &old, &ran, begin.elapsed());
    arena.nothing_lies_around();
    assert!(arena.journals(next).is_empty(), "a journal was left by the next one");

    // And whoever comes then: nothing is exchanged again, and what is lost stays lost.
    let ran = run(&arena, fast(&arena, last, &["refresh"]), "");
    assert_eq!(arena.authority.exchanges(), 1);
    if outcome == Outcome::Lost {
        assert_eq!(ran.code, Some(5), "{}", ran.stderr);
        assert_eq!(last.access_token(), old);
    } else {
        ran.refreshed(false);
        assert_eq!((arena.authority.posts(), last.access_token()), (1, arena.held_access_token()));
        arena.holds_a_living_token();
    }
    assert!(arena.journals(last).is_empty(), "a journal was left in the end");
    arena.nothing_lies_around();
    outcome
}

/// Says what the next process came to, and demands that store and home agree with what it said.
fn look(arena: &Arena, next: &Runner, old: &str, ran: &Ran, took: Duration) -> Outcome {
    let (state, posts) = (arena.state(), arena.authority.posts());
    let waited = ran.stderr.contains("waiting for the lease of ");
    assert!(!waited || took >= LEASE, "the lease was taken over after {took:?}");
    assert_eq!((arena.authority.exchanges(), state.unproven), (1, None), "{}", ran.stderr);
    if ran.code == Some(0) {
        ran.fine();
        assert_eq!((arena.phase().as_str(), state.generation, posts), ("idle", 2, 1), "{}", ran.stderr);
        arena.holds_a_living_token();
        assert_eq!(next.access_token(), arena.held_access_token());
        assert_ne!(next.access_token(), old);
        let stored = ran.stderr.contains("the journal of an interrupted job was stored");
        match (ran.json["refreshed"].as_bool().unwrap(), waited, stored) {
            (true, false, false) => Outcome::Renewed,
            (true, true, false) => Outcome::RenewedLater,
            (false, false, true) => Outcome::Recovered,
            (false, false, false) => Outcome::Adopted,
            other => panic!("{other:?}: {}", ran.stderr),
        }
    } else {
        ran.failed(5, "login-reused");
        assert!(waited, "a request might have been under way: {}", ran.stderr);
        assert_eq!((arena.phase().as_str(), state.generation, posts), ("dead reused", 1, 2));
        assert!(!arena.authority.is_alive(&arena.held_token()));
        assert_eq!(next.access_token(), old);
        Outcome::Lost
    }
}
