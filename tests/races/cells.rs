//! The races: who shares what.

use std::thread;

use crate::arena::{Arena, Runner, due};
use crate::race::{Holder, Race, homes, processes};
use crate::table;

#[test]
fn one_home_without_a_store() {
    let arena = Arena::new();
    arena.sandbox.place(arena.issue(&due()).as_bytes());
    let runners = everybody(&arena, |_| (0, 0));
    Race { cell: "one home, no store", arena, runners, holder: Holder::Home }.run();
}

#[test]
fn one_home() {
    let arena = Arena::due();
    let runners = everybody(&arena, |_| (0, 0));
    Race { cell: "one home, one store", arena, runners, holder: Holder::Store }.run();
}

#[test]
fn many_homes_of_one_machine() {
    let arena = Arena::due();
    let runners = everybody(&arena, |number| (number % homes(), 0));
    Race { cell: "many homes, one store", arena, runners, holder: Holder::Store }.run();
}

/// Machines share nothing but the store: no lock, no journal.
#[test]
fn many_machines() {
    let arena = Arena::due();
    let runners = everybody(&arena, |number| (number % homes(), number % homes()));
    Race { cell: "many machines, one store", arena, runners, holder: Holder::Store }.run();
}

/// All come with the same secret, to a slot that was never written, and then refresh.
#[test]
fn many_jobs_with_one_seed() {
    let arena = Arena::new();
    let seed = arena.issue(&due());
    let runners = everybody(&arena, |number| (number % homes(), number % homes()));
    let turn = table::turn();
    thread::scope(|scope| {
        for runner in &runners {
            scope.spawn(|| arena.run_only(runner, &["restore", "--seed-stdin"], &seed).fine().code);
        }
    });
    drop(turn);
    assert_eq!((arena.state().seeds.len(), arena.state().generation), (1, 1));
    Race { cell: "many machines, one seed", arena, runners, holder: Holder::Store }.run();
}

/// Everybody's home and machine, by number.
fn everybody(arena: &Arena, place: impl Fn(usize) -> (usize, usize)) -> Vec<Runner> {
    let runner = |(home, machine)| if home == 0 { arena.first() } else { arena.runner(home, machine) };
    (0..processes()).map(|number| runner(place(number))).collect()
}
