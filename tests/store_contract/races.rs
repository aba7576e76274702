//! The compare-and-swap cell, by many writers at once: of those who expect the same, exactly one wins.

use std::env;
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use authbaton::store::{Store, Swap};

use crate::place::{Place, content, get, put, reopen, size, slot};

const ADDRESS: &str = "AUTHBATON_TEST_RACE";
const INCREMENTS: usize = 5;

pub(crate) fn one_writer_wins_each_round(place: &dyn Place) {
    let (writers, rounds) = (size(8, 50), size(5, 20));
    let (barrier, winners) = (Barrier::new(writers), AtomicUsize::new(0));
    thread::scope(|scope| {
        for writer in 0..writers {
            let (barrier, winners) = (&barrier, &winners);
            scope.spawn(move || {
                let store = place.open();
                for round in 0..rounds {
                    let there = get(&*store, &slot()).map(|(_, version)| version);
                    barrier.wait();
                    let mine = format!("round {round} of writer {writer}");
                    let won = match store.swap(&slot(), there.as_ref(), &content(&mine)).unwrap() {
                        Swap::Done(_) => winners.fetch_add(1, Ordering::SeqCst) == round,
                        Swap::Conflict | Swap::Late => false,
                    };
                    barrier.wait();
                    let (winner, _) = get(&*store, &slot()).unwrap();
                    assert_eq!(winner == mine, won, "{winner} is there, {mine} won: {won}");
                    assert!(winner.starts_with(&format!("round {round} ")));
                    assert_eq!(winners.load(Ordering::SeqCst), round + 1);
                    barrier.wait();
                }
            });
        }
    });
}

pub(crate) fn no_increment_is_lost_among_threads(place: &dyn Place) {
    let writers = size(6, 50);
    put(&*place.open(), &slot(), None, "0");
    thread::scope(|scope| {
        for _ in 0..writers {
            scope.spawn(|| increment(&*place.open()));
        }
    });
    assert_eq!(get(&*place.open(), &slot()).unwrap().0, (writers * INCREMENTS).to_string());
}

pub(crate) fn no_increment_is_lost_among_processes(place: &dyn Place) {
    let writers = size(4, 50);
    put(&*place.open(), &slot(), None, "0");
    let writer = || {
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "races::process::writer", "--ignored"])
            .env_clear()
            .env(ADDRESS, place.address())
            .stdout(Stdio::null())
            .spawn()
            .unwrap()
    };
    let children: Vec<_> = (0..writers).map(|_| writer()).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(get(&*place.open(), &slot()).unwrap().0, (writers * INCREMENTS).to_string());
}

/// Adds one, as often as it is to be done.
fn increment(store: &dyn Store) {
    for _ in 0..INCREMENTS {
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
        increment(&*reopen(&address));
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
        for round in 0..size(40, 400) {
            version = put(&*store, &slot(), Some(&version), &contents[round % contents.len()]);
        }
        done.store(true, Ordering::SeqCst);
        assert!(reader.join().unwrap() > 0);
    });
}
