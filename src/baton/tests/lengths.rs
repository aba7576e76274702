//! How long leases and waiting last.

use std::time::Duration;

use super::*;

#[test]
fn lengths_follow_the_stores_worst_swap() {
    // Worst swap, lease, waiting, in seconds; looking again, in milliseconds.
    let table = [
        (0, 90, 150, 250),
        (5, 90, 150, 250),
        (7, 90, 150, 700),
        (8, 92, 150, 700),
        (15, 120, 150, 700),
        (16, 124, 156, 700),
        (30, 180, 240, 1000),
        (60, 300, 420, 2000),
    ];
    for (worst_swap, lease, waiting, poll) in table {
        let seconds = Duration::from_secs;
        let found = Lengths::for_store(seconds(worst_swap));
        let found = (found.lease, found.waiting, found.poll.as_millis());
        assert_eq!(found, (seconds(lease), seconds(waiting), poll), "{worst_swap} s");
    }
}

#[test]
fn a_lease_always_outlasts_what_is_done_under_it_and_waiting_outlasts_the_lease() {
    for millis in (0..200_000).step_by(137) {
        let swap = Duration::from_millis(millis);
        let Lengths { lease, waiting, .. } = Lengths::for_store(swap);
        assert!(lease >= Lengths::REQUEST * 2 + swap * 2, "{swap:?}");
        assert!(waiting >= lease + swap * 2, "{swap:?}");
    }
    let unproven = UNPROVEN_WAIT;
    assert!(unproven >= Lengths::REQUEST + Lengths::YOUNG, "an older request must have ended");
}

/// How often a waiter looks within so many seconds, jitter included: each pause lasts once to twice what it is to last.
fn looks(lengths: Lengths, seconds: u64, jitter: impl Fn(u32) -> u32) -> u32 {
    let (mut waited, mut looks) = (Duration::ZERO, 0);
    loop {
        let pause = lengths.pause(waited);
        waited += pause + pause * jitter(looks) / 256;
        if waited > Duration::from_secs(seconds) {
            return looks;
        }
        looks += 1;
    }
}

#[test]
fn nobody_looks_at_a_store_behind_a_network_more_than_once_a_second() {
    let scattered = |look: u32| look.wrapping_mul(151).wrapping_add(67) % 256;
    for worst_swap in [7, 15, 30, 60, 120] {
        let lengths = Lengths::for_store(Duration::from_secs(worst_swap));
        for seconds in 1..=lengths.waiting.as_secs() {
            let looks = looks(lengths, seconds, scattered);
            assert!(u64::from(looks) <= seconds, "{worst_swap} s: {looks} looks in {seconds} s");
        }
        // Without any luck, too, from ten seconds on.
        let unlucky = looks(lengths, 10, |_| 0);
        assert!(unlucky <= 10, "{worst_swap} s: {unlucky} looks in 10 s");
    }
    let whole_wait = looks(Lengths::for_store(Duration::from_secs(7)), 150, scattered);
    assert!((20..=40).contains(&whole_wait), "{whole_wait} looks in all");
}

#[test]
fn who_waits_for_long_still_comes_soon_after_a_lease_has_ended() {
    for worst_swap in [0, 7, 15, 60] {
        let lengths = Lengths::for_store(Duration::from_secs(worst_swap));
        assert!(lengths.pause(Duration::MAX) <= Duration::from_secs(5));
        assert_eq!(lengths.pause(Duration::ZERO), lengths.poll);
    }
}
