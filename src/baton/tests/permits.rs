//! What a loaded slot allows, for every phase and everything that the loader may know.

use std::time::Duration;

use chrono::TimeDelta;

use super::*;
use crate::credential::Due;

const REASON: DeadReason = DeadReason::Reused;

fn view() -> View {
    View {
        due: Some(Due::Forced),
        force: false,
        now: at(3600),
        boot: Duration::from_secs(1000),
        observed: None,
        home: home(2),
        request_under_way: false,
    }
}

fn seen(id: u8, seconds: u64) -> Option<Observed> {
    Some(Observed { id: lease_id(id), since: Duration::from_secs(1000 - seconds) })
}

fn in_phase(phase: Phase) -> State {
    State { phase, unproven: None, ..every_phase()[0].clone() }
}

#[test]
fn every_view_of_every_phase_is_decided_as_the_model_decides_it() {
    let expired = Due::Expired { at: at(0) };
    let observations = [(None, false), (seen(9, 90), false), (seen(1, 89), false), (seen(1, 90), true)];
    let mut decided = 0;
    for base in every_phase() {
        for unproven in [None, base.holds.map(|_| at(5))] {
            let state = State { unproven, ..base.clone() };
            for (due, force, same_home, request_under_way) in sixteen(expired) {
                for (observed, over) in observations {
                    for (now, pausing) in [(0, true), (599, true), (600, false), (-600, true), (-601, false)]
                    {
                        let home = if same_home { home(1) } else { home(2) };
                        let view =
                            View { due, force, now: at(now), observed, home, request_under_way, ..view() };
                        let is_dead = matches!(state.mark(), Some(Mark::Dead { .. }));
                        let wanted =
                            due.or(unproven.map(|_| Due::Unproven)).or(is_dead.then_some(Due::Forced));
                        let free = over || same_home && !request_under_way;
                        let expected = match (&state.phase, wanted) {
                            (Phase::Empty, _) => Permission::Empty,
                            _ if is_dead && !force => Permission::Dead(REASON),
                            (_, None) => Permission::Use,
                            (Phase::Suspect { .. }, _) if pausing => Permission::Suspect { until: at(600) },
                            (Phase::Leased { lease, .. }, _) if !free => Permission::Wait(lease.clone()),
                            (_, Some(due)) => Permission::Lease(due),
                        };
                        assert_eq!(state.permits(&view), expected, "{view:?} {:?}", state.phase);
                        decided += 1;
                    }
                }
            }
        }
    }
    assert_eq!(decided, 7 * 2 * 16 * 4 * 5);
}

fn sixteen(due: Due) -> impl Iterator<Item = (Option<Due>, bool, bool, bool)> {
    (0..16).map(move |bits: u8| ((bits & 1 != 0).then_some(due), bits & 2 != 0, bits & 4 != 0, bits & 8 != 0))
}

#[test]
fn a_lease_is_taken_over_only_after_its_whole_duration_on_our_clock() {
    let state = in_phase(Phase::Leased { lease: lease(1), mark: None });
    let just_before =
        View { boot: Duration::from_nanos(1_000_000_000_000 - 1), observed: seen(1, 90), ..view() };
    assert_eq!(state.permits(&just_before), Permission::Wait(lease(1)));
    let just_then = View { boot: Duration::from_secs(1000), ..just_before };
    assert_eq!(state.permits(&just_then), Permission::Lease(Due::Forced));
}

#[test]
fn a_renewed_lease_is_waited_for_anew() {
    let renewed = in_phase(Phase::Leased { lease: lease(2), mark: None });
    assert_eq!(renewed.permits(&View { observed: seen(1, 1000), ..view() }), Permission::Wait(lease(2)));
}

#[test]
fn a_clock_that_went_backwards_takes_nothing_over() {
    let state = in_phase(Phase::Leased { lease: lease(1), mark: None });
    let observed = Some(Observed { id: lease_id(1), since: Duration::from_secs(5000) });
    assert_eq!(state.permits(&View { observed, ..view() }), Permission::Wait(lease(1)));
}

#[test]
fn the_owners_wall_clock_frees_no_lease() {
    let old = Lease { taken_at: at(0) - TimeDelta::days(400), ..lease(1) };
    let state = in_phase(Phase::Leased { lease: old.clone(), mark: None });
    assert_eq!(state.permits(&view()), Permission::Wait(old));
}

#[test]
fn an_unproven_result_is_exchanged_although_nothing_else_is_due() {
    let state = State { unproven: Some(at(5)), ..in_phase(Phase::Idle) };
    assert_eq!(state.permits(&View { due: None, ..view() }), Permission::Lease(Due::Unproven));
}

#[test]
fn force_does_not_shorten_the_pause_of_a_suspect_slot() {
    let state = in_phase(Phase::Suspect { since: at(0) });
    let view = View { force: true, now: at(1), ..view() };
    assert_eq!(state.permits(&view), Permission::Suspect { until: at(600) });
}

#[test]
fn force_on_a_dead_slot_never_means_to_use_what_is_there() {
    let state = in_phase(Phase::Dead { reason: REASON });
    let view = View { force: true, due: None, ..view() };
    assert_eq!(state.permits(&view), Permission::Lease(Due::Forced));
}
