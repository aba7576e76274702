//! Every change of a slot, from every phase: what it changes, and that it keeps the rest.

use super::*;

const NOW: i64 = 77;

fn mark_of(state: &State) -> Option<Mark> {
    match &state.phase {
        Phase::Suspect { since } => Some(Mark::Suspect { since: *since }),
        Phase::Dead { reason } => Some(Mark::Dead { reason: *reason }),
        Phase::Leased { mark, .. } => *mark,
        Phase::Empty | Phase::Idle => None,
    }
}

/// What leaves a slot enters `spent`.
fn spent_with_held(state: &State) -> Vec<TokenHash> {
    state.spent.iter().copied().chain(state.holds).collect()
}

/// The states from which the relay leases, hands back and finishes.
fn every_phase_with_a_login() -> Vec<State> {
    every_phase().into_iter().filter(|state| state.holds.is_some()).collect()
}

#[test]
fn a_seed_replaces_the_login_in_every_phase() {
    for old in every_phase() {
        let pin = account("account-b", None);
        for (issued_at, seed_iat) in [(None, Some(100)), (Some(50), Some(100)), (Some(101), Some(101))] {
            let new = old.seeded(&Seed { token: token(NEW), issued_at, account: pin }, nonce(1));
            let mut seeds = old.seeds.clone();
            seeds.push(token(NEW));
            let expected = State {
                phase: Phase::Idle,
                generation: 8,
                holds: Some(token(NEW)),
                unproven: None,
                proven: old.proven,
                account: Some(pin),
                seed_iat,
                seeds,
                spent: spent_with_held(&old),
                writer: nonce(1),
            };
            assert_eq!(new, expected);
        }
    }
}

#[test]
fn a_lease_keeps_what_it_was_taken_over() {
    for old in every_phase_with_a_login() {
        let new = old.leased(lease(2), nonce(1));
        let phase = Phase::Leased { lease: lease(2), mark: mark_of(&old) };
        assert_eq!(new, State { phase, writer: nonce(1), ..old.clone() });
        assert_eq!(new.mark(), old.mark());
        assert!(new.is_leased_as(lease_id(2)));
        assert!(!new.is_leased_as(lease_id(1)), "a takeover ends the lease before it");
        let renewed_twice = new.leased(lease(3), nonce(2)).leased(lease(4), nonce(3));
        assert_eq!(renewed_twice.mark(), mark_of(&old));
    }
}

#[test]
fn handing_back_restores_what_the_lease_was_taken_over() {
    for old in every_phase_with_a_login() {
        let back = old.leased(lease(2), nonce(1)).handed_back(nonce(2));
        let phase = match mark_of(&old) {
            None => Phase::Idle,
            Some(Mark::Suspect { since }) => Phase::Suspect { since },
            Some(Mark::Dead { reason }) => Phase::Dead { reason },
        };
        assert_eq!(back, State { phase, writer: nonce(2), ..old });
    }
}

#[test]
fn a_stored_result_is_proven_only_by_its_own_lease() {
    for old in every_phase() {
        for lease in [1, 2].map(lease_id) {
            let result = Exchanged { parent: token(HELD), lease, reply: ReplyKind::New(token(NEW)) };
            let new = old.stored(&result, token(NEW), at(NOW), nonce(1));
            let expected = State {
                phase: Phase::Idle,
                generation: 8,
                holds: Some(token(NEW)),
                unproven: if old.is_leased_as(lease) { None } else { Some(at(NOW)) },
                spent: spent_with_held(&old),
                writer: nonce(1),
                ..old.clone()
            };
            assert_eq!(new, expected);
        }
    }
}

#[test]
fn a_result_without_a_new_token_spends_nothing() {
    for old in every_phase_with_a_login() {
        let result = Exchanged { parent: token(HELD), lease: lease_id(1), reply: ReplyKind::Same };
        let new = old.stored(&result, token(HELD), at(NOW), nonce(1));
        assert_eq!(new.holds, old.holds);
        assert_eq!(new.spent, old.spent);
        assert_eq!(new.seeds, old.seeds);
        assert_eq!(new.phase, Phase::Idle);
    }
}

#[test]
fn a_dead_slot_keeps_its_login_and_its_history() {
    for old in every_phase_with_a_login() {
        let reason = DeadReason::Expired;
        let expected = State { phase: Phase::Dead { reason }, writer: nonce(1), ..old.clone() };
        assert_eq!(old.dead(reason, nonce(1)), expected);
    }
}

#[test]
fn an_unclear_refusal_is_suspect_first_and_dead_then() {
    for old in every_phase_with_a_login() {
        let phase = match mark_of(&old) {
            None => Phase::Suspect { since: at(NOW) },
            Some(Mark::Suspect { .. }) => Phase::Dead { reason: DeadReason::Unauthorized },
            Some(Mark::Dead { reason }) => Phase::Dead { reason },
        };
        assert_eq!(old.denied(at(NOW), nonce(1)), State { phase, writer: nonce(1), ..old });
    }
}

#[test]
fn a_purge_forgets_the_login_and_remembers_its_history() {
    for old in every_phase() {
        let expected = State {
            phase: Phase::Empty,
            holds: None,
            unproven: None,
            spent: spent_with_held(&old),
            writer: nonce(1),
            ..old.clone()
        };
        assert_eq!(old.purged(nonce(1)), expected);
    }
}

#[test]
fn spent_forgets_its_oldest_at_its_limit_and_seeds_forget_nothing() {
    let mut state = every_phase()[0].clone();
    state.spent.clear();
    for number in 1000..1000 + 2 * MAX_SPENT as u64 {
        let parent = state.holds.unwrap();
        let result = Exchanged { parent, lease: lease_id(1), reply: ReplyKind::New(token(number)) };
        let old = state.clone();
        state = state.stored(&result, token(number), at(NOW), nonce(1));
        let all = spent_with_held(&old);
        assert_eq!(state.spent, all[all.len().saturating_sub(MAX_SPENT)..]);
        assert_eq!(state.seeds, old.seeds);
    }
    assert_eq!(state.spent.len(), MAX_SPENT);
    assert!(!state.is_spent(token(HELD)), "the oldest is forgotten");
}

#[test]
fn a_new_slot_is_empty() {
    let state = State::new(nonce(1));
    assert_eq!(state.phase, Phase::Empty);
    assert!(state.holds.is_none() && state.spent.is_empty() && state.seeds.is_empty());
    assert_eq!((state.generation, state.seed_iat, state.account), (0, None, None));
}

#[test]
fn what_is_proven_of_a_store_stays_whatever_happens_in_the_slot() {
    let mark = Some(StoreMark::of("s3://bucket"));
    let result = Exchanged { parent: token(HELD), lease: lease_id(1), reply: ReplyKind::New(token(NEW)) };
    for old in every_phase() {
        let old = old.proven(mark);
        let changed = [
            old.leased(lease(2), nonce(1)),
            old.handed_back(nonce(1)),
            old.stored(&result, token(NEW), at(NOW), nonce(1)),
            old.denied(at(NOW), nonce(1)),
            old.purged(nonce(1)),
            old.rewritten(nonce(1)),
            old.proven(None),
        ];
        assert!(changed.iter().all(|state| state.proven == mark));
        // Another store has to be proven by itself.
        let other = Some(StoreMark::of("s3://bucket?endpoint=https://elsewhere"));
        assert_ne!(other, mark);
        assert_eq!(old.proven(other), State { proven: other, ..old.clone() });
    }
}
