//! The compare-and-swap cell, by many writers at once: of those who expect the same, exactly one wins.

use std::env;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use authbaton::job::Environment;
use authbaton::store::{Store, StoreError, Swap, Version};

use crate::place::{Place, content, get, open, put, size, slot};

const ADDRESS: &str = "AUTHBATON_TEST_RACE";
const INCREMENTS: &str = "AUTHBATON_TEST_INCREMENTS";

pub(crate) fn one_writer_wins_each_round(place: &dyn Place) {
    let (writers, rounds) = (size(place, [8, 50], [4, 50]), size(place, [5, 20], [2, 20]));
    let (barrier, winners, uncertain) = (Barrier::new(writers), AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for writer in 0..writers {
            let (barrier, winners, uncertain) = (&barrier, &winners, &uncertain);
            scope.spawn(move || {
                let store = place.open();
                for round in 0..rounds {
                    let there = get_at_last(&*store).map(|(_, version)| version);
                    barrier.wait();
                    let mine = format!("round {round} of writer {writer}");
                    let swap = || store.swap(&slot(), there.as_ref(), &content(&mine));
                    let won = match swap() {
                        Ok(swapped) => Some(matches!(swapped, Swap::Done(_))),
                        // Whoever is told so tries again and reads back: it may have landed before.
                        Err(error) if is_out_of_breath(place, &error) => {
                            assert!((0..20).any(|_| swap().is_ok()), "the slot cannot be written");
                            None
                        }
                        Err(error) => panic!("{error}"),
                    };
                    uncertain.fetch_add(usize::from(won.is_none()), Ordering::SeqCst);
                    barrier.wait();
                    let (winner, _) = get_at_last(&*store).unwrap();
                    assert!(
                        won.is_none_or(|won| (winner == mine) == won),
                        "{winner} is there, {mine} won: {won:?}"
                    );
                    assert!(winner.starts_with(&format!("round {round} ")));
                    winners.fetch_add(usize::from(winner == mine), Ordering::SeqCst);
                    barrier.wait();
                    assert_eq!(winners.load(Ordering::SeqCst), round + 1);
                }
            });
        }
    });
    let uncertain = uncertain.into_inner();
    println!(
        "{}: {rounds} rounds of {writers} writers, one winner each; {uncertain} were not told",
        place.address()
    );
    assert!(uncertain * 2 <= writers * rounds, "{uncertain} swaps did not end in time");
}

/// A machine with so many writers that one of them does not get enough of it in time.
fn is_out_of_breath(place: &dyn Place, error: &StoreError) -> bool {
    place.is_slow() && matches!(error, StoreError::Unreachable(_))
}

/// Reads the slot, however long that takes.
fn get_at_last(store: &dyn Store) -> Option<(String, Version)> {
    for _ in 0..20 {
        match store.load(&slot()) {
            Err(StoreError::Unreachable(_)) => {}
            loaded => {
                let (bytes, version) = loaded.unwrap()?;
                return Some((String::from_utf8(bytes.as_slice().to_vec()).unwrap(), version));
            }
        }
    }
    panic!("the slot cannot be read")
}

pub(crate) fn no_increment_is_lost_among_threads(place: &dyn Place) {
    let (writers, increments) = (size(place, [6, 50], [3, 10]), increments_at(place));
    put(&*place.open(), &slot(), None, "0");
    thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| increment(&*place.open(), increments));
        }
    });
    assert_eq!(get(&*place.open(), &slot()).unwrap().0, (writers * increments).to_string());
}

pub(crate) fn no_increment_is_lost_among_processes(place: &dyn Place) {
    let (writers, increments) = (size(place, [4, 50], [2, 10]), increments_at(place));
    put(&*place.open(), &slot(), None, "0");
    let writer = || {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "races::process::writer", "--ignored"])
            .env_clear()
            .env(ADDRESS, place.address())
            .env(INCREMENTS, increments.to_string())
            .envs(place.variables())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..writers).map(|_| writer()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(get(&*place.open(), &slot()).unwrap().0, (writers * increments).to_string());
}

/// How often each writer adds one.
fn increments_at(place: &dyn Place) -> usize {
    size(place, [5, 5], [3, 5])
}

/// Adds one, so many times.
fn increment(store: &dyn Store, increments: usize) {
    for _ in 0..increments {
        loop {
            let (text, version) = get(store, &slot()).unwrap();
            let next = (text.parse::<usize>().unwrap() + 1).to_string();
            if let Swap::Done(_) = store.swap(&slot(), Some(&version), &content(&next)).unwrap() {
                break;
            }
        }
    }
}

mod process {
    use super::*;

    #[test]
    #[ignore = "a writer that `no_increment_is_lost_among_processes` starts"]
    fn writer() {
        // Whoever runs the ignored tests by hand has named no store.
        let Ok(address) = env::var(ADDRESS) else { return };
        let increments = env::var(INCREMENTS).unwrap().parse().unwrap();
        increment(&*open(&address, &Environment::Process), increments);
    }
}

pub(crate) fn a_reader_never_sees_half_a_content(place: &dyn Place) {
    let contents: Vec<String> =
        [10, 60_000, 1000, 120_000].iter().zip('a'..).map(|(len, c)| c.to_string().repeat(*len)).collect();
    let done = AtomicBool::new(false);
    let mut version = put(&*place.open(), &slot(), None, &contents[0]);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let store = place.open();
            let mut reads = 0;
            // Once more after the last write, so that a slow reader has read something, too.
            loop {
                let last = done.load(Ordering::SeqCst);
                let (text, _) = get(&*store, &slot()).unwrap();
                assert!(contents.contains(&text), "{} bytes were read", text.len());
                reads += 1;
                if last {
                    return reads;
                }
            }
        });
        let store = place.open();
        for round in 0..size(place, [40, 400], [8, 100]) {
            version = put(&*store, &slot(), Some(&version), &contents[round % contents.len()]);
        }
        done.store(true, Ordering::SeqCst);
        assert!(reader.join().unwrap() > 0);
    });
}
