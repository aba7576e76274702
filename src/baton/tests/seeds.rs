//! The judgement of seeds: known before older before another account before too many.

use super::*;

/// What is true of a seed, named as the verdicts are.
struct Facts {
    known: bool,
    later: bool,
    allowed: bool,
    room: bool,
}

fn verdict(facts: &Facts) -> SeedVerdict {
    match facts {
        Facts { known: true, .. } => SeedVerdict::Known,
        Facts { later: false, .. } => SeedVerdict::Older,
        Facts { allowed: false, .. } => SeedVerdict::OtherAccount,
        Facts { room: false, .. } => SeedVerdict::TooMany,
        Facts { .. } => SeedVerdict::Replace,
    }
}

/// The newest `iat` of a slot, whether it has seeds, the seed's `iat`, whether the seed is later.
const ISSUED: [(Option<i64>, bool, Option<i64>, bool); 9] = [
    (None, false, None, true),
    (None, false, Some(1), true),
    (None, true, None, false),
    (None, true, Some(1), true),
    (Some(100), true, None, false),
    (Some(100), true, Some(99), false),
    (Some(100), true, Some(100), false),
    (Some(100), true, Some(101), true),
    (Some(-5), true, Some(-4), true),
];

#[test]
fn every_seed_is_judged_by_its_facts() {
    let tokens = [(HELD, true), (SEEDED, true), (SPENT, true), (NEW, false)];
    let accounts = [
        (account("account-a", Some("user-a")), true),
        (account("account-a", None), true),
        (account("account-a", Some("user-b")), false),
        (account("account-b", Some("user-a")), false),
    ];
    for base in every_phase() {
        let is_empty = base.phase == Phase::Empty;
        for (seed_iat, has_seeds, issued_at, later) in ISSUED {
            for room in [true, false] {
                let mut state = State { seed_iat, ..base.clone() };
                if !has_seeds {
                    state.seeds.clear();
                } else if !room {
                    state.seeds.extend((1000..).map(token).take(MAX_SEEDS - state.seeds.len()));
                }
                for (number, known) in tokens {
                    let elsewhere = number == HELD && is_empty || number == SEEDED && !has_seeds;
                    for ((account, same), allow) in
                        accounts.into_iter().flat_map(|it| [(it, false), (it, true)])
                    {
                        let facts = Facts {
                            known: known && !elsewhere,
                            later,
                            allowed: same || allow || is_empty,
                            room: room || !has_seeds,
                        };
                        let seed = Seed { token: token(number), issued_at, account };
                        assert_eq!(state.judge_seed(&seed, allow), verdict(&facts), "{number} {seed:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_seed_is_described_by_its_login() {
    use crate::testing::{Sample, full_login, jwt};
    let sample = Sample::default();
    let mut document = sample.document();
    let later = Sample { issued_at: Some(1_800_000_077), ..sample.clone() };
    document["tokens"]["id_token"] = jwt(&later.claims()).into();
    let login = full_login(&document);
    let seed = Seed::of(&login);
    assert!(seed.token == TokenHash::of(login.refresh_token()));
    assert_eq!(seed.issued_at, Some(1_800_000_077), "the later of both tokens counts");
    assert_eq!(seed.account, account("account-a", Some("user-a")));
    let silent = Sample { issued_at: None, user: None, ..sample };
    assert_eq!(Seed::of(&silent.login()).issued_at, None);
    assert_eq!(Seed::of(&silent.login()).account, account("account-a", None));
}

#[test]
fn a_user_is_compared_only_when_both_sides_know_one() {
    let known = account("a", Some("u"));
    assert!(known.matches(&known));
    assert!(known.matches(&account("a", None)));
    assert!(account("a", None).matches(&known));
    assert!(!known.matches(&account("a", Some("v"))));
    assert!(!known.matches(&account("b", Some("u"))));
    assert!(!account("a", None).matches(&account("b", None)));
}
