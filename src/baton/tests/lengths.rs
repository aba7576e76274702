//! How long leases and waiting last.

use std::time::Duration;

use super::*;

#[test]
fn lengths_follow_the_stores_worst_swap() {
    // Worst swap, lease, waiting, in seconds.
    let table = [(0, 90, 150), (7, 90, 150), (8, 92, 150), (15, 120, 150), (16, 124, 156), (60, 300, 420)];
    for (worst_swap, lease, waiting) in table {
        let expected = Lengths { lease: Duration::from_secs(lease), waiting: Duration::from_secs(waiting) };
        assert_eq!(Lengths::for_store(Duration::from_secs(worst_swap)), expected, "{worst_swap} s");
    }
}

#[test]
fn a_lease_always_outlasts_what_is_done_under_it_and_waiting_outlasts_the_lease() {
    for millis in (0..200_000).step_by(137) {
        let swap = Duration::from_millis(millis);
        let Lengths { lease, waiting } = Lengths::for_store(swap);
        assert!(lease >= Lengths::REQUEST * 2 + swap * 2, "{swap:?}");
        assert!(waiting >= lease + swap * 2, "{swap:?}");
    }
    let unproven = UNPROVEN_WAIT;
    assert!(unproven >= Lengths::REQUEST + Lengths::YOUNG, "an older request must have ended");
}
