//! Every fault of the authority: one without a case does not compile. What follows each is in the suite of the relay.

use authbaton::rehearsal::{Behaviour, Fault, Refusal, Twist};

use crate::arena::Arena;
use crate::process::{run, slow};

/// What a refresh comes to: POSTs, exchanges, the exit code and the id, the slot's phase, and whether a journal stays.
type Expected = (usize, usize, (i32, &'static str), &'static str, bool);

const FINE: (i32, &str) = (0, "");

fn refusal(status: u16, code: &str) -> Fault {
    Fault::Refusal(Refusal::new(status, code))
}

fn faults() -> Vec<Fault> {
    let mut faults: Vec<Fault> = [
        (400, "invalid_grant"),
        (400, "invalid_request"),
        (401, "refresh_token_expired"),
        (401, "refresh_token_reused"),
        (401, "refresh_token_invalidated"),
        (401, "something_new"),
        (403, "forbidden"),
        (429, "busy"),
        (500, "server_error"),
        (503, "busy"),
    ]
    .map(|(status, code)| refusal(status, code))
    .into();
    faults.extend([Fault::Redirect, Fault::HangUp, Fault::CutShort, Fault::Silence]);
    faults.extend([Fault::Empty, Fault::NotJson, Fault::TruncatedJson, Fault::Oversized]);
    faults
}

/// The fault comes once, before or after (`rotated`) the token was rotated; then the authority is honest.
fn expected(fault: &Fault, rotated: bool) -> Option<Expected> {
    let exchanges = usize::from(rotated);
    let asked_again =
        if rotated { (2, 1, (5, "login-reused"), "dead reused", false) } else { (2, 1, FINE, "idle", false) };
    let dead = |id, phase| (1, exchanges, (5, id), phase, false);
    Some(match fault {
        Fault::Refusal(refusal) => match (refusal.status, refusal.code.as_str()) {
            (429 | 500 | 503, _) => asked_again,
            (400, "invalid_grant") => dead("login-refused", "dead invalid-grant"),
            (_, "refresh_token_expired") => dead("login-expired", "dead expired"),
            (_, "refresh_token_reused") => dead("login-reused", "dead reused"),
            (_, "refresh_token_invalidated") => dead("login-invalidated", "dead invalidated"),
            (401, _) => dead("login-suspect", "suspect"),
            _ => (1, exchanges, (6, "authority-refused"), "idle", false),
        },
        Fault::Redirect => (1, exchanges, (6, "authority-refused"), "idle", false),
        Fault::HangUp => asked_again,
        // Each takes the 30 s that a request may take; a broken connection leads to the same.
        Fault::Silence => return None,
        Fault::CutShort | Fault::Empty | Fault::NotJson | Fault::TruncatedJson | Fault::Oversized => {
            (1, exchanges, (6, "reply-unreadable"), "idle", true)
        }
    })
}

fn twists() -> [Twist; 9] {
    [
        Twist::Created,
        Twist::OtherAccount,
        Twist::OtherUser,
        Twist::EmptyRefreshToken,
        Twist::NoRefreshToken,
        Twist::NoAccessToken,
        Twist::SameAccessToken,
        Twist::NoIdToken,
        Twist::IdTokenNotJwt,
    ]
}

fn expected_of_twist(twist: Twist) -> Expected {
    match twist {
        Twist::OtherAccount | Twist::OtherUser | Twist::EmptyRefreshToken => {
            (1, 1, (5, "reply-refused"), "dead reply-refused", true)
        }
        Twist::Created
        | Twist::NoRefreshToken
        | Twist::NoAccessToken
        | Twist::SameAccessToken
        | Twist::NoIdToken
        | Twist::IdTokenNotJwt => (1, 1, FINE, "idle", false),
    }
}

/// Lets the authority behave so once, and demands what is expected of store, home, journals and what is said.
#[track_caller]
fn check(behaviour: Behaviour, (posts, exchanges, exit, phase, journaled): Expected) {
    let (arena, name) = (Arena::due(), format!("{behaviour:?}"));
    let (runner, old, held) = (arena.first(), arena.held_access_token(), arena.held_token());
    arena.authority.script(behaviour.clone());
    let ran = run(&arena, slow(&arena, &runner, &["refresh"]), "");
    assert_eq!(ran.code, Some(exit.0), "{name}: {}", ran.stderr);
    assert_eq!((arena.authority.posts(), arena.authority.exchanges()), (posts, exchanges), "{name}");
    assert_eq!(arena.phase(), phase, "{name}");
    assert_eq!(!arena.journals(&runner).is_empty(), journaled, "{name}");
    if exit == FINE {
        ran.refreshed(true);
        assert_eq!(runner.access_token(), arena.held_access_token(), "{name}");
        // A reply that leaves out the token that it rotated to has lost it: nobody can tell before the next exchange.
        if behaviour != Behaviour::Twisted(Twist::NoRefreshToken) {
            arena.holds_a_living_token();
        }
    } else {
        ran.failed(exit.0, exit.1);
        assert_eq!((runner.access_token(), arena.held_token()), (old, held), "{name}");
    }
    arena.nothing_lies_around();
}

#[test]
fn every_fault() {
    for fault in faults() {
        for rotated in [false, true] {
            let Some(expected) = expected(&fault, rotated) else { continue };
            let behaviour = if rotated { Behaviour::Losing } else { Behaviour::Failing };
            check(behaviour(fault.clone()), expected);
        }
    }
}

#[test]
fn every_twist() {
    for twist in twists() {
        check(Behaviour::Twisted(twist), expected_of_twist(twist));
    }
    check(Behaviour::Keeping, (1, 0, FINE, "idle", false));
    check(Behaviour::Honest, (1, 1, FINE, "idle", false));
}
