//! The descent rule and the judgement of results, for every relation of a token and its parent to a slot.

use super::*;

const TOKENS: [u64; 4] = [HELD, SEEDED, SPENT, NEW];
const PARENTS: [u64; 4] = [HELD, SEEDED, SPENT, OTHER];

#[test]
fn descent_looks_at_the_hashes_and_never_at_the_phase() {
    use Descent::{Conflict, Landed, Store};
    // A line per parent, a column per token.
    let holding = [
        [Store, Landed, Landed, Store],
        [Landed, Landed, Landed, Conflict],
        [Landed, Landed, Landed, Conflict],
        [Landed, Landed, Landed, Conflict],
    ];
    let empty = [[Conflict, Landed, Landed, Conflict]; 4];
    for state in every_phase() {
        let table = if state.phase == Phase::Empty { empty } else { holding };
        for (parent, line) in PARENTS.into_iter().zip(table) {
            for (number, expected) in TOKENS.into_iter().zip(line) {
                let verdict = state.descent(token(parent), token(number));
                assert_eq!(verdict, expected, "{parent} → {number} in {:?}", state.phase);
            }
        }
    }
}

#[test]
fn a_new_token_is_judged_by_descent_whoever_has_the_lease() {
    for state in every_phase() {
        for parent in PARENTS.map(token) {
            for new in TOKENS.map(token).into_iter().filter(|new| *new != parent) {
                let expected = match state.descent(parent, new) {
                    Descent::Store => ResultVerdict::Store(new),
                    Descent::Landed => ResultVerdict::Landed,
                    Descent::Conflict => ResultVerdict::Keep,
                };
                for lease in [1, 2].map(lease_id) {
                    let result = Exchanged { parent, lease, reply: ReplyKind::New(new) };
                    assert_eq!(state.judge_result(&result), expected, "{:?}", state.phase);
                }
            }
        }
    }
}

#[test]
fn an_unchanged_token_is_stored_only_under_its_own_lease() {
    for state in every_phase() {
        for parent in PARENTS.map(token) {
            for lease in [1, 2].map(lease_id) {
                let own = state.is_leased_as(lease);
                let expected = match state.descent(parent, parent) {
                    Descent::Store if own => ResultVerdict::Store(parent),
                    Descent::Conflict if own => ResultVerdict::Keep,
                    _ => ResultVerdict::Landed,
                };
                let result = Exchanged { parent, lease, reply: ReplyKind::Same };
                assert_eq!(state.judge_result(&result), expected, "{:?}", state.phase);
                // The authority may also repeat the token instead of leaving it out.
                let repeated = Exchanged { reply: ReplyKind::New(parent), ..result };
                assert_eq!(state.judge_result(&repeated), expected, "{:?}", state.phase);
            }
        }
    }
}

#[test]
fn a_refused_reply_ends_the_slot_only_while_it_holds_the_parent() {
    for state in every_phase() {
        for parent in PARENTS {
            for lease in [1, 2].map(lease_id) {
                let result = Exchanged { parent: token(parent), lease, reply: ReplyKind::Refused };
                // Dead beneath a lease is dead already.
                let is_dead = matches!(state.mark(), Some(Mark::Dead { .. }));
                let ends = state.phase != Phase::Empty && !is_dead && parent == HELD;
                let expected = if ends { ResultVerdict::Refuse } else { ResultVerdict::Keep };
                assert_eq!(state.judge_result(&result), expected, "{:?}", state.phase);
            }
        }
    }
}

#[test]
fn a_token_is_known_when_it_is_held_spent_or_seeded() {
    for state in every_phase() {
        let known: Vec<_> =
            [HELD, SEEDED, SPENT, NEW].into_iter().filter(|n| state.knows(token(*n))).collect();
        let expected =
            if state.phase == Phase::Empty { vec![SEEDED, SPENT] } else { vec![HELD, SEEDED, SPENT] };
        assert_eq!(known, expected);
        assert!(state.is_spent(token(SPENT)));
        assert!(!state.is_spent(token(HELD)));
        assert!(!state.is_spent(token(SEEDED)));
    }
}
