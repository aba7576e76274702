//! How long leases and waiting last.

use std::time::Duration;

use super::*;

#[test]
fn lengths_follow_the_stores_worst_swap() {
    // Worst swap, lease, waiting, in seconds; looking again, in milliseconds.
    let table = [
        (0, 90, 150, 250),
        (7, 90, 150, 250),
        (8, 92, 150, 266),
        (15, 120, 150, 500),
        (16, 124, 156, 533),
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
