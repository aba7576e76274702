//! Each way in which the authority can answer: how often it is asked, how the run ends, and what becomes of the slot.

use std::fs;

use authbaton::rehearsal::{Behaviour, Endpoint, Fault, Refusal, Twist};

use crate::arena::Arena;

/// What one answer leads to, and what the run after it finds.
struct Case {
    answer: Behaviour,
    /// How often the authority is asked, and how the run ends: 0 has no id.
    posts: usize,
    exit: (i32, &'static str),
    phase: &'static str,
    /// The same for a second run, to which the authority would answer as it should.
    again: (usize, (i32, &'static str), &'static str),
}

fn refusal(status: u16, code: &str) -> Fault {
    Fault::Refusal(Refusal::new(status, code))
}

const FINE: (i32, &str) = (0, "");

fn case(
    answer: Behaviour,
    (posts, exit, phase): (usize, (i32, &'static str), &'static str),
    again: (usize, (i32, &'static str), &'static str),
) -> Case {
    Case { answer, posts, exit, phase, again }
}

/// Runs one case; `always` repeats the answer, else it comes once and honest ones follow.
#[track_caller]
fn check(case: Case, always: bool) {
    let arena = Arena::due();
    let name = format!("{:?}", case.answer);
    let before = fs::read(arena.first().auth_json()).unwrap();
    if always {
        arena.authority.always(case.answer);
    } else {
        arena.authority.script(case.answer);
    }
    let ran = arena.refresh();
    if case.exit == FINE {
        ran.refreshed(true);
        assert_eq!(arena.first().access_token(), arena.held_access_token(), "{name}");
    } else {
        ran.failed(case.exit.0, case.exit.1);
        assert!(fs::read(arena.first().auth_json()).unwrap() == before, "{name}: the home was changed");
    }
    assert_eq!(arena.authority.posts(), case.posts, "{name}: {}", ran.stderr);
    assert_eq!(arena.phase(), case.phase, "{name}");
    let (posts, exit, phase) = case.again;
    arena.authority.always(Behaviour::Honest);
    let ran = arena.refresh();
    assert_eq!(ran.code, Some(exit.0), "{name}, again: {}", ran.stderr);
    if exit != FINE {
        ran.failed(exit.0, exit.1);
    }
    assert_eq!(arena.authority.posts() - case.posts, posts, "{name}, again: {}", ran.stderr);
    assert_eq!(arena.phase(), phase, "{name}, again");
    // Nobody followed a redirect or asked anything else.
    assert!(arena.authority.received().iter().all(|it| it.endpoint == Endpoint::Token), "{name}");
}

#[test]
fn busy_is_asked_again_until_it_answers() {
    for status in [429, 503] {
        let fault = refusal(status, "busy");
        check(case(Behaviour::Failing(fault), (2, FINE, "idle"), (0, FINE, "idle")), false);
    }
}

#[test]
fn busy_for_ever_leaves_everything_as_it_was() {
    let arena = Arena::due();
    arena.authority.always(Behaviour::Failing(refusal(503, "busy")));
    let parent = arena.held_token();
    arena.refresh().failed(6, "authority-unreachable");
    assert!(arena.authority.posts() > 1);
    assert_eq!((arena.phase().as_str(), arena.held_token()), ("idle", parent));
    assert!(arena.journals(&arena.first()).is_empty());
    arena.authority.always(Behaviour::Honest);
    arena.refresh().refreshed(true);
}

#[test]
fn without_an_answer_it_is_asked_once_more() {
    let faults = [Fault::HangUp, refusal(500, "server_error"), refusal(502, "bad_gateway")];
    for fault in faults {
        // Once: the second POST tells. For ever: no third.
        check(case(Behaviour::Failing(fault.clone()), (2, FINE, "idle"), (0, FINE, "idle")), false);
        let unclear = (2, (6, "authority-unclear"), "idle");
        check(case(Behaviour::Failing(fault), unclear, (1, FINE, "idle")), true);
    }
}

#[test]
fn an_answer_that_is_lost_after_the_rotation_is_told_as_a_dead_login() {
    for fault in [Fault::HangUp, refusal(500, "server_error")] {
        let dead = (5, "login-reused");
        check(case(Behaviour::Losing(fault), (2, dead, "dead reused"), (0, dead, "dead reused")), false);
    }
}

#[test]
fn a_broken_success_is_not_followed_by_another_post() {
    let broken = [Fault::Empty, Fault::NotJson, Fault::TruncatedJson, Fault::CutShort, Fault::Oversized];
    for fault in broken {
        let unreadable = (1, (6, "reply-unreadable"), "idle");
        check(case(Behaviour::Failing(fault.clone()), unreadable, (1, FINE, "idle")), false);
        let dead = (1, (5, "login-reused"), "dead reused");
        check(case(Behaviour::Losing(fault), unreadable, dead), false);
    }
}

#[test]
fn a_broken_success_is_kept_in_a_journal() {
    let arena = Arena::due();
    arena.authority.script(Behaviour::Losing(Fault::TruncatedJson));
    arena.refresh().failed(6, "reply-unreadable");
    let journals = arena.journals(&arena.first());
    assert!(journals.len() == 1 && journals[0].1 > 0, "{journals:?}");
}

#[test]
fn somebody_elses_tokens_end_the_slot() {
    for twist in [Twist::OtherAccount, Twist::OtherUser, Twist::EmptyRefreshToken] {
        let dead = (5, "reply-refused");
        let (phase, behaviour) = ("dead reply-refused", Behaviour::Twisted(twist));
        check(case(behaviour, (1, dead, phase), (0, dead, phase)), false);
    }
}

#[test]
fn a_refused_reply_is_kept_in_a_journal() {
    let arena = Arena::due();
    arena.authority.script(Behaviour::Twisted(Twist::OtherAccount));
    arena.refresh().failed(5, "reply-refused");
    assert_eq!(arena.journals(&arena.first()).len(), 1);
    arena.refresh().failed(5, "reply-refused");
    assert_eq!(arena.journals(&arena.first()).len(), 1, "the reply is a person's to look at");
}

#[test]
fn an_unusual_success_is_a_success() {
    for twist in [Twist::Created, Twist::NoIdToken, Twist::IdTokenNotJwt] {
        check(case(Behaviour::Twisted(twist), (1, FINE, "idle"), (0, FINE, "idle")), false);
    }
}

#[test]
fn a_reply_without_a_new_refresh_token_keeps_the_old_one() {
    let arena = Arena::due();
    let parent = arena.held_token();
    arena.authority.script(Behaviour::Keeping);
    arena.refresh().refreshed(true);
    assert_eq!((arena.held_token(), arena.authority.posts()), (parent.clone(), 1));
    assert!(arena.state().spent.is_empty());
    arena.holds_a_living_token();
    arena.run(&arena.first(), &["refresh", "--force"]).refreshed(true);
    assert!(!arena.authority.is_alive(&parent));
}

/// Even a reply that brings nothing new for the home has the only refresh token in it.
#[test]
fn a_reply_without_a_fresh_access_token_is_stored() {
    for twist in [Twist::SameAccessToken, Twist::NoAccessToken] {
        let arena = Arena::due();
        arena.authority.script(Behaviour::Twisted(twist));
        arena.refresh().refreshed(true);
        assert_eq!(arena.authority.posts(), 1);
        arena.holds_a_living_token();
    }
}

#[test]
fn a_dead_token_ends_the_slot() {
    let table = [
        (401, "refresh_token_expired", "login-expired", "dead expired"),
        (401, "refresh_token_reused", "login-reused", "dead reused"),
        (403, "refresh_token_invalidated", "login-invalidated", "dead invalidated"),
        (400, "invalid_grant", "login-refused", "dead invalid-grant"),
    ];
    for (status, code, id, phase) in table {
        let answer = Behaviour::Failing(refusal(status, code));
        check(case(answer, (1, (5, id), phase), (0, (5, id), phase)), false);
    }
}

#[test]
fn an_unclear_401_makes_the_slot_suspect_and_nobody_asks() {
    let suspect = (5, "login-suspect");
    let answer = Behaviour::Failing(refusal(401, "something_new"));
    check(case(answer, (1, suspect, "suspect"), (0, suspect, "suspect")), false);
}

#[test]
fn a_redirect_is_not_followed() {
    let answer = Behaviour::Failing(Fault::Redirect);
    check(case(answer, (1, (6, "authority-refused"), "idle"), (1, FINE, "idle")), false);
}

#[test]
fn force_tries_a_dead_slot_again() {
    let arena = Arena::due();
    arena.authority.script(Behaviour::Failing(refusal(400, "invalid_grant")));
    arena.refresh().failed(5, "login-refused");
    arena.run(&arena.first(), &["refresh", "--force"]).refreshed(true);
    assert_eq!((arena.phase(), arena.authority.posts()), ("idle".to_owned(), 2));
}

#[test]
fn an_authority_that_is_not_there_is_asked_nothing() {
    let arena = Arena::due();
    // A port that was free a moment ago, and nobody listens.
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    let url = format!("http://{free}");
    arena.run(&arena.first(), &["refresh", "--authority-url", &url]).failed(6, "authority-unreachable");
    assert_eq!(arena.phase(), "idle");
}
