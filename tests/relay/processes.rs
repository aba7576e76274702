//! Many processes at once: one exchange, and everybody gets its result.

use std::collections::BTreeSet;
use std::fs;
use std::thread;

use serde_json::Value;

use crate::arena::{Arena, Runner, size};
use crate::launch::Done;

/// Lets all refresh at once, each in its home, while readers look at the homes.
fn race(arena: &Arena, runners: &[Runner]) {
    let homes: BTreeSet<_> = runners.iter().map(Runner::auth_json).collect();
    for runner in runners {
        arena.run(runner, &["restore"]).fine();
    }
    let done = Done::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.is_said() {
                for home in &homes {
                    let text = fs::read(home).unwrap();
                    let document: Value = serde_json::from_slice(&text).unwrap();
                    assert_eq!(document["tokens"]["refresh_token"], "");
                }
            }
        });
        let _done = done.in_the_end();
        let start = |runner| arena.start(runner, &["refresh", "--timeout", "60s"], "");
        let started: Vec<_> = runners.iter().map(start).collect();
        let ran: Vec<_> = started.into_iter().map(|started| arena.ended(started)).collect();
        for ran in &ran {
            ran.fine();
        }
        let exchanged = ran.iter().filter(|ran| ran.json["refreshed"] == true).count();
        assert_eq!(exchanged, 1);
    });
    assert_eq!((arena.authority.posts(), arena.authority.exchanges()), (1, 1));
    arena.holds_a_living_token();
    let held = arena.held_access_token();
    for runner in runners {
        assert!(runner.access_token() == held, "{} has another token", runner.home.display());
        assert!(arena.journals(runner).is_empty());
    }
    arena.nothing_lies_around();
}

#[test]
fn one_home() {
    let arena = Arena::due();
    race(&arena, &vec![arena.first(); size(8, 64)]);
}

#[test]
fn many_homes_of_one_machine() {
    let arena = Arena::due();
    race(&arena, &(0..size(8, 64)).map(|home| arena.runner(home, 0)).collect::<Vec<_>>());
}

#[test]
fn many_machines() {
    let arena = Arena::due();
    race(&arena, &(0..size(8, 64)).map(|home| arena.runner(home, home)).collect::<Vec<_>>());
}

/// All come with the same secret, to a slot that was never written.
#[test]
fn many_jobs_with_one_seed() {
    let arena = Arena::new();
    let seed = arena.issue(&crate::arena::due());
    let runners: Vec<_> = (0..size(8, 64)).map(|home| arena.runner(home, home)).collect();
    thread::scope(|scope| {
        for runner in &runners {
            scope.spawn(|| arena.run_only(runner, &["restore", "--seed-stdin"], &seed).fine().code);
        }
    });
    assert_eq!((arena.state().seeds.len(), arena.state().generation), (1, 1));
    race(&arena, &runners);
}
