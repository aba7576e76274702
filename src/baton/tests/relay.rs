//! Random histories of a slot, made of the real decisions and the real changes, with what must hold after each step.
//!
//! The explorer of small worlds visits every interleaving; this goes deep instead: long histories, results that come
//! late or twice, an authority that hands out tokens again, people who offer old seeds.

mod world;

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestRunner;
use world::World;

use super::seal::{FIRST, keys, random, slot};
use super::*;
use crate::testing::config;

#[derive(Clone, Debug)]
enum Step {
    Seed { which: Which, issued_at: Option<i64>, other_account: bool, allowed: bool },
    Lease { actor: u8, due: bool, force: bool, seen: bool, under_way: bool, minutes: i64 },
    Exchange { actor: u8, answer: Answer, at_once: bool },
    Journal { which: Index },
    HandBack { actor: u8 },
    Denied { actor: u8, minutes: i64 },
    Dead { actor: u8 },
    Purge,
}

#[derive(Clone, Debug)]
enum Which {
    New,
    Old(Index),
}

#[derive(Clone, Debug)]
enum Answer {
    New,
    Same,
    OtherAccount,
    Empty,
    Again(Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let actor = || 0..3_u8;
    let which = prop_oneof![2 => Just(Which::New), 1 => any::<Index>().prop_map(Which::Old)];
    let seed = (which, prop::option::weighted(0.8, 0..30_i64), prop::bool::weighted(0.2), any::<bool>())
        .prop_map(|(which, issued_at, other_account, allowed)| Step::Seed {
            which,
            issued_at,
            other_account,
            allowed,
        });
    let often = || prop::bool::weighted(0.7);
    let lease = (actor(), often(), any::<bool>(), often(), any::<bool>(), 0..60_i64).prop_map(
        |(actor, due, force, seen, under_way, minutes)| Step::Lease {
            actor,
            due,
            force,
            seen,
            under_way,
            minutes,
        },
    );
    let answer = prop_oneof![
        6 => Just(Answer::New),
        2 => Just(Answer::Same),
        1 => Just(Answer::OtherAccount),
        1 => Just(Answer::Empty),
        2 => any::<Index>().prop_map(Answer::Again),
    ];
    let exchange = (actor(), answer, often()).prop_map(|(actor, answer, at_once)| Step::Exchange {
        actor,
        answer,
        at_once,
    });
    let step = prop_oneof![
        3 => seed,
        8 => lease,
        12 => exchange,
        4 => any::<Index>().prop_map(|which| Step::Journal { which }),
        2 => actor().prop_map(|actor| Step::HandBack { actor }),
        2 => (actor(), 0..60_i64).prop_map(|(actor, minutes)| Step::Denied { actor, minutes }),
        1 => actor().prop_map(|actor| Step::Dead { actor }),
        1 => Just(Step::Purge),
    ];
    prop::collection::vec(step, 1..60)
}

/// What must hold between the states before and after any step.
fn check(old: &State, new: &State) {
    if let Some(token) = new.holds.filter(|_| new.holds != old.holds) {
        assert!(!old.is_spent(token), "a spent token is stored");
        assert!(!old.seeds.contains(&token), "a known seed is stored");
        assert_eq!(new.generation, old.generation + 1);
    }
    assert!(!new.holds.is_some_and(|token| new.is_spent(token)), "a held token counts as spent");
    assert!(new.seeds.starts_with(&old.seeds), "a seed is forgotten");
    let left = old.holds.filter(|_| old.holds != new.holds);
    let all: Vec<_> = old.spent.iter().copied().chain(left).collect();
    assert_eq!(
        new.spent,
        all[all.len().saturating_sub(MAX_SPENT)..],
        "what left is remembered, the oldest goes"
    );
    assert!(new.seed_iat >= old.seed_iat, "seed_iat falls");
    assert!(new.generation >= old.generation);
    assert_eq!(new.phase == Phase::Empty, new.holds.is_none());
    assert!(new.holds.is_none() || new.account.is_some());
    assert!(old.account.is_none() || new.account.is_some(), "the account is forgotten");
    assert!(new.unproven.is_none() || new.holds.is_some());
    assert!(old == new || old.writer != new.writer, "two records have the same mark");
}

#[test]
fn whatever_happens_to_a_slot_nothing_spent_comes_back() {
    let keys = keys(FIRST);
    let seen = RefCell::new(BTreeMap::<&str, u32>::new());
    let text = |baton: &Baton| baton.login().map(|login| login.to_text().to_string());
    let worlds = (steps(), prop_oneof![Just(0), Just(MAX_SPENT as u64 - 2)]);
    TestRunner::new(config(150, 5_000))
        .run(&worlds, |(steps, remembered)| {
            let mut world = World::new(remembered);
            for step in &steps {
                let old = world.baton.state().clone();
                *seen.borrow_mut().entry(world.take(step)).or_default() += 1;
                check(&old, world.baton.state());
                if old != *world.baton.state() {
                    let sealed = world.baton.seal(&keys, &slot(), &random()).unwrap();
                    let opened = Baton::open(&keys, &slot(), &sealed).unwrap().baton;
                    assert_eq!(opened.state(), world.baton.state());
                    assert!(text(&opened) == text(&world.baton), "another login came out");
                }
            }
            Ok(())
        })
        .unwrap();
    // A history in which nothing happens proves nothing.
    let seen = seen.into_inner();
    for happening in [
        "seeded",
        "a known seed",
        "an older seed",
        "a seed of another account",
        "leased",
        "taken over",
        "used",
        "waited",
        "paused",
        "found empty",
        "found it dead",
        "stored",
        "stored unproven",
        "landed",
        "refused",
        "kept",
        "journaled",
        "handed back",
        "denied",
        "found dead",
        "purged",
    ] {
        assert!(seen.contains_key(happening), "never {happening}: {seen:?}");
    }
}
