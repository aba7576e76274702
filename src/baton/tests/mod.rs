//! The tests of this room: tables for each decision, random histories for all of them together, and a sealed text
//! that somebody has tampered with.

mod descent;
mod lengths;
mod names;
mod permits;
mod printing;
mod relay;
mod seal;
mod seeds;
mod spelling;
mod transitions;

use chrono::{DateTime, Utc};

use super::*;
use crate::credential::Identity;

/// What every state of [`every_phase`] holds, unless it is empty.
const HELD: u64 = 1;
/// One of the seeds of every such state.
const SEEDED: u64 = 2;
/// One of the spent tokens of every such state.
const SPENT: u64 = 3;
/// Tokens that no such state has ever seen.
const NEW: u64 = 8;
const OTHER: u64 = 9;

fn token(number: u64) -> TokenHash {
    TokenHash::of_number(number)
}

fn nonce(number: u8) -> Nonce {
    Nonce::new([number; 16])
}

fn lease_id(number: u8) -> LeaseId {
    LeaseId::new([number; 16])
}

fn owner_id(number: u8) -> OwnerId {
    OwnerId::new([number; 16])
}

fn home(number: u8) -> HomeId {
    HomeId::new([number; 16])
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn lease(id: u8) -> Lease {
    let owner = Owner { id: owner_id(id), name: "build 17".to_owned(), home: home(1) };
    Lease { id: lease_id(id), owner, taken_at: at(0), seconds: 90 }
}

fn account(account: &str, user: Option<&str>) -> AccountPin {
    AccountPin::of(&Identity { account_id: account.to_owned(), user_id: user.map(str::to_owned) })
}

/// One state for each phase and each mark beneath a lease (whose number is 1), with a history.
fn every_phase() -> Vec<State> {
    let suspect = Mark::Suspect { since: at(0) };
    let dead = Mark::Dead { reason: DeadReason::Reused };
    let leased = |mark| Phase::Leased { lease: lease(1), mark };
    let phases = [
        Phase::Idle,
        leased(None),
        leased(Some(suspect)),
        leased(Some(dead)),
        Phase::Suspect { since: at(0) },
        Phase::Dead { reason: DeadReason::Reused },
    ];
    let held = phases.into_iter().map(|phase| State {
        phase,
        generation: 7,
        holds: Some(token(HELD)),
        unproven: Some(at(5)),
        proven: Some(StoreMark::of("s3://bucket")),
        account: Some(account("account-a", Some("user-a"))),
        seed_iat: Some(100),
        seeds: vec![token(20), token(SEEDED)],
        spent: vec![token(30), token(SPENT)],
        writer: nonce(0),
    });
    let mut states: Vec<_> = held.collect();
    let empty =
        State { phase: Phase::Empty, holds: None, unproven: None, account: None, ..states[0].clone() };
    states.push(empty);
    states
}
